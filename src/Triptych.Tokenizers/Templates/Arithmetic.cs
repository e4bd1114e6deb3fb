using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>Python's operators.</summary>
internal static class Arithmetic
{
    /// <summary>Bits of the largest power.</summary>
    private const int MaxPowerBits = 1 << 16;

    public static object Add(RenderState state, object? left, object? right)
    {
        if (left is string a && right is string b)
            return Concat(state, a, b);
        if (left is long x && right is long y && !(((x ^ (x + y)) & (y ^ (x + y))) < 0))
            return Numbers.Box(x + y);
        if (AreNumbers(left, right))
        {
            return left is double || right is double ? Numbers.ToDouble(left!) + Numbers.ToDouble(right!)
                : Numbers.Box(Numbers.ToBig(left!) + Numbers.ToBig(right!));
        }

        Check(left, right);
        if (left is string or MarkupValue && right is string or MarkupValue)
            return new MarkupValue(Concat(state, Markup.Escape(state, left).Text, Markup.Escape(state, right).Text));
        if (left is SequenceValue one && right is SequenceValue other && one is ListValue == other is ListValue)
        {
            state.ReserveItems((long)one.Count + other.Count);
            return one.Make([.. one.Items, .. other.Items]);
        }

        if (left is string)
            throw new TemplateError($"can only concatenate str (not \"{PythonTypes.NameOf(right)}\") to str");
        throw Unsupported("+", left, right);
    }

    public static object Subtract(object? left, object? right)
    {
        if (left is long x && right is long y && !(((x ^ y) & (x ^ (x - y))) < 0))
            return Numbers.Box(x - y);
        CheckNumbers("-", left, right);
        return left is double || right is double ? Numbers.ToDouble(left!) - Numbers.ToDouble(right!)
            : Numbers.Box(Numbers.ToBig(left!) - Numbers.ToBig(right!));
    }

    public static object Multiply(RenderState state, object? left, object? right)
    {
        if (AreNumbers(left, right))
        {
            return left is double || right is double ? Numbers.ToDouble(left!) * Numbers.ToDouble(right!)
                : Numbers.Box(Numbers.ToBig(left!) * Numbers.ToBig(right!));
        }

        Check(left, right);
        if (Numbers.IsInteger(right) && left is string or MarkupValue or SequenceValue)
            return Repeat(state, left, right!);
        if (Numbers.IsInteger(left) && right is string or MarkupValue or SequenceValue)
            return Repeat(state, right, left!);
        throw Unsupported("*", left, right);
    }

    public static object Divide(object? left, object? right)
    {
        CheckNumbers("/", left, right);
        double divisor = Numbers.ToDouble(right!);
        return divisor == 0 ? throw new TemplateError("division by zero") : Numbers.ToDouble(left!) / divisor;
    }

    public static object FloorDivide(object? left, object? right)
    {
        CheckNumbers("//", left, right);
        if (left is double || right is double)
            return DivMod(Numbers.ToDouble(left!), Numbers.ToDouble(right!)).Quotient;
        (BigInteger quotient, _) = DivMod(Numbers.ToBig(left!), Numbers.ToBig(right!));
        return Numbers.Box(quotient);
    }

    public static object Modulo(RenderState state, object? left, object? right)
    {
        if (left is string format)
            return PercentFormat.Format(state, format, right);
        if (left is MarkupValue markup)
            return new MarkupValue(PercentFormat.Format(state, markup.Text, right, escape: true));
        if (left is long x && right is long y && y > 0)
            return Numbers.Box((x % y + y) % y);
        CheckNumbers("%", left, right);
        if (left is double || right is double)
            return DivMod(Numbers.ToDouble(left!), Numbers.ToDouble(right!)).Remainder;
        (_, BigInteger remainder) = DivMod(Numbers.ToBig(left!), Numbers.ToBig(right!));
        return Numbers.Box(remainder);
    }

    public static object Power(object? left, object? right)
    {
        CheckNumbers("**", left, right);
        if (left is double || right is double)
            return Power(Numbers.ToDouble(left!), Numbers.ToDouble(right!));
        BigInteger value = Numbers.ToBig(left!), exponent = Numbers.ToBig(right!);
        if (exponent.Sign < 0)
            return Power(Numbers.ToDouble(left!), Numbers.ToDouble(right!));
        if (BigInteger.Abs(value) <= 1)
            return Numbers.Box(value.Sign >= 0 ? exponent.IsZero ? 1 : value : exponent.IsEven ? 1 : value);
        if (exponent * value.GetBitLength() > MaxPowerBits)
            throw new TemplateError("the result of ** is too large");
        return Numbers.Box(BigInteger.Pow(value, (int)exponent));
    }

    public static object Negate(object? value) => value switch
    {
        long number when number != long.MinValue => Numbers.Box(-number),
        double number => -number,
        long or bool or BigInteger => Numbers.Box(-Numbers.ToBig(value)),
        UndefinedValue undefined => throw undefined.Fail(),
        _ => throw new TemplateError($"bad operand type for unary -: '{PythonTypes.NameOf(value)}'"),
    };

    public static object Plus(object? value) => value switch
    {
        long or double or BigInteger => value,
        bool flag => Numbers.Box(flag ? 1L : 0L),
        UndefinedValue undefined => throw undefined.Fail(),
        _ => throw new TemplateError($"bad operand type for unary +: '{PythonTypes.NameOf(value)}'"),
    };

    public static object Absolute(object? value) => value switch
    {
        double number => Math.Abs(number),
        long or bool or BigInteger => Numbers.Box(BigInteger.Abs(Numbers.ToBig(value))),
        _ => throw new TemplateError($"bad operand type for abs(): '{PythonTypes.NameOf(value)}'"),
    };

    private static string Concat(RenderState state, string a, string b)
    {
        state.Reserve((long)a.Length + b.Length);
        return string.Concat(a, b);
    }

    private static object Repeat(RenderState state, object? value, object times)
    {
        BigInteger big = BigInteger.Max(Numbers.ToBig(times), 0);
        long length = value is SequenceValue counted ? counted.Count * 8L : value!.ToString()!.Length;
        if (length > 0)
            state.Reserve(big > int.MaxValue ? long.MaxValue / 2 : length * (long)big);
        int count = length == 0 ? 0 : (int)big;
        if (value is SequenceValue sequence)
        {
            var items = new object?[sequence.Count * count];
            for (int i = 0; i < count; i++)
                sequence.Items.CopyTo(items, i * sequence.Count);
            return sequence.Make(items);
        }

        string text = value!.ToString()!;
        string repeated = text.Length == 1 ? new string(text[0], count)
            : new System.Text.StringBuilder(text.Length * count).Insert(0, text, count).ToString();
        return value is MarkupValue ? new MarkupValue(repeated) : repeated;
    }

    private static object Power(double value, double exponent)
    {
        if (value == 0 && exponent < 0)
            throw new TemplateError("zero to a negative power");
        if (value < 0 && double.IsFinite(value) && double.IsFinite(exponent) && Math.Floor(exponent) != exponent)
            throw new TemplateError("complex numbers are not supported");
        double result = Math.Pow(value, exponent);
        return double.IsInfinity(result) && double.IsFinite(value) && double.IsFinite(exponent)
            ? throw new TemplateError("Numerical result out of range") : result;
    }

    private static (BigInteger Quotient, BigInteger Remainder) DivMod(BigInteger left, BigInteger right)
    {
        if (right.IsZero)
            throw new TemplateError("division by zero");
        BigInteger quotient = BigInteger.DivRem(left, right, out BigInteger remainder);
        return !remainder.IsZero && remainder.Sign != right.Sign ? (quotient - 1, remainder + right) : (quotient, remainder);
    }

    private static (double Quotient, double Remainder) DivMod(double left, double right)
    {
        if (right == 0)
            throw new TemplateError("division by zero");
        double remainder = left % right;
        double quotient = (left - remainder) / right;
        if (remainder != 0 && (right < 0) != (remainder < 0))
        {
            remainder += right;
            quotient -= 1;
        }
        else if (remainder == 0)
        {
            remainder = Math.CopySign(0, right);
        }

        if (quotient == 0)
            return (Math.CopySign(0, left / right), remainder);
        double floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : floor, remainder);
    }

    private static bool AreNumbers(object? left, object? right) => Numbers.IsNumber(left) && Numbers.IsNumber(right);

    private static void CheckNumbers(string sign, object? left, object? right)
    {
        if (AreNumbers(left, right))
            return;
        Check(left, right);
        throw Unsupported(sign, left, right);
    }

    private static void Check(object? left, object? right)
    {
        if ((left as UndefinedValue ?? right as UndefinedValue) is { } undefined)
            throw undefined.Fail();
    }

    private static TemplateError Unsupported(string sign, object? left, object? right) =>
        new($"unsupported operand type(s) for {sign}: '{PythonTypes.NameOf(left)}' and '{PythonTypes.NameOf(right)}'");
}
