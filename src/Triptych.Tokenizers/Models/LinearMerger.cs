using System.Buffers;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding of long words in linear time. The merges of a text lead to the one sequence of tokens in which all neighbours would
/// come out of their joined text as they are. It is found from left to right: the longest token that suits the one before it, and steps
/// back where none does (van Antwerpen and Neubeck, 2024, "So many tokens, so little time"). Tokens have the numbers of
/// <see cref="MergeOrder"/> here.
/// </summary>
internal sealed class LinearMerger
{
    private const int None = MergeOrder.None;

    /// <summary>Symbols of all tokens together; the trie takes about 8 bytes for each.</summary>
    private const long MaxSymbols = 1 << 24;

    private const int KnownBits = 15, RightShift = 1, LeftShift = 32;

    private readonly MergeOrder _order;
    private readonly MergeOrder.Node[] _tokens;
    private readonly CharTrie _trie;

    /// <summary>The numbers that the trie has for symbols, by id; 0 for those that are no symbol.</summary>
    private readonly ushort[] _units;

    /// <summary>The symbols by the trie's numbers.</summary>
    private readonly int[] _symbols;

    /// <summary>
    /// What is known of pairs of tokens: the left one, the right one, and whether they suit. An entry is written at once, so that threads
    /// may race here without harm.
    /// </summary>
    private readonly ulong[] _known = new ulong[1 << KnownBits];

    private LinearMerger(MergeOrder order, CharTrie trie, ushort[] units, int[] symbols) =>
        (_order, _tokens, _trie, _units, _symbols) = (order, order.Tokens, trie, units, symbols);

    /// <summary>The merger of a table, or null where its tokens are too long in all or their symbols too many.</summary>
    /// <param name="merges">The table.</param>
    /// <param name="idLimit">One more than the highest id.</param>
    /// <param name="symbols">What texts consist of before they are merged, besides the symbols of the merges.</param>
    public static LinearMerger? TryBuild(MergeTable merges, int idLimit, IReadOnlyCollection<int> symbols)
    {
        var order = new MergeOrder(merges, idLimit, symbols);
        if (order.FirstMade > char.MaxValue || order.Tokens.Length > Vocabulary.MaxId)
            return null;
        TokenList keys = Keys(order);
        if (keys.Starts[keys.Count] > MaxSymbols || CharTrie.TryBuild(keys) is not CharTrie trie)
            return null;
        for (int i = 0; i < keys.Count; i++)
        {
            ref MergeOrder.Node token = ref order.Tokens[keys.Id(i)];
            token = token with { Shorter = LongestBegin(trie, keys[i]) };
        }

        // Symbols that are in no key get the numbers behind the trie's own.
        int[] symbolsByUnit = new int[order.FirstMade];
        var units = new ushort[idLimit];
        int rest = order.FirstMade - 1;
        for (int symbol = 1; symbol < order.FirstMade; symbol++)
        {
            int unit = trie.CodeOf((char)symbol) is > 0 and int code ? code : rest--;
            units[order.IdOf(symbol)] = (ushort)unit;
            symbolsByUnit[unit] = symbol;
        }

        return new LinearMerger(order, trie, units, symbolsByUnit);
    }

    /// <summary>The unit that stands for a token where it is a symbol, or 0 where the token is none.</summary>
    public ushort UnitOf(int id) => _units[id];

    /// <summary>The id of a token.</summary>
    public int IdOf(int token) => _order.IdOf(token);

    /// <summary>The length of a token in symbols.</summary>
    public int LengthOf(int token) => _tokens[token].Length;

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
                int end = at + LengthOf(stack[i]);
                symbols[i] = new Piece(IdOf(stack[i]), symbols[at].Start, symbols[end - 1].End);
                at = end;
            }

            ArrayPool<int>.Shared.Return(stack);
        }

        ArrayPool<ushort>.Shared.Return(units);
        return count;
    }

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
        ulong pair = (ulong)left << LeftShift | (ulong)right << RightShift;
        ref ulong known = ref _known[pair * 0x9E3779B97F4A7C15 >> (64 - KnownBits)];
        ulong entry = Volatile.Read(ref known);
        if ((entry & ~1UL) != pair)
        {
            entry = pair | (_order.Suits(left, right) ? 1UL : 0);
            Volatile.Write(ref known, entry);
        }

        return (entry & 1) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int LongestAt(ReadOnlySpan<ushort> units)
    {
        int token = _symbols[units[0]];
        int node = CharTrie.Root;
        foreach (ushort unit in units)
        {
            if (!_trie.TryMoveByCode(ref node, unit, out int found))
                break;
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

    /// <summary>The symbols of all tokens that are made, and their numbers.</summary>
    private static TokenList Keys(MergeOrder order)
    {
        var keys = new TokenList();
        var rest = new Stack<int>();
        long total = 0;
        for (int number = order.FirstMade; number < order.Tokens.Length && total <= MaxSymbols; number++)
        {
            if (!order.IsMade(number))
                continue;
            total += order.Tokens[number].Length;
            Span<char> room = keys.Room(order.Tokens[number].Length);
            int length = 0;
            rest.Push(number);
            while (rest.TryPop(out int token))
            {
                if (!order.IsMade(token))
                {
                    room[length++] = (char)token;
                    continue;
                }

                rest.Push(order.Tokens[token].Right);
                rest.Push(order.Tokens[token].Left);
            }

            keys.Add(length, number);
        }

        return keys;
    }

    /// <summary>The longest token that a token begins with.</summary>
    private static int LongestBegin(CharTrie trie, ReadOnlySpan<char> token)
    {
        int longest = token[0], node = CharTrie.Root;
        foreach (char unit in token[..^1])
        {
            trie.TryMove(ref node, unit, out int found);
            if (found != CharTrie.None)
                longest = found;
        }

        return longest;
    }
}
