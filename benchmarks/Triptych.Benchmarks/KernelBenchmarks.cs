using BenchmarkDotNet.Attributes;
using Triptych.Tensors;
using Triptych.Training;

namespace Triptych.Benchmarks;

/// <summary>Linear layers of a TinyLlama-sized model in each type of weight, one row (decoding) and many (a prompt).</summary>
public class LinearBenchmarks
{
    private const int Inputs = 2048;
    private const int Outputs = 5632;

    private Tensor _input = null!;
    private Tensor _weight = null!;

    [Params(1, 8, 512)]
    public int Tokens { get; set; }

    [Params(
        DType.Float32, DType.Float16, DType.BFloat16, DType.Q4_0, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.Q8_0, DType.Q2_K, DType.Q3_K, DType.Q4_K,
        DType.Q5_K, DType.Q6_K, DType.IQ4_NL, DType.IQ4_XS, DType.MXFP4)]
    public DType Weights { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _input = Tensor.Normal([Tokens, Inputs], new Generator(1)).Persist();
        _weight = Tensor.Normal([Outputs, Inputs], new Generator(2)).To(Weights).Persist();
    }

    [Benchmark]
    public void Linear()
    {
        using var scope = new TensorScope();
        Functional.Linear(_input, _weight);
    }

    /// <summary>Two products, SiLU and a multiplication.</summary>
    [Benchmark]
    public void GatedLinear()
    {
        using var scope = new TensorScope();
        Functional.GatedLinear(_input, _weight, _weight, Activation.Silu);
    }
}

/// <summary>Attention of 32 query heads over 4 heads of keys and values: a prompt, and one token behind many.</summary>
public class AttentionBenchmarks
{
    private const int Heads = 32;
    private const int KeyValueHeads = 4;
    private const int Width = 64;

    private Tensor _queries = null!;
    private Tensor _keys = null!;
    private Tensor _values = null!;

    [Params(512, 8192)]
    public int Keys { get; set; }

    [Params(DType.Float32, DType.Float16, DType.BFloat16, DType.Q8_0)]
    public DType Cache { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _queries = Tensor.Normal([1, Heads, 512, Width], new Generator(1)).Persist();
        _keys = Tensor.Normal([1, KeyValueHeads, Keys, Width], new Generator(2)).To(Cache).Persist();
        _values = Tensor.Normal([1, KeyValueHeads, Keys, Width], new Generator(3)).To(Cache).Persist();
    }

    [Benchmark]
    public void Prefill512() => Attend(_queries);

    [Benchmark]
    public void Decode() => Attend(_queries.Slice(2, 0, 1));

    private void Attend(Tensor queries)
    {
        using var scope = new TensorScope();
        Functional.ScaledDotProductAttention(queries, _keys, _values, new AttentionOptions { Causal = true });
    }
}

/// <summary>Everything between the products, on 512 tokens.</summary>
public class RowBenchmarks
{
    private const int Tokens = 512;
    private const int Width = 2048;
    private const int Vocabulary = 8192;

    private readonly Tensor _rows = Tensor.Normal([Tokens, Width], new Generator(1)).Persist();
    private readonly Tensor _weight = Tensor.Ones([Width]).Persist();
    private readonly Tensor _bias = Tensor.Zeros([Width]).Persist();
    private readonly Tensor _heads = Tensor.Normal([1, 32, Tokens, 64], new Generator(2)).Persist();
    private readonly Tensor _angles = Tensor.Normal([1, Tokens, 32], new Generator(3)).Persist();
    private readonly Tensor _logits = Tensor.Normal([Tokens, Vocabulary], new Generator(4)).Persist();
    private readonly Tensor _labels = Tensor.Arange(0, Tokens).Persist();

    [Benchmark]
    public void LayerNorm() => Scoped(() => Functional.LayerNorm(_rows, _weight, _bias, 1e-5f));

    [Benchmark]
    public void RmsNorm() => Scoped(() => Functional.RmsNorm(_rows, _weight, 1e-5f));

    [Benchmark]
    public void Softmax() => Scoped(() => Functional.Softmax(_rows, -1));

    [Benchmark]
    public void Gelu() => Scoped(() => Functional.Gelu(_rows));

    [Benchmark]
    public void Silu() => Scoped(() => Functional.Silu(_rows));

    [Benchmark]
    public void Add() => Scoped(() => _rows + _rows);

    [Benchmark]
    public void RotaryEmbedding() => Scoped(() => Functional.RotaryEmbedding(_heads, _angles, _angles));

    [Benchmark]
    public void CrossEntropy() => Scoped(() => Functional.CrossEntropy(_logits, _labels));

    [Benchmark]
    public void QuantizeQ4K() => Scoped(() => _rows.To(DType.Q4_K));

    [Benchmark]
    public void QuantizeQ8() => Scoped(() => _rows.To(DType.Q8_0));

    private static void Scoped(Func<Tensor> run)
    {
        using var scope = new TensorScope();
        run();
    }
}

/// <summary>A step of the optimizer over 16 million parameters.</summary>
public class OptimizerBenchmarks
{
    private AdamW _optimizer = null!;

    [GlobalSetup]
    public void Setup()
    {
        var parameter = Tensor.Normal([8192, 2048], new Generator(1)).Persist();
        parameter.RequiresGrad = true;
        parameter.Grad = Tensor.Normal([8192, 2048], new Generator(2)).Persist();
        _optimizer = new AdamW([KeyValuePair.Create("weight", parameter)], new AdamWOptions());
    }

    [Benchmark]
    public void AdamW() => _optimizer.Step(1e-4);
}
