using System.Buffers;
using System.Numerics;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Integers in other radices, and digits in groups.</summary>
internal static class IntegerFormat
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>The digits of a number that is not negative.</summary>
    public static string Digits(BigInteger number, int radix)
    {
        if (radix == 10)
            return Numbers.ToText(number);
        if (number.IsZero)
            return "0";
        int bits = radix == 2 ? 1 : radix == 8 ? 3 : 4;
        var digits = new List<char>();
        for (; !number.IsZero; number >>= bits)
            digits.Add("0123456789abcdef"[(int)(number & (radix - 1))]);
        digits.Reverse();
        return new string([.. digits]);
    }

    /// <summary>Puts a separator between groups of digits, counted from the end of the whole part.</summary>
    /// <param name="digits">Digits, and what follows them.</param>
    /// <param name="separator">What goes between.</param>
    /// <param name="size">Digits of a group.</param>
    /// <param name="width">Zeros are put in front until the result is so long.</param>
    public static string Group(string digits, char separator, int size, int width)
    {
        int whole = digits.AsSpan().IndexOfAnyExcept(HexDigits) is >= 0 and int end ? end : digits.Length;
        if (size == 3 && digits.AsSpan(0, whole).IndexOfAny('e', 'E') is >= 0 and int exponent)
            whole = exponent;
        int count = whole;
        while (count + (count - 1) / size + digits.Length - whole < width)
            count++;
        string padded = digits[..whole].PadLeft(count, '0');
        var result = new StringBuilder();
        for (int i = 0; i < padded.Length; i++)
        {
            if (i > 0 && (padded.Length - i) % size == 0)
                result.Append(separator);
            result.Append(padded[i]);
        }

        return result.Append(digits, whole, digits.Length - whole).ToString();
    }
}
