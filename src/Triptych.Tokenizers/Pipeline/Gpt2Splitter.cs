using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// GPT-2's pattern <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, by hand: one pass, no
/// backtracking, characters beyond the basic plane as whole code points.
/// </summary>
internal static class Gpt2Splitter
{
    private enum Kind : byte
    {
        Space,
        Letter,
        Number,
        Other,
    }

    private static readonly Kind[] AsciiKinds = [.. Enumerable.Range(0, 128).Select(KindOf)];

    public static void Split(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = MatchAt(text, at);
            output.Add(new Split(offset + at, offset + end));
            at = end;
        }
    }

    private static int MatchAt(ReadOnlySpan<char> text, int at)
    {
        if (text[at] == '\'')
        {
            int contraction = Contraction(text[(at + 1)..]);
            if (contraction > 0)
                return at + 1 + contraction;
        }

        int start = text[at] == ' ' && at + 1 < text.Length ? at + 1 : at;
        Kind kind = KindAt(text, start, out int units);
        if (kind != Kind.Space)
            return RunEnd(text, start + units, kind);

        // White space: all of it at the end of the text, else all but the last character, which belongs to the next word.
        int end = at;
        int last = at;
        while (end < text.Length && KindAt(text, end, out units) == Kind.Space)
        {
            last = end;
            end += units;
        }

        return end == text.Length || last == at ? end : last;
    }

    private static int RunEnd(ReadOnlySpan<char> text, int at, Kind kind)
    {
        while (at < text.Length && KindAt(text, at, out int units) == kind)
            at += units;
        return at;
    }

    private static int Contraction(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
            return 0;
        if (rest[0] is 's' or 't' or 'm' or 'd')
            return 1;
        return rest.Length > 1 && (rest[0], rest[1]) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int units)
    {
        char c = text[at];
        if (c < 128)
        {
            units = 1;
            return AsciiKinds[c];
        }

        return KindOf(NormalizedString.CodePointAt(text, at, out units));
    }

    private static Kind KindOf(int codePoint)
    {
        CharClass classes = UnicodeData.ClassOf(codePoint);
        return (classes & CharClass.Letter) != 0 ? Kind.Letter
            : (classes & CharClass.Number) != 0 ? Kind.Number
            : (classes & CharClass.Space) != 0 ? Kind.Space : Kind.Other;
    }
}
