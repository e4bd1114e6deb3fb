using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The first stage: changes the text before it is cut.</summary>
internal abstract class Normalizer
{
    public abstract void Normalize(NormalizedString text);

    /// <summary>The parts of a sequence one after another, else itself.</summary>
    public virtual IEnumerable<Normalizer> Flatten() => [this];

    public string Normalize(string text)
    {
        var normalized = new NormalizedString();
        normalized.Load(text);
        Normalize(normalized);
        return normalized.Chars.ToString();
    }

    protected static void Lower(NormalizedString text)
    {
        if (System.Text.Ascii.IsValid(text.Chars))
        {
            System.Text.Ascii.ToLowerInPlace(text.MutableChars, out _);
            return;
        }

        text.BeginRewrite();
        for (int i = 0, units; i < text.Length; i += units)
        {
            int codePoint = NormalizedString.CodePointAt(text.Chars, i, out units);
            if (codePoint < 0x80)
            {
                text.Append((char)((uint)(codePoint - 'A') <= 25 ? codePoint | 0x20 : codePoint), text.Origins[i]);
                continue;
            }

            if (!UnicodeData.Is(codePoint, CharClass.Upper))
            {
                text.Append(codePoint, text.Origins[i]);
                continue;
            }

            foreach (int part in UnicodeData.ToLower(codePoint))
                text.Append(part, text.Origins[i]);
        }

        text.EndRewrite();
    }
}

internal sealed class SequenceNormalizer(Normalizer[] parts) : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        foreach (Normalizer part in parts)
            part.Normalize(text);
    }

    public override IEnumerable<Normalizer> Flatten() => parts.SelectMany(part => part.Flatten());
}

/// <summary>BERT's cleaning: control characters, white space, Chinese characters, accents, case.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseChars, bool stripAccents, bool lowercase) : Normalizer
{
    public bool HandleChineseChars => handleChineseChars;

    public override void Normalize(NormalizedString text)
    {
        bool ascii = System.Text.Ascii.IsValid(text.Chars);
        if (cleanText)
            Clean(text);
        if (handleChineseChars && !ascii)
            SurroundChinese(text);
        if (stripAccents && !ascii)
        {
            Decompose(text);
            text.Filter(static codePoint => !UnicodeData.Is(codePoint, CharClass.NonSpacingMark));
        }

        if (lowercase)
            Lower(text);
    }

    private static void Clean(NormalizedString text)
    {
        if (!text.Chars.ContainsAnyExceptInRange(' ', '~'))
            return;
        text.Filter(static codePoint => codePoint is >= ' ' and < 0x7F or '\t' or '\n' or '\r'
            || codePoint is not (0 or 0xFFFD) && !UnicodeData.Is(codePoint, CharClass.Control));
        foreach (ref char c in text.MutableChars)
        {
            if (c is '\t' or '\n' or '\r' || c >= 0x80 && UnicodeData.Is(c, CharClass.White))
                c = ' ';
        }
    }

    private static void SurroundChinese(NormalizedString text)
    {
        text.BeginRewrite();
        int done = 0;
        for (int i = 0, units; i < text.Length; i += units)
        {
            if (!IsChinese(NormalizedString.CodePointAt(text.Chars, i, out units)))
                continue;
            text.AppendCurrent(done, i);
            text.Append(' ', text.Origins[i]);
            text.AppendCurrent(i, done = i + units);
            text.Append(' ', text.Origins[i]);
        }

        if (done == 0)
            return;
        text.AppendCurrent(done, text.Length);
        text.EndRewrite();
    }

    /// <summary>Decomposes runs of characters that change or may move; nothing moves past another character.</summary>
    private static void Decompose(NormalizedString text)
    {
        text.BeginRewrite();
        NormalizedString? run = null;
        List<int>? parts = null;
        int done = 0;
        for (int i = 0, units; i < text.Length; i += units)
        {
            if (!Decomposes(text, i, out units))
                continue;
            int end = i + units;
            while (end < text.Length && Decomposes(text, end, out int more))
                end += more;
            text.AppendCurrent(done, i);
            if (end == i + units)
            {
                DecomposeAlone(text, i, parts ??= []);
            }
            else
            {
                run ??= new NormalizedString();
                run.Load(text, i, end);
                run.Transform(Normalization.Decompose(run.ToCodePoints(), compatible: false));
                text.AppendFrom(run, 0, run.Length);
            }

            done = end;
            units = end - i;
        }

        if (done == 0)
            return;
        text.AppendCurrent(done, text.Length);
        text.EndRewrite();
    }

    /// <summary>The marks of one character have their order already.</summary>
    private static void DecomposeAlone(NormalizedString text, int at, List<int> parts)
    {
        parts.Clear();
        UnicodeData.Decompose(NormalizedString.CodePointAt(text.Chars, at, out _), compatible: false, parts);
        foreach (int part in parts)
            text.Append(part, text.Origins[at]);
    }

    private static bool Decomposes(NormalizedString text, int at, out int units) =>
        UnicodeData.Is(NormalizedString.CodePointAt(text.Chars, at, out units), CharClass.Decomposes);

    public static bool IsChinese(int codePoint) => codePoint is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF
        or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B73F or >= 0x2B740 and <= 0x2B81F or >= 0x2B920 and <= 0x2CEAF
        or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F;
}

internal sealed class LowercaseNormalizer : Normalizer
{
    public override void Normalize(NormalizedString text) => Lower(text);
}

internal sealed class UnicodeNormalizer(bool compose, bool compatible) : Normalizer
{
    /// <summary>Whether it is NFC.</summary>
    public bool IsCanonicalComposition => compose && !compatible;

    public override void Normalize(NormalizedString text)
    {
        if (System.Text.Ascii.IsValid(text.Chars))
            return;
        int[] codePoints = text.ToCodePoints();
        text.Transform(compose ? Normalization.Compose(codePoints, compatible) : Normalization.Decompose(codePoints, compatible));
    }
}

internal sealed class StripAccentsNormalizer : Normalizer
{
    public override void Normalize(NormalizedString text) =>
        text.Filter(static codePoint => !UnicodeData.Is(codePoint, CharClass.Mark));
}

internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public bool Left => left;

    public bool Right => right;

    public override void Normalize(NormalizedString text)
    {
        int start = 0;
        int end = text.Length;
        while (left && start < end && UnicodeData.Is(text.Chars[start], CharClass.White))
            start++;
        while (right && end > start && UnicodeData.Is(text.Chars[end - 1], CharClass.White))
            end--;
        text.Trim(start, end);
    }
}

/// <summary>Replaces matches; what is put there stands for the last character of the match.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : Normalizer
{
    /// <summary>The pattern, where it is a plain string.</summary>
    public string? Pattern => pattern.Text;

    /// <summary>The pattern, where it is a regular expression.</summary>
    public string? Expression => pattern.Expression;

    public string Content => content;

    public override void Normalize(NormalizedString text)
    {
        List<TextRange> matches = pattern.FindAll(text.Chars);
        if (matches.Count == 0)
            return;
        text.BeginRewrite();
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            text.AppendCurrent(done, start);
            int origin = end > 0 ? text.Origins[end - 1] : text.NothingBefore;
            text.Append(content, origin);
            done = end;
        }

        text.AppendCurrent(done, text.Length);
        text.EndRewrite();
    }
}

/// <summary>Each byte of the text's UTF-8 as a visible character.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        text.BeginRewrite();
        ByteAlphabet.Write(text, 0, text.Length);
        text.EndRewrite();
    }
}

/// <summary>Puts text before every text that is not empty.</summary>
internal sealed class PrependNormalizer(string content) : Normalizer
{
    public string Content => content;

    public override void Normalize(NormalizedString text)
    {
        if (text.Length == 0)
            return;
        text.BeginRewrite();
        text.Append(content, text.Origins[0]);
        text.AppendCurrent(0, text.Length);
        text.EndRewrite();
    }
}
