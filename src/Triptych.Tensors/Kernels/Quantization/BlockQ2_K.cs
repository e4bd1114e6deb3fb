using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 256 numbers in 2 bits each, sixteen groups of 16: x = d s q - dmin m, with the group's 4-bit scale s in the low nibble of its
/// byte and its minimum m in the high one. Each half of the block is 32 bytes of four numbers that lie 32 apart.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ2_K : IQuantizedBlock<BlockQ2_K>
{
    private const int Groups = 16, GroupLength = 16, Top = 3;

    public fixed byte Scales[16];
    public fixed byte Quants[64];
    public Half D;
    public Half DMin;

    public static int Length => 256;

    public static void Dequantize(BlockQ2_K* block, float* target)
    {
        float d = (float)block->D, dmin = (float)block->DMin;
        for (int group = 0; group < Groups; group++)
        {
            byte scales = block->Scales[group];
            var bits = Vector128.Load(block->Quants + (group / 8 * 32) + (group % 2 * 16)) >> (group / 2 % 4 * 2);
            var levels = QuantLanes.ToSingle(bits & Vector128.Create((byte)3));
            ((Vector512.Create(d * (scales & 15)) * levels) - Vector512.Create(dmin * (scales >> 4))).Store(target + (group * GroupLength));
        }
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockQ2_K* blocks, int count)
    {
        const int Numbers = Groups * GroupLength;
        float* x = stackalloc float[Numbers], weights = stackalloc float[Numbers];
        float* scales = stackalloc float[Groups], minima = stackalloc float[Groups];
        int* levels = stackalloc int[Numbers];
        byte* quants = stackalloc byte[Numbers];
        for (int i = 0; i < count; i++)
        {
            BlockQ2_K* block = blocks + i;
            QuantLanes.Spread(source + ((long)i * Numbers), Groups, GroupLength, x);
            for (int j = 0; j < Numbers; j += QuantLanes.Count)
                Vector512.Abs(Vector512.Load(x + j)).Store(weights + j);
            AffineSearch.Run(x, weights, levels, GroupLength, Top, start: -0.5f, steps: 15, absolute: true, out var scale, out var minimum);
            scale.Store(scales);
            minimum.Store(minima);
            EncodeScales(block, scales, minima);

            for (int group = 0; group < Groups; group++)
            {
                scales[group] = (float)block->D * (block->Scales[group] & 15);
                minima[group] = (float)block->DMin * (block->Scales[group] >> 4);
            }

            QuantLanes.Requantize(x, levels, GroupLength, 0, Top, Vector512.Load(scales), Vector512.Load(minima));
            QuantLanes.Collect(levels, Groups, GroupLength, quants);
            QuantLanes.PackPairs(quants, block->Quants);
        }
    }

    private static void EncodeScales(BlockQ2_K* block, float* scales, float* minima)
    {
        float largestScale = QuantLanes.LargestPositive(scales, Groups), largestMinimum = QuantLanes.LargestPositive(minima, Groups);
        float inverseScale = largestScale > 0 ? 15 / largestScale : 0, inverseMinimum = largestMinimum > 0 ? 15 / largestMinimum : 0;
        block->D = (Half)(largestScale / 15);
        block->DMin = (Half)(largestMinimum / 15);
        for (int group = 0; group < Groups; group++)
        {
            int scale = QuantLanes.Nearest(inverseScale * scales[group]), minimum = QuantLanes.Nearest(inverseMinimum * minima[group]);
            block->Scales[group] = (byte)(scale | (minimum << 4));
        }
    }
}
