using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>x W^T + b.</summary>
internal sealed class Linear(Tensor weight, Tensor? bias)
{
    public Linear(Weights weights, int inFeatures, int outFeatures, Init init, bool bias = true)
        : this(weights.Get("weight", [outFeatures, inFeatures], init), bias ? weights.Get("bias", [outFeatures], Init.Zeros) : null)
    {
    }

    /// <summary>[.., in] -> [.., out].</summary>
    public Tensor Forward(Tensor x) => Functional.Linear(x, weight, bias);
}
