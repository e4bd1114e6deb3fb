using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// The patterns that also cut where a lower-case letter is followed by a capital: OpenAI's o200k_base (<see cref="SplitPatterns.O200k"/>)
/// and Mistral's Tekken (<see cref="SplitPatterns.Tekken"/>).
/// </summary>
internal sealed class CasedSplitter(int maxDigits, bool contractions)
{
    private static readonly (Kind Kind, CharSet Set)[] Sets =
    [
        (Kind.Upper, UnicodeProperties.Find("Lu")!), (Kind.Upper, UnicodeProperties.Find("Lt")!), (Kind.Lower, UnicodeProperties.Find("Ll")!),
        (Kind.Upper | Kind.Lower, UnicodeProperties.Find("Lm")!), (Kind.Upper | Kind.Lower, UnicodeProperties.Find("Lo")!),
        (Kind.Upper | Kind.Lower, UnicodeProperties.Find("M")!), (Kind.Letter, UnicodeProperties.Find("L")!),
        (Kind.Number, UnicodeProperties.Find("N")!), (Kind.Space, UnicodeProperties.Escape('s', inClass: false)!),
    ];

    private static readonly Lazy<Kind[]> Table = new(() => [.. Enumerable.Range(0, 0x10000).Select(Of)]);

    /// <summary>What the patterns tell apart; letters without case and marks go with capitals and with small letters.</summary>
    [Flags]
    private enum Kind : byte
    {
        None = 0,
        Upper = 1,
        Lower = 2,
        Letter = 4,
        Number = 8,
        Space = 16,
    }

    public void Split(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = MatchAt(text, at);
            output.Add(new Split(offset + at, offset + end));
            at = end;
        }
    }

    private int MatchAt(ReadOnlySpan<char> text, int at)
    {
        Kind kind = At(text, at, out int units);
        int next = at + units;
        bool mayPrefix = (kind & (Kind.Letter | Kind.Number)) == 0 && text[at] is not ('\r' or '\n');
        int end = Word(text, at, mayPrefix ? next : -1);
        if (end > 0)
            return contractions ? AfterContraction(text, end) : end;
        if ((kind & Kind.Number) != 0)
            return Digits(text, next);
        int other = text[at] == ' ' ? next : at;
        if (other < text.Length && IsOther(text, other, out _))
            return Others(text, other);
        return Cl100kSplitter.WhiteSpace(text, at);
    }

    /// <summary>The end of a word, where one other character may stand before it; -1 where there is none.</summary>
    private static int Word(ReadOnlySpan<char> text, int at, int afterPrefix)
    {
        int end = -1;
        if (afterPrefix > 0)
            end = Cased(text, afterPrefix);
        if (end < 0)
            end = Cased(text, at);
        if (end < 0 && afterPrefix > 0)
            end = UpperEnd(text, afterPrefix);
        return end < 0 ? UpperEnd(text, at) : end;
    }

    /// <summary>Capitals, or none, and then small letters: as many capitals as leave a small letter.</summary>
    private static int Cased(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        int lastLower = -1;
        while (at < text.Length && At(text, at, out int units) is Kind kind && (kind & Kind.Upper) != 0)
        {
            at += units;
            if ((kind & Kind.Lower) != 0)
                lastLower = at;
        }

        int end = at;
        while (end < text.Length && (At(text, end, out int units) & Kind.Lower) != 0)
            end += units;
        return end > at ? end : lastLower;
    }

    private static int UpperEnd(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        while (at < text.Length && (At(text, at, out int units) & Kind.Upper) != 0)
            at += units;
        return at > start ? at : -1;
    }

    private static int AfterContraction(ReadOnlySpan<char> text, int at) =>
        at < text.Length && text[at] == '\'' && Cl100kSplitter.Contraction(text[(at + 1)..]) is > 0 and int length ? at + 1 + length : at;

    private int Digits(ReadOnlySpan<char> text, int at)
    {
        for (int digits = 1; digits < maxDigits && at < text.Length && (At(text, at, out int units) & Kind.Number) != 0; digits++)
            at += units;
        return at;
    }

    private static int Others(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && IsOther(text, at, out int units))
            at += units;
        while (at < text.Length && text[at] is '\r' or '\n' or '/')
            at++;
        return at;
    }

    private static bool IsOther(ReadOnlySpan<char> text, int at, out int units) =>
        (At(text, at, out units) & (Kind.Letter | Kind.Number | Kind.Space)) == 0;

    private static Kind At(ReadOnlySpan<char> text, int at, out int units)
    {
        int codePoint = NormalizedString.CodePointAt(text, at, out units);
        return codePoint < 0x10000 ? Table.Value[codePoint] : Of(codePoint);
    }

    private static Kind Of(int codePoint)
    {
        Kind kinds = Kind.None;
        foreach ((Kind kind, CharSet set) in Sets)
            kinds |= set.Contains(codePoint) ? kind : Kind.None;
        return kinds;
    }
}
