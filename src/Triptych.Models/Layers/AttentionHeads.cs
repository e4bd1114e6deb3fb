using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Between the residual stream and the heads of multi-head attention.</summary>
internal static class AttentionHeads
{
    /// <summary>[batch, sequence, heads * headDim] -> [batch, heads, sequence, headDim], a view.</summary>
    public static Tensor SplitHeads(this Tensor x, int heads) =>
        x.Reshape(x.Shape[0], x.Shape[1], heads, x.Shape[2] / heads).Transpose(1, 2);

    /// <summary>[batch, heads, sequence, headDim] -> [batch, sequence, heads * headDim].</summary>
    public static Tensor MergeHeads(this Tensor x) => x.Transpose(1, 2).Reshape(x.Shape[0], x.Shape[2], x.Shape[1] * x.Shape[3]);
}
