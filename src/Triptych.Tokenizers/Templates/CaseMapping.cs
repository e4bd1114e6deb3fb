using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's full case mappings, which may make one character several (ß becomes SS).</summary>
internal static class CaseMapping
{
    private const char Sigma = '\u03A3', FinalSigma = '\u03C2', SmallSigma = '\u03C3', DottedCapitalI = '\u0130';

    private static readonly Dictionary<Rune, string> UpperForms = Pairs(CaseTables.Upper);
    private static readonly Dictionary<Rune, string> TitleForms = Pairs(CaseTables.Title);
    private static readonly Dictionary<Rune, string> FoldForms = Pairs(CaseTables.Fold);
    private static readonly Rune[] LowerRanges = [.. CaseTables.OtherLower.EnumerateRunes()];
    private static readonly Rune[] UpperRanges = [.. CaseTables.OtherUpper.EnumerateRunes()];

    public static string Upper(string text) => Ascii.IsValid(text) ? text.ToUpperInvariant()
        : Map(text, static (result, rune) => AppendUpper(result, rune));

    public static string Lower(string text)
    {
        RenderState.ScanLong(text.Length);
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length; at += CodePoints.LengthAt(text, at))
            AppendLower(result, text, at);
        return result.ToString();
    }

    public static string Fold(string text) => Ascii.IsValid(text) ? text.ToLowerInvariant()
        : Map(text, static (result, rune) => _ = FoldForms.TryGetValue(rune, out string? form)
            ? result.Append(form) : Append(result, Rune.ToLowerInvariant(rune)));

    public static string SwapCase(string text)
    {
        var result = new StringBuilder(text.Length);
        ForEachRune(text, (rune, at) =>
        {
            if (IsUpper(rune))
                AppendLower(result, text, at);
            else if (IsLower(rune))
                AppendUpper(result, rune);
            else
                result.Append(text, at, CodePoints.LengthAt(text, at));
        });
        return result.ToString();
    }

    /// <summary>The first character in title case, the others in lower case.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        var result = new StringBuilder(text.Length);
        ForEachRune(text, (rune, at) =>
        {
            if (at == 0)
                AppendTitle(result, rune);
            else
                AppendLower(result, text, at);
        });
        return result.ToString();
    }

    /// <summary>Title case after anything that has no case, lower case after what has.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inWord = false;
        ForEachRune(text, (rune, at) =>
        {
            if (inWord)
                AppendLower(result, text, at);
            else
                AppendTitle(result, rune);
            inWord = IsCased(rune);
        });
        return result.ToString();
    }

    public static bool IsLower(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.LowercaseLetter || IsIn(LowerRanges, rune);

    public static bool IsUpper(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.UppercaseLetter || IsIn(UpperRanges, rune);

    private static bool IsCased(Rune rune) =>
        IsLower(rune) || IsUpper(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;

    public static bool IsAllLower(string text) => HasOnly(text, IsLower, rune => IsCased(rune) && !IsLower(rune));

    public static bool IsAllUpper(string text) => HasOnly(text, IsUpper, rune => IsCased(rune) && !IsUpper(rune));

    public static bool IsTitle(string text)
    {
        bool inWord = false, any = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool starts = IsUpper(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;
            if (starts ? inWord : IsLower(rune) && !inWord)
                return false;
            inWord = IsCased(rune);
            any |= inWord;
        }

        return any;
    }

    private static bool HasOnly(string text, Func<Rune, bool> wanted, Func<Rune, bool> refused)
    {
        RenderState.ScanLong(text.Length);
        bool any = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (refused(rune))
                return false;
            any |= wanted(rune);
        }

        return any;
    }

    private static string Map(string text, Action<StringBuilder, Rune> append)
    {
        var result = new StringBuilder(text.Length);
        ForEachRune(text, (rune, at) =>
        {
            if (rune == Rune.ReplacementChar)
                result.Append(text[at]);
            else
                append(result, rune);
        });
        return result.ToString();
    }

    private static void ForEachRune(string text, Action<Rune, int> action)
    {
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            action(rune, at);
            at += CodePoints.LengthAt(text, at);
        }
    }

    /// <summary>A character in upper case.</summary>
    public static void AppendUpper(StringBuilder result, Rune rune) => _ = UpperForms.TryGetValue(rune, out string? form)
        ? result.Append(form) : Append(result, Rune.ToUpperInvariant(rune));

    private static void AppendTitle(StringBuilder result, Rune rune)
    {
        if (TitleForms.TryGetValue(rune, out string? form))
            result.Append(form);
        else
            AppendUpper(result, rune);
    }

    /// <summary>The character at a place of a text in lower case.</summary>
    public static void AppendLower(StringBuilder result, string text, int at)
    {
        char c = text[at];
        if (c == Sigma)
            result.Append(IsFinal(text, at) ? FinalSigma : SmallSigma);
        else if (c == DottedCapitalI)
            result.Append("i\u0307");
        else if (Rune.TryGetRuneAt(text, at, out Rune rune))
            Append(result, Rune.ToLowerInvariant(rune));
        else
            result.Append(c);
    }

    /// <summary>A sigma is final behind a cased character and before none, ignorable ones left out.</summary>
    private static bool IsFinal(string text, int at)
    {
        int before = at;
        Rune rune = default;
        while (before > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, before), out rune, out int length) == default
            && IsIgnorable(rune))
            before -= length;
        if (before == 0 || !IsCased(rune))
            return false;
        int after = at + 1;
        while (after < text.Length && Rune.DecodeFromUtf16(text.AsSpan(after), out rune, out int length) == default
            && IsIgnorable(rune))
            after += length;
        return after >= text.Length || !IsCased(rune);
    }

    private static bool IsIgnorable(Rune rune) => rune.Value is '\'' or '.' or ':' or '^' or '`' or 0xA8 or 0xAD or 0xAF or 0xB4
            or 0xB7 or 0xB8 or 0x2018 or 0x2019 or 0x2024 or 0x2027
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static bool IsIn(Rune[] ranges, Rune rune)
    {
        for (int i = 0; i < ranges.Length; i += 2)
        {
            if (rune >= ranges[i] && rune <= ranges[i + 1])
                return true;
        }

        return false;
    }

    private static StringBuilder Append(StringBuilder result, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        return result.Append(units[..rune.EncodeToUtf16(units)]);
    }

    private static Dictionary<Rune, string> Pairs(string table)
    {
        var pairs = new Dictionary<Rune, string>();
        foreach (string pair in table.Split('|'))
        {
            Rune rune = Rune.GetRuneAt(pair, 0);
            pairs[rune] = pair[rune.Utf16SequenceLength..];
        }

        return pairs;
    }
}
