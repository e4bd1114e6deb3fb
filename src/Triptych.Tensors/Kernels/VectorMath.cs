using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>Functions on vectors of 16 singles. Where the processor has no 512-bit registers the JIT splits them.</summary>
internal static class VectorMath
{
    /// <summary>Below this exp is 0 in float32 (but for subnormals).</summary>
    private const float ExpUnderflow = -87.3f;

    /// <summary>exp for arguments up to about 88: 2^n times a polynomial (Cephes), relative error 2e-7; 0 for -infinity, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> n = Vector512.Round(x * Vector512.Create(1.44269504088896341f));
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        Vector512<float> power = ((Vector512.ConvertToInt32(n) + Vector512.Create(127)) << 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(ExpUnderflow)), Vector512<float>.Zero, p * power);
    }

    /// <summary>2^x for arguments up to about 127 by a polynomial (Cephes), relative error 2e-7; 0 below -126, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        Vector512<float> bounded = Vector512.MaxNative(Vector512.Create(-127f), x);
        Vector512<float> n = Vector512.Round(bounded), r = bounded - n;
        Vector512<float> p = Vector512.Create(1.535336188319500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.339887440266574e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(9.618437357674640e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.550332471162809e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(2.402264791363012e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(6.931472028550421e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);

        // An exponent of zero makes the factor zero: -127 is as small as it gets.
        return p * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();
    }

    /// <summary>The error function to 2e-7: a minimax polynomial (Cephes) below 1, Abramowitz and Stegun 7.1.26 above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Erf(Vector512<float> x)
    {
        var magnitude = Vector512.Abs(x);
        var z = x * x;
        var small = Vector512.Create(7.853861353153693E-5f);
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(-8.010193625184903E-4f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(5.188327685732524E-3f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(-2.685381193529856E-2f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(1.128358514861418E-1f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(-3.761262582423300E-1f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(1.128379165726710E+0f)) * x;

        var t = Vector512<float>.One / Vector512.FusedMultiplyAdd(magnitude, Vector512.Create(0.3275911f), Vector512<float>.One);
        var tail = Vector512.Create(1.061405429f);
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(-1.453152027f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(1.421413741f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(-0.284496736f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.254829592f)) * t;
        var large = Vector512<float>.One - (tail * Exp(-z));
        large = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), -large, large);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512<float>.One), small, large);
    }

    /// <summary>The hyperbolic tangent: a polynomial (Cephes) below 0.625, by exp above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        var magnitude = Vector512.Abs(x);
        var z = x * x;
        var small = Vector512.Create(-5.70498872745E-3f);
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(2.06390887954E-2f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(-5.37397155531E-2f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(1.33314422036E-1f));
        small = Vector512.FusedMultiplyAdd(small, z, Vector512.Create(-3.33332819422E-1f));
        small = Vector512.FusedMultiplyAdd(small * z, x, x);

        var e = Exp(magnitude * Vector512.Create(-2f));
        var large = (Vector512<float>.One - e) / (Vector512<float>.One + e);
        large = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), -large, large);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(0.625f)), small, large);
    }

    /// <summary>1 / (1 + exp(-x)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x)
    {
        var e = Exp(-Vector512.Abs(x));
        var positive = Vector512<float>.One / (Vector512<float>.One + e);
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), e * positive, positive);
    }

    /// <summary>Up to 16 singles; zeros beyond the count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Load(float* source, long count)
    {
        if (count >= Vector512<float>.Count)
            return Vector512.Load(source);
        var lanes = Vector512<float>.Zero;
        Unsafe.CopyBlockUnaligned(&lanes, source, (uint)count * sizeof(float));
        return lanes;
    }

    /// <summary>Writes up to 16 singles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(Vector512<float> value, float* target, long count)
    {
        if (count >= Vector512<float>.Count)
            Vector512.Store(value, target);
        else
            Unsafe.CopyBlockUnaligned(target, &value, (uint)count * sizeof(float));
    }
}
