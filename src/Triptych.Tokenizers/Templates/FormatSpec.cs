using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's format specifications: <c>[[fill]align][sign][z][#][0][width][grouping][.precision][type]</c>.</summary>
internal sealed class FormatSpec
{
    private string _fill = " ";
    private char _align;
    private char _sign = '-';
    private bool _normalizesZero;
    private bool _alternate;
    private bool _zeros;
    private int _width;
    private char _grouping;
    private int _precision = -1;
    private char _type;

    public static string Format(RenderState state, object? value, string spec)
    {
        if (spec.Length == 0)
            return Printer.ToText(state, value);
        if (!Numbers.IsNumber(value) && value is not (string or MarkupValue))
            throw new TemplateError($"unsupported format string passed to {PythonTypes.NameOf(value)}.__format__");
        FormatSpec parsed = Parse(spec);
        state.Reserve((long)parsed._width + Math.Max(parsed._precision, 0));
        return value is string or MarkupValue ? parsed.FormatText(state, value.ToString()!) : parsed.FormatNumber(state, value!);
    }

    private static FormatSpec Parse(string spec)
    {
        var parsed = new FormatSpec();
        int at = 0;
        int fillLength = CodePoints.LengthAt(spec, 0);
        if (spec.Length > fillLength && IsAlign(spec[fillLength]))
        {
            parsed._fill = spec[..fillLength];
            parsed._align = spec[fillLength];
            at = fillLength + 1;
        }
        else if (IsAlign(spec[0]))
        {
            parsed._align = spec[0];
            at = 1;
        }

        if (Peek(spec, at) is '+' or '-' or ' ')
            parsed._sign = spec[at++];
        parsed._normalizesZero = Take(spec, 'z', ref at);
        parsed._alternate = Take(spec, '#', ref at);
        if (Take(spec, '0', ref at))
            parsed._zeros = true;
        parsed._width = Number(spec, ref at) ?? 0;
        if (Peek(spec, at) is ',' or '_')
            parsed._grouping = spec[at++];
        if (Take(spec, '.', ref at))
            parsed._precision = Number(spec, ref at) ?? throw new TemplateError("Format specifier missing precision");
        if (at < spec.Length)
            parsed._type = spec[at++];
        return at == spec.Length ? parsed : throw new TemplateError($"Invalid format specifier '{spec}'");
    }

    private static bool IsAlign(char c) => c is '<' or '>' or '=' or '^';

    private static char Peek(string spec, int at) => at < spec.Length ? spec[at] : '\0';

    private static bool Take(string spec, char c, ref int at)
    {
        bool found = Peek(spec, at) == c;
        at += found ? 1 : 0;
        return found;
    }

    private static int? Number(string spec, ref int at)
    {
        int start = at;
        while (char.IsAsciiDigit(Peek(spec, at)))
            at++;
        return at == start ? null : int.TryParse(spec.AsSpan(start, at - start), out int number)
            ? number : throw new TemplateError("Too many decimal digits in format string");
    }

    private string FormatText(RenderState state, string text)
    {
        if (_type is not ('\0' or 's') || _sign != '-' || _grouping != '\0' || _alternate || _align == '=' || _normalizesZero)
            throw new TemplateError("the format specifier is not for strings");
        if (_precision >= 0)
            text = text[..CodePoints.OffsetOf(text, _precision)];
        return Pad(state, "", text, '<', _zeros && _fill == " " ? "0" : _fill);
    }

    private string FormatNumber(RenderState state, object value)
    {
        bool isFloat = value is double || _type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%';
        if (!isFloat)
            return FormatInteger(state, Numbers.ToBig(value));
        if (_type is not ('\0' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%'))
            throw new TemplateError($"Unknown format code '{_type}' for object of type 'float'");
        double number = Numbers.ToDouble(value);
        string digits = _type switch
        {
            '%' => FloatFormat.Format(number * 100, 'f', _precision < 0 ? 6 : _precision, _alternate) + "%",
            '\0' when _precision < 0 => Numbers.ToText(double.IsNegative(number) ? -number : number),
            '\0' => FloatFormat.Format(number, 'g', _precision, _alternate, addsPointZero: true),
            char type => FloatFormat.Format(number, type == 'n' ? 'g' : type, _precision < 0 ? 6 : _precision, _alternate),
        };
        bool isZero = digits.AsSpan().IndexOfAnyInRange('1', '9') < 0 && double.IsFinite(number);
        bool negative = double.IsNegative(number) && !double.IsNaN(number) && !(_normalizesZero && isZero);
        return PadNumber(state, negative, "", digits, 3);
    }

    private string FormatInteger(RenderState state, BigInteger number)
    {
        if (_precision >= 0)
            throw new TemplateError("Precision not allowed in integer format specifier");
        if (_type == 'c')
        {
            if (number < 0 || number > 0x10FFFF)
                throw new TemplateError("%c arg not in range(0x110000)");
            return Pad(state, "", CodePoints.FromValue((int)number), '<', _fill);
        }

        (int radix, string prefix) = _type switch
        {
            '\0' or 'd' or 'n' => (10, ""),
            'b' => (2, "0b"),
            'o' => (8, "0o"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => throw new TemplateError($"Unknown format code '{_type}' for object of type 'int'"),
        };
        string digits = IntegerFormat.Digits(BigInteger.Abs(number), radix);
        if (_type == 'X')
            digits = digits.ToUpperInvariant();
        return PadNumber(state, number.Sign < 0, _alternate ? prefix : "", digits, radix == 10 ? 3 : 4);
    }

    private string PadNumber(RenderState state, bool negative, string prefix, string digits, int groupSize)
    {
        string sign = (negative ? "-" : _sign == '-' ? "" : _sign.ToString()) + prefix;
        bool fillsZeros = _zeros && _align == '\0' || _fill == "0" && _align == '=';
        if (_grouping != '\0')
        {
            if (groupSize == 4 && _grouping == ',')
                throw new TemplateError($"Cannot specify ',' with '{_type}'.");
            digits = IntegerFormat.Group(digits, _grouping, groupSize, fillsZeros ? _width - sign.Length : 0);
        }

        if (fillsZeros)
            return sign + digits.PadLeft(Math.Max(0, _width - sign.Length), '0');
        return Pad(state, sign, digits, '>', _zeros && _fill == " " ? "0" : _fill);
    }

    private string Pad(RenderState state, string sign, string text, char align, string fill)
    {
        int missing = Math.Max(0, _width - sign.Length - CodePoints.Count(text));
        state.Reserve(text.Length + (long)missing * fill.Length);
        align = _align == '\0' ? align : _align;
        int before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
        string left = Repeat(fill, before), right = Repeat(fill, missing - before);
        return align == '=' ? sign + left + text : left + sign + text + right;
    }

    private static string Repeat(string fill, int count) =>
        fill.Length == 1 ? new string(fill[0], count) : string.Concat(Enumerable.Repeat(fill, count));
}
