using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// Reads the same few bytes of 16 weight rows, which become 16 columns of a panel: lane i of a vector is row i.
/// </summary>
internal static unsafe class PanelColumns
{
    public const int Count = 16;

    /// <summary>16 bytes of each row; the vectors are their four dwords.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* source, long stride, out Vector512<byte> first, out Vector512<byte> second, out Vector512<byte> third,
        out Vector512<byte> fourth)
    {
        if (!Avx512F.IsSupported)
        {
            first = Gather(source, stride);
            second = Gather(source + 4, stride);
            third = Gather(source + 8, stride);
            fourth = Gather(source + 12, stride);
            return;
        }

        // Lanes of 128 bits hold rows i, i + 4, i + 8, i + 12, so that a transpose within lanes puts rows in order.
        Vector512<int> rows0 = EveryFourth(source, stride), rows1 = EveryFourth(source + stride, stride);
        Vector512<int> rows2 = EveryFourth(source + (2 * stride), stride), rows3 = EveryFourth(source + (3 * stride), stride);
        Vector512<long> low01 = Avx512F.UnpackLow(rows0, rows1).AsInt64(), low23 = Avx512F.UnpackLow(rows2, rows3).AsInt64();
        Vector512<long> high01 = Avx512F.UnpackHigh(rows0, rows1).AsInt64(), high23 = Avx512F.UnpackHigh(rows2, rows3).AsInt64();
        first = Avx512F.UnpackLow(low01, low23).AsByte();
        second = Avx512F.UnpackHigh(low01, low23).AsByte();
        third = Avx512F.UnpackLow(high01, high23).AsByte();
        fourth = Avx512F.UnpackHigh(high01, high23).AsByte();
    }

    /// <summary>Two bytes of each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> LoadWords(byte* source, long stride)
    {
        Vector256<ushort> words = Vector256.Create(EightWords(source, stride), EightWords(source + (8 * stride), stride));
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512UInt32(words)
            : Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words));
    }

    /// <summary>A float16 of each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFloat16(byte* source, long stride) => Float16Element.Widen512(LoadWords(source, stride));

    /// <summary>table[i] for each byte i below 16; the table is repeated in each lane of 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LookUp(Vector512<byte> table, Vector512<byte> indices)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.Shuffle(table, indices);
        Vector128<byte> entries = table.GetLower().GetLower();
        Vector256<byte> lower = indices.GetLower(), upper = indices.GetUpper();
        return Vector512.Create(
            Vector256.Create(Vector128.Shuffle(entries, lower.GetLower()), Vector128.Shuffle(entries, lower.GetUpper())),
            Vector256.Create(Vector128.Shuffle(entries, upper.GetLower()), Vector128.Shuffle(entries, upper.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> EveryFourth(byte* source, long stride)
    {
        long step = 4 * stride;
        Vector512<int> rows = Vector128.Load(source).AsInt32().ToVector256Unsafe().ToVector512Unsafe();
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + step).AsInt32(), 1);
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + (2 * step)).AsInt32(), 2);
        return Avx512F.InsertVector128(rows, Vector128.Load(source + (3 * step)).AsInt32(), 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> EightWords(byte* source, long stride) =>
        Vector128.CreateScalarUnsafe(*(ushort*)source)
            .WithElement(1, *(ushort*)(source + stride))
            .WithElement(2, *(ushort*)(source + (2 * stride)))
            .WithElement(3, *(ushort*)(source + (3 * stride)))
            .WithElement(4, *(ushort*)(source + (4 * stride)))
            .WithElement(5, *(ushort*)(source + (5 * stride)))
            .WithElement(6, *(ushort*)(source + (6 * stride)))
            .WithElement(7, *(ushort*)(source + (7 * stride)));

    private static Vector512<byte> Gather(byte* source, long stride)
    {
        uint* dwords = stackalloc uint[Count];
        for (int i = 0; i < Count; i++)
            dwords[i] = *(uint*)(source + (i * stride));
        return Vector512.Load(dwords).AsByte();
    }
}
