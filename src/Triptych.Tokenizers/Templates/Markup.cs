using System.Buffers;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Escapes of HTML, as the filters <c>escape</c> and <c>safe</c> use them; nothing is escaped without being asked.</summary>
internal static class Markup
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>'\"");

    public static MarkupValue Escape(RenderState state, object? value) =>
        value as MarkupValue ?? new MarkupValue(EscapeText(state, Printer.ToText(state, value)));

    public static string EscapeText(RenderState state, string text)
    {
        if (!text.AsSpan().ContainsAny(Special))
            return text;
        var result = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            _ = c switch
            {
                '&' => result.Append("&amp;"),
                '<' => result.Append("&lt;"),
                '>' => result.Append("&gt;"),
                '\'' => result.Append("&#39;"),
                '"' => result.Append("&#34;"),
                _ => result.Append(c),
            };
        }

        state.Reserve(result.Length);
        return result.ToString();
    }

    /// <summary>Takes out comments and tags, makes white space single spaces and resolves entities.</summary>
    public static string StripTags(RenderState state, string text)
    {
        state.Reserve(text.Length * 3L);
        text = Cut(Cut(text, "<!--", "-->"), "<", ">");
        return HtmlEntities.Resolve(string.Join(' ', StringMethods.SplitSpace(text, -1)));
    }

    private static string Cut(string text, string open, string close)
    {
        var result = new StringBuilder();
        int at = 0;
        while (true)
        {
            int start = text.IndexOf(open, at, StringComparison.Ordinal);
            int end = start < 0 ? -1 : text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0)
                return result.Append(text, at, text.Length - at).ToString();
            result.Append(text, at, start - at);
            at = end + close.Length;
        }
    }
}
