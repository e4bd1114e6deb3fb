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

    /// <summary>The same function where linear layers know it as a part of themselves; null where they don't.</summary>
    public static Activation? Fused(string name) => name switch
    {
        "gelu" or "gelu_python" => Activation.Gelu,
        "gelu_new" or "gelu_fast" or "gelu_accurate" or "gelu_pytorch_tanh" or "gelu_python_tanh" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "silu" or "swish" => Activation.Silu,
        "relu" => Activation.Relu,
        "tanh" => Activation.Tanh,
        "linear" => Activation.None,
        _ => null,
    };

    /// <summary>What is wrong with a configuration's choice, if anything.</summary>
    public static IEnumerable<(string Key, string Reason)> Problems(string key, string name)
    {
        if (!ByName.ContainsKey(name))
            yield return (key, $"'{name}' is no known activation; known are {string.Join(", ", ByName.Keys)}");
    }
}
