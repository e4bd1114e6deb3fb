using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>A tensor to be written: what it is, and how to get it when its turn comes, so that a file never needs all of its tensors in memory.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">The sizes, outermost first.</param>
/// <param name="Load">Gives the tensor; called once, within a <see cref="TensorScope"/> that ends when the tensor is written.</param>
public sealed record TensorSource(string Name, DType DType, Shape Shape, Func<Tensor> Load)
{
    /// <summary>The bytes that it takes.</summary>
    public long Bytes => DType.BytesOf(Shape.Count);

    /// <summary>A tensor that is there already.</summary>
    public static TensorSource Of(string name, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new TensorSource(name, tensor.DType, tensor.Shape, () => tensor);
    }

    /// <summary>Loads the tensor and writes its bytes.</summary>
    internal void Write(Stream stream, Action<int> written, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = new TensorScope();
        Tensor tensor = Load();
        if (tensor.DType != DType || tensor.Shape != Shape)
            throw new InvalidOperationException($"'{Name}' was announced as {DType.Name()} {Shape} and came as {tensor.DType.Name()} {tensor.Shape}");
        TensorBytes.ForEachPiece(tensor.Detach().Contiguous(), bytes =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            stream.Write(bytes);
            written(bytes.Length);
        });
    }
}
