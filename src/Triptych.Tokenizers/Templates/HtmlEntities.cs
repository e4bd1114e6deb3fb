using System.Globalization;
using System.Net;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Resolves the entities of HTML as Python's <c>html.unescape</c> does; of the names those of HTML 4.</summary>
internal static class HtmlEntities
{
    private const int MaxName = 32;
    private const char LastLegacy = '\u00FF';
    private const int CodePointLimit = 0x110000;

    // What Windows has at 0x80 to 0x9F, which pages mean by these numbers.
    private const string Windows =
        "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F"
        + "\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

    public static string Resolve(string text)
    {
        int at = text.IndexOf('&', StringComparison.Ordinal);
        if (at < 0)
            return text;
        var result = new StringBuilder(text.Length);
        int copied = 0;
        for (; at >= 0; at = text.IndexOf('&', at))
        {
            result.Append(text, copied, at - copied);
            at++;
            int end = at < text.Length && text[at] == '#' ? AppendNumber(result, text, at) : AppendName(result, text, at);
            if (end < 0)
            {
                result.Append('&');
                end = at;
            }

            copied = at = end;
        }

        return result.Append(text, copied, text.Length - copied).ToString();
    }

    /// <summary>Where a number ends behind #, or -1 for none.</summary>
    private static int AppendNumber(StringBuilder result, string text, int start)
    {
        int at = start + 1;
        bool isHex = at < text.Length && text[at] is 'x' or 'X';
        at += isHex ? 1 : 0;
        int digits = at;
        int value = 0;
        for (; at < text.Length && (isHex ? char.IsAsciiHexDigit(text[at]) : char.IsAsciiDigit(text[at])); at++)
            value = Math.Min(CodePointLimit, value * (isHex ? 16 : 10) + int.Parse(text.AsSpan(at, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        if (at == digits)
            return -1;
        if (value is >= 0x80 and <= 0x9F)
            result.Append(Windows[value - 0x80]);
        else if (value == 0 || value >= CodePointLimit || value is >= 0xD800 and <= 0xDFFF)
            result.Append('\uFFFD');
        else if (!IsInvalid(value))
            result.Append(new Rune(value).ToString());
        return at < text.Length && text[at] == ';' ? at + 1 : at;
    }

    private static bool IsInvalid(int value) => value is >= 1 and <= 8 or 0xB or >= 0xE and <= 0x1F or 0x7F or >= 0xFDD0 and <= 0xFDEF
        || (value & 0xFFFE) == 0xFFFE;

    /// <summary>Where a name ends, or -1 for none. Old names need no semicolon, and anything may follow them.</summary>
    private static int AppendName(StringBuilder result, string text, int start)
    {
        int end = start;
        while (end < text.Length && end - start < MaxName && text[end] is not ('\t' or '\n' or '\f' or ' ' or '<' or '&' or '#' or ';'))
            end++;
        if (end == start)
            return -1;
        if (end < text.Length && text[end] == ';' && Find(text[start..end]) is string whole)
        {
            result.Append(whole);
            return end + 1;
        }

        for (; end - start > 1; end--)
        {
            if (FindLegacy(text[start..end]) is string found)
            {
                result.Append(found);
                return end;
            }
        }

        return -1;
    }

    private static string? Find(string name)
    {
        if (FindUpper(name) is string upper)
            return upper;
        string entity = $"&{name};";
        string decoded = WebUtility.HtmlDecode(entity);
        return decoded == entity ? null : decoded;
    }

    private static string? FindLegacy(string name) =>
        name != "apos" && Find(name) is [<= LastLegacy] found ? found : null;

    private static string? FindUpper(string name) => name switch
    {
        "AMP" => "&",
        "LT" => "<",
        "GT" => ">",
        "QUOT" => "\"",
        "COPY" => "©",
        "REG" => "®",
        _ => null,
    };
}
