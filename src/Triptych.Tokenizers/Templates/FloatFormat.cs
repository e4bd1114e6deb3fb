using System.Globalization;
using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>Digits of floats, exact and rounded half to even, as C's <c>printf</c> and Python give them.</summary>
internal static class FloatFormat
{
    /// <summary>No float has more digits behind the point or in front of it; further ones are zeros.</summary>
    private const int MaxDigits = 1100;

    /// <summary>Formats the size of a number.</summary>
    /// <param name="value">The number; its sign is left out.</param>
    /// <param name="type"><c>e</c>, <c>f</c> or <c>g</c>, or a capital.</param>
    /// <param name="precision">Digits after the point; for <c>g</c> significant ones.</param>
    /// <param name="keepsZeros">For <c>g</c>, whether zeros at the end stay, and the point does for all.</param>
    /// <param name="addsPointZero">For <c>g</c>, whether whole numbers get <c>.0</c>.</param>
    public static string Format(double value, char type, int precision, bool keepsZeros = false, bool addsPointZero = false)
    {
        if (!double.IsFinite(value))
        {
            string special = double.IsNaN(value) ? "nan" : "inf";
            return char.IsUpper(type) ? special.ToUpperInvariant() : special;
        }

        value = Math.Abs(value);
        string text = char.ToLowerInvariant(type) switch
        {
            'f' => Fixed(value, precision),
            'e' => Exponential(value, precision),
            _ => General(value, Math.Max(precision, 1), keepsZeros, addsPointZero),
        };
        if (keepsZeros && !text.Contains('.'))
            text = text.IndexOf('e') is >= 0 and int e ? text.Insert(e, ".") : text + ".";
        return char.IsUpper(type) ? text.ToUpperInvariant() : text;
    }

    public static string Fixed(double value, int precision)
    {
        int computed = Math.Min(precision, MaxDigits);
        string digits = Scale(value, computed).ToString(CultureInfo.InvariantCulture).PadLeft(computed + 1, '0');
        if (precision == 0)
            return digits;
        return string.Concat(digits.AsSpan(0, digits.Length - computed), ".", digits.AsSpan(digits.Length - computed),
            new string('0', precision - computed));
    }

    private static string Exponential(double value, int precision)
    {
        (string digits, int exponent) = Significant(value, Math.Min(precision, MaxDigits) + 1);
        string fraction = precision == 0 ? "" : "." + digits[1..].PadRight(precision, '0');
        return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string General(double value, int precision, bool keepsZeros, bool addsPointZero)
    {
        (_, int exponent) = Significant(value, Math.Min(precision, MaxDigits));
        bool isExponential = exponent < -4 || exponent >= precision - (addsPointZero ? 1 : 0);
        string text = isExponential ? Exponential(value, precision - 1) : Fixed(value, precision - 1 - exponent);
        if (!keepsZeros && text.Contains('.'))
        {
            int end = text.IndexOf('e') is >= 0 and int e ? e : text.Length;
            text = string.Concat(text[..end].TrimEnd('0').TrimEnd('.'), text.AsSpan(end));
        }

        return addsPointZero && !isExponential && !text.Contains('.') ? text + ".0" : text;
    }

    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);
        int exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            string digits = Scale(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
                return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1;
        }
    }

    /// <summary>The number times a power of ten, rounded half to even.</summary>
    public static BigInteger Scale(double value, int power)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        BigInteger numerator = mantissa, denominator = 1;
        if (power >= 0)
            numerator *= BigInteger.Pow(10, power);
        else
            denominator *= BigInteger.Pow(10, -power);
        if (exponent >= 0)
            numerator <<= exponent;
        else
            denominator <<= -exponent;
        return DivideHalfEven(numerator, denominator);
    }

    public static BigInteger DivideHalfEven(BigInteger numerator, BigInteger denominator)
    {
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger remainder);
        int comparison = (BigInteger.Abs(remainder) * 2).CompareTo(denominator);
        return comparison > 0 || comparison == 0 && !quotient.IsEven ? quotient + (numerator.Sign < 0 ? -1 : 1) : quotient;
    }
}
