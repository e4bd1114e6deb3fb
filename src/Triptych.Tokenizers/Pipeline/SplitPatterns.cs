using System.Collections.Frozen;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// The patterns that published tokenizers cut text with, each by hand: one pass, no backtracking, characters beyond the basic plane
/// as whole code points, which .NET's regular expressions see as halves.
/// </summary>
internal static class SplitPatterns
{
    /// <summary>GPT-2 and descendants.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Llama 3: digits by threes.</summary>
    public const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen 2: digits one by one.</summary>
    public const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen 3.5: as Qwen 2, and marks go with letters.</summary>
    public const string Qwen35 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>DeepSeek-V3 and R1: what is left after digits by threes and Chinese and Japanese runs.</summary>
    public const string DeepSeek3 = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        + @"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>CLIP; its matches are kept, what is between them is not.</summary>
    public const string Clip = @"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    /// <summary>OpenAI's o200k_base: cuts before capitals too.</summary>
    public const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Mistral's Tekken: the same without contractions, digits one by one.</summary>
    public const string Tekken =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
        + @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly FrozenDictionary<string, Splitter> Known = new Dictionary<string, Splitter>
    {
        [Gpt2] = Gpt2Splitter.Split,
        [Llama3] = new Cl100kSplitter(maxDigits: 3).Split,
        [Qwen2] = new Cl100kSplitter(maxDigits: 1).Split,
        [DeepSeek3] = DeepSeekSplitter.Split,
        [O200k] = new CasedSplitter(maxDigits: 3, contractions: true).Split,
        [Tekken] = new CasedSplitter(maxDigits: 1, contractions: false).Split,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Cuts into the matches and what is between them, as the pattern does; null where it is not known.</summary>
    public static Splitter? Find(string pattern) => Known.GetValueOrDefault(pattern);

    /// <summary>Cuts into the matches alone; null where the pattern is not known.</summary>
    public static Splitter? FindMatches(string pattern) => pattern == Clip ? ClipSplitter.Split : MatchesAll(pattern) ? Find(pattern) : null;

    private static bool MatchesAll(string pattern) => pattern != DeepSeek3;
}

/// <summary>
/// The pattern of OpenAI's cl100k_base, which Llama 3 and Qwen took over (<see cref="SplitPatterns.Llama3"/>).
/// </summary>
internal sealed class Cl100kSplitter(int maxDigits, bool takesRest = false)
{
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
        if (text[at] == '\'' && Contraction(text[(at + 1)..]) is > 0 and int length)
            return at + 1 + length;

        TextKind kind = TextKinds.At(text, at, out int units);
        int next = at + units;
        if (kind == TextKind.Letter)
            return TextKinds.RunEnd(text, next, TextKind.Letter);
        if (kind == TextKind.Number)
            return Digits(text, next);
        // A character that is no line break goes with the letters after it.
        if (text[at] is not ('\r' or '\n') && next < text.Length && TextKinds.At(text, next, out _) == TextKind.Letter)
            return TextKinds.RunEnd(text, next, TextKind.Letter);
        int other = text[at] == ' ' ? next : at;
        if (other < text.Length && TextKinds.At(text, other, out _) == TextKind.Other)
            return LineBreaks(text, TextKinds.RunEnd(text, other, TextKind.Other));
        return takesRest && TextKinds.RunEnd(text, at, TextKind.Space) == text.Length ? text.Length : WhiteSpace(text, at);
    }

    private int Digits(ReadOnlySpan<char> text, int at)
    {
        for (int digits = 1; digits < maxDigits && at < text.Length && TextKinds.At(text, at, out int units) == TextKind.Number; digits++)
            at += units;
        return at;
    }

    public static int LineBreaks(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && text[at] is '\r' or '\n')
            at++;
        return at;
    }

    /// <summary>Up to the last line break of the run; without one all of it at the end of the text, else all but its last character.</summary>
    public static int WhiteSpace(ReadOnlySpan<char> text, int at)
    {
        int end = at;
        int last = at;
        int afterBreak = -1;
        while (end < text.Length && TextKinds.At(text, end, out int units) == TextKind.Space)
        {
            last = end;
            end += units;
            if (text[last] is '\r' or '\n')
                afterBreak = end;
        }

        return afterBreak >= 0 ? afterBreak : end == text.Length || last == at ? end : last;
    }

    // The long s is the one letter beyond ASCII whose case folds into it.
    public static int Contraction(ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty)
            return 0;
        char first = char.ToLowerInvariant(rest[0]);
        if (first is 's' or 't' or 'm' or 'd' or '\u017F')
            return 1;
        return rest.Length > 1 && (first, char.ToLowerInvariant(rest[1])) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }
}

/// <summary>What the patterns tell apart.</summary>
internal enum TextKind : byte
{
    Space,
    Letter,
    Number,
    Other,
}

/// <summary>The kinds of characters and their runs.</summary>
internal static class TextKinds
{
    private static readonly TextKind[] Ascii = [.. Enumerable.Range(0, 128).Select(Of)];

    public static TextKind At(ReadOnlySpan<char> text, int at, out int units)
    {
        char c = text[at];
        if (c < 128)
        {
            units = 1;
            return Ascii[c];
        }

        return Of(NormalizedString.CodePointAt(text, at, out units));
    }

    /// <summary>Where the run of a kind ends.</summary>
    public static int RunEnd(ReadOnlySpan<char> text, int at, TextKind kind)
    {
        while (at < text.Length && At(text, at, out int units) == kind)
            at += units;
        return at;
    }

    private static TextKind Of(int codePoint)
    {
        CharClass classes = UnicodeData.ClassOf(codePoint);
        return (classes & CharClass.Letter) != 0 ? TextKind.Letter
            : (classes & CharClass.Number) != 0 ? TextKind.Number
            : (classes & CharClass.Space) != 0 ? TextKind.Space : TextKind.Other;
    }
}
