using System.Buffers;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding of long words in linear time. The merges of a text lead to the one sequence of tokens in which all neighbours would
/// come out of their joined text as they are. It is found from left to right: the longest token that suits the one before it, and steps
/// back where none does (van Antwerpen and Neubeck, 2024, "So many tokens, so little time"). A token is always made by the same merge,
/// that which its own text ends with; tokens whose text becomes something else never come out.
/// </summary>
internal sealed class LinearMerger
{
    private const int None = -1;

    /// <summary>Symbols of all tokens together; the trie takes about 16 bytes for each.</summary>
    private const long MaxSymbols = 1 << 24;

    private const int KnownBits = 15, RightShift = 1, LeftShift = 32;

    private readonly MergeTable _merges;
    private readonly Node[] _tokens;
    private readonly CharTrie _trie;

    /// <summary>The numbers that the trie has for symbols, by token; 0 for those that are no symbol.</summary>
    private readonly ushort[] _units;

    private readonly int[] _symbols;

    /// <summary>
    /// What is known of pairs of tokens: one more than the left one, the right one, and whether they suit. An entry is written at once, so
    /// that threads may race here without harm.
    /// </summary>
    private readonly ulong[] _known = new ulong[1 << KnownBits];

    private LinearMerger(MergeTable merges, Node[] tokens, ushort[] units, int[] symbols, CharTrie trie) =>
        (_merges, _tokens, _units, _symbols, _trie) = (merges, tokens, units, symbols, trie);

    /// <summary>The merger of a table, or null where its tokens are too long in all or their symbols too many.</summary>
    /// <param name="merges">The table.</param>
    /// <param name="idLimit">One more than the highest id.</param>
    /// <param name="symbols">What texts consist of before they are merged, besides the symbols of the merges.</param>
    public static LinearMerger? TryBuild(MergeTable merges, int idLimit, IEnumerable<int> symbols)
    {
        (int Left, int Right, int Rank, int Id)[] all = [.. merges.All().OrderBy(merge => merge.Rank)];
        var tokens = new Node[idLimit];
        Array.Fill(tokens, new Node(None, None, None, 1, None));
        bool[] isMade = new bool[idLimit];
        foreach ((_, _, _, int id) in all)
            isMade[id] = true;
        long length = 0;
        foreach ((int left, int right, int rank, int id) in all)
        {
            bool known = (!isMade[left] || tokens[left].Rank != None) && (!isMade[right] || tokens[right].Rank != None);
            if (!known || tokens[id].Rank != None || !Suits(merges, tokens, left, right, rank))
                continue;
            tokens[id] = new Node(left, right, rank, tokens[left].Length + tokens[right].Length, None);
            length += tokens[id].Length;
        }

        return length <= MaxSymbols ? Build(merges, tokens, symbols) : null;
    }

    /// <summary>The unit that stands for a token where it is a symbol, or 0 where the token is none or in no other token.</summary>
    public ushort UnitOf(int id) => _units[id];

    /// <summary>Merges symbols in place; their number afterwards, or -1 where no sequence was found.</summary>
    public int Merge(Span<Piece> symbols)
    {
        ushort[] units = ArrayPool<ushort>.Shared.Rent(symbols.Length);
        int count = None;
        if (TryTranslate(symbols, units))
        {
            int[] stack = ArrayPool<int>.Shared.Rent(symbols.Length);
            count = Cover(units.AsSpan(0, symbols.Length), stack);
            for (int i = 0, at = 0; i < count; i++)
            {
                int end = at + _tokens[stack[i]].Length;
                symbols[i] = new Piece(stack[i], symbols[at].Start, symbols[end - 1].End);
                at = end;
            }

            ArrayPool<int>.Shared.Return(stack);
        }

        ArrayPool<ushort>.Shared.Return(units);
        return count;
    }

    /// <summary>The length of a token in symbols.</summary>
    public int LengthOf(int token) => _tokens[token].Length;

    /// <summary>Finds the tokens of a text.</summary>
    /// <param name="units">The units of its symbols.</param>
    /// <param name="tokens">Takes the tokens, at most as many as there are units.</param>
    /// <returns>Their number, or -1 where no sequence was found.</returns>
    public int Cover(ReadOnlySpan<ushort> units, int[] tokens)
    {
        int words = (units.Length >> 6) + 1;
        ulong[] dead = ArrayPool<ulong>.Shared.Rent(words);
        dead.AsSpan(0, words).Clear();
        int count = Cover(units, tokens, dead);
        ArrayPool<ulong>.Shared.Return(dead);
        return count;
    }

    private int Cover(ReadOnlySpan<ushort> units, int[] stack, ulong[] dead)
    {
        int count = 0, at = 0, token = LongestAt(units);
        while (at < units.Length)
        {
            int end = at + _tokens[token].Length;
            if ((dead[end >> 6] >> end & 1) == 0 && (count == 0 || Suits(stack[count - 1], token)))
            {
                stack[count++] = token;
                at = end;
                if (at < units.Length)
                    token = LongestAt(units[at..]);
                continue;
            }

            token = _tokens[token].Shorter;
            if (token != None)
                continue;
            if (count == 0)
                return None;
            dead[at >> 6] |= 1UL << at;
            token = stack[--count];
            at -= _tokens[token].Length;
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Suits(int left, int right)
    {
        ulong pair = (ulong)(left + 1) << LeftShift | (ulong)right << RightShift;
        ref ulong known = ref _known[pair * 0x9E3779B97F4A7C15 >> (64 - KnownBits)];
        ulong entry = Volatile.Read(ref known);
        if ((entry & ~1UL) != pair)
        {
            entry = pair | (Suits(_merges, _tokens, left, right, MergeTable.None) ? 1UL : 0);
            Volatile.Write(ref known, entry);
        }

        return (entry & 1) != 0;
    }

    /// <summary>Whether two tokens come out of their joined text as they are: no merge reaches across before both are made.</summary>
    private static bool Suits(MergeTable merges, Node[] tokens, int left, int right, int limit)
    {
        while (true)
        {
            if (merges.Find(left, right, out _) < limit)
                return false;
            ref readonly Node first = ref tokens[left];
            ref readonly Node second = ref tokens[right];
            if (first.Rank == None && second.Rank == None)
                return true;
            // The one that is made last is taken apart. Of two merges with one rank the left one comes first.
            if (first.Rank > second.Rank)
            {
                limit = first.Rank;
                left = first.Right;
            }
            else
            {
                limit = second.Rank + 1;
                right = second.Left;
            }
        }
    }

    private int LongestAt(ReadOnlySpan<ushort> units)
    {
        int token = _symbols[units[0]];
        int node = CharTrie.Root;
        for (int i = 0; i < units.Length && _trie.TryMoveByCode(ref node, units[i], out int found); i++)
        {
            if (found != CharTrie.None)
                token = found;
        }

        return token;
    }

    private bool TryTranslate(ReadOnlySpan<Piece> symbols, ushort[] units)
    {
        for (int i = 0; i < symbols.Length; i++)
        {
            ushort unit = _units[symbols[i].Id];
            if (unit == 0)
                return false;
            units[i] = unit;
        }

        return true;
    }

    private static LinearMerger? Build(MergeTable merges, Node[] tokens, IEnumerable<int> symbols)
    {
        var units = new ushort[tokens.Length];
        List<int> numbered = [None];
        bool Number(int symbol)
        {
            if (units[symbol] == 0)
            {
                units[symbol] = (ushort)numbered.Count;
                numbered.Add(symbol);
            }

            return numbered.Count <= ushort.MaxValue;
        }

        var keys = new TokenList();
        var rest = new Stack<int>();
        for (int id = 0; id < tokens.Length; id++)
        {
            if (tokens[id].Rank == None)
                continue;
            Span<char> room = keys.Room(tokens[id].Length);
            int length = 0;
            rest.Push(id);
            while (rest.TryPop(out int token))
            {
                if (tokens[token].Rank == None)
                {
                    if (!Number(token))
                        return null;
                    room[length++] = (char)units[token];
                    continue;
                }

                rest.Push(tokens[token].Right);
                rest.Push(tokens[token].Left);
            }

            keys.Add(length, id);
        }

        // Those that are in no token are symbols of texts all the same.
        if (!symbols.All(symbol => tokens[symbol].Rank != None || Number(symbol)))
            return null;
        if (CharTrie.TryBuild(keys) is not CharTrie trie)
            return null;
        for (int i = 0; i < keys.Count; i++)
            tokens[keys.Id(i)] = tokens[keys.Id(i)] with { Shorter = LongestBegin(trie, keys[i], numbered) };
        return new LinearMerger(merges, tokens, units, Renumber(units, numbered, trie), trie);
    }

    /// <summary>Makes the units the trie's own numbers, so that they need not be looked up; the symbols by these.</summary>
    private static int[] Renumber(ushort[] units, List<int> numbered, CharTrie trie)
    {
        int[] symbols = new int[numbered.Count];
        int rest = numbered.Count - 1;
        for (int unit = 1; unit < numbered.Count; unit++)
        {
            // Those that are in no key get the numbers behind.
            int code = trie.CodeOf((char)unit) is > 0 and int known ? known : rest--;
            units[numbered[unit]] = (ushort)code;
            symbols[code] = numbered[unit];
        }

        return symbols;
    }

    /// <summary>The longest token that a token begins with.</summary>
    private static int LongestBegin(CharTrie trie, ReadOnlySpan<char> token, List<int> symbols)
    {
        int longest = symbols[token[0]], node = CharTrie.Root;
        foreach (char unit in token[..^1])
        {
            trie.TryMove(ref node, unit, out int found);
            if (found != CharTrie.None)
                longest = found;
        }

        return longest;
    }

    /// <summary>A token: its parts and the rank of their merge, its length in symbols, and the longest token that it begins with.</summary>
    private readonly record struct Node(int Left, int Right, int Rank, int Length, int Shorter);
}
