using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// The best way to each place of a word. Where no piece reaches across a place, every way goes through it: what lies before is settled
/// and need not be kept, so that a long text takes little memory. Sums are carried on, as they decide between ways of equal worth.
/// </summary>
internal ref struct ViterbiLattice
{
    /// <summary>Room enough for the words of ordinary text.</summary>
    public const int StackNodes = 96;

    /// <summary>Settling costs little, but is not worth it for a short stretch.</summary>
    private const int SettledAt = 64;

    private readonly int _length;
    private readonly int _reach;
    private Span<Node> _nodes;
    private int _base;
    private int _at;
    private int _furthest;

    public ViterbiLattice(ReadOnlySpan<char> word, Span<Node> nodes, int maxKeyLength)
    {
        _length = word.Length;
        _reach = Math.Max(2, maxKeyLength);
        _nodes = nodes;
        _nodes[0] = new Node(0, -1, -1);
    }

    public readonly double ScoreHere
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _nodes[_at - _base].Score;
    }

    /// <summary>Goes on to a place that has been reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MoveTo(int at, List<Piece> output)
    {
        _at = at;
        if (at == _furthest && at - _base >= SettledAt)
            Settle(at, output);
        if (Math.Min(at + _reach, _length) - _base >= _nodes.Length)
            Grow();
    }

    /// <summary>A piece from the current place to an end; the first of equal worth stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Offer(int end, double score, int id)
    {
        while (_furthest < end)
            _nodes[++_furthest - _base].Start = -1;
        ref Node node = ref _nodes[end - _base];
        if (node.Start >= 0 && !(score > node.Score))
            return;
        node = new Node(score, _at, id);
    }

    /// <summary>Appends the pieces of the best way to the end.</summary>
    public void Finish(List<Piece> output) => Settle(_length, output);

    private void Settle(int end, List<Piece> output)
    {
        int count = 0;
        for (int at = end; at > _base; at = _nodes[at - _base].Start)
            count++;
        CollectionsMarshal.SetCount(output, output.Count + count);
        Span<Piece> pieces = CollectionsMarshal.AsSpan(output)[^count..];
        for (int at = end; at > _base;)
        {
            Node node = _nodes[at - _base];
            pieces[--count] = new Piece(node.Id, node.Start, at);
            at = node.Start;
        }

        _nodes[0] = new Node(_nodes[end - _base].Score, -1, -1);
        _base = end;
    }

    private void Grow()
    {
        int needed = Math.Min(_at + _reach, _length) - _base + 1;
        var larger = GC.AllocateUninitializedArray<Node>(Math.Max(needed, checked(_nodes.Length * 2)));
        _nodes.CopyTo(larger);
        _nodes = larger;
    }

    /// <summary>A place: the best sum on the way to it, and the piece that ends here.</summary>
    internal struct Node(double score, int start, int id)
    {
        public double Score = score;
        public int Start = start;
        public int Id = id;
    }
}
