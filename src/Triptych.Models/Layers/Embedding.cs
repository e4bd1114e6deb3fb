using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>A table of vectors by index.</summary>
internal sealed class Embedding(Weights weights, int entries, int width, Init init)
{
    /// <summary>[entries, width].</summary>
    public Tensor Weight { get; } = weights.Get("weight", [entries, width], init);

    /// <summary>[.., ] Int64 -> [.., width].</summary>
    public Tensor Forward(Tensor indices) => Functional.Embedding(Weight, indices);
}
