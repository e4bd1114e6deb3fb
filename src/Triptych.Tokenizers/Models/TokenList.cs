using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>Tokens and their ids in the order of a file, all in one array: a string for each would cost more than reading the file.</summary>
internal sealed class TokenList
{
    private char[] _text;
    private int[] _starts;

    /// <summary>The ids, unless each is the token's place.</summary>
    private int[]? _ids;

    /// <param name="units">Units that there is room for in the beginning.</param>
    /// <param name="tokens">Tokens that there is room for.</param>
    public TokenList(int units = 1 << 11, int tokens = 1 << 8)
    {
        // Memory that nothing is written to costs nothing, so that the guess may be generous.
        _text = Loading.LargeMemory.Allocate<char>(units);
        _starts = GC.AllocateUninitializedArray<int>(tokens + 2);
        _starts[0] = 0;
    }

    public int Count { get; private set; }

    /// <summary>The tokens, one behind the other.</summary>
    public char[] Text => _text;

    /// <summary>Where each token begins, and behind the last one its end.</summary>
    public int[] Starts => _starts;

    /// <summary>Whether the id of each token is its place.</summary>
    public bool IsInOrder => _ids is null;

    /// <summary>Room at the end for the text of the next token.</summary>
    public Span<char> Room(int length)
    {
        int end = _starts[Count];
        if (_text.Length - end < length)
            Array.Resize(ref _text, checked(Math.Max(_text.Length * 2, end + length)));
        return _text.AsSpan(end);
    }

    /// <summary>Takes a token whose text was written to <see cref="Room"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int length, int id)
    {
        // One more start, for the end of the last.
        if (Count + 2 > _starts.Length || id != Count || _ids is not null)
            AddSlowly(id);
        _starts[Count + 1] = _starts[Count] + length;
        Count++;
    }

    public void Add(ReadOnlySpan<char> token, int id)
    {
        token.CopyTo(Room(token.Length));
        Add(token.Length, id);
    }

    public int Id(int index) => _ids is null ? index : _ids[index];

    public ReadOnlySpan<char> this[int index] => _text.AsSpan(_starts[index].._starts[index + 1]);

    public static TokenList Of(IEnumerable<(string Token, int Id)> tokens)
    {
        var list = new TokenList();
        foreach ((string token, int id) in tokens)
            list.Add(token, id);
        return list;
    }

    private void AddSlowly(int id)
    {
        if (Count + 2 > _starts.Length)
            Array.Resize(ref _starts, _starts.Length * 2);
        if (_ids is null)
        {
            if (id == Count)
                return;
            _ids = new int[_starts.Length];
            for (int i = 0; i < Count; i++)
                _ids[i] = i;
        }

        if (_ids.Length <= Count)
            Array.Resize(ref _ids, _starts.Length);
        _ids[Count] = id;
    }
}
