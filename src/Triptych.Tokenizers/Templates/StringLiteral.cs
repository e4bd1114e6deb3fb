using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>The escapes of string literals.</summary>
internal static class StringLiteral
{
    public static string Unescape(string text, int position)
    {
        if (!text.Contains('\\'))
            return text;
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            char c = text[at++];
            if (c != '\\' || at == text.Length)
                result.Append(c);
            else
                at = Escape(text, at, result, position);
        }

        return result.ToString();
    }

    /// <summary>Reads what follows a backslash and returns where the text goes on.</summary>
    private static int Escape(string text, int at, StringBuilder result, int position)
    {
        char c = text[at];
        if (c is >= '0' and <= '7')
        {
            int value = 0, end = at;
            for (; end < text.Length && end < at + 3 && text[end] is >= '0' and <= '7'; end++)
                value = value * 8 + (text[end] - '0');
            result.Append((char)value);
            return end;
        }

        if (c is 'x' or 'u' or 'U')
        {
            int count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
            if (at + 1 + count > text.Length || !uint.TryParse(
                    text.AsSpan(at + 1, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value))
                throw new TemplateError($"truncated \\{c}{new string('X', count)} escape", position);
            if (value > 0x10FFFF)
                throw new TemplateError("illegal Unicode character", position);
            if (value > char.MaxValue)
                result.Append(char.ConvertFromUtf32((int)value));
            else
                result.Append((char)value);
            return at + 1 + count;
        }

        if (c == 'N')
            throw new TemplateError("characters by name (\\N) are not supported", position);
        if (c == '\n')
            return at + 1;
        if (c > 0x7F)
            return EscapeForeign(text, at, result);
        int known = "\\'\"abfnrtv".IndexOf(c, StringComparison.Ordinal);
        if (known >= 0)
            result.Append("\\'\"\a\b\f\n\r\t\v"[known]);
        else
            result.Append('\\').Append(c);
        return at + 1;
    }

    /// <summary>
    /// Jinja turns characters beyond ASCII into escapes before it reads escapes, so that a backslash before one makes it an escape
    /// that is left as it is.
    /// </summary>
    private static int EscapeForeign(string text, int at, StringBuilder result)
    {
        bool isPair = char.IsSurrogatePair(text, at);
        int codePoint = isPair ? char.ConvertToUtf32(text, at) : text[at];
        string format = codePoint > 0xFFFF ? "U{0:x8}" : codePoint > 0xFF ? "u{0:x4}" : "x{0:x2}";
        result.Append('\\').AppendFormat(CultureInfo.InvariantCulture, format, codePoint);
        return at + (isPair ? 2 : 1);
    }
}
