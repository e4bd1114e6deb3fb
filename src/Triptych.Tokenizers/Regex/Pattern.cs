namespace Triptych.Tokenizers.Patterns;

/// <summary>A regular expression as tokenizer.json files have them: Oniguruma's Ruby syntax over code points. Safe to use from many threads.</summary>
internal sealed class Pattern
{
    [ThreadStatic]
    private static PatternMatcher? s_matcher;

    private const long DefaultStepsBeforeMemo = 20_000;

    private readonly PatternProgram _program;
    private readonly long _stepsBeforeMemo;

    /// <summary>Compiles a pattern.</summary>
    /// <param name="source">The pattern.</param>
    /// <param name="stepsBeforeMemo">After so many steps, and more in a long text, failures are remembered.</param>
    /// <exception cref="PatternException">It is not one, or uses what is not supported.</exception>
    public Pattern(string source, long stepsBeforeMemo = DefaultStepsBeforeMemo)
    {
        (Source, _stepsBeforeMemo) = (source, stepsBeforeMemo);
        (PatternNode root, int groups) = PatternParser.Parse(source);
        _program = PatternCompiler.Compile(root, groups);
    }

    public string Source { get; }

    /// <summary>
    /// Adds the matches in a text, as Hugging Face's iterator finds them: each search begins where the last match ended, and a match
    /// of nothing right behind another match does not count.
    /// </summary>
    /// <exception cref="TokenizerException">The pattern takes too many steps on this text.</exception>
    public void FindAll(ReadOnlySpan<char> text, List<TextRange> matches)
    {
        PatternMatcher matcher = s_matcher ?? new PatternMatcher();
        // A pattern never runs inside another one; a matcher that failed is not used again.
        s_matcher = null;
        matcher.Start(_program, text.Length, _stepsBeforeMemo);
        try
        {
            int lastEnd = -1;
            for (int from = 0; from <= text.Length && matcher.Find(text, from, out int start, out int end);)
            {
                if (start == end && end == lastEnd)
                {
                    from += from + 1 < text.Length && char.IsSurrogatePair(text[from], text[from + 1]) ? 2 : 1;
                    continue;
                }

                matches.Add(new TextRange(start, end));
                from = lastEnd = end;
            }
        }
        catch (PatternException e)
        {
            throw new TokenizerException($"pattern {(Source.Length > 200 ? Source[..200] + "..." : Source)}", e.Message, e);
        }

        matcher.Stop();
        s_matcher = matcher;
    }
}
