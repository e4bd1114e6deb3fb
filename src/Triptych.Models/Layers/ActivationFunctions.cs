using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Activation functions by the names that config.json has for them.</summary>
internal static class ActivationFunctions
{
    private static readonly Dictionary<string, Func<Tensor, Tensor>> ByName = new(StringComparer.Ordinal)
    {
        ["gelu"] = Functional.Gelu,
        ["gelu_python"] = Functional.Gelu,
        ["gelu_new"] = Functional.GeluTanh,
        ["gelu_fast"] = Functional.GeluTanh,
        ["gelu_accurate"] = Functional.GeluTanh,
        ["gelu_pytorch_tanh"] = Functional.GeluTanh,
        ["gelu_python_tanh"] = Functional.GeluTanh,
        ["quick_gelu"] = Functional.QuickGelu,
        ["silu"] = Functional.Silu,
        ["swish"] = Functional.Silu,
        ["relu"] = Functional.Relu,
        ["relu2"] = x => Functional.Square(Functional.Relu(x)),
        ["tanh"] = Functional.Tanh,
        ["sigmoid"] = Functional.Sigmoid,
        ["linear"] = x => x,
    };

    public static Func<Tensor, Tensor> Named(string name) => ByName[name];

    /// <summary>What is wrong with a configuration's choice, if anything.</summary>
    public static IEnumerable<(string Key, string Reason)> Problems(string key, string name)
    {
        if (!ByName.ContainsKey(name))
            yield return (key, $"'{name}' is no known activation; known are {string.Join(", ", ByName.Keys)}");
    }
}
