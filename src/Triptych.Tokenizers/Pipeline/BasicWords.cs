using System.Globalization;
using System.Text;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// Words as BERT's own Python code has them, with spaces between: it differs from <see cref="BertNormalizer"/> in what are control characters,
/// in NFC and in lower case, and leaves whole words alone.
/// </summary>
/// <param name="lowercases">Whether words are put into lower case.</param>
/// <param name="stripsAccents">Whether words lose their accents; null for what <paramref name="lowercases"/> says.</param>
/// <param name="surroundsChinese">Whether every Chinese character is a word.</param>
/// <param name="whole">Words that stay as they are.</param>
internal sealed class BasicWordsNormalizer(bool lowercases, bool? stripsAccents, bool surroundsChinese, IReadOnlySet<string> whole) : Normalizer
{
    private static readonly UnicodeNormalizer Compose = new(compose: true, compatible: false);
    private static readonly UnicodeNormalizer Decompose = new(compose: false, compatible: false);

    private readonly bool _stripsAccents = stripsAccents ?? lowercases;

    public override void Normalize(NormalizedString text)
    {
        Clean(text);
        Compose.Normalize(text);
        var word = new NormalizedString();
        var lower = new StringBuilder();
        text.BeginRewrite();
        for (int at = 0; at < text.Length; at++)
        {
            if (PythonText.IsSpace(text.Chars[at]))
                continue;
            int start = at;
            while (at < text.Length && !PythonText.IsSpace(text.Chars[at]))
                at++;
            if (text.RewriteLength > 0)
                text.Append(' ', text.Origins[start]);
            word.Load(text, start, at);
            if (whole.Contains(word.Chars.ToString()))
            {
                text.AppendFrom(word, 0, word.Length);
                continue;
            }

            if (lowercases)
                Lower(word, lower);
            if (_stripsAccents)
                StripAccents(word);
            AppendCut(text, word);
        }

        text.EndRewrite();
    }

    private static UnicodeCategory CategoryOf(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint);

    private static bool IsControl(int codePoint) =>
        codePoint is not ('\t' or '\n' or '\r') && CategoryOf(codePoint) is >= UnicodeCategory.Control and <= UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static bool IsPunctuation(int codePoint) => codePoint is >= '!' and <= '/' or >= ':' and <= '@' or >= '[' and <= '`' or >= '{' and <= '~'
        || CategoryOf(codePoint) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    // What the package tokenizers takes for Chinese lacks the beginning of a block.
    private static bool IsChinese(int codePoint) => BertNormalizer.IsChinese(codePoint) || codePoint is >= 0x2B820 and < 0x2B920;

    private static void StripAccents(NormalizedString word)
    {
        Decompose.Normalize(word);
        word.Filter(static codePoint => CategoryOf(codePoint) != UnicodeCategory.NonSpacingMark);
    }

    private static void Lower(NormalizedString word, StringBuilder lower)
    {
        string source = word.Chars.ToString();
        word.BeginRewrite();
        for (int at = 0, units; at < source.Length; at += units)
        {
            NormalizedString.CodePointAt(source, at, out units);
            word.AppendLower(source, at, word.Origins[at], lower);
        }

        word.EndRewrite();
    }

    private static void AppendCut(NormalizedString text, NormalizedString word)
    {
        bool afterPunctuation = false;
        for (int at = 0, units; at < word.Length; at += units)
        {
            bool isPunctuation = IsPunctuation(NormalizedString.CodePointAt(word.Chars, at, out units));
            if (at > 0 && (isPunctuation || afterPunctuation))
                text.Append(' ', word.Origins[at]);
            text.AppendFrom(word, at, at + units);
            afterPunctuation = isPunctuation;
        }
    }

    private void Clean(NormalizedString text)
    {
        text.BeginRewrite();
        for (int at = 0, units; at < text.Length; at += units)
        {
            int codePoint = NormalizedString.CodePointAt(text.Chars, at, out units);
            int origin = text.Origins[at];
            if (codePoint is 0 or 0xFFFD || IsControl(codePoint))
                continue;
            if (codePoint is '\t' or '\n' or '\r' || CategoryOf(codePoint) == UnicodeCategory.SpaceSeparator)
                text.Append(' ', origin);
            else if (surroundsChinese && IsChinese(codePoint))
                AppendSurrounded(text, codePoint, origin);
            else
                text.Append(codePoint, origin);
        }

        text.EndRewrite();
    }

    private static void AppendSurrounded(NormalizedString text, int codePoint, int origin)
    {
        text.Append(' ', origin);
        text.Append(codePoint, origin);
        text.Append(' ', origin);
    }
}

/// <summary>TAPAS's parts of a text: one in which nothing stands becomes the token for an empty cell.</summary>
internal sealed class EmptyCellNormalizer(string empty, Normalizer? rest) : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        if (!IsEmpty(text.Chars.ToString()))
        {
            rest?.Normalize(text);
            return;
        }

        int origin = text.Length == 0 ? text.NothingBefore : text.Origins[0];
        text.BeginRewrite();
        text.Append(empty, origin);
        text.EndRewrite();
    }

    private static bool IsEmpty(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value != '_' && PythonText.IsWordCharacter(rune))
                return PythonText.Strip(CaseMapping.Lower(text)) is "n/a" or "nan";
        }

        return true;
    }
}
