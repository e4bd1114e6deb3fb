using Triptych.TestSupport;
using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>Every operation against PyTorch: values to 1e-5, gradients to 1e-4 of the scale. Fixtures/tensors/make_ops.py made the numbers.</summary>
public sealed class OpsTests
{
    private const double ValueTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;

    private static readonly Lazy<Dictionary<string, Tensor>> Fixture = new(() => SafetensorsReader.Read(Fixtures.Path("tensors/ops.safetensors")));

    public static TheoryData<string> Cases => new(Fixture.Value.Keys.Select(key => key.Split('.')[0]).Distinct());

    [Theory]
    [MemberData(nameof(Cases))]
    public void MatchesPyTorch(string name)
    {
        using var scope = new TensorScope();
        bool differentiable = Fixture.Value.ContainsKey($"{name}.weight");
        var inputs = new Dictionary<string, Tensor>();
        foreach (var (key, value) in Under($"{name}.in."))
        {
            inputs[key] = value.Clone();
            if (differentiable && value.DType.IsFloatingPoint())
                inputs[key].RequiresGrad = true;
        }

        var outputs = Compute(name, inputs);
        foreach (var (key, expected) in Under($"{name}.out."))
            Close(expected, outputs[key], ValueTolerance, $"{name} {key}");
        if (!differentiable)
            return;
        outputs.Values.First().Backward(Fixture.Value[$"{name}.weight"]);
        foreach (var (key, expected) in Under($"{name}.grad."))
        {
            Assert.True(inputs[key].Grad is not null, $"{name}: no gradient of {key}");
            Close(expected, inputs[key].Grad!, GradientTolerance, $"{name} gradient of {key}");
        }
    }

    private static Dictionary<string, Tensor> Compute(string name, Dictionary<string, Tensor> t)
    {
        Tensor Get(string key) => t[key];
        string[] parts = name.Split('_');
        int axis = int.TryParse(parts[^1], out int last) ? last : 0;
        string family = parts[^1].All(char.IsAsciiDigit) && parts[0] != "pow" ? string.Join('_', parts[..^1]) : name;
        if (family.StartsWith("attention", StringComparison.Ordinal))
            return One(ScaledDotProductAttention(Get("q"), Get("k"), Get("v"), Options(name, t)));
        return family switch
        {
            "abs" => One(Abs(Get("x"))),
            "square" => One(Square(Get("x"))),
            "sin" => One(Sin(Get("x"))),
            "cos" => One(Cos(Get("x"))),
            "tanh" => One(Tanh(Get("x"))),
            "sigmoid" => One(Sigmoid(Get("x"))),
            "erf" => One(Erf(Get("x"))),
            "relu" => One(Relu(Get("x"))),
            "silu" => One(Silu(Get("x"))),
            "gelu" => One(Gelu(Get("x"))),
            "gelu_tanh" => One(GeluTanh(Get("x"))),
            "quick_gelu" => One(QuickGelu(Get("x"))),
            "negate" => One(-Get("x")),
            "exp" => One(Exp(Get("input"))),
            "sqrt" => One(Sqrt(Get("x"))),
            "rsqrt" => One(Rsqrt(Get("x"))),
            "log" => One(Log(Get("x"))),
            "pow_2" => One(Pow(Get("x"), 2)),
            "pow_3" => One(Pow(Get("x"), 3)),
            "pow_half" => One(Pow(Get("x"), 0.5f)),
            "pow_minus" => One(Pow(Get("x"), -1.5f)),
            "pow_0" => One(Pow(Get("x"), 0)),
            "pow_1" => One(Pow(Get("x"), 1)),
            "pow_negative_base" => One(Pow(Get("x"), 5)),
            "matmul_transposed" => One(MatMul(Get("a").Transpose(-1, -2), Get("b").Transpose(-1, -2))),
            _ when parts[0] == "matmul" => One(MatMul(Get("a"), Get("b"))),
            _ when parts[0] == "add" => One(Get("a") + Get("b")),
            _ when parts[0] == "subtract" => One(Get("a") - Get("b")),
            _ when parts[0] == "multiply" => One(Get("a") * Get("b")),
            _ when parts[0] == "divide" => One(Get("a") / Get("b")),
            _ when parts[0] == "maximum" => One(Maximum(Get("a"), Get("b"))),
            _ when parts[0] == "minimum" => One(Minimum(Get("a"), Get("b"))),
            "linear" => One(Linear(Get("x"), Get("w"), Get("b"))),
            "linear_transposed" => One(LinearTransposed(Get("x"), Get("w"), Get("b"))),
            "embedding" => One(Embedding(Get("w"), Get("i"))),
            "layer_norm" => One(LayerNorm(Get("x"), Get("w"), Get("b"), 1e-5f)),
            "rms_norm" => One(RmsNorm(Get("x"), Get("w"), 1e-6f)),
            "softmax" => One(Softmax(Get("x"))),
            "log_softmax" => One(LogSoftmax(Get("x"))),
            "softmax_middle" => One(Softmax(Get("x"), 1)),
            "log_softmax_first" => One(LogSoftmax(Get("x"), 0)),
            "cross_entropy" => One(CrossEntropy(Get("x"), Get("i"))),
            "cross_entropy_smooth" => One(CrossEntropy(Get("x"), Get("i"), labelSmoothing: 0.1f)),
            "cross_entropy_ignore" => One(CrossEntropy(Get("x"), Get("i"), ignoreIndex: 5)),
            "binary_cross_entropy" => One(BinaryCrossEntropyWithLogits(Get("x"), Get("t"))),
            "mean_squared_error" => One(MeanSquaredError(Get("x"), Get("t"))),
            "conv1d_plain" => One(Conv1d(Get("x"), Get("w"), Get("b"))),
            "conv1d_stride" => One(Conv1d(Get("x"), Get("w"), Get("b"), stride: 2, padding: 1)),
            "conv1d_dilation" => One(Conv1d(Get("x"), Get("w"), Get("b"), padding: 2, dilation: 2)),
            "conv1d_groups" => One(Conv1d(Get("x"), Get("w"), Get("b"), padding: 1, groups: 2)),
            "conv2d_plain" => One(Conv2d(Get("x"), Get("w"), Get("b"))),
            "conv2d_stride" => One(Conv2d(Get("x"), Get("w"), Get("b"), stride: (2, 3), padding: (1, 2))),
            "conv2d_dilation" => One(Conv2d(Get("x"), Get("w"), Get("b"), padding: (2, 2), dilation: (2, 1))),
            "conv2d_groups" => One(Conv2d(Get("x"), Get("w"), Get("b"), padding: (1, 1), groups: 3)),
            "gather" => One(Gather(Get("x"), axis, Get("i"))),
            "scatter_add" => One(ScatterAdd(Get("x"), axis, Get("i"), Get("s"))),
            "index_select" => One(IndexSelect(Get("x"), axis, Get("i"))),
            "cumsum" => One(CumSum(Get("x"), axis)),
            "sum" => One(Sum(Get("x"), axis)),
            "sum_all" => One(Sum(Get("input"))),
            "mean" => One(Mean(Get("x"), axis, keepDim: true)),
            "mean_all" => One(Mean(Get("input"))),
            "max" => One(Max(Get("x"), axis)),
            "min" => One(Min(Get("x"), axis)),
            "argmax" => One(ArgMax(Get("x"), axis)),
            "concat" => One(Concat([Get("a"), Get("b")], axis)),
            "stack" => One(Stack([Get("a"), Get("b")], axis)),
            "pad" => One(Pad(Get("x"), axis, 2, 1, 0.5)),
            "topk" => Two(TopK(Get("x"), 7)),
            "sort" => Two(Sort(Get("x"))),
            "sort_descending" => Two(Sort(Get("x"), descending: true)),
            "where" => One(Where(Get("m"), Get("a"), Get("b"))),
            "masked_fill" => One(MaskedFill(Get("x"), Get("m"), -2.5)),
            _ => throw new InvalidOperationException($"no operation for case {name}"),
        };
    }

    private static AttentionOptions Options(string name, Dictionary<string, Tensor> t) => new()
    {
        Causal = name is "attention_causal" or "attention_causal_offset" or "attention_causal_one" or "attention_more_queries" or "attention_cap"
            or "attention_window" or "attention_window_offset" or "attention_grouped" or "attention_mask_causal" or "attention_bias_heads"
            or "attention_all" or "attention_wide",
        SlidingWindow = name switch { "attention_window" => 4, "attention_window_offset" => 5, "attention_all" => 6, _ => null },
        SoftCap = name switch { "attention_cap" => 2, "attention_all" => 3, _ => null },
        Scale = name switch { "attention_scale" => 0.7f, "attention_all" => 0.4f, _ => null },
        Bias = t.GetValueOrDefault("bias"),
        KeyPaddingMask = t.GetValueOrDefault("mask"),
    };

    private static Dictionary<string, Tensor> One(Tensor y) => new() { ["y"] = y };

    private static Dictionary<string, Tensor> Two((Tensor Values, Tensor Indices) result) =>
        new() { ["values"] = result.Values, ["indices"] = result.Indices };

    private static IEnumerable<(string Key, Tensor Value)> Under(string prefix) =>
        Fixture.Value.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => (pair.Key[prefix.Length..], pair.Value));

    private static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(expected.DType, actual.DType);
        if (!expected.DType.IsFloatingPoint())
        {
            Assert.Equal(expected.ToArray<long>(), actual.ToArray<long>());
            return;
        }

        float[] x = expected.ToFloats(), y = actual.ToFloats();
        double scale = Math.Max(1e-3, x.Select(v => Math.Abs((double)v)).DefaultIfEmpty(0).Max());
        for (int i = 0; i < x.Length; i++)
        {
            if (!(Math.Abs((double)x[i] - y[i]) <= tolerance * scale))
                Assert.Fail($"{what} [{i}]: {y[i]}, PyTorch {x[i]}; error {Math.Abs(x[i] - y[i]) / scale:e2} of the scale {scale}");
        }
    }
}
