using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>strftime</c> in the C locale, for the local time.</summary>
internal static class TimeFormat
{
    public static string Format(RenderState state, string format)
    {
        DateTimeOffset now = state.Time.GetLocalNow();
        state.Reserve(format.Length * 8L);
        var result = new StringBuilder();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                result.Append(format[at]);
                continue;
            }

            char directive = format[++at];
            char flag = directive is '-' or '_' or '0' or '^' or '#' && at + 1 < format.Length ? directive : '\0';
            if (flag != '\0')
                directive = format[++at];
            result.Append(WithFlag(Directive(now, directive), flag));
        }

        return result.ToString();
    }

    private static string WithFlag(string text, char flag)
    {
        bool isNumber = text.Length > 0 && char.IsAsciiDigit(text[0]);
        string digits = isNumber ? text.TrimStart('0', ' ') : text;
        return flag switch
        {
            '-' when isNumber => digits.Length == 0 ? "0" : digits,
            '_' when isNumber => digits.PadLeft(text.Length),
            '^' or '#' => text.ToUpperInvariant(),
            _ => text,
        };
    }

    private static string Directive(DateTimeOffset now, char directive)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string Net(string format) => now.ToString(format, culture);
        return directive switch
        {
            'a' => Net("ddd"),
            'A' => Net("dddd"),
            'b' or 'h' => Net("MMM"),
            'B' => Net("MMMM"),
            'c' => Net("ddd MMM ") + now.Day.ToString(culture).PadLeft(2) + Net(" HH:mm:ss yyyy"),
            'C' => (now.Year / 100).ToString("00", culture),
            'd' => Net("dd"),
            'D' or 'x' => Net("MM'/'dd'/'yy"),
            'e' => now.Day.ToString(culture).PadLeft(2),
            'F' => Net("yyyy'-'MM'-'dd"),
            'f' => Net("ffffff"),
            'g' => (ISOWeek.GetYear(now.DateTime) % 100).ToString("00", culture),
            'G' => ISOWeek.GetYear(now.DateTime).ToString(culture),
            'H' => Net("HH"),
            'I' => Net("hh"),
            'j' => now.DayOfYear.ToString("000", culture),
            'k' => now.Hour.ToString(culture).PadLeft(2),
            'l' => ((now.Hour + 11) % 12 + 1).ToString(culture).PadLeft(2),
            'm' => Net("MM"),
            'M' => Net("mm"),
            'n' => "\n",
            'p' => Net("tt"),
            'P' => Net("tt").ToLowerInvariant(),
            'r' => Net("hh:mm:ss tt"),
            'R' => Net("HH:mm"),
            's' => now.ToUnixTimeSeconds().ToString(culture),
            'S' => Net("ss"),
            't' => "\t",
            'T' or 'X' => Net("HH:mm:ss"),
            'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(culture),
            'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", culture),
            'V' => ISOWeek.GetWeekOfYear(now.DateTime).ToString("00", culture),
            'w' => ((int)now.DayOfWeek).ToString(culture),
            'W' => ((now.DayOfYear + 6 - ((int)now.DayOfWeek + 6) % 7) / 7).ToString("00", culture),
            'y' => Net("yy"),
            'Y' => now.Year.ToString(culture),
            'z' or 'Z' => "",
            '%' => "%",
            _ => "%" + directive,
        };
    }
}
