using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>What the decoders of blocks of 256 share: scales of its parts are packed in a few bytes.</summary>
internal static unsafe class SuperBlock
{
    /// <summary>Blocks of a panel that a block of 256 becomes.</summary>
    public const int Parts = 8;

    /// <summary>Byte `index` of each dword.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Byte(Vector512<uint> dwords, int index) =>
        Vector512.ConvertToSingle(((dwords >>> (8 * index)) & Vector512.Create(0xffu)).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SignedByte(Vector512<uint> dwords, int index) =>
        Vector512.ConvertToSingle((dwords << (24 - (8 * index))).AsInt32() >> 24);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LowerFloat16(Vector512<uint> dwords) => Float16Element.Widen512(dwords & Vector512.Create(0xffffu));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> UpperFloat16(Vector512<uint> dwords) => Float16Element.Widen512(dwords >>> 16);

    /// <summary>
    /// The header of Q4_K and Q5_K: two float16, scales and minimums of eight parts in six bits each. Of the first four, whole
    /// bytes hold them; of the others, nibbles, and their upper bits are those of the first four's bytes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScalesAndMinimums(byte* source, long stride, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> factors, out Vector512<byte> first, out Vector512<byte> second, out Vector512<byte> third);
        Vector512<float> scale = LowerFloat16(factors.AsUInt32()), minimum = UpperFloat16(factors.AsUInt32()) * -PanelLayout.MinimumFactor;
        Vector512<byte> six = Vector512.Create((byte)0x3f), upper = Vector512.Create((byte)0x30);
        StoreFour(first & six, second & six, scale, minimum, target);
        StoreFour(
            PanelRows.Lower(third) | (PanelRows.Right(first, 2) & upper), PanelRows.Upper(third) | (PanelRows.Right(second, 2) & upper),
            scale, minimum, target + (4 * PanelKind.ScaledWithMinimum.BlockBytes()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector512<byte> scales, Vector512<byte> minimums, Vector512<float> scale, Vector512<float> minimum, byte* target)
    {
        for (int i = 0; i < 4; i++, target += PanelKind.ScaledWithMinimum.BlockBytes())
        {
            PanelRows.StoreFloats(Byte(scales.AsUInt32(), i) * scale, target);
            PanelRows.StoreFloats(Byte(minimums.AsUInt32(), i) * minimum, target, row: 1);
        }
    }
}

/// <summary>Scales and minimums of 16 parts in nibbles, 256 weights of two bits, float16 scale and minimum of them all.</summary>
internal readonly unsafe struct Q2_KDecoder : IPanelDecoder
{
    private const int WeightsAt = 16, FactorsAt = 80;

    public static DType Type => DType.Q2_K;

    public static PanelKind Kind => PanelKind.HalfScaledWithMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        int blockBytes = Kind.BlockBytes();
        Vector512<float> scale = PanelColumns.LoadFloat16(source + FactorsAt, stride);
        Vector512<float> minimum = PanelColumns.LoadFloat16(source + FactorsAt + 2, stride) * -PanelLayout.MinimumFactor;
        PanelColumns.Load(source, stride, out Vector512<byte> s0, out Vector512<byte> s1, out Vector512<byte> s2, out Vector512<byte> s3);
        StoreFour(s0, scale, minimum, target);
        StoreFour(s1, scale, minimum, target + (2 * blockBytes));
        StoreFour(s2, scale, minimum, target + (4 * blockBytes));
        StoreFour(s3, scale, minimum, target + (6 * blockBytes));
        Vector512<byte> two = Vector512.Create((byte)3);
        for (int run = 0; run < 4; run++)
        {
            PanelColumns.Load(source + WeightsAt + (16 * run), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
            byte* rows = target + (4 * (run / 2) * blockBytes) + (4 * (run % 2) * PanelLayout.RowBytes);
            for (int part = 0; part < 4; part++, rows += blockBytes)
            {
                PanelRows.Store(w0 & two, w1 & two, w2 & two, w3 & two, rows);
                (w0, w1, w2, w3) = (PanelRows.Right(w0, 2), PanelRows.Right(w1, 2), PanelRows.Right(w2, 2), PanelRows.Right(w3, 2));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector512<byte> packed, Vector512<float> scale, Vector512<float> minimum, byte* target)
    {
        Vector512<uint> scales = PanelRows.Lower(packed).AsUInt32(), minimums = PanelRows.Upper(packed).AsUInt32();
        for (int i = 0; i < 4; i++)
        {
            byte* block = target + (i / 2 * Kind.BlockBytes());
            PanelRows.StoreFloats(SuperBlock.Byte(scales, i) * scale, block, row: i % 2);
            PanelRows.StoreFloats(SuperBlock.Byte(minimums, i) * minimum, block, row: 2 + (i % 2));
        }
    }
}

/// <summary>256 third bits, 256 weights of two bits, scales of 16 parts in six bits, float16 scale; weights less 4, scales less 32.</summary>
internal readonly unsafe struct Q3_KDecoder : IPanelDecoder
{
    private const int WeightsAt = 32, TailAt = 94;

    public static DType Type => DType.Q3_K;

    public static PanelKind Kind => PanelKind.HalfScaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        int blockBytes = Kind.BlockBytes();
        StoreScales(source, stride, target);
        Vector512<byte> two = Vector512.Create((byte)3), third = Vector512.Create((byte)4), offset = Vector512.Create((byte)(PanelLayout.Offset - 4));
        for (int half = 0; half < 2; half++)
        {
            PanelColumns.Load(source + (16 * half), stride, out Vector512<byte> h0, out Vector512<byte> h1, out Vector512<byte> h2, out Vector512<byte> h3);
            byte* rows = target + (4 * half * PanelLayout.RowBytes);
            for (int part = 0; part < SuperBlock.Parts; part++, rows += blockBytes)
            {
                int shift = 2 * (part % 4);
                PanelColumns.Load(source + WeightsAt + (32 * (part / 4)) + (16 * half), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
                PanelRows.Store(
                    ((PanelRows.Right(w0, shift) & two) | (PanelRows.Left(h0, 2) & third)) + offset,
                    ((PanelRows.Right(w1, shift) & two) | (PanelRows.Left(h1, 2) & third)) + offset,
                    ((PanelRows.Right(w2, shift) & two) | (PanelRows.Left(h2, 2) & third)) + offset,
                    ((PanelRows.Right(w3, shift) & two) | (PanelRows.Left(h3, 2) & third)) + offset, rows);
                (h0, h1, h2, h3) = (PanelRows.Right(h0, 1), PanelRows.Right(h1, 1), PanelRows.Right(h2, 1), PanelRows.Right(h3, 1));
            }
        }
    }

    /// <summary>Lower nibbles of 16 scales in eight bytes, their two upper bits in four, after the last two bytes of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreScales(byte* source, long stride, byte* target)
    {
        PanelColumns.Load(source + TailAt, stride, out Vector512<byte> b0, out Vector512<byte> b1, out Vector512<byte> b2, out Vector512<byte> b3);
        Vector512<float> scale = SuperBlock.UpperFloat16(b3.AsUInt32());
        Vector512<byte> first = Joined(b0, b1), second = Joined(b1, b2), upper = Joined(b2, b3), bits = Vector512.Create((byte)0x30);
        StoreFour(PanelRows.Lower(first) | (PanelRows.Left(upper, 4) & bits), scale, target);
        StoreFour(PanelRows.Lower(second) | (PanelRows.Left(upper, 2) & bits), scale, target + (2 * Kind.BlockBytes()));
        StoreFour(PanelRows.Upper(first) | (upper & bits), scale, target + (4 * Kind.BlockBytes()));
        StoreFour(PanelRows.Upper(second) | (PanelRows.Right(upper, 2) & bits), scale, target + (6 * Kind.BlockBytes()));
    }

    /// <summary>The dwords that begin in the middle of the first and end in the middle of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Joined(Vector512<byte> first, Vector512<byte> second) =>
        ((first.AsUInt32() >>> 16) | (second.AsUInt32() << 16)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector512<byte> scales, Vector512<float> scale, byte* target)
    {
        for (int i = 0; i < 4; i++)
        {
            Vector512<float> value = (SuperBlock.Byte(scales.AsUInt32(), i) - Vector512.Create(32f)) * scale;
            PanelRows.StoreFloats(value, target + (i / 2 * Kind.BlockBytes()), row: i % 2);
        }
    }
}

/// <summary>Header with scales and minimums of 8 parts, 256 nibbles: of 32 bytes the lower are one part, the upper the next.</summary>
internal readonly unsafe struct Q4_KDecoder : IPanelDecoder
{
    private const int WeightsAt = 16;

    public static DType Type => DType.Q4_K;

    public static PanelKind Kind => PanelKind.ScaledWithMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        int blockBytes = Kind.BlockBytes();
        SuperBlock.StoreScalesAndMinimums(source, stride, target);
        for (int run = 0; run < SuperBlock.Parts; run++)
        {
            PanelColumns.Load(source + WeightsAt + (16 * run), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
            byte* rows = target + (run / 2 * 2 * blockBytes) + (4 * (run % 2) * PanelLayout.RowBytes);
            PanelRows.Store(PanelRows.Lower(w0), PanelRows.Lower(w1), PanelRows.Lower(w2), PanelRows.Lower(w3), rows);
            PanelRows.Store(PanelRows.Upper(w0), PanelRows.Upper(w1), PanelRows.Upper(w2), PanelRows.Upper(w3), rows + blockBytes);
        }
    }
}

/// <summary>As Q4_K, with a fifth bit for each weight: bit i of a byte is of part i.</summary>
internal readonly unsafe struct Q5_KDecoder : IPanelDecoder
{
    private const int FifthsAt = 16, WeightsAt = 48;

    public static DType Type => DType.Q5_K;

    public static PanelKind Kind => PanelKind.ScaledWithMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        int blockBytes = Kind.BlockBytes();
        SuperBlock.StoreScalesAndMinimums(source, stride, target);
        Vector512<byte> fifth = Vector512.Create((byte)0x10);
        for (int half = 0; half < 2; half++)
        {
            PanelColumns.Load(source + FifthsAt + (16 * half), stride, out Vector512<byte> h0, out Vector512<byte> h1, out Vector512<byte> h2, out Vector512<byte> h3);
            byte* rows = target + (4 * half * PanelLayout.RowBytes);
            for (int pair = 0; pair < SuperBlock.Parts / 2; pair++, rows += 2 * blockBytes)
            {
                PanelColumns.Load(source + WeightsAt + (32 * pair) + (16 * half), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
                PanelRows.Store(
                    PanelRows.Lower(w0) | (PanelRows.Left(h0, 4) & fifth), PanelRows.Lower(w1) | (PanelRows.Left(h1, 4) & fifth),
                    PanelRows.Lower(w2) | (PanelRows.Left(h2, 4) & fifth), PanelRows.Lower(w3) | (PanelRows.Left(h3, 4) & fifth), rows);
                PanelRows.Store(
                    PanelRows.Upper(w0) | (PanelRows.Left(h0, 3) & fifth), PanelRows.Upper(w1) | (PanelRows.Left(h1, 3) & fifth),
                    PanelRows.Upper(w2) | (PanelRows.Left(h2, 3) & fifth), PanelRows.Upper(w3) | (PanelRows.Left(h3, 3) & fifth), rows + blockBytes);
                (h0, h1, h2, h3) = (PanelRows.Right(h0, 2), PanelRows.Right(h1, 2), PanelRows.Right(h2, 2), PanelRows.Right(h3, 2));
            }
        }
    }
}

/// <summary>256 lower nibbles, 256 times two upper bits, 16 int8 scales, float16 scale; weights less 32.</summary>
internal readonly unsafe struct Q6_KDecoder : IPanelDecoder
{
    private const int UpperAt = 128, ScalesAt = 192, FactorAt = 208;

    public static DType Type => DType.Q6_K;

    public static PanelKind Kind => PanelKind.HalfScaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        int blockBytes = Kind.BlockBytes();
        Vector512<float> scale = PanelColumns.LoadFloat16(source + FactorAt, stride);
        PanelColumns.Load(source + ScalesAt, stride, out Vector512<byte> s0, out Vector512<byte> s1, out Vector512<byte> s2, out Vector512<byte> s3);
        StoreFour(s0, scale, target);
        StoreFour(s1, scale, target + (2 * blockBytes));
        StoreFour(s2, scale, target + (4 * blockBytes));
        StoreFour(s3, scale, target + (6 * blockBytes));
        Vector512<byte> upper = Vector512.Create((byte)0x30), offset = Vector512.Create((byte)(PanelLayout.Offset - 32));
        for (int run = 0; run < 4; run++)
        {
            int half = run / 2, start = 16 * (run % 2);
            PanelColumns.Load(source + UpperAt + (32 * half) + start, stride, out Vector512<byte> h0, out Vector512<byte> h1, out Vector512<byte> h2, out Vector512<byte> h3);
            byte* rows = target + (4 * half * blockBytes) + (4 * (run % 2) * PanelLayout.RowBytes);
            for (int part = 0; part < 2; part++, rows += blockBytes)
            {
                PanelColumns.Load(source + (64 * half) + (32 * part) + start, stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
                PanelRows.Store(
                    (PanelRows.Lower(w0) | (PanelRows.Left(h0, 4) & upper)) + offset, (PanelRows.Lower(w1) | (PanelRows.Left(h1, 4) & upper)) + offset,
                    (PanelRows.Lower(w2) | (PanelRows.Left(h2, 4) & upper)) + offset, (PanelRows.Lower(w3) | (PanelRows.Left(h3, 4) & upper)) + offset, rows);
                PanelRows.Store(
                    (PanelRows.Upper(w0) | (h0 & upper)) + offset, (PanelRows.Upper(w1) | (h1 & upper)) + offset,
                    (PanelRows.Upper(w2) | (h2 & upper)) + offset, (PanelRows.Upper(w3) | (h3 & upper)) + offset, rows + (2 * blockBytes));
                (h0, h1, h2, h3) = (PanelRows.Right(h0, 2), PanelRows.Right(h1, 2), PanelRows.Right(h2, 2), PanelRows.Right(h3, 2));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(Vector512<byte> scales, Vector512<float> scale, byte* target)
    {
        for (int i = 0; i < 4; i++)
            PanelRows.StoreFloats(SuperBlock.SignedByte(scales.AsUInt32(), i) * scale, target + (i / 2 * Kind.BlockBytes()), row: i % 2);
    }
}

/// <summary>float16 scale, scales of 8 parts in six bits, 256 nibbles that index IQ4_NL's table; scales less 32.</summary>
internal readonly unsafe struct IQ4_XSDecoder : IPanelDecoder
{
    private const int WeightsAt = 8;

    public static DType Type => DType.IQ4_XS;

    public static PanelKind Kind => PanelKind.Scaled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelColumns.Load(source, stride, out Vector512<byte> header, out Vector512<byte> nibbles, out _, out _);
        Vector512<float> scale = SuperBlock.LowerFloat16(header.AsUInt32());
        Vector512<uint> upper = header.AsUInt32() >>> 16, lower = nibbles.AsUInt32();
        for (int part = 0; part < SuperBlock.Parts; part++, target += Kind.BlockBytes())
        {
            Vector512<uint> value = (lower & Vector512.Create(0xfu)) | ((upper & Vector512.Create(3u)) << 4);
            PanelRows.StoreFloats(Vector512.ConvertToSingle(value.AsInt32() - Vector512.Create(32)) * scale, target);
            PanelRows.StoreIndices(source + WeightsAt + (16 * part), stride, IQ4_NLDecoder.Table, target);
            lower >>>= 4;
            upper >>>= 2;
        }
    }
}
