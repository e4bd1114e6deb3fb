using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 256 numbers in 6 bits each, sixteen groups of 16: x = d s (q - 32), with 8-bit scales s. In each half of the block, number l and
/// l + 64 share byte l of <see cref="LowBits"/>, l + 32 and l + 96 byte l + 32; byte l of <see cref="HighBits"/> has the upper two bits of all four.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ6_K : IQuantizedBlock<BlockQ6_K>
{
    private const int Groups = 16, GroupLength = 16, Offset = 32;

    public fixed byte LowBits[128];
    public fixed byte HighBits[64];
    public fixed sbyte Scales[16];
    public Half D;

    public static int Length => 256;

    public static void Dequantize(BlockQ6_K* block, float* target)
    {
        float d = (float)block->D;
        for (int group = 0; group < Groups; group++)
        {
            int half = group / 8, quarter = group / 2 % 4, part = group % 2 * 16;
            var low = (Vector128.Load(block->LowBits + (half * 64) + (quarter % 2 * 32) + part) >> (quarter / 2 * 4)) & Vector128.Create((byte)15);
            var high = ((Vector128.Load(block->HighBits + (half * 32) + part) >> (quarter * 2)) & Vector128.Create((byte)3)) << 4;
            var levels = QuantLanes.ToSingle(((low | high) - Vector128.Create((byte)Offset)).AsSByte());
            (Vector512.Create(d * block->Scales[group]) * levels).Store(target + (group * GroupLength));
        }
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockQ6_K* blocks, int count)
    {
        const int Numbers = Groups * GroupLength;
        float* x = stackalloc float[Numbers], scales = stackalloc float[Groups];
        int* levels = stackalloc int[Numbers];
        byte* quants = stackalloc byte[Numbers];
        for (int i = 0; i < count; i++)
        {
            BlockQ6_K* block = blocks + i;
            QuantLanes.Spread(source + ((long)i * Numbers), Groups, GroupLength, x);
            SymmetricSearch.Scan(x, levels, GroupLength, Offset).Store(scales);
            float largest = QuantLanes.LargestMagnitude(scales, Groups);
            if (MathF.Abs(largest) < QuantLanes.NegligibleMagnitude)
            {
                *block = default;
                continue;
            }

            float inverse = -128 / largest;
            block->D = (Half)(1 / inverse);
            for (int group = 0; group < Groups; group++)
            {
                block->Scales[group] = (sbyte)Math.Min(127, QuantLanes.Nearest(inverse * scales[group]));
                scales[group] = (float)block->D * block->Scales[group];
            }

            QuantLanes.Requantize(x, levels, GroupLength, -Offset, Offset - 1, Vector512.Load(scales), Vector512<float>.Zero);
            QuantLanes.Collect(levels, Groups, GroupLength, quants);
            Pack(quants, block);
        }
    }

    private static void Pack(byte* quants, BlockQ6_K* block)
    {
        for (int half = 0; half < 2; half++, quants += 128)
        {
            var high = Vector256<byte>.Zero;
            for (int quarter = 0; quarter < 4; quarter++)
                high |= (Vector256.Load(quants + (quarter * 32)) >> 4) << (quarter * 2);
            high.Store(block->HighBits + (half * 32));
            for (int part = 0; part < 64; part += 32)
            {
                ((Vector256.Load(quants + part) & Vector256.Create((byte)15)) | (Vector256.Load(quants + part + 64) << 4))
                    .Store(block->LowBits + (half * 64) + part);
            }
        }
    }
}
