using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>What block decoders and integer dots need beyond the cross-platform vectors; each has a path for every width.</summary>
internal static unsafe class BlockVectors
{
    /// <summary>From the exponent of a half to that of a float.</summary>
    private const uint Bias = 112u << 23;

    private const float SmallestNormalHalf = 6.103515625e-5f;

    /// <summary>Lane l of 32 gets the sum over bytes 2 l and 2 l + 1 of weight * activation; it must fit 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Pairs(Vector512<byte> weights, Vector512<sbyte> activations)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(weights, activations);
        return Vector512.Create(Pairs(weights.GetLower(), activations.GetLower()), Pairs(weights.GetUpper(), activations.GetUpper()));
    }

    /// <summary>Sums of neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> AddPairs(Vector512<short> pairs)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One);
        return Vector512.Create(AddPairs(pairs.GetLower()), AddPairs(pairs.GetUpper()));
    }

    /// <summary>Lane l of 16 gets the sum over bytes 4 l to 4 l + 3, of weights in [-128, 127] and activations in [-127, 127].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> DotSigned(Vector512<sbyte> weights, Vector512<sbyte> activations)
    {
        // The sign moves to the activation: 128 * 127 * 2 fits 16 bits.
        Vector512<sbyte> signed = Vector512.ConditionalSelect(Vector512.LessThan(weights, Vector512<sbyte>.Zero), -activations, activations);
        return AddPairs(Pairs(Vector512.Abs(weights).AsByte(), signed));
    }

    /// <summary>Two halves of 256 bits, without the dependency on an old register that Vector512.Create brings.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Join(Vector256<byte> lower, Vector256<byte> upper) => lower.ToVector512Unsafe().WithUpper(upper);

    /// <summary>Of four halves of 256 bits, in two vectors, the lower quarters and the upper quarters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuarters(Vector512<byte> a, Vector512<byte> b, out Vector512<byte> lower, out Vector512<byte> upper)
    {
        if (Avx512F.IsSupported)
        {
            lower = Avx512F.Shuffle4x128(a.AsInt64(), b.AsInt64(), 0b10_00_10_00).AsByte();
            upper = Avx512F.Shuffle4x128(a.AsInt64(), b.AsInt64(), 0b11_01_11_01).AsByte();
            return;
        }

        lower = Vector512.Create(
            Vector256.Create(a.GetLower().GetLower(), a.GetUpper().GetLower()), Vector256.Create(b.GetLower().GetLower(), b.GetUpper().GetLower()));
        upper = Vector512.Create(
            Vector256.Create(a.GetLower().GetUpper(), a.GetUpper().GetUpper()), Vector256.Create(b.GetLower().GetUpper(), b.GetUpper().GetUpper()));
    }

    /// <summary>Within each 128 bits, the bytes of `table` at `indices` (0 to 15).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ShuffleLanes(Vector512<byte> table, Vector512<byte> indices)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.Shuffle(table, indices);
        return Vector512.Create(ShuffleLanes(table.GetLower(), indices.GetLower()), ShuffleLanes(table.GetUpper(), indices.GetUpper()));
    }

    /// <summary>16 where a bit of `bits` is set, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sixteens(Vector512<byte> bits)
    {
        Vector512<byte> bit = Vector512.Create(0x8040201008040201UL).AsByte();
        return Vector512.Equals(bits & bit, bit) & Vector512.Create((byte)16);
    }

    /// <summary>The lanes that `lanes` names, of `v`.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Permute(Vector512<float> v, Vector512<int> lanes)
    {
        if (Avx512F.IsSupported)
            return Avx512F.PermuteVar16x32(v, lanes);
        if (Avx2.IsSupported)
            return Vector512.Create(Permute(v, lanes.GetLower()), Permute(v, lanes.GetUpper()));
        return Vector512.Create(
            Vector256.Create(Vector128.Create(v.GetElement(lanes.GetElement(0))), Vector128.Create(v.GetElement(lanes.GetElement(4)))),
            Vector256.Create(Vector128.Create(v.GetElement(lanes.GetElement(8))), Vector128.Create(v.GetElement(lanes.GetElement(12)))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Permute(Vector512<float> v, Vector256<int> lanes) => Vector256.ConditionalSelect(
        Vector256.GreaterThan(lanes, Vector256.Create(7)).AsSingle(),
        Avx2.PermuteVar8x32(v.GetUpper(), lanes), Avx2.PermuteVar8x32(v.GetLower(), lanes));

    /// <summary>Each of eight lanes twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Twice(Vector256<float> v)
    {
        if (Avx512F.IsSupported)
            return Avx512F.PermuteVar16x32(v.ToVector512Unsafe(), Vector512.Create(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7));
        return Vector512.Create(
            Vector256.Create(Twice(v.GetLower(), 0), Twice(v.GetLower(), 2)),
            Vector256.Create(Twice(v.GetUpper(), 0), Twice(v.GetUpper(), 2)));
    }

    /// <summary>
    /// The halves in the lower 16 bits as floats. Where v is the float with a half's exponent and fraction, 2 v - 2^-14 is right for
    /// subnormal halves and smaller than v for these alone. (Frequent as scales of scales, they would be slow as subnormal floats.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(Vector256<uint> bits)
    {
        Vector256<uint> magnitude = (bits & Vector256.Create(0x7fffu)) << 13, bias = Vector256.Create(Bias);
        Vector256<uint> special = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create(0x7c00 << 13)).AsUInt32();
        Vector256<float> v = (magnitude + bias + (special & bias)).AsSingle();
        v = Vector256.MinNative(v, v + v - Vector256.Create(SmallestNormalHalf));
        return (v.AsUInt32() | ((bits & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }

    /// <summary>One half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(ushort bits)
    {
        uint magnitude = (bits & 0x7fffu) << 13;
        float v = BitConverter.UInt32BitsToSingle(magnitude + (magnitude >= 0x7c00 << 13 ? 2 * Bias : Bias));
        v = float.MinNative(v, v + v - SmallestNormalHalf);
        return BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(v) | ((bits & 0x8000u) << 16));
    }

    /// <summary>16 unsigned bytes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloats(Vector128<byte> bytes) => Avx512F.IsSupported
        ? Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes))
        : Vector512.ConvertToSingle(ToInts(bytes.AsSByte()) & Vector512.Create(255));

    /// <summary>16 signed bytes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloats(Vector128<sbyte> bytes) => Vector512.ConvertToSingle(ToInts(bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> ToInts(Vector128<sbyte> bytes)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Int32(bytes);
        Vector256<short> words = Vector256.Create(Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
        return Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(Vector256<byte> weights, Vector256<sbyte> activations) => Avx2.IsSupported
        ? Avx2.MultiplyAddAdjacent(weights, activations)
        : Vector256.Create(Pairs(weights.GetLower(), activations.GetLower()), Pairs(weights.GetUpper(), activations.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Pairs(Vector128<byte> weights, Vector128<sbyte> activations)
    {
        if (Ssse3.IsSupported)
            return Ssse3.MultiplyAddAdjacent(weights, activations);

        // Even and odd bytes as the lower halves of 16 bits.
        Vector128<short> even = (weights.AsInt16() & Vector128.Create((short)255)) * ((activations.AsInt16() << 8) >> 8);
        Vector128<short> odd = (weights.AsUInt16() >> 8).AsInt16() * (activations.AsInt16() >> 8);
        return even + odd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddPairs(Vector256<short> pairs) => Avx2.IsSupported
        ? Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One)
        : ((pairs.AsInt32() << 16) >> 16) + (pairs.AsInt32() >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> ShuffleLanes(Vector256<byte> table, Vector256<byte> indices) => Avx2.IsSupported
        ? Avx2.Shuffle(table, indices)
        : Vector256.Create(
            Vector128.ShuffleNative(table.GetLower(), indices.GetLower()), Vector128.ShuffleNative(table.GetUpper(), indices.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Twice(Vector128<float> v, int first) =>
        Vector128.Create(v.GetElement(first), v.GetElement(first), v.GetElement(first + 1), v.GetElement(first + 1));
}

/// <summary>Takes the same part of each of a few blocks of 32 weights that lie together, without reading past them.</summary>
internal static unsafe class BlockParts
{
    /// <summary>Where the bytes of four parts are, in the first 64 bytes of four blocks and the 64 bytes from <see cref="Second"/> on.</summary>
    public static byte* Table(int stride, int offset, int length)
    {
        byte* table = (byte*)NativeMemory.AlignedAlloc(64, 64);
        for (int i = 0; i < 64; i++)
        {
            int at = (Math.Min(i / length, 3) * stride) + offset + (i % length);
            table[i] = (byte)(at < 64 ? at : 64 + at - Second(stride));
        }

        return table;
    }

    /// <summary>16 bytes of each of four blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sixteens(byte* blocks, int stride, int offset, Vector512<byte> table)
    {
        if (Avx512Vbmi.IsSupported)
            return Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(blocks), table, Vector512.Load(blocks + Second(stride)));
        blocks += offset;
        return BlockVectors.Join(
            Vector128.Load(blocks).ToVector256Unsafe().WithUpper(Vector128.Load(blocks + stride)),
            Vector128.Load(blocks + (2 * stride)).ToVector256Unsafe().WithUpper(Vector128.Load(blocks + (3 * stride))));
    }

    /// <summary>The first 4 bytes of each of eight blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Fours(byte* blocks, int stride, Vector512<byte> table)
    {
        if (Avx512Vbmi.IsSupported)
            return Fours128(blocks, stride, table).ToVector256Unsafe().WithUpper(Fours128(blocks + (4 * stride), stride, table));
        return Vector256.Create(
            *(uint*)blocks, *(uint*)(blocks + stride), *(uint*)(blocks + (2 * stride)), *(uint*)(blocks + (3 * stride)),
            *(uint*)(blocks + (4 * stride)), *(uint*)(blocks + (5 * stride)), *(uint*)(blocks + (6 * stride)), *(uint*)(blocks + (7 * stride)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Fours128(byte* blocks, int stride, Vector512<byte> table) => Avx512Vbmi.PermuteVar64x8x2(
        Vector512.Load(blocks), table, Vector512.Load(blocks + Second(stride))).GetLower().GetLower().AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Second(int stride) => Math.Min(64, (4 * stride) - 64);
}
