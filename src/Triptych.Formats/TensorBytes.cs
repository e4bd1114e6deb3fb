using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Moves the raw bytes of a contiguous tensor in pieces that fit a span, whatever its size.</summary>
internal static class TensorBytes
{
    private const int PieceBytes = 1 << 24;

    public delegate void Piece(Span<byte> bytes);

    public static unsafe void ForEachPiece(Tensor tensor, Piece piece)
    {
        long total = tensor.DType.BytesOf(tensor.Count);
        for (long done = 0; done < total; done += PieceBytes)
            piece(new Span<byte>(tensor.Data + done, (int)Math.Min(PieceBytes, total - done)));
        GC.KeepAlive(tensor);
    }
}
