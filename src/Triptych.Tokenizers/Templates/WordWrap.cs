using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>The filter <c>wordwrap</c>, with the rules of Python's <c>textwrap</c>.</summary>
internal sealed class WordWrap(int width, bool breaksWords, bool breaksHyphens)
{
    public static object Filter(RenderState state, object? value, object?[] a)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        string text = StringMethods.Text(value), separator = a[2] is null ? "\n" : StringMethods.Text(a[2]);
        var wrap = new WordWrap(StringMethods.Int(a[0]), Iteration.IsTrue(a[1]), Iteration.IsTrue(a[3]));
        state.Scan(text.Length * 64L);
        var result = new StringBuilder();
        bool first = true;
        foreach (string paragraph in StringMethods.SplitLines(text, keepEnds: false))
        {
            List<string> lines = wrap.Wrap(state, paragraph);
            StringMethods.Append(state, result, first ? "" : separator, "");
            for (int i = 0; i < lines.Count; i++)
                StringMethods.Append(state, result, i == 0 ? "" : separator, lines[i]);
            first = false;
        }

        return result.ToString();
    }

    private List<string> Wrap(RenderState state, string text)
    {
        if (width <= 0)
            throw new TemplateError($"invalid width {width} (must be > 0)");
        state.Reserve(text.Length * 2L);
        List<string> chunks = Cut(text);
        chunks.Reverse();
        var lines = new List<string>();
        while (chunks.Count > 0)
        {
            if (lines.Count > 0 && IsBlank(chunks[^1]))
                chunks.RemoveAt(chunks.Count - 1);
            string line = TakeLine(state, chunks);
            if (line.Length > 0)
                lines.Add(line);
        }

        return lines;
    }

    private string TakeLine(RenderState state, List<string> chunks)
    {
        var line = new List<string>();
        int length = 0;
        while (chunks.Count > 0 && length + CodePoints.Count(chunks[^1]) <= width)
            Take(chunks[^1]);
        if (chunks.Count > 0 && CodePoints.Count(chunks[^1]) > width)
        {
            string word = chunks[^1];
            state.Reserve(word.Length);
            int end = breaksWords ? CodePoints.OffsetOf(word, BreakAt(word, width - length)) : line.Count == 0 ? word.Length : 0;
            if (end == word.Length)
                Take(word);
            else if (end > 0)
                (_, chunks[^1]) = (Add(word[..end]), word[end..]);
        }

        if (line.Count > 0 && IsBlank(line[^1]))
            line.RemoveAt(line.Count - 1);
        return string.Concat(line);

        void Take(string chunk)
        {
            Add(chunk);
            chunks.RemoveAt(chunks.Count - 1);
        }

        int Add(string chunk)
        {
            line.Add(chunk);
            return length += CodePoints.Count(chunk);
        }
    }

    private int BreakAt(string word, int space)
    {
        int limit = CodePoints.OffsetOf(word, space);
        int hyphen = breaksHyphens && limit > 0 ? word.LastIndexOf('-', limit - 1) : -1;
        return hyphen > 0 && word.AsSpan(0, hyphen).ContainsAnyExcept('-') ? CodePoints.Count(word.AsSpan(0, hyphen + 1)) : space;
    }

    /// <summary>Cuts into white space, words, parts of words with hyphens, and dashes between words.</summary>
    private List<string> Cut(string text)
    {
        var chunks = new List<string>();
        for (int at = 0, end; at < text.Length; at = end)
        {
            end = at + 1;
            if (IsWhite(text[at]))
            {
                while (end < text.Length && IsWhite(text[end]))
                    end++;
            }
            else if (breaksHyphens && DashEnd(text, at) is { } dash)
            {
                end = dash;
            }
            else
            {
                while (end < text.Length && !IsWhite(text[end]) && !(breaksHyphens && IsBreak(text, end)))
                    end++;
                if (breaksHyphens && end < text.Length && IsHyphenInside(text, end))
                    end++;
            }

            chunks.Add(text[at..end]);
        }

        return chunks;
    }

    private static bool IsBreak(string text, int at) => IsHyphenInside(text, at) || DashEnd(text, at) is not null;

    /// <summary>The end of two or more dashes between a word and a word, or null.</summary>
    private static int? DashEnd(string text, int at)
    {
        if (at == 0 || text[at] != '-' || !(IsWord(text, at - 1) || text[at - 1] is '!' or '"' or '\'' or '&' or '.' or ',' or '?'))
            return null;
        int end = at;
        while (end < text.Length && text[end] == '-')
            end++;
        return end >= at + 2 && end < text.Length && IsWord(text, end) ? end : null;
    }

    /// <summary>Whether a hyphen stands behind two letters, or a letter and a part of a word, and before two letters.</summary>
    private static bool IsHyphenInside(string text, int at)
    {
        if (text[at] != '-' || at < 2)
            return false;
        bool behindLetters = IsLetter(text, at - 1) && IsLetter(text, at - 2);
        bool behindPart = at >= 3 && IsLetter(text, at - 3) && text[at - 2] == '-'
            && (IsWord(text, at - 1) || text[at - 1] is '!' or '"' or '\'' or '&' or '.' or ',' or '?');
        if (!behindLetters && !behindPart || at + 1 >= text.Length || !IsLetter(text, at + 1))
            return false;
        int second = at + 2 < text.Length && text[at + 2] == '-' ? at + 3 : at + 2;
        return second < text.Length && IsLetter(text, second);
    }

    private static bool IsWhite(char c) => c is ' ' or (>= '\t' and <= '\r');

    private static bool IsBlank(string text) => text.AsSpan().IsWhiteSpace();

    private static bool IsWord(string text, int at) => char.IsSurrogate(text[at]) || PythonText.IsWordCharacter(new Rune(text[at]));

    private static bool IsLetter(string text, int at) => IsWord(text, at) && !char.IsDigit(text[at]);
}
