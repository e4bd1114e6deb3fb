using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>A table of vectors by index. The row of padding, if any, starts at zero and is not trained through here.</summary>
internal sealed class Embedding(Weights weights, int entries, int width, double std, int? paddingIndex = null)
{
    /// <summary>[entries, width].</summary>
    public Tensor Weight { get; } = weights.Get("weight", [entries, width], Init.Normal((float)std, paddingIndex));

    /// <summary>[.., ] Int64 -> [.., width].</summary>
    public Tensor Forward(Tensor indices) => Functional.Embedding(Weight, indices, paddingIndex);
}
