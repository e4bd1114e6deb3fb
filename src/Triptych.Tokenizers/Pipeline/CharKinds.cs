using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The general categories that patterns tell apart, as the regular expressions' own tables have them.</summary>
[Flags]
internal enum CharKind : byte
{
    None = 0,
    Letter = 1,
    Mark = 2,
    Number = 4,
    Punctuation = 8,
    Symbol = 16,
    Space = 32,
}

/// <summary>The kinds of characters, in one table for the basic plane.</summary>
internal static class CharKinds
{
    private static readonly (CharKind Kind, CharSet Set)[] Sets =
    [
        (CharKind.Letter, UnicodeProperties.Find("L")!), (CharKind.Mark, UnicodeProperties.Find("M")!), (CharKind.Number, UnicodeProperties.Find("N")!),
        (CharKind.Punctuation, UnicodeProperties.Find("P")!), (CharKind.Symbol, UnicodeProperties.Find("S")!),
        (CharKind.Space, UnicodeProperties.Escape('s', inClass: false)!),
    ];

    private static readonly CharKind[] Table = [.. Enumerable.Range(0, 0x10000).Select(Of)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharKind At(ReadOnlySpan<char> text, int at, out int units)
    {
        int codePoint = NormalizedString.CodePointAt(text, at, out units);
        return codePoint < 0x10000 ? Table[codePoint] : Of(codePoint);
    }

    /// <summary>Where the run of characters of any of the kinds ends.</summary>
    public static int RunEnd(ReadOnlySpan<char> text, int at, CharKind kinds)
    {
        while (at < text.Length && (At(text, at, out int units) & kinds) != 0)
            at += units;
        return at;
    }

    private static CharKind Of(int codePoint)
    {
        CharKind kinds = CharKind.None;
        foreach ((CharKind kind, CharSet set) in Sets)
            kinds |= set.Contains(codePoint) ? kind : CharKind.None;
        return kinds;
    }
}
