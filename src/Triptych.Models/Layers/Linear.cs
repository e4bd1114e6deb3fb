using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>x W^T + b.</summary>
internal sealed class Linear(Tensor weight, Tensor? bias)
{
    private readonly Tensor weight = weight;
    private readonly Tensor? bias = bias;

    public Linear(Weights weights, int inFeatures, int outFeatures, Init init, bool bias = true)
        : this(weights.Get("weight", [outFeatures, inFeatures], init), bias ? weights.Get("bias", [outFeatures], Init.Zeros) : null)
    {
    }

    /// <summary>[.., in] -> [.., out].</summary>
    public Tensor Forward(Tensor x) => Functional.Linear(x, weight, bias);

    /// <summary>The layer and an activation by the name that config.json has for it, in one pass where the kernels know it.</summary>
    public Tensor Forward(Tensor x, string activation) => ActivationFunctions.Fused(activation) is { } fused
        ? Functional.Linear(x, weight, bias, fused)
        : ActivationFunctions.Named(activation)(Forward(x));

    /// <summary>The cross entropy of this layer's results, which are never all in memory.</summary>
    /// <param name="x">[n, in].</param>
    /// <param name="labels">[n] Int64; -100 is ignored.</param>
    /// <param name="labelSmoothing">The share of the target that is spread over all classes.</param>
    public Tensor CrossEntropy(Tensor x, Tensor labels, float labelSmoothing) =>
        Functional.LinearCrossEntropy(x, weight, bias, labels, labelSmoothing: labelSmoothing);

    /// <summary>This layer and two others of the same input, as a query beside key and value: one pass.</summary>
    public (Tensor First, Tensor Second, Tensor Third) ForwardWith(Linear second, Linear third, Tensor x)
    {
        var results = Functional.LinearGroup(x, [weight, second.weight, third.weight], [bias, second.bias, third.bias]);
        return (results[0], results[1], results[2]);
    }

    /// <summary>This layer as the gate of another: activation(gate(x)) * up(x), in one pass where the kernels know the activation.</summary>
    public Tensor ForwardGating(Linear up, string activation, Tensor x) =>
        bias is null && up.bias is null && ActivationFunctions.Fused(activation) is { } fused
            ? Functional.GatedLinear(x, weight, up.weight, fused)
            : ActivationFunctions.Named(activation)(Forward(x)) * up.Forward(x);
}
