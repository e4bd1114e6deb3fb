using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Finds the longest token that a text begins with, in a <see cref="CharTrie"/> each of whose places names the longest token on the way to
/// it: a search need not decide at each unit whether it has met a token.
/// </summary>
internal sealed class LongestTrie
{
    /// <summary>Of a value, and of the number of units since its end, which stays at the highest number.</summary>
    public const int ValueBits = 21;

    private const int FarBits = 3;
    private const ulong Far = (1 << FarBits) - 1;
    private const int ValueShift = CharTrie.CodeBits + CharTrie.NodeBits, FarShift = ValueShift + ValueBits;
    private const int NodeMask = (1 << CharTrie.NodeBits) - 1;

    private readonly ulong[] _entries;
    private readonly CharTrie _codes;

    private LongestTrie(CharTrie trie) => (_codes, _entries) = (trie, LargeMemory.Copy(trie.Entries));

    /// <summary>Builds the trie, or null where it would get too long.</summary>
    /// <param name="keys">The tokens, and their values below 2^21 - 1; each unit in one of them is one itself.</param>
    /// <param name="shorter">Takes the value of the longest other token that each begins with, by its value.</param>
    public static LongestTrie? TryBuild(TokenList keys, Action<int, int> shorter)
    {
        if (CharTrie.TryBuild(keys) is not CharTrie trie)
            return null;
        var longest = new LongestTrie(trie);
        for (int i = 0; i < keys.Count; i++)
            shorter(keys.Id(i), longest.Add(trie, keys[i]));
        return longest;
    }

    /// <summary>The number of a unit; 0 where it is in no token.</summary>
    public ushort CodeOf(char unit) => (ushort)_codes.CodeOf(unit);

    /// <summary>The longest token that a text begins with.</summary>
    /// <param name="codes">The numbers of the text's units, at least one, none of which is 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LinearMerger.Found Find(ReadOnlySpan<ushort> codes)
    {
        ulong[] entries = _entries;
        ulong last = 0;
        int node = CharTrie.Root, at = 0;
        for (; at < codes.Length; at++)
        {
            int place = node + codes[at];
            if ((uint)place >= (uint)entries.Length || (ushort)entries[place] != codes[at])
                break;
            last = entries[place];
            node = NodeOf(last);
        }

        ulong far = last >> FarShift;
        return new LinearMerger.Found((int)(last >> ValueShift) & (1 << ValueBits) - 1, far < Far ? at - (int)far : FindEnd(codes[..at]));
    }

    private static int NodeOf(ulong entry) => (int)(entry >> CharTrie.CodeBits) & NodeMask;

    /// <summary>Where the longest token ends that a text on the way to some token begins with.</summary>
    private int FindEnd(ReadOnlySpan<ushort> codes)
    {
        int node = CharTrie.Root, end = 0;
        for (int at = 0; at < codes.Length; at++)
        {
            ulong entry = _entries[node + codes[at]];
            node = NodeOf(entry);
            if (entry >> FarShift == 0)
                end = at + 1;
        }

        return end;
    }

    /// <summary>Names the longest token at all places on the way to a key; that before its end is the answer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Add(CharTrie trie, ReadOnlySpan<char> key)
    {
        int longest = CharTrie.None, before = longest, end = 0, node = CharTrie.Root;
        for (int at = 0; at < key.Length; at++)
        {
            ref ulong entry = ref _entries[node + trie.CodeOf(key[at])];
            trie.TryMove(ref node, key[at], out int value);
            before = longest;
            if (value != CharTrie.None)
                (longest, end) = (value, at + 1);
            entry = entry & (1UL << ValueShift) - 1 | (ulong)longest << ValueShift | Math.Min(Far, (ulong)(at + 1 - end)) << FarShift;
        }

        return before;
    }
}
