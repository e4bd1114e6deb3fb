using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// Reads the keys and values of a cache, which may be float32, float16 or bfloat16: tiles of a few rows are widened to float32 in
/// the first-level cache, once for all queries that share them.
/// </summary>
internal static unsafe class KeyValueRows
{
    /// <summary>Rows of a tile: 64 of them in float32 fill half of a first-level cache.</summary>
    public const int TileRows = 32;

    /// <summary>Bytes that software prefetch runs ahead of a tile; half and twice of it were slower (measured).</summary>
    private const int AheadBytes = 8192;

    private const int CacheLine = 64;

    /// <summary>Whether keys and values may have a type.</summary>
    public static bool Reads(DType type) => type is DType.Float32 or DType.Float16 or DType.BFloat16;

    public static long Bytes(DType type, long elements) => elements * type.Size();

    /// <summary>
    /// Rows [rows, dim] as float32, zeros up to `multiple`: where they lie if that is all there is to do, else in buffer.
    /// `stride` becomes the floats between two of them.
    /// </summary>
    public static float* Tile(in AttentionTensor source, int batch, int head, int first, int rows, int multiple, int dim, float* buffer,
        out long stride)
    {
        byte* row = source.Row(batch, head, first);
        long rowBytes = Bytes(source.Type, source.RowStride);
        Prefetch(row, rowBytes, rows, Bytes(source.Type, dim));
        stride = source.RowStride;
        if (source.Type == DType.Float32 && rows % multiple == 0)
            return (float*)row;
        stride = dim;
        Widen(source.Type, row, rowBytes, rows, dim, buffer);
        int missing = (multiple - (rows % multiple)) % multiple;
        new Span<float>(buffer + ((long)rows * dim), missing * dim).Clear();
        return buffer;
    }

    /// <summary>target [rows, dim] = source in float32.</summary>
    public static void Widen(DType type, byte* source, long rowBytes, int rows, int dim, float* target)
    {
        if (rowBytes == Bytes(type, dim))
        {
            Widen(type, source, (long)rows * dim, target);
            return;
        }

        for (int row = 0; row < rows; row++, source += rowBytes, target += dim)
            Widen(type, source, dim, target);
    }

    private static void Widen(DType type, byte* source, long count, float* target)
    {
        switch (type)
        {
            case DType.Float32:
                Widen<Float32Element>(source, count, target);
                break;
            case DType.Float16:
                Widen<Float16Element>(source, count, target);
                break;
            case DType.BFloat16:
                Widen<BFloat16Element>(source, count, target);
                break;
            default:
                throw new NotSupportedException($"attention does not read keys and values of {type.Name()}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TElement>(byte* source, long count, float* target)
        where TElement : struct, IElement
    {
        long i = 0;
        for (; i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
            TElement.Load512(source + (i * TElement.Size)).Store(target + i);
        for (; i < count; i++)
            target[i] = TElement.Load1(source + (i * TElement.Size));
    }

    /// <summary>Asks for rows that the next tiles read. Addresses past the end are harmless to a prefetch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prefetch(byte* row, long rowBytes, int rows, long bytes)
    {
        if (!Sse.IsSupported)
            return;
        row += rowBytes * Math.Max(rows, AheadBytes / Math.Max(rowBytes, 1));
        if (rowBytes == bytes)
            (bytes, rows) = (bytes * rows, 1);
        for (; rows > 0; rows--, row += rowBytes)
        {
            for (long at = 0; at < bytes; at += CacheLine)
                Sse.Prefetch0(row + at);
        }
    }
}
