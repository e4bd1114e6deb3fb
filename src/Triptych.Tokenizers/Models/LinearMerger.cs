using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;

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

    /// <summary>Of a token's number; three of them are in an entry of what is known.</summary>
    private const int NumberBits = LongestTrie.ValueBits;

    private const int KnownBits = 18;
    private const int ShortLength = 512;

    private readonly MergeOrder _order;
    private readonly MergeBorders _borders;
    private readonly Token[] _tokens;
    private readonly LongestTrie _trie;

    /// <summary>The numbers that the trie has for symbols, by id; 0 for those that are no symbol.</summary>
    private readonly ushort[] _units;

    /// <summary>
    /// What is known of pairs of tokens: the left one, the longest that might follow it, and the longest that suits. An entry is written at
    /// once, so that threads may race here without harm.
    /// </summary>
    private readonly ulong[] _known = new ulong[1 << KnownBits];

    private LinearMerger(MergeOrder order, MergeBorders borders, Token[] tokens, LongestTrie trie, ushort[] units) =>
        (_order, _borders, _tokens, _trie, _units) = (order, borders, tokens, trie, units);

    /// <summary>The merger of a table, or null where its tokens are too long in all or their symbols too many.</summary>
    /// <param name="merges">The table.</param>
    /// <param name="idLimit">One more than the highest id.</param>
    /// <param name="symbols">What texts consist of before they are merged, besides the symbols of the merges.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static LinearMerger? TryBuild(MergeTable merges, int idLimit, IReadOnlyCollection<int> symbols)
    {
        var order = new MergeOrder(merges, idLimit, symbols, out RankedMerge[] needed);
        if (order.FirstMade > char.MaxValue || order.Tokens.Length > 1 << NumberBits)
            return null;
        int[] lengths = FindLengths(order), shorter = new int[lengths.Length];
        TokenList keys = Keys(order, lengths);
        if (keys.Starts[keys.Count] > MaxSymbols || LongestTrie.TryBuild(keys, (token, other) => shorter[token] = other) is not LongestTrie trie)
            return null;
        var borders = new MergeBorders(order, needed, symbol => trie.CodeOf((char)symbol));
        Token[] tokens = LargeMemory.Allocate<Token>(lengths.Length);
        for (int number = 0; number < tokens.Length; number++)
            tokens[number] = new Token(lengths[number], shorter[number], borders.LastRank(number), borders[number]);
        var units = new ushort[idLimit];
        for (int symbol = 1; symbol < order.FirstMade; symbol++)
        {
            if (order.IsSymbol(symbol))
                units[order.IdOf(symbol)] = trie.CodeOf((char)symbol);
        }

        return new LinearMerger(order, borders, tokens, trie, units);
    }

    /// <summary>The unit that stands for a token where it is a symbol, or 0 where the token is none.</summary>
    public ushort UnitOf(int id) => _units[id];

    /// <summary>Whether a token is what its own text is merged to.</summary>
    public bool Has(int id) => _order.NumberOf(id) > 0;

    /// <summary>The id of a token.</summary>
    public int IdOf(Found found) => _order.IdOf(found.Token);

    /// <summary>The ids of tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void GetIds(ReadOnlySpan<Found> tokens, Span<int> ids)
    {
        for (int i = 0; i < ids.Length; i++)
            ids[i] = _order.IdOf(tokens[i].Token);
    }

    /// <summary>Merges symbols in place; their number afterwards, or -1 where no sequence was found.</summary>
    public int Merge(Span<Piece> symbols)
    {
        using var units = new Scratch<ushort>(symbols.Length);
        if (!TryTranslate(symbols, units.Span))
            return None;
        using var stack = new Scratch<Found>(symbols.Length);
        Span<Found> tokens = stack.Span;
        int count = Cover(units.Span, tokens);
        for (int i = 0, at = 0; i < count; i++)
        {
            int end = at + tokens[i].Length;
            symbols[i] = new Piece(IdOf(tokens[i]), symbols[at].Start, symbols[end - 1].End);
            at = end;
        }

        return count;
    }

    /// <summary>Finds the tokens of a text.</summary>
    /// <param name="units">The units of its symbols.</param>
    /// <param name="tokens">Takes the tokens, at most as many as there are units.</param>
    /// <param name="given">How many tokens stand there already, and stay.</param>
    /// <returns>Their number with the given ones, or -1 where no sequence was found.</returns>
    [SkipLocalsInit]
    public int Cover(ReadOnlySpan<ushort> units, Span<Found> tokens, int given = 0)
    {
        if (units.Length < ShortLength)
        {
            Span<ulong> few = stackalloc ulong[ShortLength >> 6];
            few.Clear();
            return Cover(units, tokens, given, few);
        }

        using var dead = new Scratch<ulong>((units.Length >> 6) + 1);
        dead.Span.Clear();
        return Cover(units, tokens, given, dead.Span);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Cover(ReadOnlySpan<ushort> units, Span<Found> stack, int given, Span<ulong> dead)
    {
        int count = given, at = 0;
        foreach (Found token in stack[..given])
            at += token.Length;
        Found next = at < units.Length ? _trie.Find(units[at..]) : default;
        while (at < units.Length)
        {
            if (count > 0)
                next = LongestSuiting(stack[count - 1].Token, next, units[at - 1], units[at]);
            if (next.Token == None)
            {
                if (count == given)
                    return None;
                // Nothing leads on from here.
                dead[at >> 6] |= 1UL << at;
                next = stack[--count];
                at -= next.Length;
            }

            int end = at + next.Length;
            if ((dead[end >> 6] >> end & 1) != 0 || (end + 1 < units.Length && Ends(next.Token, units.Slice(end - 1, 3))))
            {
                next = Placed(_tokens[next.Token].Shorter);
                continue;
            }

            stack[count++] = next;
            at = end;
            if (at < units.Length)
                next = _trie.Find(units[at..]);
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Ends(int token, ReadOnlySpan<ushort> units) => _borders.Ends(_tokens[token].LastRank, units[0], units[1], units[2]);

    private Found Placed(int token) => new(token, token == None ? 0 : _tokens[token].Length);

    /// <summary>A token, or the longest one that it begins with, which suits the one before it; or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Found LongestSuiting(int left, Found longest, int last, int first)
    {
        int token = longest.Token;
        if (token == None || SurelySuits(left, token, last, first))
            return longest;
        ulong pair = (ulong)left << NumberBits | (uint)token;
        ref ulong known = ref _known[pair * 0x9E3779B97F4A7C15 >> (64 - KnownBits)];
        ulong entry = Volatile.Read(ref known);
        if (entry >> NumberBits != pair)
        {
            entry = pair << NumberBits | (uint)(FindLongestSuiting(left, token, last, first) - None);
            Volatile.Write(ref known, entry);
        }

        int found = (int)(entry & (1 << NumberBits) - 1) + None;
        return found == token ? longest : Placed(found);
    }

    /// <summary>True only where two tokens suit, found out by the symbols at their ends alone; most that suit do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool SurelySuits(int left, int right, int last, int first) =>
        (_tokens[left].Unsuited.Behind >> first & 1) == 0 || (_tokens[right].Unsuited.Before >> last & 1) == 0;

    private int FindLongestSuiting(int left, int token, int last, int first)
    {
        while (token != None && !SurelySuits(left, token, last, first) && !_order.Suits(left, token))
            token = _tokens[token].Shorter;
        return token;
    }

    private bool TryTranslate(ReadOnlySpan<Piece> symbols, Span<ushort> units)
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

    private static int[] FindLengths(MergeOrder order)
    {
        int[] lengths = new int[order.Tokens.Length];
        for (int number = 0; number < lengths.Length; number++)
            lengths[number] = order.IsMade(number) ? lengths[order.Tokens[number].Left] + lengths[order.Tokens[number].Right] : 1;
        return lengths;
    }

    /// <summary>The symbols of all tokens, and their numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static TokenList Keys(MergeOrder order, int[] lengths)
    {
        var keys = new TokenList();
        var rest = new Stack<int>();
        long total = 0;
        for (int number = 1; number < lengths.Length && total <= MaxSymbols; number++)
        {
            if (!order.IsSymbol(number) && !order.IsMade(number))
                continue;
            total += lengths[number];
            Span<char> room = keys.Room(lengths[number]);
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

    /// <summary>A token's length in symbols, the longest token that it begins with, and what tells of those that it may stand beside.</summary>
    private readonly record struct Token(int Length, int Shorter, int LastRank, MergeBorders.Unsuited Unsuited);

    /// <summary>A token in a text, and its length in symbols.</summary>
    internal readonly record struct Found(int Token, int Length);
}
