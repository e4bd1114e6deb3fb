using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Layer normalization over the last dimension (Ba et al. 2016).</summary>
internal sealed class LayerNorm(Weights weights, int width, double epsilon)
{
    private readonly Tensor weight = weights.Get("weight", [width], Init.Ones);
    private readonly Tensor bias = weights.Get("bias", [width], Init.Zeros);

    public Tensor Forward(Tensor x) => Functional.LayerNorm(x, weight, bias, (float)epsilon);

    /// <summary>The norm of x + residual.</summary>
    public Tensor Forward(Tensor x, Tensor residual) => Functional.LayerNorm(x, residual, weight, bias, (float)epsilon);
}
