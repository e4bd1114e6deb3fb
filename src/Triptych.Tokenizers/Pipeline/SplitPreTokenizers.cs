using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>Cuts at the matches of a pattern, or, inverted, at what is between them.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, DelimiterBehavior behavior, bool invert) : PreTokenizer
{
    [ThreadStatic]
    private static List<(TextRange Range, bool Match)>? s_parts;

    /// <summary>What is cut at, where it is a plain string.</summary>
    public string? Pattern => pattern.Text;

    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    public void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        List<(TextRange Range, bool Match)> parts = s_parts ??= [];
        parts.Clear();
        int done = 0;
        foreach (TextRange match in pattern.FindAll(text))
        {
            if (done != match.Start)
                parts.Add((new TextRange(done, match.Start), invert));
            parts.Add((match, !invert));
            done = match.End;
        }

        if (done != text.Length)
            parts.Add((new TextRange(done, text.Length), invert));
        if (behavior == DelimiterBehavior.MergedWithNext)
            WriteMergedWithNext(parts, offset, output);
        else
            Write(parts, offset, output);
        if (parts.Capacity > 1 << 20)
            s_parts = null;
    }

    private void Write(List<(TextRange Range, bool Match)> parts, int offset, List<Split> output)
    {
        bool afterMatch = false;
        int start = 0;
        int end = 0;
        foreach (((int from, int to), bool match) in parts)
        {
            bool joins = behavior switch
            {
                DelimiterBehavior.MergedWithPrevious => match && !afterMatch,
                DelimiterBehavior.Contiguous => match == afterMatch,
                _ => false,
            };
            if (!joins)
            {
                Add(start, end, offset, output);
                start = from;
            }

            end = to;
            if (behavior == DelimiterBehavior.Removed && match)
                start = end;
            afterMatch = match;
        }

        Add(start, end, offset, output);
    }

    private static void WriteMergedWithNext(List<(TextRange Range, bool Match)> parts, int offset, List<Split> output)
    {
        for (int i = 0; i < parts.Count; i++)
        {
            // The last match before other text goes with it.
            int start = parts[i].Range.Start;
            if (parts[i].Match && i + 1 < parts.Count && !parts[i + 1].Match)
                i++;
            Add(start, parts[i].Range.End, offset, output);
        }
    }

    private static void Add(int start, int end, int offset, List<Split> output)
    {
        if (start < end)
            output.Add(new Split(offset + start, offset + end));
    }
}

/// <summary>Cuts a text into the matches of a pattern by hand; between them nothing is left, as the known patterns match everything.</summary>
internal sealed class PatternPreTokenizer(Splitter splitter) : PreTokenizer
{
    public override Splitter Splitter => splitter;

    public override void PreTokenize(PreTokenizedString text) => text.Split(splitter);
}

/// <summary>Cuts where the script changes; kana count as Han. What stands before the first character that has a script is dropped.</summary>
internal sealed class UnicodeScriptsPreTokenizer : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private static void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int last = 0;
        int start = -1;
        for (int i = 0, units; i < text.Length; i += units)
        {
            int script = UnicodeProperties.ScriptOf(NormalizedString.CodePointAt(text, i, out units));
            if (script == 0)
                continue;
            if (script != last)
            {
                if (start >= 0)
                    output.Add(new Split(offset + start, offset + i));
                start = i;
            }

            last = script;
        }

        if (start >= 0)
            output.Add(new Split(offset + start, offset + text.Length));
    }
}

/// <summary>Pieces of so many characters each.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int start = 0;
        int count = 0;
        for (int i = 0, units; i < text.Length; i += units)
        {
            NormalizedString.CodePointAt(text, i, out units);
            if (count++ < length)
                continue;
            output.Add(new Split(offset + start, offset + i));
            (start, count) = (i, 1);
        }

        output.Add(new Split(offset + start, offset + text.Length));
    }
}
