using System.Globalization;
using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>Filters that make numbers, or format them.</summary>
internal static class NumberFilters
{
    public static object? ToFloat(object? value, object? otherwise)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        if (Numbers.IsNumber(value))
            return Numbers.ToDouble(value!);
        return value is string or MarkupValue && ParseFloat(value.ToString()!) is { } number ? number : otherwise;
    }

    public static object? ToInteger(object? value, object? otherwise, object? radix)
    {
        if (value is UndefinedValue undefined)
            throw undefined.Fail();
        if (value is double real)
            return double.IsNaN(real) ? otherwise : Numbers.Truncate(real);
        if (Numbers.IsInteger(value))
            return Arithmetic.Plus(value);
        if (value is not (string or MarkupValue))
            return otherwise;
        string text = value.ToString()!;
        if (Numbers.IsInteger(radix) && ParseInteger(text, StringMethods.Int(radix)) is { } integer)
            return Numbers.Box(integer);
        return ParseFloat(text) is { } number && double.IsFinite(number) ? Numbers.Truncate(number) : otherwise;
    }

    public static object Round(RenderState state, object? value, object?[] a)
    {
        string method = a[1] as string ?? "";
        if (method is not ("common" or "ceil" or "floor"))
            throw new TemplateError("method must be common, ceil or floor");
        if (!Numbers.IsNumber(value))
            throw new TemplateError($"type {PythonTypes.NameOf(value)} doesn't define __round__ method");
        if (method == "common")
            return a[0] is null ? RoundWhole(value!) : Round(value!, StringMethods.Int(a[0]));
        object scale = Arithmetic.Power(Numbers.Box(10L), a[0]);
        double scaled = Numbers.ToDouble(Arithmetic.Multiply(state, value, scale));
        return Arithmetic.Divide(Numbers.Truncate(method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)), scale);
    }

    public static object FileSize(RenderState state, object? value, object?[] a)
    {
        double bytes = ToFloat(value, null) as double? ?? throw new TemplateError(
            value is string text ? $"could not convert string to float: {PythonText.Repr(text)}"
                : $"float() argument must be a string or a real number, not '{PythonTypes.NameOf(value)}'");
        bool binary = Iteration.IsTrue(a[0]);
        double radix = binary ? 1024 : 1000;
        if (bytes == 1)
            return "1 Byte";
        if (bytes < radix)
            return Printer.ToText(state, Numbers.Truncate(bytes)) + " Bytes";
        double unit = radix;
        const string Prefixes = "KMGTPEZY";
        int i = 0;
        for (unit *= radix; i < Prefixes.Length - 1 && !(bytes < unit); i++)
            unit *= radix;
        string prefix = binary ? Prefixes[i] + "i" : i == 0 ? "k" : Prefixes[i].ToString();
        double shown = radix * bytes / unit;
        return $"{(double.IsNegative(shown) ? "-" : "")}{FloatFormat.Format(shown, 'f', 1)} {prefix}B";
    }

    /// <summary>A number as <c>float('...')</c> reads it, or null.</summary>
    private static double? ParseFloat(string text)
    {
        string? digits = WithoutUnderscores(Trim(text));
        if (digits is null || digits.Length == 0)
            return null;
        string name = digits.TrimStart('+', '-').ToLowerInvariant();
        double sign = digits[0] == '-' ? -1 : 1;
        if (name is "inf" or "infinity" or "nan" && digits.Length - name.Length <= 1)
            return name == "nan" ? double.NaN : sign * double.PositiveInfinity;
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return !name.Contains('n') && double.TryParse(digits, Style, CultureInfo.InvariantCulture, out double number) ? number : null;
    }

    /// <summary>An integer as <c>int('...', base)</c> reads it, or null.</summary>
    private static BigInteger? ParseInteger(string text, int radix)
    {
        if (radix is not 0 and (< 2 or > 36))
            return null;
        string digits = Trim(text);
        bool negative = digits.StartsWith('-');
        if (negative || digits.StartsWith('+'))
            digits = digits[1..];
        int prefix = digits is ['0', var letter, ..] ? char.ToLowerInvariant(letter) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        bool hasPrefix = prefix != 0 && (radix == prefix || radix == 0);
        if (hasPrefix)
            digits = digits[2..].StartsWith('_') ? digits[3..] : digits[2..];
        if (radix == 0 && !hasPrefix && digits.Length > 1 && digits[0] == '0' && digits.AsSpan().ContainsAnyExcept('0', '_'))
            return null;
        radix = radix == 0 ? hasPrefix ? prefix : 10 : radix;
        digits = WithoutUnderscores(digits) ?? "";
        foreach (char digit in digits)
        {
            if (Numbers.DigitOf(digit) >= radix)
                return null;
        }

        BigInteger? number = digits.Length == 0 ? null : Numbers.ParseDigits(digits, radix);
        return negative ? -number : number;
    }

    private static string Trim(string text)
    {
        RenderState.ScanLong(text.Length);
        int start = 0, end = text.Length;
        while (start < end && PythonText.IsSpace(text[start]))
            start++;
        while (end > start && PythonText.IsSpace(text[end - 1]))
            end--;
        var digits = new System.Text.StringBuilder(end - start);
        foreach (System.Text.Rune rune in text[start..end].EnumerateRunes())
        {
            int digit = PythonText.IsDecimal(rune) ? (int)System.Text.Rune.GetNumericValue(rune) : -1;
            _ = digit >= 0 ? digits.Append((char)('0' + digit)) : digits.Append(rune.ToString());
        }

        return digits.ToString();
    }

    /// <summary>Takes out underscores, each of which must stand between two digits.</summary>
    private static string? WithoutUnderscores(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '_' && (i == 0 || i + 1 == text.Length || !char.IsAsciiLetterOrDigit(text[i - 1]) || !char.IsAsciiLetterOrDigit(text[i + 1])))
                return null;
        }

        return text.Replace("_", "", StringComparison.Ordinal);
    }

    private static object RoundWhole(object value) =>
        value is double number ? Numbers.Truncate(Math.Round(number, MidpointRounding.ToEven)) : Arithmetic.Plus(value);

    private static object Round(object value, int digits)
    {
        if (value is double number)
        {
            if (!double.IsFinite(number) || digits > 323)
                return number;
            if (digits < -308)
                return Math.CopySign(0.0, number);
            BigInteger scaled = FloatFormat.Scale(Math.Abs(number), digits);
            double rounded = double.Parse(
                scaled.ToString(CultureInfo.InvariantCulture) + "E" + (-digits).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            return double.IsInfinity(rounded) ? throw new TemplateError("rounded value too large to represent") : Math.CopySign(rounded, number);
        }

        if (digits >= 0)
            return Arithmetic.Plus(value);
        if (digits < -Numbers.MaxDigits)
            return Numbers.Box(0L);
        BigInteger unit = BigInteger.Pow(10, -digits);
        return Numbers.Box(FloatFormat.DivideHalfEven(Numbers.ToBig(value), unit) * unit);
    }
}
