using System.Numerics;
using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's <c>'...' % values</c>.</summary>
internal sealed class PercentFormat
{
    private readonly RenderState _state;
    private readonly string _format;
    private readonly object? _values;
    private readonly bool _escape;
    private readonly StringBuilder _result = new();
    private int _at, _used;

    private PercentFormat(RenderState state, string format, object? values, bool escape)
    {
        _state = state;
        _format = format;
        _values = values;
        _escape = escape;
    }

    /// <summary>Formats values: a tuple, a dictionary for named conversions, or one value.</summary>
    /// <param name="state">The rendering.</param>
    /// <param name="format">The format.</param>
    /// <param name="values">What goes into it.</param>
    /// <param name="escape">Whether texts are escaped for HTML.</param>
    public static string Format(RenderState state, string format, object? values, bool escape = false)
    {
        state.Reserve(format.Length);
        return new PercentFormat(state, format, values, escape).Run();
    }

    private string Run()
    {
        while (_at < _format.Length)
        {
            int next = _format.IndexOf('%', _at);
            if (next < 0)
                next = _format.Length;
            _result.Append(_format, _at, next - _at);
            _at = next + 1;
            if (next < _format.Length)
                Convert();
        }

        bool usesAll = _values is TupleValue tuple ? _used == tuple.Count
            : _used > 0 || _values is DictValue or ListValue or RangeValue or UndefinedValue;
        return usesAll ? _result.ToString() : throw new TemplateError("not all arguments converted during string formatting");
    }

    private void Convert()
    {
        if (_at < _format.Length && _format[_at] == '%')
        {
            _result.Append('%');
            _at++;
            return;
        }

        string? key = ReadKey();
        bool isNamed = key is not null;
        object? named = null;
        if (isNamed && !(_values as DictValue ?? throw new TemplateError("format requires a mapping")).TryGet(key!, out named))
            throw new TemplateError($"there is no {PythonText.Repr(key!)} for the format");
        int flagsStart = _at;
        while (_at < _format.Length && _format[_at] is '-' or '+' or ' ' or '#' or '0')
            _at++;
        string flags = _format[flagsStart.._at];
        int width = ReadNumber() ?? 0;
        if (width < 0)
            (flags, width) = (flags + "-", -width);
        int precision = -1;
        if (_at < _format.Length && _format[_at] == '.')
        {
            _at++;
            precision = Math.Max(ReadNumber() ?? 0, 0);
        }

        if (_at < _format.Length && _format[_at] is 'h' or 'l' or 'L')
            _at++;
        if (_at >= _format.Length)
            throw new TemplateError("incomplete format");
        char type = _format[_at++];
        _state.Reserve(Math.Max(width, precision));
        Write(type, flags, width, precision, isNamed ? UseNamed(named) : Next());
    }

    private object? UseNamed(object? value)
    {
        _used = Math.Max(_used, 1);
        return value;
    }

    private string? ReadKey()
    {
        if (_at >= _format.Length || _format[_at] != '(')
            return null;
        int depth = 1, start = ++_at;
        for (; _at < _format.Length && depth > 0; _at++)
            depth += _format[_at] == '(' ? 1 : _format[_at] == ')' ? -1 : 0;
        return depth == 0 ? _format[start..(_at - 1)] : throw new TemplateError("incomplete format key");
    }

    private int? ReadNumber()
    {
        if (_at < _format.Length && _format[_at] == '*')
        {
            _at++;
            return Numbers.TryLong(Next(), out long value) && value is > -int.MaxValue and < int.MaxValue
                ? (int)value : throw new TemplateError("* wants int");
        }

        int start = _at;
        while (_at < _format.Length && char.IsAsciiDigit(_format[_at]))
            _at++;
        return _at == start ? null
            : int.TryParse(_format.AsSpan(start, _at - start), out int number) ? number : throw new TemplateError("width too big");
    }

    private object? Next()
    {
        if (_values is TupleValue tuple ? _used < tuple.Count : _used == 0)
            return _values is TupleValue several ? several.Items[_used++] : UseNamed(_values);
        throw new TemplateError("not enough arguments for format string");
    }

    private void Write(char type, string flags, int width, int precision, object? value)
    {
        switch (type)
        {
            case 's' or 'r' or 'a':
                string text = type == 's' ? Printer.ToText(_state, value) : Printer.Repr(_state, value, type == 'a');
                if (_escape)
                    text = type == 's' ? Markup.Escape(_state, value).Text : Markup.EscapeText(_state, text);
                if (precision >= 0)
                    text = text[..CodePoints.OffsetOf(text, precision)];
                Pad(text, "", flags.Replace("0", "", StringComparison.Ordinal), width);
                break;
            case 'c':
                Pad(Character(value), "", flags.Replace("0", "", StringComparison.Ordinal), width);
                break;
            case 'd' or 'i' or 'u' or 'o' or 'x' or 'X':
                WriteInteger(type, flags, width, precision, value);
                break;
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                if (!Numbers.IsNumber(value))
                    throw Wrong(value, $"must be real number, not {PythonTypes.NameOf(value)}");
                double number = Numbers.ToDouble(value!);
                string digits = FloatFormat.Format(number, type, precision < 0 ? 6 : precision, flags.Contains('#'));
                Pad(digits, Sign(double.IsNegative(number), flags), flags, width);
                break;
            default:
                throw new TemplateError($"unsupported format character '{type}'");
        }
    }

    private void WriteInteger(char type, string flags, int width, int precision, object? value)
    {
        bool takesFloat = type is 'd' or 'i' or 'u';
        if (!Numbers.IsInteger(value) && !(takesFloat && value is double))
            throw Wrong(value, $"%{type} format: {(takesFloat ? "a real number" : "an integer")} is required, not {PythonTypes.NameOf(value)}");
        BigInteger number = Numbers.ToBig(value is double real ? Numbers.Truncate(real) : value!);
        int radix = type == 'o' ? 8 : type is 'x' or 'X' ? 16 : 10;
        string digits = IntegerFormat.Digits(BigInteger.Abs(number), radix).PadLeft(Math.Max(precision, 0), '0');
        string prefix = flags.Contains('#') && radix != 10 ? radix == 8 ? "0o" : "0x" : "";
        if (type == 'X')
            (digits, prefix) = (digits.ToUpperInvariant(), prefix.ToUpperInvariant());
        Pad(digits, Sign(number.Sign < 0, flags) + prefix, flags, width);
    }

    private static TemplateError Wrong(object? value, string reason) =>
        value is UndefinedValue undefined ? undefined.Fail() : new TemplateError(reason);

    private static string Character(object? value)
    {
        if (Numbers.TryLong(value, out long code) && code is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF))
            return CodePoints.FromValue((int)code);
        return value is string text && CodePoints.Count(text) == 1 ? text
            : throw new TemplateError("%c requires an int or a unicode character");
    }

    private static string Sign(bool negative, string flags) =>
        negative ? "-" : flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";

    private void Pad(string text, string sign, string flags, int width)
    {
        int missing = Math.Max(0, width - sign.Length - CodePoints.Count(text));
        bool left = flags.Contains('-'), zeros = flags.Contains('0') && !left;
        _state.Reserve(text.Length + missing);
        if (!left && !zeros)
            _result.Append(' ', missing);
        _result.Append(sign);
        if (zeros)
            _result.Append('0', missing);
        _result.Append(text);
        if (left)
            _result.Append(' ', missing);
    }
}
