using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>Decodes the blocks of one type into a panel.</summary>
internal unsafe interface IPanelDecoder
{
    static abstract DType Type { get; }

    static abstract PanelKind Kind { get; }

    /// <summary>
    /// One block of each of 16 rows, `stride` bytes apart, to 16 columns of the panel: `target` is their place in its first
    /// block.
    /// </summary>
    static abstract void Decode(byte* source, long stride, byte* target);
}

/// <summary>Decodes a run of blocks of 32 rows.</summary>
internal static unsafe class PanelDecoder<TDecoder>
    where TDecoder : struct, IPanelDecoder
{
    /// <param name="source">The first block of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="blocks">Blocks as they are stored.</param>
    /// <param name="target">The panel.</param>
    /// <param name="ahead">What will be decoded later: as many bytes are asked for here as are read now.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(byte* source, long stride, int blocks, byte* target, byte* ahead)
    {
        int blockBytes = TDecoder.Type.BlockBytes();
        int panelBytes = TDecoder.Kind.BlockBytes() * (TDecoder.Type.BlockSize() / PanelLayout.BlockElements);
        byte* requested = ahead;
        for (; blocks > 0; blocks--, source += blockBytes, target += panelBytes)
        {
            TDecoder.Decode(source, stride, target);
            TDecoder.Decode(source + (PanelColumns.Count * stride), stride, target + (PanelLayout.RowBytes / 2));
            if (Sse.IsSupported)
            {
                for (ahead += blockBytes * PanelLayout.Columns; requested < ahead; requested += CacheLine)
                    Sse.Prefetch1(requested);
            }
        }
    }

    private const int CacheLine = 64;
}

/// <summary>What the decoders share: rows of a panel, four weights for each of 16 columns.</summary>
internal static unsafe class PanelRows
{
    private static Vector512<byte> Nibble
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create((byte)0xf);
    }

    /// <summary>A row of floats of the panel's block: 0 is the scales, what follows depends on the kind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFloats(Vector512<float> values, byte* target, int row = 0) =>
        values.Store((float*)(target + PanelLayout.WeightBytes + (row * PanelLayout.RowBytes)));

    /// <summary>Four rows of weights, each byte of a vector one weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<byte> first, Vector512<byte> second, Vector512<byte> third, Vector512<byte> fourth, byte* target)
    {
        first.Store(target);
        second.Store(target + PanelLayout.RowBytes);
        third.Store(target + (2 * PanelLayout.RowBytes));
        fourth.Store(target + (3 * PanelLayout.RowBytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Lower(Vector512<byte> nibbles) => nibbles & Nibble;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Upper(Vector512<byte> nibbles) => Right(nibbles, 4) & Nibble;

    /// <summary>Bytes shifted right; what enters from above is the neighbour's, to be masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Right(Vector512<byte> bytes, int count) => (bytes.AsUInt16() >>> count).AsByte();

    /// <summary>Bytes shifted left; what enters from below is the neighbour's, to be masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Left(Vector512<byte> bytes, int count) => (bytes.AsUInt16() << count).AsByte();

    /// <summary>32 weights, nibbles: the lower ones of 16 bytes are the first 16; `offset` is added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(byte* source, long stride, Vector512<byte> offset, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
        Store(Lower(w0) + offset, Lower(w1) + offset, Lower(w2) + offset, Lower(w3) + offset, target);
        Store(Upper(w0) + offset, Upper(w1) + offset, Upper(w2) + offset, Upper(w3) + offset, target + (4 * PanelLayout.RowBytes));
    }

    /// <summary>32 weights, nibbles that index a table, in the order of <see cref="StoreNibbles"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreIndices(byte* source, long stride, Vector512<byte> table, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
        Store(
            PanelColumns.LookUp(table, Lower(w0)), PanelColumns.LookUp(table, Lower(w1)),
            PanelColumns.LookUp(table, Lower(w2)), PanelColumns.LookUp(table, Lower(w3)), target);
        Store(
            PanelColumns.LookUp(table, Upper(w0)), PanelColumns.LookUp(table, Upper(w1)),
            PanelColumns.LookUp(table, Upper(w2)), PanelColumns.LookUp(table, Upper(w3)), target + (4 * PanelLayout.RowBytes));
    }

    /// <summary>32 weights of five bits: nibbles as in <see cref="StoreNibbles"/>, and the fifth bit of weight i in bit i of `fifths`; `offset` is added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFives(byte* source, long stride, Vector512<uint> fifths, Vector512<byte> offset, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
        Store(
            (Lower(w0) | Fifth(fifths, 0)) + offset, (Lower(w1) | Fifth(fifths, 4)) + offset,
            (Lower(w2) | Fifth(fifths, 8)) + offset, (Lower(w3) | Fifth(fifths, 12)) + offset, target);
        Store(
            (Upper(w0) | Fifth(fifths, 16)) + offset, (Upper(w1) | Fifth(fifths, 20)) + offset,
            (Upper(w2) | Fifth(fifths, 24)) + offset, (Upper(w3) | Fifth(fifths, 28)) + offset, target + (4 * PanelLayout.RowBytes));
    }

    /// <summary>Four bits, from `start` on, become bit 4 of four bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Fifth(Vector512<uint> bits, int start)
    {
        Vector512<byte> wanted = Vector512.Create(0x08040201u).AsByte();
        Vector512<uint> four = (bits >>> start) & Vector512.Create(0xfu);
        Vector512<byte> repeated = (four | (four << 8) | (four << 16) | (four << 24)).AsByte();
        return Vector512.Equals(repeated & wanted, wanted) & Vector512.Create((byte)0x10);
    }

    /// <summary>A table of signed weights as a panel wants them, for <see cref="PanelColumns.LookUp"/>.</summary>
    public static Vector512<byte> Table(ReadOnlySpan<sbyte> values)
    {
        Vector128<byte> entries = Vector128.Create(values).AsByte() + Vector128.Create((byte)PanelLayout.Offset);
        Vector256<byte> twice = Vector256.Create(entries, entries);
        return Vector512.Create(twice, twice);
    }
}

/// <summary>float16 scale, 32 nibbles less 8.</summary>
internal readonly unsafe struct Q4_0Decoder : IPanelDecoder
{
    public static DType Type => DType.Q4_0;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source, stride), target);
        PanelRows.StoreNibbles(source + 2, stride, Vector512.Create((byte)(PanelLayout.Offset - 8)), target);
    }
}

/// <summary>float16 scale, 32 nibbles that index a table.</summary>
internal readonly unsafe struct IQ4_NLDecoder : IPanelDecoder
{
    public static readonly Vector512<byte> Table =
        PanelRows.Table([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]);

    public static DType Type => DType.IQ4_NL;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source, stride), target);
        PanelRows.StoreIndices(source + 2, stride, Table, target);
    }
}

/// <summary>Exponent of a power of two, 32 numbers of one sign, two exponent and one mantissa bit, here doubled.</summary>
internal readonly unsafe struct MXFP4Decoder : IPanelDecoder
{
    private static readonly Vector512<byte> s_table = PanelRows.Table([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]);

    public static DType Type => DType.MXFP4;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        // 2^(e - 128); the two smallest are subnormal.
        Vector512<uint> exponents = PanelColumns.LoadWords(source, stride) & Vector512.Create(0xffu);
        Vector512<uint> normal = (exponents - Vector512<uint>.One) << 23;
        Vector512<uint> subnormal = Vector512.Create(0x00200000u) + (exponents * 0x00200000u);
        Vector512<uint> scales = Vector512.ConditionalSelect(Vector512.LessThan(exponents, Vector512.Create(2u)), subnormal, normal);
        PanelRows.StoreFloats(scales.AsSingle(), target);
        PanelRows.StoreIndices(source + 1, stride, s_table, target);
    }
}

/// <summary>float16 scale, float16 minimum, 32 nibbles.</summary>
internal readonly unsafe struct Q4_1Decoder : IPanelDecoder
{
    public static DType Type => DType.Q4_1;

    public static PanelKind Kind => PanelKind.ScaledWithMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source, stride), target);
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source + 2, stride) * PanelLayout.MinimumFactor, target, row: 1);
        PanelRows.StoreNibbles(source + 4, stride, Vector512<byte>.Zero, target);
    }
}

/// <summary>float16 scale, 32 fifth bits, 32 nibbles; less 16.</summary>
internal readonly unsafe struct Q5_0Decoder : IPanelDecoder
{
    public static DType Type => DType.Q5_0;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source, stride), target);
        PanelColumns.Load(source + 2, stride, out Vector512<byte> fifths, out _, out _, out _);
        PanelRows.StoreFives(source + 6, stride, fifths.AsUInt32(), Vector512.Create((byte)(PanelLayout.Offset - 16)), target);
    }
}

/// <summary>float16 scale, float16 minimum, 32 fifth bits, 32 nibbles.</summary>
internal readonly unsafe struct Q5_1Decoder : IPanelDecoder
{
    public static DType Type => DType.Q5_1;

    public static PanelKind Kind => PanelKind.ScaledWithMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> factors, out Vector512<byte> fifths, out _, out _);
        PanelRows.StoreFloats(Float16Element.Widen512(factors.AsUInt32() & Vector512.Create(0xffffu)), target);
        PanelRows.StoreFloats(Float16Element.Widen512(factors.AsUInt32() >>> 16) * PanelLayout.MinimumFactor, target, row: 1);
        PanelRows.StoreFives(source + 8, stride, fifths.AsUInt32(), Vector512<byte>.Zero, target);
    }
}

/// <summary>float16 scale, 32 int8.</summary>
internal readonly unsafe struct Q8_0Decoder : IPanelDecoder
{
    public static DType Type => DType.Q8_0;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelRows.StoreFloats(PanelColumns.LoadFloat16(source, stride), target);
        Vector512<byte> offset = Vector512.Create((byte)PanelLayout.Offset);
        for (int half = 0; half < 2; half++, target += 4 * PanelLayout.RowBytes)
        {
            PanelColumns.Load(source + 2 + (16 * half), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
            PanelRows.Store(w0 ^ offset, w1 ^ offset, w2 ^ offset, w3 ^ offset, target);
        }
    }
}
