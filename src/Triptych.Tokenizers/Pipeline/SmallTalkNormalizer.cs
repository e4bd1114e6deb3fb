using System.Text;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// BlenderbotSmall's words, with spaces between: in lower case, cut before punctuation and around apostrophes, and a line feed behind a word is
/// a word of its own.
/// </summary>
internal sealed class SmallTalkNormalizer : Normalizer
{
    private const string LineFeed = "__newln__";

    public override void Normalize(NormalizedString text)
    {
        var word = new StringBuilder();
        var origins = new List<int>();
        text.BeginRewrite();
        for (int at = 0; at < text.Length; at++)
        {
            if (char.IsWhiteSpace(text.Chars[at]))
                continue;
            word.Clear();
            origins.Clear();
            for (; at < text.Length && !char.IsWhiteSpace(text.Chars[at]); at++)
            {
                char c = text.Chars[at];
                int origin = text.Origins[at];
                if (c is '.' or ',' or '!' or '?' or '(' or ')' or '\'')
                    Flush(text, word, origins);
                word.Append(c);
                origins.Add(origin);
                if (c == '\'')
                    Flush(text, word, origins);
            }

            // Behind an apostrophe the line feed is one of several spaces, and is lost.
            bool isOpen = word.Length > 0;
            Flush(text, word, origins);
            if (isOpen && at < text.Length && text.Chars[at] == '\n')
            {
                word.Append(LineFeed);
                origins.AddRange(Enumerable.Repeat(text.Origins[at], LineFeed.Length));
                Flush(text, word, origins);
            }
        }

        text.EndRewrite();
    }

    private static void Flush(NormalizedString text, StringBuilder word, List<int> origins)
    {
        if (word.Length == 0)
            return;
        if (text.RewriteLength > 0)
            text.Append(' ', origins[0]);
        string source = word.ToString();
        var lower = new StringBuilder();
        for (int at = 0, units; at < source.Length; at += units)
        {
            NormalizedString.CodePointAt(source, at, out units);
            text.AppendLower(source, at, origins[at], lower);
        }

        word.Clear();
        origins.Clear();
    }
}
