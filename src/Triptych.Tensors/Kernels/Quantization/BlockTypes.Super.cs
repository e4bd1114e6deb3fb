using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>16 bytes of (scale, minimum) nibbles, 64 bytes of 2 bits, half scales of both: 16 sub-blocks.</summary>
internal readonly unsafe struct Q2_KBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 84;

    public static int Scales => 16;

    public static PieceOrder Order => PieceOrder.Strided;

    public static bool Signed => false;

    public static byte Offset => 0;

    public static bool HasMinimums => true;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SuperBlocks.Crumbs(Vector512.Load(chunk + 16), out w0, out w1, out w2, out w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        Vector128<byte> bytes = Vector128.Load(chunk);
        minimums = BlockVectors.ToFloats(bytes >> 4) * -BlockVectors.Half(*(ushort*)(chunk + 82));
        return BlockVectors.ToFloats(bytes & Vector128.Create((byte)15)) * BlockVectors.Half(*(ushort*)(chunk + 80));
    }
}

/// <summary>32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, a half scale of theirs: q - 4.</summary>
internal readonly unsafe struct Q3_KBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 110;

    public static int Scales => 16;

    public static PieceOrder Order => PieceOrder.Strided;

    public static bool Signed => false;

    public static byte Offset => 4;

    public static bool HasMinimums => false;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SuperBlocks.Crumbs(Vector512.Load(chunk + 32), out w0, out w1, out w2, out w3);

        // Bit i of the first 32 bytes belongs to the i-th 32 weights: those of the second 128 are moved beside those of the first.
        Vector256<byte> bits = Vector256.Load(chunk);
        Vector512<ulong> thirds = BlockVectors.Join(bits, (bits.AsUInt64() >> 4).AsByte()).AsUInt64();
        Vector512<byte> third = Vector512.Create((byte)4);
        w0 |= (thirds << 2).AsByte() & third;
        w1 |= (thirds << 1).AsByte() & third;
        w2 |= thirds.AsByte() & third;
        w3 |= (thirds >> 1).AsByte() & third;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        // The lower 4 bits of scales 0 to 7 and 8 to 15 are the nibbles of 8 bytes; their upper 2 bits the four pairs of the last 4 bytes.
        ulong lower = *(ulong*)(chunk + 96), upper = *(uint*)(chunk + 104);
        ulong pairs = upper | (upper << 30), nextPairs = (upper >> 4) | (upper >> 4 << 30);
        const ulong Lower = 0x0f0f0f0f0f0f0f0f, Upper = 0x0303030303030303;
        Vector128<sbyte> bytes = Vector128.Create(
            (lower & Lower) | ((pairs & Upper) << 4), ((lower >> 4) & Lower) | ((nextPairs & Upper) << 4)).AsSByte();
        minimums = default;
        return BlockVectors.ToFloats(bytes - Vector128.Create((sbyte)32)) * BlockVectors.Half(*(ushort*)(chunk + 108));
    }
}

/// <summary>Half scales of scales and minimums, 8 of each of 6 bits in 12 bytes, 128 bytes of nibbles.</summary>
internal readonly unsafe struct Q4_KBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 144;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Transposed;

    public static bool Signed => false;

    public static byte Offset => 0;

    public static bool HasMinimums => true;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        BlockVectors.TransposeQuarters(Vector512.Load(chunk + 16), Vector512.Load(chunk + 80), out Vector512<byte> first, out Vector512<byte> second);
        SmallBlocks.Nibbles(first, out w0, out w2);
        SmallBlocks.Nibbles(second, out w1, out w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        return SuperBlocks.ScalesAndMinimums(chunk, out minimums);
    }
}

/// <summary>As <see cref="Q4_KBlock"/>, with 32 bytes of fifth bits after the scales: bit i belongs to the i-th 32 weights.</summary>
internal readonly unsafe struct Q5_KBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 176;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Transposed;

    public static bool Signed => false;

    public static byte Offset => 0;

    public static bool HasMinimums => true;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        BlockVectors.TransposeQuarters(Vector512.Load(chunk + 48), Vector512.Load(chunk + 112), out Vector512<byte> first, out Vector512<byte> second);
        SmallBlocks.Nibbles(first, out w0, out w2);
        SmallBlocks.Nibbles(second, out w1, out w3);

        // Of each byte the bits 0, 2, 4 and 6, then 1, 3, 5 and 7, for the quarters of a vector.
        Vector512<byte> fifth = Vector512.Create((byte)16);
        Add(Vector128.Load(chunk + 16), fifth, ref w0, ref w2);
        Add(Vector128.Load(chunk + 32), fifth, ref w1, ref w3);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Add(Vector128<byte> bits, Vector512<byte> fifth, ref Vector512<byte> even, ref Vector512<byte> odd)
        {
            Vector128<ulong> b = bits.AsUInt64();
            Vector512<ulong> fifths = Vector512.Create(Vector256.Create(b << 4, b << 2), Vector256.Create(b, b >> 2));
            even |= fifths.AsByte() & fifth;
            odd |= (fifths >> 1).AsByte() & fifth;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        return SuperBlocks.ScalesAndMinimums(chunk, out minimums);
    }
}

/// <summary>128 bytes of nibbles, 64 bytes of upper 2 bits, 16 signed scales, a half scale of theirs: q - 32.</summary>
internal readonly unsafe struct Q6_KBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 210;

    public static int Scales => 16;

    public static PieceOrder Order => PieceOrder.Natural;

    public static bool Signed => false;

    public static byte Offset => 32;

    public static bool HasMinimums => false;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(Vector512.Load(chunk), out w0, out w1);
        SmallBlocks.Nibbles(Vector512.Load(chunk + 64), out w2, out w3);
        SuperBlocks.AddUpper(Vector256.Load(chunk + 128), ref w0, ref w1);
        SuperBlocks.AddUpper(Vector256.Load(chunk + 160), ref w2, ref w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        minimums = default;
        return BlockVectors.ToFloats(Vector128.Load((sbyte*)chunk + 192)) * BlockVectors.Half(*(ushort*)(chunk + 208));
    }
}

/// <summary>A half scale of the scales, 8 of these of 6 bits (2 bytes of upper pairs, 4 of lower nibbles), 128 bytes of nibbles as in IQ4_NL.</summary>
internal readonly unsafe struct IQ4_XSBlock : IBlockType
{
    public static int Size => 256;

    public static int Bytes => 136;

    public static int Scales => 8;

    public static PieceOrder Order => PieceOrder.Halves;

    public static bool Signed => true;

    public static byte Offset => 0;

    public static bool HasMinimums => false;

    public static BlockTables Tables => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        SmallBlocks.Nibbles(Vector512.Load(chunk + 8), out w0, out w1);
        SmallBlocks.Nibbles(Vector512.Load(chunk + 72), out w2, out w3);
        Vector512<byte> table = SmallBlocks.UnevenTable;
        w0 = BlockVectors.ShuffleLanes(table, w0);
        w1 = BlockVectors.ShuffleLanes(table, w1);
        w2 = BlockVectors.ShuffleLanes(table, w2);
        w3 = BlockVectors.ShuffleLanes(table, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums)
    {
        // Field i of 32 bits: moved to the top by a product with a power of two, then down.
        Vector256<uint> lower = Vector256.Create(*(uint*)(chunk + 4))
            * Vector256.Create(1u << 28, 1 << 24, 1 << 20, 1 << 16, 1 << 12, 1 << 8, 1 << 4, 1);
        Vector256<uint> upper = Vector256.Create((uint)*(ushort*)(chunk + 2))
            * Vector256.Create(1u << 30, 1 << 28, 1 << 26, 1 << 24, 1 << 22, 1 << 20, 1 << 18, 1 << 16);
        Vector256<int> scales = ((lower >> 28) | (upper >> 30 << 4)).AsInt32() - Vector256.Create(32);
        minimums = default;
        return (Vector256.ConvertToSingle(scales) * BlockVectors.Half(*(ushort*)chunk)).ToVector512();
    }
}

/// <summary>What several types of 256 weights share.</summary>
internal static unsafe class SuperBlocks
{
    /// <summary>The four pairs of bits of each byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Crumbs(Vector512<byte> bytes, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        Vector512<byte> crumb = Vector512.Create((byte)3);
        w0 = bytes & crumb;
        w1 = (bytes.AsUInt64() >> 2).AsByte() & crumb;
        w2 = (bytes.AsUInt64() >> 4).AsByte() & crumb;
        w3 = (bytes.AsUInt64() >> 6).AsByte() & crumb;
    }

    /// <summary>Puts pairs of bits above the nibbles of 128 weights, 32 by 32 of them from lower to upper bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddUpper(Vector256<byte> bits, ref Vector512<byte> first, ref Vector512<byte> second)
    {
        Vector512<ulong> pairs = BlockVectors.Join(bits, (bits.AsUInt64() >> 2).AsByte()).AsUInt64();
        Vector512<byte> upper = Vector512.Create((byte)0x30);
        first |= (pairs << 4).AsByte() & upper;
        second |= pairs.AsByte() & upper;
    }

    /// <summary>Two halves and eight pairs of 6 bits, in Q4_K and Q5_K.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ScalesAndMinimums(byte* chunk, out Vector512<float> minimums)
    {
        // Bytes 0 to 3 and 4 to 7: the first four scales and minimums, 6 bits; above them two bits of the other four, whose nibbles are bytes 8 to 11.
        uint first = *(uint*)(chunk + 4), second = *(uint*)(chunk + 8), third = *(uint*)(chunk + 12);
        const uint Low = 0x3f3f3f3f, Nibbles = 0x0f0f0f0f, Pairs = 0x30303030;
        Vector128<byte> bytes = Vector128.Create(
            first & Low, (third & Nibbles) | ((first >> 2) & Pairs), second & Low, ((third >> 4) & Nibbles) | ((second >> 2) & Pairs)).AsByte();
        Vector512<float> both = BlockVectors.ToFloats(bytes);
        minimums = (both.GetUpper() * -BlockVectors.Half(*(ushort*)(chunk + 2))).ToVector512();
        return (both.GetLower() * BlockVectors.Half(*(ushort*)chunk)).ToVector512();
    }
}
