using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>What is looked for in a text: a string or a regular expression.</summary>
internal sealed class TextPattern
{
    [ThreadStatic]
    private static List<TextRange>? s_matches;

    private readonly string? _literal;
    private readonly Pattern? _regex;

    private TextPattern(string? literal, Pattern? regex) => (_literal, _regex) = (literal, regex);

    /// <summary>The string, or null for a regular expression.</summary>
    public string? Text => _literal;

    /// <summary>The source of a regular expression, or null for a string.</summary>
    public string? Expression => _regex?.Source;

    /// <summary>A string; an empty one matches between any two characters, as a regular expression.</summary>
    public static TextPattern Literal(string text) => text.Length == 0 ? Regex(new Pattern("")) : new TextPattern(text, null);

    public static TextPattern Regex(Pattern pattern) => new(null, pattern);

    /// <summary>The matches in a text, from left to right. The list is the thread's own, good until the next call.</summary>
    public List<TextRange> FindAll(ReadOnlySpan<char> text)
    {
        List<TextRange> matches = s_matches ??= [];
        if (matches.Capacity > 1 << 20)
            matches = s_matches = [];
        matches.Clear();
        // Nothing is looked for in an empty text.
        if (text.IsEmpty)
            return matches;
        if (_literal is null)
            _regex!.FindAll(text, matches);
        else
            FindLiteral(_literal, text, matches);
        return matches;
    }

    /// <summary>The text with each match replaced.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is not null)
            return text.Replace(_literal, content, StringComparison.Ordinal);
        List<TextRange> matches = FindAll(text);
        if (matches.Count == 0)
            return text;
        var replaced = new System.Text.StringBuilder(text.Length);
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            replaced.Append(text, done, start - done).Append(content);
            done = end;
        }

        return replaced.Append(text, done, text.Length - done).ToString();
    }

    private static void FindLiteral(string literal, ReadOnlySpan<char> text, List<TextRange> matches)
    {
        for (int from = 0; ;)
        {
            int at = text[from..].IndexOf(literal, StringComparison.Ordinal);
            if (at < 0)
                return;
            matches.Add(new TextRange(from + at, from + at + literal.Length));
            from += at + literal.Length;
        }
    }
}
