using System.Numerics;
using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// The tokens of a merge table under numbers of their own: first the symbols, then all that is made, in the order in which it is made, so
/// that a number says which of two tokens is made first. A token is always made by one merge, that which its own text ends with; those
/// whose text becomes something else have no number. Last come the late tokens, whose merge ranks before that of a part: they are made at
/// once when this part is. Vocabularies that were extended have a few of them.
/// </summary>
internal sealed class MergeOrder
{
    /// <summary>Where there is no token.</summary>
    public const int None = -1;

    private const int Unnumbered = 0;
    private const int NumberBits = 21, RankBits = 22;
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    private readonly MergeTable _merges;
    private readonly int[] _numbers;
    private readonly int[] _ids;
    private readonly Node[] _tokens;

    /// <summary>Of each late token the rank with which it is made.</summary>
    private readonly List<int> _late = [];

    /// <summary>The number of the first late token.</summary>
    private readonly int _firstLate;

    /// <summary>A bit for each pair that has a merge, by a hash: most that have none are told by it alone.</summary>
    private readonly ulong[] _pairs;

    private readonly int _pairShift;

    /// <summary>The ranks of merges by the numbers of their parts, by a hash; before all tokens have one, and where the numbers are too high, empty.</summary>
    private ulong[] _ranks = [];

    private int _rankShift;

    /// <summary>Numbers the tokens.</summary>
    /// <param name="merges">The merges.</param>
    /// <param name="idLimit">One more than the highest id.</param>
    /// <param name="symbols">What texts consist of before they are merged, besides the symbols of the merges.</param>
    /// <param name="needed">The merges that ever take place, in their order and by numbers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MergeOrder(MergeTable merges, int idLimit, IReadOnlyCollection<int> symbols, out RankedMerge[] needed)
    {
        _merges = merges;
        RankedMerge[] all = merges.InOrder();
        bool[] isMade = new bool[idLimit];
        foreach (RankedMerge merge in all)
            isMade[merge.Id] = true;
        _numbers = new int[idLimit];
        List<int> numbered = [None], spare = [];
        foreach (RankedMerge merge in all)
        {
            if (!isMade[merge.Left])
                Number(merge.Left, numbered);
            if (!isMade[merge.Right])
                Number(merge.Right, numbered);
        }

        foreach (int symbol in symbols)
        {
            if (isMade[symbol])
                spare.Add(symbol);
            else
                Number(symbol, numbered);
        }

        FirstMade = numbered.Count + spare.Count;
        int limit = checked(FirstMade + isMade.Count(made => made));
        _ids = new int[limit];
        numbered.CopyTo(_ids);
        _tokens = LargeMemory.Allocate<Node>(limit);
        Array.Fill(_tokens, new Node(None, None, None));
        int bits = Math.Clamp(BitOperations.Log2((uint)all.Length + 1) + 4, 10, 26);
        _pairShift = 64 - bits;
        _pairs = new ulong[1 << (bits - 6)];
        Array.Fill(_pairs, ulong.MaxValue);
        _firstLate = limit;
        int next = FirstMade;
        foreach (RankedMerge merge in all)
            TryAdd(merge, ref next);
        _firstLate = next;
        AddLate(all, next);

        // Symbols that a merge would make, which never does, stay what they are.
        foreach (int symbol in spare)
            Number(symbol, numbered);

        numbered.CopyTo(_ids);
        int count = 0;
        foreach (RankedMerge merge in all)
        {
            if (IsNeeded(merge))
                all[count++] = new RankedMerge(_numbers[merge.Left], _numbers[merge.Right], merge.Rank, _numbers[merge.Id]);
        }

        needed = all[..count];
        SetPairs(needed);
    }

    /// <summary>The number of the first token that is made; those below are symbols.</summary>
    public int FirstMade { get; }

    /// <summary>The parts of the tokens by number; some numbers are left out, and have none.</summary>
    public Node[] Tokens => _tokens;

    /// <summary>The number of a token, or 0.</summary>
    public int NumberOf(int id) => _numbers[id];

    /// <summary>Whether a token is a late one.</summary>
    public bool IsLate(int number) => number >= _firstLate;

    /// <summary>The id of a token.</summary>
    public int IdOf(int number) => _ids[number];

    /// <summary>Whether a number is a symbol's.</summary>
    public bool IsSymbol(int number) => number > Unnumbered && number < FirstMade && _numbers[_ids[number]] == number;

    /// <summary>Whether a token is made of others.</summary>
    public bool IsMade(int number) => _tokens[number].Left != None;

    /// <summary>Whether two tokens come out of their joined text as they are: no merge reaches across before both are made.</summary>
    public bool Suits(int left, int right) => Suits(left, right, int.MaxValue);

    private bool Suits(int left, int right, int limit)
    {
        Node[] tokens = _tokens;
        while (true)
        {
            if (RankOf(left, right) < limit)
                return false;
            // The one that is made last is taken apart. Of two merges with one rank the left one comes first.
            if (left < _firstLate && right < _firstLate)
            {
                if (left > right)
                {
                    (_, left, limit) = tokens[left];
                }
                else
                {
                    (right, _, limit) = tokens[right];
                    limit++;
                }
            }
            else
            {
                limit = TakeApart(ref left, ref right);
            }

            if ((left | right) < 0)
                return true;
        }
    }

    /// <summary>
    /// The same where one of the tokens is late, and the limit for merges across. If the part that they wait for is at the border, they
    /// have only the moment between its making and that of the late token, in which lower ranks come first; else all the time before.
    /// </summary>
    private int TakeApart(ref int left, ref int right)
    {
        int leftTime = TimeOf(left), rightTime = TimeOf(right);
        if (leftTime > rightTime)
        {
            (_, left, int rank) = _tokens[left];
            return left >= 0 && TimeOf(left) == leftTime ? rank : leftTime;
        }
        else
        {
            (right, int rest, int rank) = _tokens[right];
            return (right >= 0 && TimeOf(right) == rightTime && TimeOf(rest) < rightTime ? rank : rightTime) + 1;
        }
    }

    /// <summary>The rank with which a token is made: its merge's, or if that is lower that of a part.</summary>
    private int TimeOf(int number) => number < _firstLate ? _tokens[number].Rank : _late[number - _firstLate];

    /// <summary>Gives the next number to what a merge makes, if this is how it is made and its parts have numbers.</summary>
    private bool TryAdd(RankedMerge merge, ref int next)
    {
        (int first, int second) = (_numbers[merge.Left], _numbers[merge.Right]);
        if (first == Unnumbered || second == Unnumbered || _numbers[merge.Id] != Unnumbered || !Suits(first, second, merge.Rank))
            return false;
        _numbers[merge.Id] = next;
        _ids[next] = merge.Id;
        _tokens[next++] = new Node(first, second, merge.Rank);
        return true;
    }

    /// <summary>Numbers the late tokens, each when its parts have numbers.</summary>
    private void AddLate(RankedMerge[] all, int next)
    {
        RankedMerge[] open = [.. all.Where(merge => _numbers[merge.Id] == Unnumbered)];
        ILookup<int, RankedMerge> byPart = open
            .SelectMany(merge => (IEnumerable<int>)[merge.Left, merge.Right], (merge, part) => (merge, part))
            .ToLookup(use => use.part, use => use.merge);
        var ready = new Queue<RankedMerge>(open);
        while (ready.TryDequeue(out RankedMerge merge))
        {
            if (!TryAdd(merge, ref next))
                continue;
            _late.Add(Math.Max(merge.Rank, Math.Max(TimeOf(_numbers[merge.Left]), TimeOf(_numbers[merge.Right]))));
            foreach (RankedMerge use in byPart[merge.Id])
                ready.Enqueue(use);
        }
    }

    /// <summary>
    /// Whether a merge ever takes place. Before one that does not make its token, another has reached across, and tells of what it would:
    /// vocabularies made of tokens alone have all pairs that might make a token as merges, twice as many as take place. Of what is late all
    /// are kept.
    /// </summary>
    private bool IsNeeded(RankedMerge merge)
    {
        (int first, int second, int made) = (_numbers[merge.Left], _numbers[merge.Right], _numbers[merge.Id]);
        return first != Unnumbered && second != Unnumbered
            && ((_tokens[made].Left == first && _tokens[made].Right == second) || Math.Max(made, Math.Max(first, second)) >= _firstLate);
    }

    /// <summary>The rank of the merge of two tokens, or that of pairs without one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RankOf(int left, int right)
    {
        ulong hash = Hash(left, right), bit = hash >> _pairShift;
        if ((_pairs[bit >> 6] >> (int)bit & 1) == 0)
            return MergeTable.None;
        ulong[] ranks = _ranks;
        if (ranks.Length == 0)
            return _merges.Find(_ids[left], _ids[right], out _);
        ulong pair = (ulong)left << NumberBits | (uint)right;
        for (ulong at = hash >> _rankShift; ; at++)
        {
            ulong entry = ranks[at];
            if (entry >> RankBits == pair)
                return (int)(entry & (1 << RankBits) - 1);
            if (entry == 0)
                return MergeTable.None;
        }
    }

    private static ulong Hash(int left, int right) => ((ulong)left << 32 | (uint)right) * Multiplier;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SetPairs(RankedMerge[] needed)
    {
        Array.Clear(_pairs);
        int bits = BitOperations.Log2((uint)needed.Length + 1) + 2;
        bool fits = _tokens.Length <= 1 << NumberBits && needed.Length > 0 && needed[^1].Rank < 1 << RankBits;
        // No entry's place is looked for beyond the end: behind the last place there is room for all.
        ulong[] ranks = fits ? LargeMemory.Allocate<ulong>(checked((1 << bits) + needed.Length + 1)) : [];
        Array.Clear(ranks);
        foreach ((int left, int right, int rank, _) in needed)
        {
            ulong hash = Hash(left, right), bit = hash >> _pairShift, at = hash >> (64 - bits);
            _pairs[bit >> 6] |= 1UL << (int)bit;
            if (!fits)
                continue;
            while (ranks[at] != 0)
                at++;
            ranks[at] = ((ulong)left << NumberBits | (uint)right) << RankBits | (uint)rank;
        }

        (_ranks, _rankShift) = (ranks, 64 - bits);
    }

    /// <summary>Gives the next number to a symbol that has none.</summary>
    private void Number(int symbol, List<int> numbered)
    {
        if (_numbers[symbol] != Unnumbered)
            return;
        _numbers[symbol] = numbered.Count;
        numbered.Add(symbol);
    }

    /// <summary>The parts of a token, and the rank of their merge.</summary>
    internal readonly record struct Node(int Left, int Right, int Rank);
}
