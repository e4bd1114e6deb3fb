using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>32 numbers in 4 bits each: x = d (q - 8). The low nibbles are the first half of the block.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ4_0 : IQuantizedBlock<BlockQ4_0>
{
    public Half D;
    public fixed byte Quants[16];

    public static int Length => 32;

    public static void Dequantize(BlockQ4_0* block, float* target)
    {
        var scale = Vector512.Create((float)block->D);
        var (low, high) = Nibbles.Split(block->Quants);
        (QuantLanes.ToSingle((low - Vector128.Create((byte)8)).AsSByte()) * scale).Store(target);
        (QuantLanes.ToSingle((high - Vector128.Create((byte)8)).AsSByte()) * scale).Store(target + 16);
    }

    public static void Quantize(float* source, BlockQ4_0* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            float d = numbers.LargestMagnitude() / -8;
            var inverse = Vector512.Create(d != 0 ? 1 / d : 0);
            blocks[i].D = (Half)d;
            Nibbles.Join(Level(numbers.Low * inverse), Level(numbers.High * inverse)).Store(blocks[i].Quants);
        }
    }

    private static Vector512<int> Level(Vector512<float> scaled) =>
        Vector512.Min(Vector512.Create(15), QuantLanes.Truncate(scaled + Vector512.Create(8.5f)));
}

/// <summary>32 numbers in 4 bits each: x = d q + m.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ4_1 : IQuantizedBlock<BlockQ4_1>
{
    public Half D;
    public Half M;
    public fixed byte Quants[16];

    public static int Length => 32;

    public static void Dequantize(BlockQ4_1* block, float* target)
    {
        Vector512<float> scale = Vector512.Create((float)block->D), minimum = Vector512.Create((float)block->M);
        var (low, high) = Nibbles.Split(block->Quants);
        ((QuantLanes.ToSingle(low) * scale) + minimum).Store(target);
        ((QuantLanes.ToSingle(high) * scale) + minimum).Store(target + 16);
    }

    public static void Quantize(float* source, BlockQ4_1* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            var (minimum, maximum) = numbers.Range();
            float d = (maximum - minimum) / 15;
            Vector512<float> inverse = Vector512.Create(d != 0 ? 1 / d : 0), least = Vector512.Create(minimum);
            blocks[i].D = (Half)d;
            blocks[i].M = (Half)minimum;
            Nibbles.Join(Level((numbers.Low - least) * inverse), Level((numbers.High - least) * inverse)).Store(blocks[i].Quants);
        }
    }

    private static Vector512<int> Level(Vector512<float> scaled) =>
        Vector512.Min(Vector512.Create(15), QuantLanes.Truncate(scaled + Vector512.Create(0.5f)));
}

/// <summary>32 numbers in 5 bits each: x = d (q - 16). Bit j of <see cref="HighBits"/> is the fifth of number j.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ5_0 : IQuantizedBlock<BlockQ5_0>
{
    public Half D;
    public uint HighBits;
    public fixed byte Quants[16];

    public static int Length => 32;

    public static void Dequantize(BlockQ5_0* block, float* target)
    {
        var scale = Vector512.Create((float)block->D);
        var (low, high) = Nibbles.Split(block->Quants, block->HighBits);
        (QuantLanes.ToSingle((low - Vector128.Create((byte)16)).AsSByte()) * scale).Store(target);
        (QuantLanes.ToSingle((high - Vector128.Create((byte)16)).AsSByte()) * scale).Store(target + 16);
    }

    public static void Quantize(float* source, BlockQ5_0* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            float d = numbers.LargestMagnitude() / -16;
            var inverse = Vector512.Create(d != 0 ? 1 / d : 0);
            Vector512<int> low = Level(numbers.Low * inverse), high = Level(numbers.High * inverse);
            blocks[i].D = (Half)d;
            blocks[i].HighBits = Nibbles.FifthBits(low, high);
            Nibbles.Join(low, high).Store(blocks[i].Quants);
        }
    }

    private static Vector512<int> Level(Vector512<float> scaled) =>
        Vector512.Min(Vector512.Create(31), QuantLanes.Truncate(scaled + Vector512.Create(16.5f)));
}

/// <summary>32 numbers in 5 bits each: x = d q + m. Bit j of <see cref="HighBits"/> is the fifth of number j.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ5_1 : IQuantizedBlock<BlockQ5_1>
{
    public Half D;
    public Half M;
    public uint HighBits;
    public fixed byte Quants[16];

    public static int Length => 32;

    public static void Dequantize(BlockQ5_1* block, float* target)
    {
        Vector512<float> scale = Vector512.Create((float)block->D), minimum = Vector512.Create((float)block->M);
        var (low, high) = Nibbles.Split(block->Quants, block->HighBits);
        ((QuantLanes.ToSingle(low) * scale) + minimum).Store(target);
        ((QuantLanes.ToSingle(high) * scale) + minimum).Store(target + 16);
    }

    public static void Quantize(float* source, BlockQ5_1* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            var (minimum, maximum) = numbers.Range();
            float d = (maximum - minimum) / 31;
            Vector512<float> inverse = Vector512.Create(d != 0 ? 1 / d : 0), least = Vector512.Create(minimum);
            Vector512<int> low = QuantLanes.Truncate(((numbers.Low - least) * inverse) + Vector512.Create(0.5f));
            Vector512<int> high = QuantLanes.Truncate(((numbers.High - least) * inverse) + Vector512.Create(0.5f));
            blocks[i].D = (Half)d;
            blocks[i].M = (Half)minimum;
            blocks[i].HighBits = Nibbles.FifthBits(low, high);
            Nibbles.Join(low, high).Store(blocks[i].Quants);
        }
    }
}

/// <summary>32 numbers in 8 bits each: x = d q.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct BlockQ8_0 : IQuantizedBlock<BlockQ8_0>
{
    public Half D;
    public fixed sbyte Quants[32];

    public static int Length => 32;

    public static void Dequantize(BlockQ8_0* block, float* target)
    {
        var scale = Vector512.Create((float)block->D);
        (QuantLanes.ToSingle(Vector128.Load(block->Quants)) * scale).Store(target);
        (QuantLanes.ToSingle(Vector128.Load(block->Quants + 16)) * scale).Store(target + 16);
    }

    public static void Quantize(float* source, BlockQ8_0* blocks, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var numbers = new Block32(source + ((long)i * 32));
            float d = MathF.Abs(numbers.LargestMagnitude()) / 127;
            var inverse = Vector512.Create(d != 0 ? 1 / d : 0);
            blocks[i].D = (Half)d;
            QuantLanes.ToBytes(Rounded(numbers.Low * inverse)).AsSByte().Store(blocks[i].Quants);
            QuantLanes.ToBytes(Rounded(numbers.High * inverse)).AsSByte().Store(blocks[i].Quants + 16);
        }
    }

    // Ties away from zero, as C's roundf.
    private static Vector512<int> Rounded(Vector512<float> x)
    {
        var whole = Vector512.Truncate(x);
        var step = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), Vector512.Create(-1f), Vector512<float>.One);
        var away = Vector512.GreaterThanOrEqual(Vector512.Abs(x - whole), Vector512.Create(0.5f));
        return QuantLanes.Truncate(whole + Vector512.ConditionalSelect(away, step, Vector512<float>.Zero));
    }
}

/// <summary>The 32 numbers of a block in two vectors.</summary>
internal readonly unsafe ref struct Block32(float* numbers)
{
    public readonly Vector512<float> Low = Vector512.Load(numbers), High = Vector512.Load(numbers + 16);

    private readonly float* numbers = numbers;

    /// <summary>The first of the numbers that have the largest magnitude, 0 if there is none.</summary>
    public float LargestMagnitude()
    {
        Vector512<float> low = Vector512.Abs(Low), high = Vector512.Abs(High);
        float largest = Fold(Vector512.ConditionalSelect(Vector512.GreaterThan(high, low), high, low), greatest: true);
        return largest == 0
            ? 0
            : numbers[First(Vector512.Equals(low, Vector512.Create(largest)), Vector512.Equals(high, Vector512.Create(largest)))];
    }

    /// <summary>The smallest and the largest number; of two zeros the first.</summary>
    public (float Minimum, float Maximum) Range()
    {
        var least = Vector512.Create(Fold(Vector512.ConditionalSelect(Vector512.LessThan(High, Low), High, Low), greatest: false));
        var most = Vector512.Create(Fold(Vector512.ConditionalSelect(Vector512.GreaterThan(High, Low), High, Low), greatest: true));
        return (numbers[First(Vector512.Equals(Low, least), Vector512.Equals(High, least))],
            numbers[First(Vector512.Equals(Low, most), Vector512.Equals(High, most))]);
    }

    private static float Fold(Vector512<float> x, bool greatest)
    {
        var eight = greatest ? Vector256.Max(x.GetLower(), x.GetUpper()) : Vector256.Min(x.GetLower(), x.GetUpper());
        var four = greatest ? Vector128.Max(eight.GetLower(), eight.GetUpper()) : Vector128.Min(eight.GetLower(), eight.GetUpper());
        float best = four[0];
        for (int i = 1; i < 4; i++)
            best = greatest ? MathF.Max(best, four[i]) : MathF.Min(best, four[i]);
        return best;
    }

    private static int First(Vector512<float> low, Vector512<float> high) =>
        BitOperations.TrailingZeroCount(low.ExtractMostSignificantBits() | (high.ExtractMostSignificantBits() << 16)) & 31;
}

/// <summary>Two numbers in a byte.</summary>
internal static unsafe class Nibbles
{
    private static Vector128<byte> BitOfLane => Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);

    /// <summary>The low and the high nibbles of 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> Low, Vector128<byte> High) Split(byte* bytes)
    {
        var packed = Vector128.Load(bytes);
        return (packed & Vector128.Create((byte)15), packed >> 4);
    }

    /// <summary>The same with a fifth bit for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> Low, Vector128<byte> High) Split(byte* bytes, uint fifthBits)
    {
        var (low, high) = Split(bytes);
        return (low | Sixteens((ushort)fifthBits), high | Sixteens((ushort)(fifthBits >> 16)));
    }

    /// <summary>Bytes with <paramref name="low"/> in the low nibble, <paramref name="high"/> in the high one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Join(Vector512<int> low, Vector512<int> high) =>
        QuantLanes.ToBytes((low & Vector512.Create(15)) | (high << 4));

    /// <summary>The fifth bits of 32 numbers, one in each bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint FifthBits(Vector512<int> low, Vector512<int> high) =>
        (uint)((low << 27).ExtractMostSignificantBits() | ((high << 27).ExtractMostSignificantBits() << 16));

    // 16 in the lanes whose bit is set.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Sixteens(ushort bits)
    {
        var spread = Vector128.Shuffle(Vector128.Create(bits).AsByte(), Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        return Vector128.Equals(spread & BitOfLane, BitOfLane) & Vector128.Create((byte)16);
    }
}
