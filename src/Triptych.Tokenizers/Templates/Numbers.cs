using System.Globalization;
using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's integers and floats: integers have no fixed width, up to a limit.</summary>
internal static class Numbers
{
    /// <summary>Python refuses to print or read integers with more digits.</summary>
    public const int MaxDigits = 4300;

    /// <summary>Beyond what <see cref="MaxDigits"/> digits need.</summary>
    private const int MaxBits = 1 << 16;

    private const int CachedFrom = -128, CachedTo = 1024;

    private static readonly object[] Cached =
        [.. Enumerable.Range(CachedFrom, CachedTo - CachedFrom + 1).Select(value => (object)(long)value)];

    public static readonly object True = true;
    public static readonly object False = false;

    public static object Box(bool value) => value ? True : False;

    public static object Box(long value) => value is >= CachedFrom and <= CachedTo ? Cached[value - CachedFrom] : value;

    /// <exception cref="TemplateError">The number is too large.</exception>
    public static object Box(BigInteger value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            return Box((long)value);
        return value.GetBitLength() <= MaxBits ? value : throw new TemplateError("the integer is too large");
    }

    public static bool IsInteger(object? value) => value is long or bool or BigInteger;

    public static bool IsNumber(object? value) => value is long or bool or double or BigInteger;

    /// <summary>An integer or truth value of at most 64 bits.</summary>
    public static bool TryLong(object? value, out long number)
    {
        number = value switch { long integer => integer, bool flag => flag ? 1 : 0, _ => 0 };
        return value is long or bool;
    }

    public static BigInteger ToBig(object value) => value switch
    {
        BigInteger big => big,
        bool flag => flag ? 1 : 0,
        _ => (long)value,
    };

    public static double ToDouble(object value) => value switch
    {
        double number => number,
        long integer => integer,
        bool flag => flag ? 1 : 0,
        _ => double.IsInfinity((double)(BigInteger)value)
            ? throw new TemplateError("int too large to convert to float") : (double)(BigInteger)value,
    };

    /// <summary>The integer that a float equals, or null.</summary>
    public static BigInteger? AsInteger(double value) =>
        double.IsFinite(value) && Math.Floor(value) == value ? new BigInteger(value) : null;

    /// <exception cref="TemplateError">The float is not finite.</exception>
    public static object Truncate(double value) => double.IsNaN(value) ? throw new TemplateError("cannot convert float NaN to integer")
        : double.IsInfinity(value) ? throw new TemplateError("cannot convert float infinity to integer")
        : Box(new BigInteger(Math.Truncate(value)));

    public static int Compare(object left, object right)
    {
        if (left is long a && right is long b)
            return a.CompareTo(b);
        if (left is double || right is double)
            return left is double x && right is double y ? x.CompareTo(y)
                : left is double number ? Compare(number, ToBig(right)) : -Compare((double)right, ToBig(left));
        return ToBig(left).CompareTo(ToBig(right));
    }

    public static bool IsNaN(object? value) => value is double number && double.IsNaN(number);

    /// <summary>Digits of a radix, without signs and underscores; null if there are too many.</summary>
    public static BigInteger? ParseDigits(string digits, int radix)
    {
        if (digits.Length > MaxDigits)
            return null;
        if (radix == 10)
            return BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        BigInteger value = 0;
        foreach (char digit in digits)
            value = value * radix + DigitOf(digit);
        return value;
    }

    public static int DigitOf(char digit) => char.IsAsciiDigit(digit) ? digit - '0'
        : char.IsAsciiLetter(digit) ? (digit | 0x20) - 'a' + 10 : int.MaxValue;

    public static string ToText(BigInteger value)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        return text.Length <= MaxDigits + 1 ? text
            : throw new TemplateError($"Exceeds the limit ({MaxDigits} digits) for integer string conversion");
    }

    /// <summary>The shortest digits that read back as the same number, as Python's <c>repr</c> writes them.</summary>
    public static string ToText(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        (bool negative, string digits, int exponent) = Decompose(shortest);
        string sign = negative ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
            return sign + "0." + new string('0', -exponent - 1) + digits;
        return digits.Length <= exponent + 1 ? sign + digits.PadRight(exponent + 1, '0') + ".0"
            : string.Concat(sign, digits.AsSpan(0, exponent + 1), ".", digits.AsSpan(exponent + 1));
    }

    private static int Compare(double left, BigInteger right)
    {
        if (double.IsNaN(left))
            return -1;
        if (double.IsInfinity(left))
            return left > 0 ? 1 : -1;
        int whole = new BigInteger(Math.Floor(left)).CompareTo(right);
        return whole != 0 ? whole : left > Math.Floor(left) ? 1 : 0;
    }

    /// <summary>The significant digits of a number, and the exponent of the first.</summary>
    private static (bool Negative, string Digits, int Exponent) Decompose(string text)
    {
        bool negative = text[0] == '-';
        string mantissa = negative ? text[1..] : text;
        int exponent = 0;
        if (mantissa.IndexOf('E') is >= 0 and int e)
        {
            exponent = int.Parse(mantissa.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            mantissa = mantissa[..e];
        }

        int dot = mantissa.IndexOf('.');
        exponent += (dot < 0 ? mantissa.Length : dot) - 1;
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int leading = 0;
        while (leading < digits.Length - 1 && digits[leading] == '0')
            leading++;
        exponent = digits[leading] == '0' ? 0 : exponent - leading;
        digits = digits[leading..].TrimEnd('0');
        return (negative, digits.Length == 0 ? "0" : digits, exponent);
    }
}
