namespace Triptych.Tokenizers.Pipeline;

/// <summary>GPT-2's pattern, <see cref="SplitPatterns.Gpt2"/>.</summary>
internal static class Gpt2Splitter
{
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
        TextKind kind = TextKinds.At(text, start, out int units);
        if (kind != TextKind.Space)
            return TextKinds.RunEnd(text, start + units, kind);

        // White space: all of it at the end of the text, else all but the last character, which belongs to the next word.
        int end = at;
        int last = at;
        while (end < text.Length && TextKinds.At(text, end, out units) == TextKind.Space)
        {
            last = end;
            end += units;
        }

        return end == text.Length || last == at ? end : last;
    }

    /// <summary>The length of the contraction that follows an apostrophe, or 0.</summary>
    public static int Contraction(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
            return 0;
        if (rest[0] is 's' or 't' or 'm' or 'd')
            return 1;
        return rest.Length > 1 && (rest[0], rest[1]) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }
}
