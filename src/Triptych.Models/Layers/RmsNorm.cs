using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Root-mean-square normalization over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467).</summary>
internal sealed class RmsNorm(Weights weights, int width, double epsilon)
{
    private readonly Tensor weight = weights.Get("weight", [width], Init.Ones);

    public Tensor Forward(Tensor x) => Functional.RmsNorm(x, weight, (float)epsilon);
}
