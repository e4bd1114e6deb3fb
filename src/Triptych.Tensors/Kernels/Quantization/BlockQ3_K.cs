using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 256 numbers in 3 bits each, sixteen groups of 16: x = d (s - 32) (q - 4), with 6-bit scales s. The two low bits of q lie as in
/// Q2_K; the third ones lie in <see cref="HighBits"/>, that of number 32 j + i as bit j of byte i.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ3_K : IQuantizedBlock<BlockQ3_K>
{
    private const int Groups = 16, GroupLength = 16, Offset = 4;

    public fixed byte HighBits[32];
    public fixed byte Quants[64];
    public fixed byte Scales[12];
    public Half D;

    public static int Length => 256;

    /// <summary>The scale of a group, -32 to 31.</summary>
    public readonly int Scale(int group)
    {
        int low = group < 8 ? Scales[group] & 15 : Scales[group - 8] >> 4;
        return (low | (((Scales[8 + (group % 4)] >> (group / 4 * 2)) & 3) << 4)) - 32;
    }

    public static void Dequantize(BlockQ3_K* block, float* target)
    {
        float d = (float)block->D;
        for (int group = 0; group < Groups; group++)
        {
            int part = group % 2 * 16;
            var low = (Vector128.Load(block->Quants + (group / 8 * 32) + part) >> (group / 2 % 4 * 2)) & Vector128.Create((byte)3);
            var high = ((Vector128.Load(block->HighBits + part) >> (group / 2)) & Vector128<byte>.One) << 2;
            var levels = QuantLanes.ToSingle(((low | high) - Vector128.Create((byte)Offset)).AsSByte());
            (Vector512.Create(d * block->Scale(group)) * levels).Store(target + (group * GroupLength));
        }
    }

    [SkipLocalsInit]
    public static void Quantize(float* source, BlockQ3_K* blocks, int count)
    {
        const int Numbers = Groups * GroupLength;
        float* x = stackalloc float[Numbers], scales = stackalloc float[Groups];
        int* levels = stackalloc int[Numbers];
        byte* quants = stackalloc byte[Numbers];
        for (int i = 0; i < count; i++)
        {
            BlockQ3_K* block = blocks + i;
            QuantLanes.Spread(source + ((long)i * Numbers), Groups, GroupLength, x);
            SymmetricSearch.Refine(x, levels, GroupLength, Offset).Store(scales);
            EncodeScales(block, scales);
            for (int group = 0; group < Groups; group++)
                scales[group] = (float)block->D * block->Scale(group);
            QuantLanes.Requantize(x, levels, GroupLength, -Offset, Offset - 1, Vector512.Load(scales), Vector512<float>.Zero);
            QuantLanes.Collect(levels, Groups, GroupLength, quants);
            Pack(block, quants);
        }
    }

    private static void EncodeScales(BlockQ3_K* block, float* scales)
    {
        new Span<byte>(block->Scales, 12).Clear();
        float largest = QuantLanes.LargestMagnitude(scales, Groups);
        float inverse = largest != 0 ? -32 / largest : 0;
        block->D = (Half)(largest != 0 ? 1 / inverse : 0);
        for (int group = 0; group < Groups && largest != 0; group++)
        {
            int scale = Math.Clamp((int)(sbyte)QuantLanes.Nearest(inverse * scales[group]), -32, 31) + 32;
            block->Scales[group % 8] |= (byte)((scale & 15) << (group / 8 * 4));
            block->Scales[8 + (group % 4)] |= (byte)((scale >> 4) << (group / 4 * 2));
        }
    }

    private static void Pack(BlockQ3_K* block, byte* quants)
    {
        var high = Vector256<byte>.Zero;
        for (int j = 0; j < 8; j++)
        {
            var levels = Vector256.Load(quants + (j * 32));
            high |= ((levels >> 2) & Vector256<byte>.One) << j;
            (levels & Vector256.Create((byte)3)).Store(quants + (j * 32));
        }

        high.Store(block->HighBits);
        QuantLanes.PackPairs(quants, block->Quants);
    }
}
