namespace Triptych.Tokenizers.Pipeline;

/// <summary>The last of DeepSeek-V3's patterns, <see cref="SplitPatterns.DeepSeek3"/>; digits and other characters may be left between matches.</summary>
internal static class DeepSeekSplitter
{
    private const CharKind Word = CharKind.Letter | CharKind.Mark;
    private const CharKind Symbol = CharKind.Punctuation | CharKind.Symbol;

    public static void Split(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int done = 0;
        for (int at = 0; at < text.Length;)
        {
            CharKind kind = CharKinds.At(text, at, out int units);
            int end = MatchAt(text, at, kind, at + units);
            if (end < 0)
            {
                at += units;
                continue;
            }

            if (done < at)
                output.Add(new Split(offset + done, offset + at));
            output.Add(new Split(offset + at, offset + end));
            done = at = end;
        }

        if (done < text.Length)
            output.Add(new Split(offset + done, offset + text.Length));
    }

    private static int MatchAt(ReadOnlySpan<char> text, int at, CharKind kind, int next)
    {
        char c = text[at];
        CharKind nextKind = next < text.Length ? CharKinds.At(text, next, out _) : CharKind.None;
        if (c < 128 && (kind & Symbol) != 0 && next < text.Length && char.IsAsciiLetter(text[next]))
            return LettersEnd(text, next);
        if ((kind & (CharKind.Letter | Symbol)) == 0 && c is not ('\r' or '\n') && (nextKind & Word) != 0)
            return CharKinds.RunEnd(text, next, Word);
        if ((kind & Word) != 0)
            return CharKinds.RunEnd(text, next, Word);
        if (c == ' ' && (nextKind & Symbol) != 0)
            return Cl100kSplitter.LineBreaks(text, CharKinds.RunEnd(text, next, Symbol));
        if ((kind & Symbol) != 0)
            return Cl100kSplitter.LineBreaks(text, CharKinds.RunEnd(text, next, Symbol));
        return (kind & CharKind.Space) != 0 ? Cl100kSplitter.WhiteSpace(text, at) : -1;
    }

    private static int LettersEnd(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && char.IsAsciiLetter(text[at]))
            at++;
        return at;
    }
}

/// <summary>CLIP's pattern, <see cref="SplitPatterns.Clip"/>: white space between the matches is dropped.</summary>
internal static class ClipSplitter
{
    public static void Split(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        for (int at = 0; at < text.Length;)
        {
            TextKind kind = TextKinds.At(text, at, out int units);
            int end = kind switch
            {
                TextKind.Space => at + units,
                TextKind.Letter => TextKinds.RunEnd(text, at + units, TextKind.Letter),
                TextKind.Number => at + units,
                _ => Other(text, at, units),
            };
            if (kind != TextKind.Space)
                output.Add(new Split(offset + at, offset + end));
            at = end;
        }
    }

    private static int Other(ReadOnlySpan<char> text, int at, int units)
    {
        if (text[at] == '\'' && Gpt2Splitter.Contraction(text[(at + 1)..]) is > 0 and int length)
            return at + 1 + length;
        foreach (string token in (ReadOnlySpan<string>)["<|startoftext|>", "<|endoftext|>"])
        {
            if (text[at..].StartsWith(token, StringComparison.Ordinal))
                return at + token.Length;
        }

        return TextKinds.RunEnd(text, at + units, TextKind.Other);
    }
}
