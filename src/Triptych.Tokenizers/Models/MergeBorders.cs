using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// What the symbols at the border of two tokens tell of them: that these suit, or that none suits behind the first. Both are true where they
/// are told, and left open elsewhere. Symbols have the numbers of the trie here, by which the most common ones come first.
/// </summary>
internal sealed class MergeBorders
{
    private const int SymbolBits = 7;
    private const int Symbols = 1 << SymbolBits;

    private readonly MergeOrder _order;
    private readonly Unsuited[] _unsuited;

    /// <summary>The ranks of merges of two symbols.</summary>
    private readonly int[] _merged = new int[Symbols * Symbols];

    /// <summary>By two symbols that follow one another, the lowest rank of merges of the first with a token that begins with the second.</summary>
    private readonly int[] _taken = new int[Symbols * Symbols];

    /// <param name="order">The tokens.</param>
    /// <param name="merges">The merges that take place, in their order and by numbers.</param>
    /// <param name="unitOf">Gives the trie's number of a symbol.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MergeBorders(MergeOrder order, RankedMerge[] merges, Func<int, ushort> unitOf)
    {
        _order = order;
        int count = order.Tokens.Length;
        int[] firsts = new int[count], lasts = new int[count];
        for (int number = 1; number < count; number++)
        {
            ref readonly MergeOrder.Node token = ref order.Tokens[number];
            (firsts[number], lasts[number]) = order.IsMade(number) ? (firsts[token.Left], lasts[token.Right])
                : order.IsSymbol(number) ? (unitOf(number), unitOf(number)) : default;
        }

        _unsuited = FindUnsuited(merges, firsts, lasts);
        Array.Fill(_merged, int.MaxValue);
        Array.Fill(_taken, int.MaxValue);
        foreach ((int left, int right, int rank, _) in merges)
        {
            int pair = lasts[left] << SymbolBits | firsts[right];
            if (order.IsMade(left) || (lasts[left] | firsts[right]) >= Symbols)
                continue;
            _taken[pair] = Math.Min(_taken[pair], rank);
            if (!order.IsMade(right))
                _merged[pair] = rank;
        }
    }

    /// <summary>What is told of the pairs that a token may be in.</summary>
    public Unsuited this[int number] => _unsuited[number];

    /// <summary>The rank of the merge in a token that takes its last symbol: above all ranks where it is a symbol, below where nothing is told.</summary>
    public int LastRank(int number)
    {
        if (_order.IsLate(number))
            return -1;
        int rank = int.MaxValue;
        for (; _order.IsMade(number); number = _order.Tokens[number].Right)
            rank = _order.Tokens[number].Rank;
        return rank;
    }

    /// <summary>
    /// Whether surely no token suits behind one: its last symbol and the next are merged before either of them is with its other neighbour.
    /// </summary>
    /// <param name="lastRank">The token's <see cref="LastRank"/>.</param>
    /// <param name="last">Its last symbol.</param>
    /// <param name="next">The symbol behind it.</param>
    /// <param name="second">The one behind that.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Ends(int lastRank, int last, int next, int second)
    {
        if ((last | next | second) >= Symbols)
            return false;
        int rank = _merged[last << SymbolBits | next];
        return rank < lastRank & rank < _taken[next << SymbolBits | second];
    }

    /// <summary>
    /// A merge reaches across where it joins the first token's end, which is the token itself or what was made before the token that it ends
    /// in, with the second's beginning. So only the merges of these count, by the symbols (modulo 64) that their other parts begin or end with.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Unsuited[] FindUnsuited(RankedMerge[] merges, int[] firsts, int[] lasts)
    {
        MergeOrder.Node[] tokens = _order.Tokens;
        var unsuited = new Unsuited[tokens.Length];
        ulong[] behind = new ulong[tokens.Length], before = new ulong[tokens.Length];
        // Those that are made in time have numbers in the order of their merges.
        int done = 0;
        for (int made = _order.FirstMade; made < tokens.Length && !_order.IsLate(made); made++)
        {
            (int left, int right, int rank) = tokens[made];
            for (; done < merges.Length && merges[done].Rank <= rank; done++)
            {
                behind[merges[done].Left] |= 1UL << firsts[merges[done].Right];
                before[merges[done].Right] |= 1UL << lasts[merges[done].Left];
            }

            if (_order.IsMade(made))
                unsuited[made] = new Unsuited(behind[right] | unsuited[right].Behind, before[left] | unsuited[left].Before);
        }

        for (; done < merges.Length; done++)
        {
            behind[merges[done].Left] |= 1UL << firsts[merges[done].Right];
            before[merges[done].Right] |= 1UL << lasts[merges[done].Left];
        }

        for (int number = 0; number < tokens.Length; number++)
        {
            // Nothing is told of late tokens.
            unsuited[number] = _order.IsLate(number) ? new Unsuited(ulong.MaxValue, ulong.MaxValue)
                : new Unsuited(unsuited[number].Behind | behind[number], unsuited[number].Before | before[number]);
        }

        return unsuited;
    }

    /// <summary>
    /// The symbols, modulo 64, that tokens begin with which may not suit a token before them, and those that tokens end with which may not
    /// suit one behind. Where the symbol is not among them for one of two tokens, these suit.
    /// </summary>
    internal readonly record struct Unsuited(ulong Behind, ulong Before);
}
