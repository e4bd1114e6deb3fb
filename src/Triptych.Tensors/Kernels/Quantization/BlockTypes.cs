using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>Half scale, 16 bytes of nibbles: scale * (q - 8).</summary>
internal readonly unsafe struct Q4_0Block : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 2, 16), s_scales = BlockParts.Table(Bytes, 0, 4);

    public static int Size => 32;

    public static int Bytes => 18;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => false;

    public static byte Offset => 8;

    public static bool HasMinimums => false;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 2, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 2, tables.Weights, out w2, out w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        minimums = default;
        return BlockVectors.Halves(heads & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>Half scale and minimum, 16 bytes of nibbles.</summary>
internal readonly unsafe struct Q4_1Block : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 4, 16), s_scales = BlockParts.Table(Bytes, 0, 4);

    public static int Size => 32;

    public static int Bytes => 20;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => false;

    public static byte Offset => 0;

    public static bool HasMinimums => true;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 4, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 4, tables.Weights, out w2, out w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        minimums = BlockVectors.Halves(heads >> 16).ToVector512();
        return BlockVectors.Halves(heads & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>Half scale, 32 fifth bits, 16 bytes of nibbles: scale * (q - 16).</summary>
internal readonly unsafe struct Q5_0Block : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 6, 16), s_scales = BlockParts.Table(Bytes, 0, 4),
        s_bits = BlockParts.Table(Bytes, 2, 16);

    public static int Size => 32;

    public static int Bytes => 22;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => false;

    public static byte Offset => 16;

    public static bool HasMinimums => false;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales), Bits = Vector512.Load(s_bits) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 6, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 6, tables.Weights, out w2, out w3);
        SmallBlocks.AddSixteens(chunk, Bytes, 2, tables.Bits, ref w0, ref w1);
        SmallBlocks.AddSixteens(chunk + (4 * Bytes), Bytes, 2, tables.Bits, ref w2, ref w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        minimums = default;
        return BlockVectors.Halves(heads & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>Half scale and minimum, 32 fifth bits, 16 bytes of nibbles.</summary>
internal readonly unsafe struct Q5_1Block : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 8, 16), s_scales = BlockParts.Table(Bytes, 0, 4),
        s_bits = BlockParts.Table(Bytes, 4, 16);

    public static int Size => 32;

    public static int Bytes => 24;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => false;

    public static byte Offset => 0;

    public static bool HasMinimums => true;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales), Bits = Vector512.Load(s_bits) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 8, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 8, tables.Weights, out w2, out w3);
        SmallBlocks.AddSixteens(chunk, Bytes, 4, tables.Bits, ref w0, ref w1);
        SmallBlocks.AddSixteens(chunk + (4 * Bytes), Bytes, 4, tables.Bits, ref w2, ref w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        minimums = BlockVectors.Halves(heads >> 16).ToVector512();
        return BlockVectors.Halves(heads & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>Half scale, 16 bytes of nibbles that index a table of 16 values.</summary>
internal readonly unsafe struct IQ4_NLBlock : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 2, 16), s_scales = BlockParts.Table(Bytes, 0, 4);

    public static int Size => 32;

    public static int Bytes => 18;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => true;

    public static byte Offset => 0;

    public static bool HasMinimums => false;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 2, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 2, tables.Weights, out w2, out w3);
        Vector512<byte> table = SmallBlocks.UnevenTable;
        w0 = BlockVectors.ShuffleLanes(table, w0);
        w1 = BlockVectors.ShuffleLanes(table, w1);
        w2 = BlockVectors.ShuffleLanes(table, w2);
        w3 = BlockVectors.ShuffleLanes(table, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        minimums = default;
        return BlockVectors.Halves(heads & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>A power of two as scale (OCP Microscaling Formats v1.0), 16 bytes of nibbles: floats of 4 bits, doubled to integers.</summary>
internal readonly unsafe struct MXFP4Block : IBlockType
{
    private static readonly byte* s_nibbles = BlockParts.Table(Bytes, 1, 16), s_scales = BlockParts.Table(Bytes, 0, 4);

    public static int Size => 32;

    public static int Bytes => 17;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => false;

    public static byte Offset => 12;

    public static bool HasMinimums => false;

    public static BlockTables Tables => new() { Weights = Vector512.Load(s_nibbles), Scales = Vector512.Load(s_scales) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(chunk, Bytes, 1, tables.Weights, out w0, out w1);
        SmallBlocks.Nibbles(chunk + (4 * Bytes), Bytes, 1, tables.Weights, out w2, out w3);
        Vector512<byte> table = SmallBlocks.Repeat(Vector128.Create((byte)12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
        w0 = BlockVectors.ShuffleLanes(table, w0);
        w1 = BlockVectors.ShuffleLanes(table, w1);
        w2 = BlockVectors.ShuffleLanes(table, w2);
        w3 = BlockVectors.ShuffleLanes(table, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector256<uint> heads = BlockParts.Fours(chunk, Bytes, tables.Scales);
        Vector256<int> exponents = (heads & Vector256.Create(0xffu)).AsInt32();
        Vector256<int> subnormal = (exponents + Vector256<int>.One) << 21, normal = (exponents - Vector256<int>.One) << 23;
        minimums = default;

        // 2^(e - 128): half of E8M0's value, since those of the nibbles are doubled.
        return Vector256.ConditionalSelect(Vector256.LessThan(exponents, Vector256.Create(2)), subnormal, normal).AsSingle().ToVector512();
    }
}

/// <summary>Half scale, 32 signed bytes.</summary>
internal readonly unsafe struct Q8_0Block : IBlockType
{
    private static readonly byte* s_scales = BlockParts.Table(Bytes, 0, 4);

    public static int Size => 32;

    public static int Bytes => 34;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Natural;

    public static bool Signed => true;

    public static byte Offset => 0;

    public static bool HasMinimums => false;

    public static BlockTables Tables => new() { Scales = Vector512.Load(s_scales) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        w0 = SmallBlocks.Two(chunk + 2, Bytes);
        w1 = SmallBlocks.Two(chunk + (2 * Bytes) + 2, Bytes);
        w2 = SmallBlocks.Two(chunk + (4 * Bytes) + 2, Bytes);
        w3 = SmallBlocks.Two(chunk + (6 * Bytes) + 2, Bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        minimums = default;
        return BlockVectors.Halves(BlockParts.Fours(chunk, Bytes, tables.Scales) & Vector256.Create(0xffffu)).ToVector512();
    }
}

/// <summary>What several types of 32 weights share.</summary>
internal static unsafe class SmallBlocks
{
    /// <summary>The values of IQ4_NL and IQ4_XS, denser about 0.</summary>
    public static Vector512<byte> UnevenTable
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Repeat(Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113).AsByte());
    }

    /// <summary>The same 16 bytes four times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Repeat(Vector128<byte> v) => Vector512.Create(Vector256.Create(v, v), Vector256.Create(v, v));

    /// <summary>32 bytes of each of two blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Two(byte* source, int stride) => BlockVectors.Join(Vector256.Load(source), Vector256.Load(source + stride));

    /// <summary>Four blocks: lower nibbles, their first halves, and upper ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* blocks, int stride, int offset, Vector512<byte> table, out Vector512<byte> lower, out Vector512<byte> upper) =>
        Nibbles(BlockParts.Sixteens(blocks, stride, offset, table), out lower, out upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(Vector512<byte> bytes, out Vector512<byte> lower, out Vector512<byte> upper)
    {
        lower = bytes & Vector512.Create((byte)15);
        upper = (bytes.AsUInt64() >> 4).AsByte() & Vector512.Create((byte)15);
    }

    /// <summary>Adds 16 where a block's bit for a weight is set: bits 0 to 15 to `lower`, the others to `upper`.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddSixteens(byte* blocks, int stride, int offset, Vector512<byte> table, ref Vector512<byte> lower, ref Vector512<byte> upper)
    {
        Vector512<byte> bits = BlockParts.Sixteens(blocks, stride, offset, table);
        lower |= BlockVectors.Sixteens(BlockVectors.ShuffleLanes(bits, Repeat(Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1))));
        upper |= BlockVectors.Sixteens(BlockVectors.ShuffleLanes(bits, Repeat(Vector128.Create((byte)2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3))));
    }
}
