using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Segments;

/// <summary>Whether NFC leaves a text as it is, found out quickly.</summary>
internal static class Composition
{
    private const char FirstMark = '\u0300';

    private static readonly Lazy<ulong[]> s_stable = new(Build);

    /// <summary>True only where NFC changes nothing; may be false for texts that it does not change either.</summary>
    public static bool IsStable(ReadOnlySpan<char> text)
    {
        int at = text.IndexOfAnyExceptInRange('\0', (char)(FirstMark - 1));
        if (at < 0)
            return true;
        ulong[] stable = s_stable.Value;
        foreach (char c in text[at..])
        {
            if ((stable[c >> 6] >> (c & 63) & 1) == 0)
                return false;
        }

        return true;
    }

    /// <summary>Characters that are starters, are their own composition, and do not compose with what stands before them.</summary>
    private static ulong[] Build()
    {
        bool[] unstable = new bool[0x10000];
        foreach (int second in UnicodeData.SecondsOfCompositions())
        {
            if (second < unstable.Length)
                unstable[second] = true;
        }

        var output = new ulong[unstable.Length / 64];
        int[] single = new int[1];
        for (int c = 0; c < unstable.Length; c++)
        {
            if (unstable[c] || char.IsSurrogate((char)c) || UnicodeData.CombiningClass(c) != 0)
                continue;
            single[0] = c;
            List<Change> composed = Normalization.Compose(single, compatible: false);
            if (composed.Count == 1 && composed[0].CodePoint == c)
                output[c >> 6] |= 1UL << (c & 63);
        }

        return output;
    }
}
