using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 256 numbers in 4 bits each, eight groups of 32: x = d s q - dmin m. Each 32 bytes hold two groups, the first in the low nibbles.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ4_K : IQuantizedBlock<BlockQ4_K>
{
    public AffineScales Scales;
    public fixed byte Quants[128];

    public static int Length => 256;

    public static void Dequantize(BlockQ4_K* block, float* target)
    {
        for (int group = 0; group < AffineScales.Groups; group++)
        {
            byte* quants = block->Quants + (group / 2 * 32);
            int shift = group % 2 * 4;
            var first = (Vector128.Load(quants) >> shift) & Vector128.Create((byte)15);
            var second = (Vector128.Load(quants + 16) >> shift) & Vector128.Create((byte)15);
            AffineScales.Dequantize(&block->Scales, group, first, second, target);
        }
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockQ4_K* blocks, int count)
    {
        byte* quants = stackalloc byte[2 * 256];
        for (int i = 0; i < count; i += 2)
        {
            bool two = i + 1 < count;
            AffineScales* second = two ? &blocks[i + 1].Scales : null;
            AffineScales.Quantize(source + ((long)i * 256), &blocks[i].Scales, second, top: 15, start: -1f, steps: 20, quants);
            Pack(quants, blocks[i].Quants);
            if (two)
                Pack(quants + 256, blocks[i + 1].Quants);
        }
    }

    private static void Pack(byte* quants, byte* target)
    {
        for (int j = 0; j < 256; j += 64)
            (Vector256.Load(quants + j) | (Vector256.Load(quants + j + 32) << 4)).Store(target + (j / 2));
    }
}

/// <summary>As <see cref="BlockQ4_K"/> with 5 bits: the fifth bit of number i of group g is bit g of byte i of <see cref="HighBits"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ5_K : IQuantizedBlock<BlockQ5_K>
{
    public AffineScales Scales;
    public fixed byte HighBits[32];
    public fixed byte Quants[128];

    public static int Length => 256;

    public static void Dequantize(BlockQ5_K* block, float* target)
    {
        for (int group = 0; group < AffineScales.Groups; group++)
            AffineScales.Dequantize(&block->Scales, group, Levels(block, group, 0), Levels(block, group, 16), target);
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockQ5_K* blocks, int count)
    {
        byte* quants = stackalloc byte[2 * 256];
        for (int i = 0; i < count; i += 2)
        {
            bool two = i + 1 < count;
            AffineScales* second = two ? &blocks[i + 1].Scales : null;
            AffineScales.Quantize(source + ((long)i * 256), &blocks[i].Scales, second, top: 31, start: -0.5f, steps: 15, quants);
            Pack(quants, blocks + i);
            if (two)
                Pack(quants + 256, blocks + i + 1);
        }
    }

    private static Vector128<byte> Levels(BlockQ5_K* block, int group, int part)
    {
        var low = (Vector128.Load(block->Quants + (group / 2 * 32) + part) >> (group % 2 * 4)) & Vector128.Create((byte)15);
        return low | (((Vector128.Load(block->HighBits + part) >> group) & Vector128<byte>.One) << 4);
    }

    private static void Pack(byte* quants, BlockQ5_K* block)
    {
        var high = Vector256<byte>.Zero;
        for (int group = 0; group < AffineScales.Groups; group += 2)
        {
            Vector256<byte> first = Vector256.Load(quants + (group * 32)), second = Vector256.Load(quants + (group * 32) + 32);
            high |= (((first >> 4) & Vector256<byte>.One) << group) | (((second >> 4) & Vector256<byte>.One) << (group + 1));
            ((first & Vector256.Create((byte)15)) | (second << 4)).Store(block->Quants + (group * 16));
        }

        high.Store(block->HighBits);
    }
}

/// <summary>
/// The head of a <see cref="BlockQ4_K"/> or <see cref="BlockQ5_K"/>: two scales, and for each of eight groups of 32 numbers a scale
/// and a minimum of 6 bits. Those of groups 0 to 3 lie in a byte each; the others' low nibbles follow, their high bits are on top of
/// the bytes before.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct AffineScales
{
    /// <summary>Groups in a block.</summary>
    public const int Groups = 8;

    private const int GroupLength = 32, Largest = 63;

    public Half D;
    public Half DMin;
    public fixed byte Packed[12];

    /// <summary>The scale and the minimum of a group, 0 to 63.</summary>
    public static (int Scale, int Minimum) Of(AffineScales* scales, int group)
    {
        byte* packed = scales->Packed;
        return group < 4
            ? (packed[group] & 63, packed[group + 4] & 63)
            : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
    }

    /// <summary>Writes a group's numbers.</summary>
    public static void Dequantize(AffineScales* scales, int group, Vector128<byte> first, Vector128<byte> second, float* target)
    {
        var (scale, minimum) = Of(scales, group);
        Vector512<float> d = Vector512.Create((float)scales->D * scale), m = Vector512.Create((float)scales->DMin * minimum);
        ((d * QuantLanes.ToSingle(first)) - m).Store(target + (group * GroupLength));
        ((d * QuantLanes.ToSingle(second)) - m).Store(target + (group * GroupLength) + 16);
    }

    /// <summary>Finds the scales of one or two blocks (the second is null) and their integers, 256 bytes each.</summary>
    [SkipLocalsInit]
    public static void Quantize(float* source, AffineScales* first, AffineScales* second, int top, float start, int steps, byte* quants)
    {
        const int Numbers = GroupLength * QuantLanes.Count;
        float* x = stackalloc float[Numbers], weights = stackalloc float[Numbers];
        float* scales = stackalloc float[QuantLanes.Count], minima = stackalloc float[QuantLanes.Count];
        int* levels = stackalloc int[Numbers];
        int groups = second == null ? Groups : 2 * Groups;
        QuantLanes.Spread(source, groups, GroupLength, x);
        Weigh(x, weights);
        AffineSearch.Run(x, weights, levels, GroupLength, top, start, steps, absolute: false, out var scale, out var minimum);
        scale.Store(scales);
        minimum.Store(minima);
        Encode(first, scales, minima);
        if (second != null)
            Encode(second, scales + Groups, minima + Groups);
        QuantLanes.Requantize(x, levels, GroupLength, 0, top, Vector512.Load(scales), Vector512.Load(minima));
        QuantLanes.Collect(levels, groups, GroupLength, quants);
    }

    // The weight of a number is its magnitude and that of its group.
    private static void Weigh(float* x, float* weights)
    {
        var squares = Vector512<float>.Zero;
        for (int i = 0; i < GroupLength * QuantLanes.Count; i += QuantLanes.Count)
            squares += Vector512.Load(x + i) * Vector512.Load(x + i);
        var average = Vector512.Sqrt(squares / Vector512.Create((float)GroupLength));
        for (int i = 0; i < GroupLength * QuantLanes.Count; i += QuantLanes.Count)
            (average + Vector512.Abs(Vector512.Load(x + i))).Store(weights + i);
    }

    // Encodes eight scales and minima and leaves in their place what the block now says.
    private static void Encode(AffineScales* block, float* scales, float* minima)
    {
        float largestScale = QuantLanes.LargestPositive(scales, Groups), largestMinimum = QuantLanes.LargestPositive(minima, Groups);
        float inverseScale = largestScale > 0 ? Largest / largestScale : 0, inverseMinimum = largestMinimum > 0 ? Largest / largestMinimum : 0;
        block->D = (Half)(largestScale / Largest);
        block->DMin = (Half)(largestMinimum / Largest);
        for (int group = 0; group < Groups; group++)
        {
            int scale = Math.Min(Largest, (int)(byte)QuantLanes.Nearest(inverseScale * scales[group]));
            int minimum = Math.Min(Largest, (int)(byte)QuantLanes.Nearest(inverseMinimum * minima[group]));
            if (group < 4)
            {
                block->Packed[group] = (byte)scale;
                block->Packed[group + 4] = (byte)minimum;
            }
            else
            {
                block->Packed[group + 4] = (byte)((scale & 15) | (minimum << 4));
                block->Packed[group - 4] |= (byte)(scale >> 4 << 6);
                block->Packed[group] |= (byte)(minimum >> 4 << 6);
            }

            scales[group] = (float)block->D * scale;
            minima[group] = (float)block->DMin * minimum;
        }
    }
}
