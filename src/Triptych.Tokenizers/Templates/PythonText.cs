using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>What Python says of characters and strings.</summary>
internal static class PythonText
{
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>What a text begins and ends with besides white space.</summary>
    public static TextRange Stripped(ReadOnlySpan<char> text)
    {
        (int start, int end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return new TextRange(start, end);
    }

    public static string Strip(string text)
    {
        TextRange range = Stripped(text);
        return text[range.Start..range.End];
    }

    public static bool IsIdentifier(string text)
    {
        bool first = true;
        foreach (Rune rune in text.EnumerateRunes())
        {
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool starts = rune.Value == '_' || category <= UnicodeCategory.OtherLetter || category == UnicodeCategory.LetterNumber;
            bool continues = starts || category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation || rune.Value is 0xB7 or 0x387;
            if (first ? !starts : !continues)
                return false;
            first = false;
        }

        return !first;
    }

    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    public static bool IsLetter(Rune rune) => Rune.GetUnicodeCategory(rune) <= UnicodeCategory.OtherLetter;

    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0;

    public static bool IsNumeric(Rune rune) =>
        Rune.GetNumericValue(rune) != -1 || CaseTables.NumericLetters.Contains(rune.ToString(), StringComparison.Ordinal);

    public static bool IsWordCharacter(Rune rune) => rune.Value == '_' || IsLetter(rune) || IsNumeric(rune);

    public static bool All(string text, Func<Rune, bool> holds)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!holds(rune))
                return false;
        }

        return text.Length > 0;
    }

    /// <summary>A string literal as Python writes it.</summary>
    public static string Repr(string text)
    {
        var result = new StringBuilder(text.Length + 2);
        AppendRepr(result, text);
        return result.ToString();
    }

    public static void AppendRepr(StringBuilder result, string text, bool asciiOnly = false)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        for (int at = 0; at < text.Length;)
        {
            char c = text[at];
            int length = CodePoints.LengthAt(text, at);
            if (c == quote || c == '\\')
                result.Append('\\').Append(c);
            else if (c is '\n' or '\r' or '\t')
                result.Append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
            else if (c is >= ' ' and < '\x7f')
                result.Append(c);
            else if (!asciiOnly && Rune.TryGetRuneAt(text, at, out Rune rune) && IsPrintable(rune))
                result.Append(text, at, length);
            else
                AppendEscape(result, CodePoints.ValueAt(text, at));
            at += length;
        }

        result.Append(quote);
    }

    private static void AppendEscape(StringBuilder result, int codePoint)
    {
        string format = codePoint > 0xFFFF ? "U{0:x8}" : codePoint > 0xFF ? "u{0:x4}" : "x{0:x2}";
        result.Append('\\').AppendFormat(CultureInfo.InvariantCulture, format, codePoint);
    }
}
