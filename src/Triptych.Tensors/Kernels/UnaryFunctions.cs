using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>A function of one number and its derivative, side by side.</summary>
internal interface IUnaryFunction
{
    static abstract Vector512<float> Value(Vector512<float> x);

    static abstract Vector512<float> Derivative(Vector512<float> x);
}

internal readonly struct NegateFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => -x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => -Vector512<float>.One;
}

internal readonly struct AbsFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.ConditionalSelect(
        Vector512.GreaterThan(x, Vector512<float>.Zero),
        Vector512<float>.One,
        Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), -Vector512<float>.One, Vector512<float>.Zero));
}

internal readonly struct SquareFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => x + x;
}

internal readonly struct SqrtFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Create(0.5f) / Vector512.Sqrt(x);
}

internal readonly struct RsqrtFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512<float>.One / Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Create(-0.5f) / (x * Vector512.Sqrt(x));
}

internal readonly struct ExpFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Exp(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Exp(x);
}

internal readonly struct LogFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512<float>.One / x;
}

internal readonly struct SinFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Sin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Cos(x);
}

internal readonly struct CosFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Cos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => -Vector512.Sin(x);
}

internal readonly struct TanhFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => VectorMath.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x)
    {
        var y = VectorMath.Tanh(x);
        return Vector512<float>.One - (y * y);
    }
}

internal readonly struct SigmoidFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x)
    {
        var y = VectorMath.Sigmoid(x);
        return y * (Vector512<float>.One - y);
    }
}

internal readonly struct ErfFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => VectorMath.Erf(x);

    // 2 / sqrt(pi) * exp(-x^2)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) => Vector512.Create(1.1283791671f) * Vector512.Exp(-(x * x));
}

internal readonly struct ReluFunction : IUnaryFunction
{
    // Not Max, so that NaN stays NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) =>
        Vector512.ConditionalSelect(Vector512.LessThanOrEqual(x, Vector512<float>.Zero), Vector512<float>.Zero, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<float>.Zero), Vector512<float>.One, Vector512<float>.Zero);
}

internal readonly struct SiluFunction : IUnaryFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x)
    {
        var s = VectorMath.Sigmoid(x);
        return s * (Vector512<float>.One + (x * (Vector512<float>.One - s)));
    }
}

/// <summary>x * Phi(x) (Hendrycks and Gimpel 2016).</summary>
internal readonly struct GeluFunction : IUnaryFunction
{
    private const float InverseSqrt2 = 0.70710678118f;
    private const float InverseSqrt2Pi = 0.3989422804f;

    /// <summary>Beyond it, x Phi(x) is x or 0 in float32.</summary>
    private const float Saturation = 15;

    // max(x, 0) - |x| (1 - Phi(|x|)): nothing cancels in the tails. 1 - Phi by Abramowitz and Stegun 7.1.26.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x)
    {
        var magnitude = Vector512.MinNative(Vector512.Create(Saturation), Vector512.Abs(x));
        var t = Vector512<float>.One / Vector512.FusedMultiplyAdd(magnitude, Vector512.Create(0.3275911f * InverseSqrt2), Vector512<float>.One);
        var tail = Vector512.Create(0.5f * 1.061405429f);
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * -1.453152027f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * 1.421413741f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * -0.284496736f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * 0.254829592f));
        tail *= t * VectorMath.Exp(magnitude * magnitude * Vector512.Create(-0.5f));
        return Vector512.FusedMultiplyAdd(-magnitude, tail, Vector512.MaxNative(Vector512<float>.Zero, x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x) =>
        (Vector512.Create(0.5f) * (Vector512<float>.One + VectorMath.Erf(x * Vector512.Create(InverseSqrt2))))
        + (x * Vector512.Create(InverseSqrt2Pi) * Vector512.Exp(x * x * Vector512.Create(-0.5f)));
}

/// <summary>Gelu's approximation by tanh, called gelu_new and gelu_pytorch_tanh in configs.</summary>
internal readonly struct GeluTanhFunction : IUnaryFunction
{
    private const float Scale = 0.7978845608f;
    private const float Cubic = 0.044715f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(Inner(x) + Inner(x)); // 1 + tanh(u) = 2 sigmoid(2 u)

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x)
    {
        var t = VectorMath.Tanh(Inner(x));
        var slope = Vector512.Create(Scale) * Vector512.FusedMultiplyAdd(x * x, Vector512.Create(3 * Cubic), Vector512<float>.One);
        return Vector512.Create(0.5f) * (Vector512<float>.One + t + (x * (Vector512<float>.One - (t * t)) * slope));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Inner(Vector512<float> x) =>
        Vector512.Create(Scale) * Vector512.FusedMultiplyAdd(x * x * x, Vector512.Create(Cubic), x);
}

/// <summary>x * sigmoid(1.702 x), as in CLIP.</summary>
internal readonly struct QuickGeluFunction : IUnaryFunction
{
    private const float Steepness = 1.702f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(Vector512.Create(Steepness) * x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Derivative(Vector512<float> x)
    {
        var s = VectorMath.Sigmoid(Vector512.Create(Steepness) * x);
        return s + (x * Vector512.Create(Steepness) * s * (Vector512<float>.One - s));
    }
}
