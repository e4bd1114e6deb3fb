using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// Activations as signed bytes with a scale for each 32 of them, x = scale * q, q in [-127, 127]: what a product with block-quantized
/// weights computes with, whatever the type of the blocks. (llama.cpp shares one scale among 256 where weights are K-quants: twice the error.)
/// </summary>
internal static unsafe class ActivationQuantizer
{
    /// <summary>Activations that share a scale.</summary>
    public const int Block = 32;

    /// <summary>Activations whose bytes are summed: the smallest sub-block of any type of weights.</summary>
    public const int SumBlock = 16;

    /// <summary>Rows are padded with zeros, of scale 0, to a multiple of this: the longest block of any type.</summary>
    public const int Padding = 256;

    /// <summary>Below this an inverse scale would overflow; so small values become 0.</summary>
    private const float Smallest = 1e-35f;

    /// <summary>`k` rounded up to whole <see cref="Padding"/>.</summary>
    public static int Padded(int k) => (k + Padding - 1) / Padding * Padding;

    /// <summary>
    /// Quantizes a row of `k` activations, a multiple of 32. The targets have room for the padded row; sums[i] is that of values
    /// 16 i to 16 i + 15. A block with an infinity or a NaN gets the scale NaN, so that every product with it is NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* row, int k, sbyte* values, float* scales, int* sums)
    {
        int padded = Padded(k);
        for (int start = 0; start < k; start += Block, row += Block, values += Block, sums += 2, scales++)
        {
            *scales = Round(row, out Vector512<int> first, out Vector512<int> second);
            Store(first, values);
            Store(second, values + SumBlock);
            sums[0] = Vector512.Sum(first);
            sums[1] = Vector512.Sum(second);
        }

        int rest = padded - k;
        new Span<sbyte>(values, rest).Clear();
        new Span<float>(scales, rest / Block).Clear();
        new Span<int>(sums, rest / SumBlock).Clear();
    }

    /// <summary>One block: its values, and their scale, which is NaN when the block has an infinity or a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float* source, out Vector512<int> first, out Vector512<int> second)
    {
        Vector512<float> lower = Vector512.Load(source), upper = Vector512.Load(source + SumBlock);
        Vector512<int> magnitude = Vector512.Create(0x7fffffff);
        float max = BitConverter.Int32BitsToSingle(Max(Vector512.Max(lower.AsInt32() & magnitude, upper.AsInt32() & magnitude)));
        float inverse = max > Smallest ? 127 / max : 0;

        // No clamp: |x| * (127 / max) rounds to 127 at most. What an infinity or a NaN leaves here is multiplied by NaN.
        first = Vector512.ConvertToInt32Native(Vector512.Round(lower * inverse));
        second = Vector512.ConvertToInt32Native(Vector512.Round(upper * inverse));
        return max <= float.MaxValue ? max / 127 : float.NaN;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<int> bytes, sbyte* target)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.ConvertToVector128SByte(bytes).Store(target);
            return;
        }

        Vector256<short> words = Vector256.Narrow(bytes.GetLower(), bytes.GetUpper());
        Vector128.Narrow(words.GetLower(), words.GetUpper()).Store(target);
    }

    /// <summary>Magnitudes of floats order as their bits do, with infinity and NaN above all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Max(Vector512<int> v)
    {
        Vector256<int> half = Vector256.Max(v.GetLower(), v.GetUpper());
        Vector128<int> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        quarter = Vector128.Max(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(quarter.GetElement(0), quarter.GetElement(1));
    }
}
