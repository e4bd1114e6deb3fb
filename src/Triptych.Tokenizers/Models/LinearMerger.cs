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
    private const int NumberBits = 21;

    private const int KnownBits = 18;
    private const int ShortLength = 512;

    private readonly MergeOrder _order;
    private readonly Token[] _tokens;
    private readonly CharTrie _trie;

    /// <summary>The numbers that the trie has for symbols, by id; 0 for those that are no symbol.</summary>
    private readonly ushort[] _units;

    /// <summary>The symbols by the trie's numbers.</summary>
    private readonly int[] _symbols;

    /// <summary>
    /// What is known of pairs of tokens: the left one, the longest that might follow it, and the longest that suits. An entry is written at
    /// once, so that threads may race here without harm.
    /// </summary>
    private readonly ulong[] _known = new ulong[1 << KnownBits];

    private LinearMerger(MergeOrder order, Token[] tokens, CharTrie trie, ushort[] units, int[] symbols) =>
        (_order, _tokens, _trie, _units, _symbols) = (order, tokens, trie, units, symbols);

    /// <summary>The merger of a table, or null where its tokens are too long in all or their symbols too many.</summary>
    /// <param name="merges">The table.</param>
    /// <param name="idLimit">One more than the highest id.</param>
    /// <param name="symbols">What texts consist of before they are merged, besides the symbols of the merges.</param>
    public static LinearMerger? TryBuild(MergeTable merges, int idLimit, IReadOnlyCollection<int> symbols)
    {
        var order = new MergeOrder(merges, idLimit, symbols, out MergeOrder.Unsuited[] unsuited);
        if (order.FirstMade > char.MaxValue || order.Tokens.Length > 1 << NumberBits)
            return null;
        Token[] tokens = FindTokens(order, unsuited);
        TokenList keys = Keys(order, tokens);
        if (keys.Starts[keys.Count] > MaxSymbols || CharTrie.TryBuild(keys) is not CharTrie trie)
            return null;
        for (int i = 0; i < keys.Count; i++)
        {
            ref Token token = ref tokens[keys.Id(i)];
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

        return new LinearMerger(order, tokens, trie, units, symbolsByUnit);
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
        Found next = at < units.Length ? LongestAt(units[at..]) : default;
        while (at < units.Length)
        {
            if (count > 0)
                next = LongestSuiting(stack[count - 1].Token, next, _symbols[units[at - 1]], _symbols[units[at]]);
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
            if ((dead[end >> 6] >> end & 1) != 0)
            {
                next = Placed(_tokens[next.Token].Shorter);
                continue;
            }

            stack[count++] = next;
            at = end;
            if (at < units.Length)
                next = LongestAt(units[at..]);
        }

        return count;
    }

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Found LongestAt(ReadOnlySpan<ushort> units)
    {
        int token = _symbols[units[0]], length = 1;
        int node = CharTrie.Root;
        for (int at = 0; at < units.Length; at++)
        {
            if (!_trie.TryMoveByCode(ref node, units[at], out int found))
                break;
            if (found != CharTrie.None)
                (token, length) = (found, at + 1);
        }

        return new Found(token, length);
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

    /// <summary>The tokens by number; what each begins with is found later.</summary>
    private static Token[] FindTokens(MergeOrder order, MergeOrder.Unsuited[] unsuited)
    {
        Token[] tokens = LargeMemory.Allocate<Token>(order.Tokens.Length);
        for (int number = 0; number < tokens.Length; number++)
        {
            (int left, int right, _) = order.Tokens[number];
            tokens[number] = new Token(order.IsMade(number) ? tokens[left].Length + tokens[right].Length : 1, None, unsuited[number]);
        }

        return tokens;
    }

    /// <summary>The symbols of all tokens that are made, and their numbers.</summary>
    private static TokenList Keys(MergeOrder order, Token[] tokens)
    {
        var keys = new TokenList();
        var rest = new Stack<int>();
        long total = 0;
        for (int number = order.FirstMade; number < order.Tokens.Length && total <= MaxSymbols; number++)
        {
            if (!order.IsMade(number))
                continue;
            total += tokens[number].Length;
            Span<char> room = keys.Room(tokens[number].Length);
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

    /// <summary>A token's length in symbols, the longest token that it begins with, and the symbols at the ends of others that may not suit it.</summary>
    private readonly record struct Token(int Length, int Shorter, MergeOrder.Unsuited Unsuited);

    /// <summary>A token in a text, and its length in symbols.</summary>
    internal readonly record struct Found(int Token, int Length);
}
