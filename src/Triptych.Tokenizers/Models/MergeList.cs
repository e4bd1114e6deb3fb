namespace Triptych.Tokenizers.Models;

/// <summary>Pairs of tokens by rank, all in one array: a vocabulary has hundreds of thousands.</summary>
internal sealed class MergeList
{
    private char[] _text = new char[1 << 12];
    private (int Start, int Middle)[] _places = new (int, int)[1 << 8];
    private int _end;

    public int Count { get; private set; }

    /// <summary>Room at the end for the text of the next pair.</summary>
    public Span<char> Room(int length)
    {
        if (_text.Length - _end < length)
            Array.Resize(ref _text, checked(Math.Max(_text.Length * 2, _end + length)));
        return _text.AsSpan(_end);
    }

    /// <summary>Takes a pair whose text was written to <see cref="Room"/>, its parts side by side.</summary>
    public void Add(int leftLength, int rightLength)
    {
        // One more place, for the end of the last.
        if (Count + 2 > _places.Length)
            Array.Resize(ref _places, _places.Length * 2);
        _places[Count++] = (_end, _end + leftLength);
        _end += leftLength + rightLength;
        _places[Count] = (_end, _end);
    }

    public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        Span<char> room = Room(left.Length + right.Length);
        left.CopyTo(room);
        right.CopyTo(room[left.Length..]);
        Add(left.Length, right.Length);
    }

    /// <summary>Both tokens of a pair, side by side.</summary>
    public ReadOnlySpan<char> Both(int rank) => _text.AsSpan(_places[rank].Start.._places[rank + 1].Start);

    public ReadOnlySpan<char> Left(int rank) => _text.AsSpan(_places[rank].Start.._places[rank].Middle);

    public ReadOnlySpan<char> Right(int rank) => _text.AsSpan(_places[rank].Middle.._places[rank + 1].Start);

    public static MergeList Of(IEnumerable<(string Left, string Right)> pairs)
    {
        var list = new MergeList();
        foreach ((string left, string right) in pairs)
            list.Add(left, right);
        return list;
    }
}
