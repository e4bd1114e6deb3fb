using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// What the block types share. The searches for the best scale of a group of numbers handle sixteen groups at once, one in each
/// lane of a vector: the sums over a group then run in the order of ggml's scalar code, and rounding is the same to the bit.
/// </summary>
internal static unsafe class QuantLanes
{
    /// <summary>Groups that are searched at once.</summary>
    public const int Count = 16;

    /// <summary>A group whose largest magnitude is below this counts as zeros.</summary>
    public const float NegligibleMagnitude = 1e-15f;

    /// <summary>lanes[i][g] = source[g][i] for <paramref name="groups"/> groups of a length; the other lanes are zero.</summary>
    public static void Spread(float* source, int groups, int length, float* lanes)
    {
        if (groups < Count)
            new Span<float>(lanes, length * Count).Clear();
        for (int g = 0; g < groups; g++)
        {
            for (int i = 0; i < length; i++)
                lanes[(i * Count) + g] = source[(g * length) + i];
        }
    }

    /// <summary>target[g][i] = lanes[i][g], as bytes.</summary>
    public static void Collect(int* lanes, int groups, int length, byte* target)
    {
        for (int g = 0; g < groups; g++)
        {
            for (int i = 0; i < length; i++)
                target[(g * length) + i] = (byte)lanes[(i * Count) + g];
        }
    }

    /// <summary>
    /// The nearest integer, ties to even, for magnitudes below 2^22. It adds 1.5 x 2^23 and reads the mantissa, since what
    /// that gives for larger numbers (the quotients of a group of denormals) ends in ggml's files too.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Nearest(Vector512<float> x) =>
        ((x + Vector512.Create(12582912f)).AsInt32() & Vector512.Create(0x7FFFFF)) - Vector512.Create(0x400000);

    /// <summary><see cref="Nearest(Vector512{float})"/> of one number.</summary>
    public static int Nearest(float x) => (BitConverter.SingleToInt32Bits(x + 12582912f) & 0x7FFFFF) - 0x400000;

    /// <summary>The nearest integer within [low, high].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Nearest(Vector512<float> x, int low, int high) =>
        Vector512.Max(Vector512.Create(low), Vector512.Min(Vector512.Create(high), Nearest(x)));

    /// <summary>The integer part, 0 beyond the range of an int: the low byte of what x86 converts such numbers to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Truncate(Vector512<float> x) =>
        Vector512.ConvertToInt32(Vector512.ConditionalSelect(
            Vector512.LessThan(Vector512.Abs(x), Vector512.Create(2147483648f)), x, Vector512<float>.Zero));

    /// <summary>
    /// levels = the nearest integers to (x + minimum) / scale within [low, high], counted from low; as they are where the scale is zero.
    /// </summary>
    public static void Requantize(float* x, int* levels, int length, int low, int high, Vector512<float> scales, Vector512<float> minima)
    {
        var none = Vector512.Equals(scales, Vector512<float>.Zero).AsInt32();
        for (int i = 0; i < length * Count; i += Count)
        {
            var level = Nearest((Vector512.Load(x + i) + minima) / scales, low, high) - Vector512.Create(low);
            Vector512.ConditionalSelect(none, Vector512.Load(levels + i), level).Store(levels + i);
        }
    }

    /// <summary>256 integers of two bits in 64 bytes: in each half of the block, number l, l + 32, l + 64, l + 96 in byte l.</summary>
    public static void PackPairs(byte* quants, byte* target)
    {
        for (int half = 0; half < 2; half++, quants += 128, target += 32)
        {
            (Vector256.Load(quants) | (Vector256.Load(quants + 32) << 2) | (Vector256.Load(quants + 64) << 4)
                | (Vector256.Load(quants + 96) << 6)).Store(target);
        }
    }

    /// <summary>The first of the numbers that have the largest magnitude, 0 if there is none.</summary>
    public static float LargestMagnitude(float* numbers, int count)
    {
        float largest = 0;
        for (int i = 0; i < count; i++)
            largest = MathF.Abs(numbers[i]) > MathF.Abs(largest) ? numbers[i] : largest;
        return largest;
    }

    /// <summary>The largest of the numbers and 0.</summary>
    public static float LargestPositive(float* numbers, int count)
    {
        float largest = 0;
        for (int i = 0; i < count; i++)
            largest = numbers[i] > largest ? numbers[i] : largest;
        return largest;
    }

    /// <summary>The first number of the largest magnitude in each group.</summary>
    public static Vector512<float> LargestMagnitudes(float* x, int length)
    {
        Vector512<float> largest = Vector512<float>.Zero, magnitude = Vector512<float>.Zero;
        for (int i = 0; i < length; i++)
        {
            var value = Vector512.Load(x + (i * Count));
            var larger = Vector512.GreaterThan(Vector512.Abs(value), magnitude);
            largest = Vector512.ConditionalSelect(larger, value, largest);
            magnitude = Vector512.Abs(largest);
        }

        return largest;
    }

    /// <summary>Which lanes hold a group that counts as zeros, by its largest magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Negligible(Vector512<float> largest) =>
        Vector512.LessThan(Vector512.Abs(largest), Vector512.Create(NegligibleMagnitude));

    /// <summary>Sixteen signed bytes as numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector128<sbyte> bytes)
    {
        var (low, high) = Vector128.Widen(bytes);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low)),
            Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high))));
    }

    /// <summary>Sixteen bytes as numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector128<byte> bytes)
    {
        var (low, high) = Vector128.Widen(bytes);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low)),
            Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high))).AsInt32());
    }

    /// <summary>The low bytes of sixteen integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBytes(Vector512<int> values)
    {
        var halves = Vector256.Narrow(values.GetLower(), values.GetUpper()).AsUInt16();
        return Vector128.Narrow(halves.GetLower(), halves.GetUpper());
    }
}
