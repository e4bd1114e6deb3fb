using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Moves the raw bytes of a contiguous tensor in pieces that fit a span, whatever its size.</summary>
internal static class TensorBytes
{
    private const int ChunkElements = 1 << 22;

    public delegate void Piece(Span<byte> bytes);

    public static void ForEachPiece(Tensor tensor, Piece piece)
    {
        if (tensor.Count == 0)
            return;
        if (tensor.Count > int.MaxValue)
        {
            for (int row = 0; row < tensor.Shape[0]; row++)
                ForEachPiece(tensor.Select(0, row), piece);
            return;
        }

        switch (tensor.DType)
        {
            case DType.Float32: Cut<float>(tensor, piece); break;
            case DType.Float16: Cut<Half>(tensor, piece); break;
            case DType.BFloat16: Cut<BFloat16>(tensor, piece); break;
            case DType.Float64: Cut<double>(tensor, piece); break;
            case DType.Int64: Cut<long>(tensor, piece); break;
            case DType.Int32: Cut<int>(tensor, piece); break;
            case DType.Int8: Cut<sbyte>(tensor, piece); break;
            case DType.UInt8: Cut<byte>(tensor, piece); break;
            case DType.Bool: Cut<bool>(tensor, piece); break;
            default: throw new ArgumentOutOfRangeException(nameof(tensor), tensor.DType, "unknown dtype");
        }
    }

    private static void Cut<T>(Tensor tensor, Piece piece) where T : unmanaged
    {
        for (Span<T> rest = tensor.AsSpan<T>(); !rest.IsEmpty; rest = rest[Math.Min(rest.Length, ChunkElements)..])
            piece(MemoryMarshal.AsBytes(rest[..Math.Min(rest.Length, ChunkElements)]));
        GC.KeepAlive(tensor);
    }
}
