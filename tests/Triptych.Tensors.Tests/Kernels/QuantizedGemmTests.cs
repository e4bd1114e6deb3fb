using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors.Tests;

/// <summary>Products with block formats against sums in double precision of what the blocks and the rounded activations stand for.</summary>
public sealed class QuantizedGemmTests
{
    private static readonly DType[] s_types = [.. Enum.GetValues<DType>().Where(type => type.IsQuantized())];

    public static TheoryData<DType> Types => [.. s_types];

    [Theory]
    [MemberData(nameof(Types))]
    public void MatchesFloat64(DType type)
    {
        Random random = new(3);
        foreach (bool emitted in (bool[])[true, false])
        {
            using Portable switched = new(emitted);
            foreach ((int m, int n, int blocks) in ((int, int, int)[])[(2, 32, 1), (3, 1, 2), (1, 40, 1), (5, 33, 9), (7, 64, 3), (8, 31, 2), (13, 70, 5), (50, 35, 10)])
            {
                Product product = new(random, type, m, n, blocks * type.BlockSize());
                product.Check(product.Run(bias: true), bias: true);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void PathsAndThreadsGiveTheSameBits(DType type)
    {
        Product product = new(new Random(4), type, 55, 67, 4096);
        float[] expected = product.Run();
        int threads = WorkerPool.ThreadCount;
        foreach (bool emitted in (bool[])[true, false])
        {
            using Portable switched = new(emitted);
            foreach (int count in (int[])[1, 2, 3, 16])
            {
                WorkerPool.ThreadCount = count;
                float[] actual = product.Run();
                WorkerPool.ThreadCount = threads;
                Assert.Equal(expected, actual);
            }
        }

        // Rows do not depend on those beside them.
        for (int rows = 2; rows <= 9; rows++)
            Assert.Equal(expected[..(rows * product.N)], product.Rows(rows).Run());
    }

    [Fact]
    public void NarrowPathsGiveTheSameSums()
    {
        foreach (DType type in s_types)
        {
            Product product = new(new Random(5), type, 7, 34, 512);
            using Portable switched = new(emitted: false);
            foreach (SimdPath path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
            {
                Gemm.Path = path;
                product.Check(product.Run(), bias: false);
                Gemm.Path = Gemm.BestPath;
            }
        }
    }

    [Fact]
    public unsafe void GroupsAndGatesMatchSingleProducts()
    {
        const int M = 19, K = 512;
        Random random = new(6);
        Product query = new(random, DType.Q4_K, M, 96, K), value = new(random, DType.Q6_K, M, 33, K), gate = new(random, DType.Q5_K, M, 33, K);
        value = value.With(query);
        gate = gate.With(query);
        float[][] group = [new float[M * 96], new float[M * 33]];
        float[] gated = new float[M * 33];
        fixed (float* q = group[0], v = group[1], g = gated, a = query.Activations)
        fixed (byte* wq = query.Weight, wv = value.Weight, wg = gate.Weight)
        {
            QuantizedGemm.Run(M, K, a, K, [query.Part(wq, q, null), value.Part(wv, v, null)], Activation.None);
            QuantizedGemm.RunGated(M, K, a, K, gate.Part(wg, g, null), value.Part(wv, null, null), Activation.Silu);
        }

        Assert.Equal(query.Run(), group[0]);
        Assert.Equal(value.Run(), group[1]);
        Assert.Equal(gate.Run().Zip(group[1], (x, y) => x / (1 + Math.Exp(-x)) * y), gated.Select(x => (double)x), (x, y) => Math.Abs(x - y) < 1e-5 * (1 + Math.Abs(x)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void RowsThatAreNotFiniteBecomeNaNAlone(float poison)
    {
        foreach (DType type in s_types)
        {
            foreach (bool emitted in (bool[])[true, false])
            {
                using Portable switched = new(emitted);
                Product product = new(new Random(7), type, 9, 34, 1024);
                float[] expected = product.Run();
                product.Activations[(4 * 1024) + 700] = poison;
                float[] actual = product.Run();
                for (int i = 0; i < expected.Length; i++)
                    Assert.Equal(i / 34 == 4 ? float.NaN : expected[i], actual[i]);
            }
        }
    }

    [Fact]
    public void ExtremesOfActivationsStayFinite()
    {
        foreach (float magnitude in (float[])[0, 1e-40f, 1e-36f, 1e-30f, 1e30f])
        {
            Product product = new(new Random(8), DType.Q8_0, 3, 32, 64);
            for (int i = 0; i < product.Activations.Length; i++)
                product.Activations[i] = i % 2 == 0 ? magnitude : -magnitude;
            product.Check(product.Run(), bias: false);
        }
    }

    /// <summary>The same tests in processes without wide instructions, or without emitted kernels.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("TRIPTYCH_EMIT")]
    public async Task PathsWithoutInstructions(string knob)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(QuantizedGemmTests).Assembly.Location);
        foreach (string argument in (string[])["-method", "*QuantizedGemmTests.MatchesFloat64", "-method", "*QuantizedGemmTests.RowsThat*", "-method", "*QuantizedGemmTests.KernelsAre*"])
            start.ArgumentList.Add(argument);
        start.Environment[knob] = "0";
        start.Environment["TRIPTYCH_TEST_EMITTED"] = "False";
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.ExitCode == 0, output + await errors);
    }

    /// <summary>In a child process: no kernel is emitted. Elsewhere: only where the processor can run it.</summary>
    [Fact]
    public void KernelsAreEmittedOnlyWhereTheyRun()
    {
        Assert.True(Avx512F.IsSupported || !PanelKernel.Emitted);
        if (Environment.GetEnvironmentVariable("TRIPTYCH_TEST_EMITTED") is { } expected)
            Assert.Equal(expected, PanelKernel.Emitted.ToString());
    }

    /// <summary>Emitted kernels, or those in C#, until disposed.</summary>
    private readonly struct Portable : IDisposable
    {
        private readonly bool _before = PanelKernel.Emitted;

        public Portable(bool emitted) => PanelKernel.Emitted &= emitted;

        public void Dispose() => PanelKernel.Emitted = _before;
    }

    private sealed unsafe class Product
    {
        private readonly DType _type;
        private readonly int _m, _k;
        private readonly float[] _bias;

        public Product(Random random, DType type, int m, int n, int k)
        {
            (_type, _m, N, _k) = (type, m, n, k);
            Weight = Blocks(random, type, (long)n * k / type.BlockSize());
            Activations = [.. Enumerable.Range(0, m * k).Select(_ => (random.NextSingle() - 0.5f) * MathF.Exp(4 * random.NextSingle()))];
            _bias = [.. Enumerable.Range(0, n).Select(_ => random.NextSingle())];
        }

        private Product(Product other, int m, float[] activations)
        {
            (_type, _m, N, _k, Weight, _bias) = (other._type, m, other.N, other._k, other.Weight, other._bias);
            Activations = activations;
        }

        public int N { get; }

        public byte[] Weight { get; }

        public float[] Activations { get; }

        public Product Rows(int m) => new(this, m, Activations[..(m * _k)]);

        public Product With(Product other) => new(this, _m, other.Activations);

        public QuantizedPart Part(byte* weight, float* result, float* bias) =>
            new() { Type = _type, Weight = weight, RowBytes = _type.BytesOf(_k), N = N, Result = result, ResultStride = N, Bias = bias };

        public float[] Run(bool bias = false)
        {
            float[] result = new float[_m * N];
            fixed (float* c = result, a = Activations, b = _bias)
            fixed (byte* w = Weight)
                QuantizedGemm.Run(_m, _k, a, _k, [Part(w, c, bias ? b : null)], Activation.None);
            return result;
        }

        public void Check(float[] actual, bool bias)
        {
            float[] weights = new float[N * _k];
            fixed (float* target = weights)
            fixed (byte* source = Weight)
                BlockQuantization.Dequantize(_type, source, target, weights.Length);
            double[] activations = Rounded();
            for (int i = 0; i < _m; i++)
            {
                for (int j = 0; j < N; j++)
                {
                    double sum = bias ? _bias[j] : 0, magnitude = Math.Abs(sum);
                    for (int p = 0; p < _k; p++)
                    {
                        double term = activations[(i * _k) + p] * weights[(j * _k) + p];
                        sum += term;
                        magnitude += Math.Abs(term);
                    }

                    // Sums of a block with offset weights are larger than the terms: 256 of 2^24 units.
                    Assert.Equal(sum, actual[(i * N) + j], (2e-5 * magnitude) + 1e-30);
                }
            }
        }

        private double[] Rounded()
        {
            double[] rounded = new double[Activations.Length];
            for (int start = 0; start < rounded.Length; start += 32)
            {
                float largest = Activations.AsSpan(start, 32).ToArray().Max(MathF.Abs), inverse = largest > 1e-35f ? 127 / largest : 0;
                for (int i = start; i < start + 32; i++)
                    rounded[i] = largest / 127 * (double)MathF.Round(Activations[i] * inverse);
            }

            return rounded;
        }

        /// <summary>Any bits, but for scales and minimums, which are ordinary numbers.</summary>
        private static byte[] Blocks(Random random, DType type, long count)
        {
            int bytes = type.BlockBytes();
            byte[] blocks = new byte[count * bytes];
            random.NextBytes(blocks);
            int[] factors = type switch
            {
                DType.Q4_1 or DType.Q5_1 or DType.Q4_K or DType.Q5_K => [0, 2],
                DType.Q2_K => [80, 82],
                DType.Q3_K => [108],
                DType.Q6_K => [208],
                _ => [0],
            };
            for (long block = 0; block < count; block++)
            {
                Span<byte> place = blocks.AsSpan((int)(block * bytes), bytes);
                foreach (int at in factors)
                {
                    if (type == DType.MXFP4)
                        place[at] = (byte)random.Next(118, 130);
                    else
                        BitConverter.TryWriteBytes(place[at..], (Half)((random.NextSingle() - 0.5f) / 64));
                }
            }

            return blocks;
        }
    }
}
