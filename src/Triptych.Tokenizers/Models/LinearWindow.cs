namespace Triptych.Tokenizers.Models;

/// <summary>
/// The part of a long text that a <see cref="LinearMerger"/> works on, so that little memory is in use at a time. Tokens near the end of the
/// part wait for what follows. Where all neighbours suit each other the tokens are those of the whole text; where a text cannot go on
/// behind those that were given away, there is no result.
/// </summary>
internal ref struct LinearWindow
{
    private const int Length = 1 << 13;

    /// <summary>How far from the end of the part tokens wait.</summary>
    private const int Margin = 1 << 8;

    private readonly LinearMerger _merger;
    private readonly Scratch<ushort> _units;
    private readonly Scratch<LinearMerger.Found> _tokens;
    private int _filled;

    /// <summary>The last token given away, which still stands first for the sake of the next, if any.</summary>
    private LinearMerger.Found? _last;

    /// <summary>Makes room for a text of some length, or a part of it.</summary>
    public LinearWindow(LinearMerger merger, int length)
    {
        _merger = merger;
        _units = new Scratch<ushort>(Math.Min(length, Length));
        _tokens = new Scratch<LinearMerger.Found>(Math.Min(length, Length));
    }

    /// <summary>Where the next units are to be written.</summary>
    public readonly Span<ushort> Room => _units.Span[_filled..];

    /// <summary>Goes on by what was written, and says which tokens come next.</summary>
    /// <param name="written">The number of units written to <see cref="Room"/>.</param>
    /// <param name="isEnd">Whether they were the last.</param>
    /// <param name="tokens">The next tokens, until the next call.</param>
    /// <returns>Whether there is a result.</returns>
    public bool TryGoOn(int written, bool isEnd, out ReadOnlySpan<LinearMerger.Found> tokens)
    {
        _filled += written;
        Span<LinearMerger.Found> found = _tokens.Span;
        int given = 0;
        if (_last is { } last)
            found[given++] = last;
        int count = _merger.Cover(_units.Span[.._filled], found, given);
        tokens = default;
        if (count < 0)
            return false;
        if (isEnd)
        {
            tokens = found[given..count];
            return true;
        }

        int end = _filled;
        while (count > given && end > _filled - Margin)
            end -= found[--count].Length;
        // A token nearly as long as the window leaves no room to go on.
        if (count == given || _filled - end + found[count - 1].Length > Length / 2)
            return false;
        tokens = found[given..count];
        _last = tokens[^1];
        int start = end - tokens[^1].Length;
        _units.Span[start.._filled].CopyTo(_units.Span);
        _filled -= start;
        return true;
    }

    public readonly void Dispose()
    {
        _tokens.Dispose();
        _units.Dispose();
    }
}
