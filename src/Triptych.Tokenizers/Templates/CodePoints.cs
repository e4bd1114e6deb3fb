using System.Buffers;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Strings as Python counts them: by code points, where .NET counts UTF-16 units. Unpaired surrogates count as one.</summary>
internal static class CodePoints
{
    private static readonly SearchValues<char> Surrogates =
        SearchValues.Create(Enumerable.Range(0xD800, 0x800).Select(unit => (char)unit).ToArray());

    /// <summary>Whether units and code points are the same.</summary>
    public static bool AreUnits(ReadOnlySpan<char> text)
    {
        RenderState.ScanLong(text.Length);
        return !text.ContainsAny(Surrogates);
    }

    public static int Count(ReadOnlySpan<char> text)
    {
        RenderState.ScanLong(text.Length);
        int first = text.IndexOfAny(Surrogates);
        if (first < 0)
            return text.Length;
        int count = first;
        for (int at = first; at < text.Length; at += LengthAt(text, at))
            count++;
        return count;
    }

    /// <summary>The units of the code point at a position: 1 or 2.</summary>
    public static int LengthAt(ReadOnlySpan<char> text, int at) =>
        char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;

    public static int ValueAt(ReadOnlySpan<char> text, int at) =>
        LengthAt(text, at) == 2 ? char.ConvertToUtf32(text[at], text[at + 1]) : text[at];

    /// <summary>The unit where a code point begins; the text's length beyond the last.</summary>
    public static int OffsetOf(ReadOnlySpan<char> text, int index)
    {
        RenderState.ScanLong(text.Length);
        int first = text.IndexOfAny(Surrogates);
        if (first < 0 || index <= first)
            return Math.Min(index, text.Length);
        int offset = first;
        for (int i = first; i < index && offset < text.Length; i++)
            offset += LengthAt(text, offset);
        return offset;
    }

    /// <summary>The code points as strings of their own.</summary>
    public static string[] Split(string text)
    {
        var parts = new string[Count(text)];
        for (int at = 0, i = 0; at < text.Length; i++)
        {
            int length = LengthAt(text, at);
            parts[i] = length == 1 ? Single(text[at]) : text.Substring(at, length);
            at += length;
        }

        return parts;
    }

    public static string Single(char c) => c < SingleLatin.Length ? SingleLatin[c] : c.ToString();

    public static string FromValue(int codePoint) =>
        codePoint > char.MaxValue ? char.ConvertFromUtf32(codePoint) : Single((char)codePoint);

    public static string Reverse(string text)
    {
        if (AreUnits(text))
            return string.Create(text.Length, text, (result, source) =>
            {
                source.CopyTo(result);
                result.Reverse();
            });
        string[] parts = Split(text);
        Array.Reverse(parts);
        return string.Concat(parts);
    }

    /// <summary>A part of a text with a step, as slices have it.</summary>
    public static string Slice(string text, long start, long count, long step)
    {
        if (AreUnits(text))
        {
            if (step == 1)
                return text.Substring((int)start, (int)count);
            return string.Create((int)count, (text, start, step), (result, from) =>
            {
                for (int i = 0; i < result.Length; i++)
                    result[i] = from.text[(int)(from.start + i * from.step)];
            });
        }

        if (step == 1)
        {
            int first = OffsetOf(text, (int)start);
            return text.Substring(first, OffsetOf(text.AsSpan(first), (int)count));
        }

        string[] parts = Split(text);
        var slice = new StringBuilder();
        for (long i = 0; i < count; i++)
            slice.Append(parts[start + i * step]);
        return slice.ToString();
    }

    private static readonly string[] SingleLatin = [.. Enumerable.Range(0, 256).Select(c => ((char)c).ToString())];
}
