using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 32 numbers as 4-bit floats (1 bit of mantissa, 2 of exponent) under a power of two: the MXFP4 of the Open Compute Project's
/// microscaling formats 1.0. The table has the doubled values, the scale is halved.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockMXFP4 : IQuantizedBlock<BlockMXFP4>
{
    public byte Exponent;
    public fixed byte Quants[16];

    public static int Length => 32;

    private static ReadOnlySpan<sbyte> Values => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public static void Dequantize(BlockMXFP4* block, float* target)
    {
        var table = Vector128.Create(Values);
        var scale = Vector512.Create(Scale(block->Exponent));
        var (low, high) = Nibbles.Split(block->Quants);
        (QuantLanes.ToSingle(Vector128.ShuffleNative(table, low.AsSByte())) * scale).Store(target);
        (QuantLanes.ToSingle(Vector128.ShuffleNative(table, high.AsSByte())) * scale).Store(target + 16);
    }

    public static void Quantize(float* source, BlockMXFP4* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            float largest = MathF.Abs(numbers.LargestMagnitude());
            blocks[i].Exponent = largest > 0 ? (byte)((int)MathF.Floor((float)Math.Log2(largest)) - 2 + 127) : (byte)0;
            float scale = Scale(blocks[i].Exponent);
            Nibbles.Join(Nearest(numbers.Low, scale), Nearest(numbers.High, scale)).Store(blocks[i].Quants);
        }
    }

    // 2^(exponent - 128), down to the denormals.
    private static float Scale(byte exponent) =>
        BitConverter.UInt32BitsToSingle(exponent < 2 ? 0x00200000u << exponent : (uint)(exponent - 1) << 23);

    // The index of the nearest value, of two the first.
    private static Vector512<int> Nearest(Vector512<float> numbers, float scale)
    {
        var index = Vector512<int>.Zero;
        var least = Vector512.Abs(numbers);
        for (int v = 1; v < Values.Length; v++)
        {
            var error = Vector512.Abs(Vector512.Create(Values[v] * scale) - numbers);
            var nearer = Vector512.LessThan(error, least);
            index = Vector512.ConditionalSelect(nearer.AsInt32(), Vector512.Create(v), index);
            least = Vector512.ConditionalSelect(nearer, error, least);
        }

        return index;
    }
}
