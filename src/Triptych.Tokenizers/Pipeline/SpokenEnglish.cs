using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>CLVP's texts: ASCII in lower case, with numbers, sums of dollars and some abbreviations as they are spoken.</summary>
internal sealed partial class SpokenEnglish : Normalizer
{
    /// <summary>Numbers of more digits are not spoken.</summary>
    private const int MaxDigits = 18;

    private static readonly (Regex Pattern, string Word)[] Abbreviations =
    [
        .. ((ReadOnlySpan<(string, string)>)
        [
            ("mrs", "misess"), ("mr", "mister"), ("dr", "doctor"), ("st", "saint"), ("co", "company"), ("jr", "junior"), ("maj", "major"), ("gen", "general"),
            ("drs", "doctors"), ("rev", "reverend"), ("lt", "lieutenant"), ("hon", "honorable"), ("sgt", "sergeant"), ("capt", "captain"), ("esq", "esquire"),
            ("ltd", "limited"), ("col", "colonel"), ("ft", "fort"),
        ]).ToArray().Select(pair => (new Regex($@"\b{pair.Item1}\.", RegexOptions.CultureInvariant), pair.Item2)),
    ];

    private static readonly string[] Ones =
    [
        "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
        "seventeen", "eighteen", "nineteen",
    ];

    private static readonly string[] Tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

    private static readonly (long Value, string Name)[] Units =
        [(1_000_000_000_000_000, "quadrillion"), (1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand")];

    public override void Normalize(NormalizedString text)
    {
        text.Filter(static codePoint => codePoint < 0x80);
        System.Text.Ascii.ToLowerInPlace(text.MutableChars, out _);
        text.Replace(Grouped(), match => match.Value.Replace(",", "", StringComparison.Ordinal));
        text.Replace(Dollars(), match => SpeakDollars(match.Groups[1].Value));
        text.Replace(Fractions(), match => match.Value.Replace(".", " point ", StringComparison.Ordinal));
        text.Replace(Ordinals(), match => SpeakOrdinal(match.Value[..^2]));
        text.Replace(Numbers(), match => SpeakNumber(match.Value));
        if (text.Chars.Contains('.'))
        {
            foreach ((Regex pattern, string word) in Abbreviations)
                text.Replace(pattern, _ => word);
        }

        text.Replace(Spaces(), _ => " ");
        text.Filter(static codePoint => codePoint != '"');
    }

    /// <summary>A number without the zeros before it; commas that are not between thousands are no part of it.</summary>
    private static string Trim(string digits)
    {
        string trimmed = digits.Replace(",", "", StringComparison.Ordinal).TrimStart('0');
        return trimmed.Length == 0 ? "0" : trimmed;
    }

    private static string SpeakDollars(string sum)
    {
        string[] parts = sum.Split('.');
        if (parts.Length > 2)
            return sum + " dollars";
        (string dollars, string cents) = (Trim(parts[0]), parts.Length > 1 ? Trim(parts[1]) : "0");
        string ofDollars = $"{dollars} {(dollars == "1" ? "dollar" : "dollars")}", ofCents = $"{cents} {(cents == "1" ? "cent" : "cents")}";
        return (dollars, cents) switch
        {
            ("0", "0") => "zero dollars",
            (_, "0") => ofDollars,
            ("0", _) => ofCents,
            _ => $"{ofDollars}, {ofCents}",
        };
    }

    private static string SpeakOrdinal(string digits)
    {
        int last = int.Parse(digits.AsSpan(Math.Max(0, digits.Length - 2)), NumberStyles.None, CultureInfo.InvariantCulture);
        string ending = last is >= 10 and <= 20 ? "th" : (last % 10) switch { 1 => "st", 2 => "nd", 3 => "rd", _ => "th" };
        return Speak(digits) + ending;
    }

    /// <summary>Years and the like are spoken in hundreds.</summary>
    private static string SpeakNumber(string digits)
    {
        string trimmed = Trim(digits);
        if (trimmed.Length > 4 || int.Parse(trimmed, NumberStyles.None, CultureInfo.InvariantCulture) is not (> 1000 and < 3000 and int year))
            return Speak(trimmed);
        return year > 2000 && year < 2010 ? "two thousand " + Speak(year % 100)
            : year != 2000 && year % 100 == 0 ? Speak(year / 100) + " hundred" : Speak(year);
    }

    private static string Speak(string digits) => Trim(digits) is { Length: <= MaxDigits } trimmed
        ? Speak(long.Parse(trimmed, NumberStyles.None, CultureInfo.InvariantCulture)) : "number out of range";

    private static string Speak(long number)
    {
        if (number == 0)
            return "zero";
        var text = new StringBuilder();
        foreach ((long value, string name) in Units)
        {
            if (number < value)
                continue;
            text.Append(Speak(number / value)).Append(' ').Append(name);
            number %= value;
            text.Append(number == 0 ? "" : ", ");
        }

        if (number >= 100)
        {
            text.Append(Ones[number / 100]).Append(" hundred");
            number %= 100;
            text.Append(number == 0 ? "" : " ");
        }

        if (number >= 20)
        {
            text.Append(Tens[number / 10]);
            number %= 10;
            text.Append(number == 0 ? "" : "-");
        }

        return text.Append(Ones[number]).ToString();
    }

    [GeneratedRegex("[0-9][0-9,]+[0-9]")]
    private static partial Regex Grouped();

    [GeneratedRegex(@"\$([0-9.,]*[0-9])")]
    private static partial Regex Dollars();

    // From within a number nothing is found that is not from its beginning, and long ones are looked at only once.
    [GeneratedRegex(@"(?<![0-9])(?>[0-9]+)\.[0-9]+")]
    private static partial Regex Fractions();

    [GeneratedRegex("(?<![0-9])(?>[0-9]+)(?:st|nd|rd|th)")]
    private static partial Regex Ordinals();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"[\t-\r\x1c-\x20]+")]
    private static partial Regex Spaces();
}
