using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// What a short segment becomes, all in one array, so that it lies in one or two lines of the processor's cache: the hash of its text; the
/// numbers of characters, tokens and words; the text; the tokens with their places and words, counted from the segment's beginning.
/// </summary>
internal readonly struct SegmentTokens
{
    private const int CharsPerUnit = sizeof(ulong) / sizeof(char), Counts = 1, Header = 2;
    private const int CountShift = 8, WordsShift = 32, HasTexts = 63;
    private const int StartShift = 32, EndShift = 40, WordShift = 48;

    private readonly ulong[]? _units;

    /// <summary>Packs the tokens of a segment of at most 255 characters.</summary>
    /// <param name="text">The segment.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="sink">Its tokens, which came from nothing else.</param>
    public SegmentTokens(ReadOnlySpan<char> text, ulong hash, TokenSink sink)
    {
        int first = FirstToken(text.Length);
        var units = new ulong[first + sink.Count];
        units[0] = hash;
        units[Counts] = (uint)text.Length | (ulong)sink.Count << CountShift | (ulong)sink.NextWord << WordsShift | (sink.Found is null ? 0 : 1UL << HasTexts);
        text.CopyTo(MemoryMarshal.Cast<ulong, char>(units.AsSpan(Header)));
        for (int i = 0; i < sink.Count; i++)
            units[first + i] = (uint)sink.Ids[i] | (ulong)sink.Offsets[i].Start << StartShift | (ulong)sink.Offsets[i].End << EndShift | (ulong)sink.Words[i] << WordShift;
        _units = units;
    }

    /// <summary>The number of words.</summary>
    public int Words => (int)(_units![Counts] >> WordsShift) & 0xFFFF;

    /// <summary>Whether some tokens are shown as the text they stand for.</summary>
    public bool ShowsTexts => (long)_units![Counts] < 0;

    /// <summary>The tokens.</summary>
    public ReadOnlySpan<ulong> Tokens => _units.AsSpan(FirstToken((byte)_units![Counts]));

    /// <summary>The id of one of <see cref="Tokens"/>.</summary>
    public static int Id(ulong token) => (int)token;

    /// <summary>Where one of <see cref="Tokens"/> begins and ends.</summary>
    public static TextRange Place(ulong token, int offset) => new(offset + (byte)(token >> StartShift), offset + (byte)(token >> EndShift));

    /// <summary>The word of one of <see cref="Tokens"/>.</summary>
    public static int Word(ulong token) => (int)(token >> WordShift);

    /// <summary>Whether these are the tokens of a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AreOf(ReadOnlySpan<char> text, ulong hash) => _units is { } units && units[0] == hash && (byte)units[Counts] == text.Length
        && text.SequenceEqual(MemoryMarshal.Cast<ulong, char>(units.AsSpan(Header))[..text.Length]);

    /// <summary>Whether both are the same array.</summary>
    public bool Is(SegmentTokens other) => ReferenceEquals(_units, other._units);

    private static int FirstToken(int length) => Header + (length + CharsPerUnit - 1) / CharsPerUnit;
}
