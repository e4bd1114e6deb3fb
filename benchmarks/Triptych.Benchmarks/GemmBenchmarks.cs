using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>The products of BERT-base and GPT-2 layers: m tokens through a linear layer.</summary>
public unsafe class GemmBenchmarks : IDisposable
{
    private float* _input;
    private float* _weight;
    private float* _output;

    [Params(1, 8, 128, 512)]
    public int Tokens { get; set; }

    [Params(768, 3072)]
    public int Outputs { get; set; }

    private const int Inputs = 768;

    [GlobalSetup]
    public void Setup()
    {
        _input = (float*)NativeMemory.AllocZeroed((nuint)(Tokens * Inputs), sizeof(float));
        _weight = (float*)NativeMemory.AllocZeroed((nuint)(Outputs * Inputs), sizeof(float));
        _output = (float*)NativeMemory.AllocZeroed((nuint)(Tokens * Outputs), sizeof(float));
    }

    [Benchmark]
    public void Linear() => Gemm.Run(false, true, Tokens, Outputs, Inputs, _input, Inputs, _weight, DType.Float32, Inputs, 0,
        _output, Outputs, default);

    [GlobalCleanup]
    public void Dispose()
    {
        NativeMemory.Free(_input);
        NativeMemory.Free(_weight);
        NativeMemory.Free(_output);
        _input = _weight = _output = null;
        GC.SuppressFinalize(this);
    }
}
