using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>32 numbers in 4 bits each: x = d v[q], with v the table of <see cref="NonlinearLevels"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockIQ4_NL : IQuantizedBlock<BlockIQ4_NL>
{
    public Half D;
    public fixed byte Quants[16];

    public static int Length => 32;

    public static void Dequantize(BlockIQ4_NL* block, float* target) => NonlinearLevels.Dequantize(block->Quants, (float)block->D, target);

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockIQ4_NL* blocks, int count)
    {
        float* x = stackalloc float[32 * QuantLanes.Count], scales = stackalloc float[QuantLanes.Count];
        int* levels = stackalloc int[32 * QuantLanes.Count];
        byte* quants = stackalloc byte[32 * QuantLanes.Count];
        for (int at = 0; at < count; at += QuantLanes.Count)
        {
            int groups = Math.Min(QuantLanes.Count, count - at);
            QuantLanes.Spread(source + ((long)at * 32), groups, 32, x);
            var scale = NonlinearLevels.BestScales(x, 32);
            scale.Store(scales);
            NonlinearLevels.Round(x, levels, 32, NonlinearLevels.Inverse(scale));
            QuantLanes.Collect(levels, groups, 32, quants);
            for (int group = 0; group < groups; group++)
            {
                blocks[at + group].D = (Half)scales[group];
                NonlinearLevels.Pack(quants + (group * 32), blocks[at + group].Quants);
            }
        }
    }
}

/// <summary>256 numbers in 4 bits each, eight groups of 32: x = d (s - 32) v[q], with 6-bit scales s in two parts.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockIQ4_XS : IQuantizedBlock<BlockIQ4_XS>
{
    private const int Groups = 8, GroupLength = 32;

    public Half D;
    public ushort ScalesHigh;
    public fixed byte ScalesLow[4];
    public fixed byte Quants[128];

    public static int Length => 256;

    public static void Dequantize(BlockIQ4_XS* block, float* target)
    {
        float d = (float)block->D;
        for (int group = 0; group < Groups; group++)
        {
            int scale = ((block->ScalesLow[group / 2] >> (group % 2 * 4)) & 15) | (((block->ScalesHigh >> (group * 2)) & 3) << 4);
            NonlinearLevels.Dequantize(block->Quants + (group * 16), d * (scale - 32), target + (group * GroupLength));
        }
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockIQ4_XS* blocks, int count)
    {
        float* x = stackalloc float[GroupLength * QuantLanes.Count], scales = stackalloc float[QuantLanes.Count];
        int* levels = stackalloc int[GroupLength * QuantLanes.Count];
        byte* quants = stackalloc byte[GroupLength * QuantLanes.Count];
        for (int at = 0; at < count; at += 2)
        {
            int here = Math.Min(2, count - at);
            QuantLanes.Spread(source + ((long)at * 256), here * Groups, GroupLength, x);
            NonlinearLevels.BestScales(x, GroupLength).Store(scales);
            for (int i = 0; i < here; i++)
                EncodeScales(blocks + at + i, scales + (i * Groups));
            NonlinearLevels.Round(x, levels, GroupLength, NonlinearLevels.Inverse(Vector512.Load(scales)));
            QuantLanes.Collect(levels, here * Groups, GroupLength, quants);
            for (int group = 0; group < here * Groups; group++)
                NonlinearLevels.Pack(quants + (group * GroupLength), blocks[at + (group / Groups)].Quants + (group % Groups * 16));
        }
    }

    // Encodes eight scales and leaves in their place those that the levels are rounded with.
    private static void EncodeScales(BlockIQ4_XS* block, float* scales)
    {
        float d = -QuantLanes.LargestMagnitude(scales, Groups) / 32;
        float inverse = d != 0 ? 1 / d : 0;
        block->D = (Half)d;
        block->ScalesHigh = 0;
        for (int group = 0; group < Groups; group++)
        {
            int scale = Math.Clamp(QuantLanes.Nearest(inverse * scales[group]), -32, 31);
            scales[group] = d * scale;
            int low = ((scale + 32) & 15) << (group % 2 * 4);
            block->ScalesLow[group / 2] = (byte)(group % 2 == 0 ? low : block->ScalesLow[group / 2] | low);
            block->ScalesHigh |= (ushort)((scale + 32) >> 4 << (group * 2));
        }
    }
}

/// <summary>The sixteen values of the non-linear formats: close together around zero, where most weights are.</summary>
internal static unsafe class NonlinearLevels
{
    // The scales tried map the largest number to the first value, plus or minus so much.
    private const int Tries = 7;

    private static ReadOnlySpan<sbyte> Values => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public static void Dequantize(byte* quants, float scale, float* target)
    {
        var table = Vector128.Create(Values);
        var (low, high) = Nibbles.Split(quants);
        (Vector512.Create(scale) * QuantLanes.ToSingle(Vector128.ShuffleNative(table, low.AsSByte()))).Store(target);
        (Vector512.Create(scale) * QuantLanes.ToSingle(Vector128.ShuffleNative(table, high.AsSByte()))).Store(target + 16);
    }

    /// <summary>For each group [length][lanes] the scale with the least sum of squares of errors, weighted by the squares of the numbers.</summary>
    public static Vector512<float> BestScales(float* x, int length)
    {
        var largest = QuantLanes.LargestMagnitudes(x, length);
        var (sumXQ, sumQ2) = Sums(x, length, Vector512<float>.One / (-largest / Vector512.Create((float)Values[0])));
        var scale = Vector512.ConditionalSelect(Vector512.GreaterThan(sumQ2, Vector512<float>.Zero), sumXQ / sumQ2, Vector512<float>.Zero);
        var best = scale * sumXQ;
        for (int attempt = -Tries; attempt <= Tries; attempt++)
        {
            (sumXQ, sumQ2) = Sums(x, length, Vector512.Create((float)(attempt + Values[0])) / largest);
            var better = Vector512.GreaterThan(sumQ2, Vector512<float>.Zero) & Vector512.GreaterThan(sumXQ * sumXQ, best * sumQ2);
            scale = Vector512.ConditionalSelect(better, sumXQ / sumQ2, scale);
            best = Vector512.ConditionalSelect(better, scale * sumXQ, best);
        }

        return Vector512.ConditionalSelect(QuantLanes.Negligible(largest), Vector512<float>.Zero, scale);
    }

    /// <summary>1 / scale, 0 for 0.</summary>
    public static Vector512<float> Inverse(Vector512<float> scale) => Vector512.ConditionalSelect(
        Vector512.Equals(scale, Vector512<float>.Zero), Vector512<float>.Zero, Vector512<float>.One / scale);

    /// <summary>levels = the indices of the values nearest to x inverse.</summary>
    public static void Round(float* x, int* levels, int length, Vector512<float> inverse)
    {
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var scaled = inverse * Vector512.Load(x + i);
            var index = Vector512.Create(Values.Length - 1);
            for (int v = 1; v < Values.Length; v++)
                index += Vector512.LessThan(scaled, Midpoint(v)).AsInt32();
            index.Store(levels + i);
        }
    }

    /// <summary>32 indices in 16 bytes, the low nibbles first.</summary>
    public static void Pack(byte* levels, byte* target) =>
        (Vector128.Load(levels) | (Vector128.Load(levels + 16) << 4)).Store(target);

    private static (Vector512<float> XQ, Vector512<float> Q2) Sums(float* x, int length, Vector512<float> inverse)
    {
        Vector512<float> sumXQ = Vector512<float>.Zero, sumQ2 = Vector512<float>.Zero;
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var number = Vector512.Load(x + i);
            var scaled = inverse * number;
            var nearest = Vector512.Create((int)Values[^1]);
            for (int v = 1; v < Values.Length; v++)
                nearest += Vector512.LessThan(scaled, Midpoint(v)).AsInt32() & Vector512.Create(Values[v - 1] - Values[v]);
            var value = Vector512.ConvertToSingle(nearest);
            var weight = number * number;
            sumXQ += weight * value * number;
            sumQ2 += weight * value * value;
        }

        return (sumXQ, sumQ2);
    }

    // From here on value v is nearer than the one before; exact in float, and so are the distances near it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Midpoint(int v) => Vector512.Create((Values[v - 1] + Values[v]) * 0.5f);
}
