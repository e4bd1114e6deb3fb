namespace Triptych.Tokenizers;

/// <summary>
/// Offsets in other units. An encoding counts in UTF-16 units, as .NET strings do; Hugging Face tokenizers counts in code points in
/// Python, and in bytes of UTF-8 in Rust.
/// </summary>
public static class EncodingOffsets
{
    /// <summary>The offsets of all tokens in code points.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <param name="text">The text that was encoded.</param>
    /// <param name="pair">The second text, or null.</param>
    /// <returns>One range a token, <c>[sequence]</c>; (0, 0) for inserted tokens.</returns>
    /// <exception cref="ArgumentException">A token lies outside of the text: it is another one.</exception>
    public static TextRange[] ToCodePointOffsets(this Encoding encoding, string text, string? pair = null) =>
        Convert(encoding, text, pair, static rune => 1);

    /// <summary>The offsets of all tokens in bytes of UTF-8.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <param name="text">The text that was encoded; unpaired surrogates count as U+FFFD, three bytes.</param>
    /// <param name="pair">The second text, or null.</param>
    /// <returns>One range a token, <c>[sequence]</c>; (0, 0) for inserted tokens.</returns>
    /// <exception cref="ArgumentException">A token lies outside of the text: it is another one.</exception>
    public static TextRange[] ToUtf8Offsets(this Encoding encoding, string text, string? pair = null) =>
        Convert(encoding, text, pair, static rune => rune.Utf8SequenceLength);

    private static TextRange[] Convert(Encoding encoding, string text, string? pair, Func<System.Text.Rune, int> size)
    {
        ArgumentNullException.ThrowIfNull(encoding);
        ArgumentNullException.ThrowIfNull(text);
        int[]? first = Positions(text, size);
        int[]? second = pair is null ? null : Positions(pair, size);
        var offsets = new TextRange[encoding.Length];
        for (int i = 0; i < offsets.Length; i++)
        {
            TextRange range = encoding.Offsets[i];
            if (encoding.SpecialTokensMask[i] != 0)
                continue;
            bool isSecond = encoding.SequenceIds[i] == 1;
            if (range.End > (isSecond ? pair?.Length ?? 0 : text.Length))
                throw new ArgumentException($"token {i} ends at {range.End}, behind the text", isSecond ? nameof(pair) : nameof(text));
            offsets[i] = (isSecond ? second : first) is int[] positions ? new TextRange(positions[range.Start], positions[range.End]) : range;
        }

        return offsets;
    }

    /// <summary>For each UTF-16 position the one in the other unit; null where they are all the same.</summary>
    private static int[]? Positions(string text, Func<System.Text.Rune, int> size)
    {
        if (System.Text.Ascii.IsValid(text))
            return null;
        int[] positions = new int[text.Length + 1];
        int at = 0;
        int count = 0;
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            positions.AsSpan(at, rune.Utf16SequenceLength).Fill(count);
            at += rune.Utf16SequenceLength;
            count += size(rune);
        }

        positions[at] = count;
        return positions;
    }
}
