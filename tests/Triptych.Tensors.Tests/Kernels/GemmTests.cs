using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors.Tests.Kernels;

[CollectionDefinition("Kernels", DisableParallelization = true)]
public sealed class KernelsCollection;

[Collection("Kernels")]
public sealed class GemmTests : IDisposable
{
    private static readonly (int M, int N, int K)[] s_shapes =
    [
        (0, 5, 3), (5, 0, 3), (5, 4, 0), (20, 33, 0), (1, 1, 1), (1, 7, 5), (1, 65, 33), (2, 130, 17), (3, 3, 100), (4, 64, 64),
        (5, 31, 47), (7, 515, 70), (8, 16, 16), (9, 1, 9), (9, 17, 1), (11, 33, 19), (12, 32, 8), (13, 31, 515), (14, 65, 64),
        (15, 16, 13), (16, 15, 31), (17, 100, 3), (25, 48, 600), (61, 300, 37),
        (1, 5, 96), (1, 40, 203), (1, 6, 8200), (61, 16, 37), (70, 9, 300), (500, 1, 40), (30, 37, 1030), (200, 45, 21), (1570, 3, 5), (10, 2100, 5), (24, 13, 1111), (48, 131, 6), (49, 30, 2), (100, 300, 0), (128, 50, 96), (45, 12, 77), (33, 29, 1030),
    ];

    private readonly int _threads = WorkerPool.ThreadCount;

    public static TheoryData<string> Paths => [.. Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath).Select(path => path.ToString())];

    public void Dispose()
    {
        Gemm.Path = Gemm.BestPath;
        WorkerPool.ThreadCount = _threads;
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void MatchesFloat64(string path)
    {
        Gemm.Path = Enum.Parse<SimdPath>(path);
        WorkerPool.ThreadCount = 3;
        Random random = new(1);
        foreach ((int m, int n, int k) in s_shapes)
        {
            foreach (DType dtype in (DType[])[DType.Float32, DType.Float16, DType.BFloat16])
            {
                for (int form = 0; form < 4; form++)
                    Check(random, (form & 1) != 0, (form & 2) != 0, m, n, k, dtype);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public unsafe void TheThreadCountDoesNotChangeABit(string path)
    {
        Gemm.Path = Enum.Parse<SimdPath>(path);
        foreach ((int m, int n, int k) in ((int, int, int)[])[(130, 517, 700), (128, 517, 700), (1, 900, 333), (3, 900, 333), (21, 301, 600), (700, 9, 333)])
        {
            float[] a = Values(new Random(2), m * k), b = Values(new Random(3), n * k);
            float[] Product(int threads, bool transB)
            {
                WorkerPool.ThreadCount = threads;
                float[] c = new float[m * n];
                fixed (float* pa = a, pb = b, pc = c)
                    Gemm.Run(false, transB, m, n, k, pa, k, pb, DType.Float32, transB ? k : n, 0, pc, n, default);
                return c;
            }

            Assert.Equal(Product(1, true), Product(4, true));
            Assert.Equal(Product(1, false), Product(3, false));
        }
    }

    [Fact]
    public unsafe void ACallAllocatesNothing()
    {
        WorkerPool.ThreadCount = 2;
        float[] a = new float[100 * 100], c = new float[100 * 100];
        fixed (float* pa = a, pc = c)
        {
            for (int i = 0; i < 20; i++)
                Gemm.Run(false, true, 100, 100, 100, pa, 100, pa, DType.Float32, 100, 0, pc, 100, default);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
                Gemm.Run(false, true, 100, 100, 100, pa, 100, pa, DType.Float32, 100, 0, pc, 100, default);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public unsafe void Batched(string path)
    {
        Gemm.Path = Enum.Parse<SimdPath>(path);
        const int Batch = 5, M = 13, N = 21, K = 34;
        float[] a = Values(new Random(4), Batch * M * K), b = Values(new Random(5), N * K), c = new float[Batch * M * N];
        fixed (float* pa = a, pb = b, pc = c)
        {
            Gemm.RunBatched(Batch, false, false, M, N, K, pa, K, M * K, pb, DType.Float32, N, 0, 0, pc, N, M * N, default);
            for (int batch = 0; batch < Batch; batch++)
            {
                for (int i = 0; i < M; i++)
                {
                    for (int j = 0; j < N; j++)
                    {
                        double sum = 0;
                        for (int p = 0; p < K; p++)
                            sum += (double)a[(((batch * M) + i) * K) + p] * b[(p * N) + j];
                        Assert.Equal(sum, c[(((batch * M) + i) * N) + j], 1e-5);
                    }
                }
            }
        }
    }

    [Fact]
    public unsafe void LowPrecisionSpecialsSurvive()
    {
        Half[] b = [Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity, Half.Epsilon, Half.MaxValue, (Half)(-0.0f), (Half)6e-5f, Half.MinValue,
            (Half)1, (Half)2, (Half)3, (Half)4, (Half)5, (Half)6, (Half)7, (Half)8];
        foreach (SimdPath path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
        {
            Gemm.Path = path;
            float[] c = new float[b.Length];
            float one = 1;
            fixed (Half* pb = b)
            {
                fixed (float* pc = c)
                    Gemm.Run(false, false, 1, b.Length, 1, &one, 1, pb, DType.Float16, b.Length, 0, pc, b.Length, default);
            }

            Assert.Equal(b.Select(x => (float)x), c);
        }
    }

    /// <summary>The same tests in processes whose JIT is denied the wide instructions.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512", "Vector256")]
    [InlineData("DOTNET_EnableAVX2", "Vector128")]
    public async Task PathsWithoutWideInstructions(string knob, string widest)
    {
        if (!Fma.IsSupported)
        {
            Assert.Equal(SimdPath.Vector128, Gemm.BestPath);
            return;
        }

        ProcessStartInfo start = new(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(GemmTests).Assembly.Location);
        foreach (string argument in (string[])["-method", "*GemmTests.MatchesFloat64", "-method", "*GemmTests.WidestPathIs"])
            start.ArgumentList.Add(argument);
        start.Environment[knob] = "0";
        start.Environment["TRIPTYCH_TEST_WIDEST"] = widest;
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.ExitCode == 0, output + await errors);
    }

    /// <summary>In a child process: the switch did what its parent meant. Elsewhere: the path is one that the machine has.</summary>
    [Fact]
    public void WidestPathIs()
    {
        string? widest = Environment.GetEnvironmentVariable("TRIPTYCH_TEST_WIDEST");
        if (widest is not null)
            Assert.Equal(widest, Gemm.BestPath.ToString());
        Assert.True(Gemm.BestPath != SimdPath.Vector512 || Vector512.IsHardwareAccelerated);
    }

    private static unsafe void Check(Random random, bool transA, bool transB, int m, int n, int k, DType dtype)
    {
        int lda = (transA ? m : k) + 3, ldb = (transB ? k : n) + 5, ldc = n + 2;
        float[] a = Values(random, (transA ? k : m) * lda), values = Values(random, (transB ? n : k) * ldb), bias = Values(random, n);
        byte[] b = Convert(values, dtype);
        if (dtype == DType.BFloat16)
            _ = Convert(a, dtype);
        double[] products = new double[m * n], magnitudes = new double[m * n];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = 0, magnitude = 1;
                for (int p = 0; p < k; p++)
                {
                    double term = (double)a[transA ? (p * lda) + i : (i * lda) + p] * values[transB ? (j * ldb) + p : (p * ldb) + j];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                products[(i * n) + j] = sum;
                magnitudes[(i * n) + j] = magnitude;
            }
        }

        foreach ((float beta, bool hasBias, Activation activation) in ((float, bool, Activation)[])
            [(0, false, Activation.None), (1, true, Activation.None), (0.5f, true, Activation.GeluTanh), (0, true, Activation.Gelu), (0, false, Activation.Relu)])
        {
            float[] before = Values(random, m * ldc);
            if (beta == 0)
                Array.Fill(before, float.NaN);
            float[] c = [.. before];
            fixed (float* pa = a, pc = c, pBias = bias)
            {
                fixed (byte* pb = b)
                    Gemm.Run(transA, transB, m, n, k, pa, lda, pb, dtype, ldb, beta, pc, ldc, new GemmEpilogue(hasBias ? pBias : null, activation));
            }

            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < ldc; j++)
                {
                    float actual = c[(i * ldc) + j], untouched = before[(i * ldc) + j];
                    bool right;
                    if (j < n)
                    {
                        double sum = products[(i * n) + j] + (hasBias ? bias[j] : 0) + (beta == 0 ? 0 : (double)beta * untouched);
                        right = Math.Abs(Apply(activation, sum) - actual) <= 2e-6 * magnitudes[(i * n) + j];
                    }
                    else
                    {
                        right = actual.Equals(untouched);
                    }

                    if (!right)
                        Assert.Fail($"{Gemm.Path} {dtype} {m}x{n}x{k} {transA} {transB} beta {beta} {activation} [{i},{j}]: {actual}");
                }
            }
        }
    }

    private static double Apply(Activation activation, double x) => activation switch
    {
        Activation.Relu => Math.Max(x, 0),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.Gelu => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        _ => x,
    };

    /// <summary>The Maclaurin series, and 1 where it no longer matters.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) > 5)
            return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= -x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return sum * 2 / Math.Sqrt(Math.PI);
    }

    internal static float[] Values(Random random, int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (random.NextSingle() * 2) - 1;
        return values;
    }

    /// <summary>The bytes of the values in a dtype; the values become what those bytes say.</summary>
    private static byte[] Convert(float[] values, DType dtype)
    {
        if (dtype == DType.Float32)
            return MemoryMarshal.AsBytes<float>(values).ToArray();
        ushort[] bits = new ushort[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            bits[i] = dtype == DType.Float16 ? BitConverter.HalfToUInt16Bits((Half)values[i]) : ((BFloat16)values[i]).Bits;
            values[i] = dtype == DType.Float16 ? (float)(Half)values[i] : (float)new BFloat16(bits[i]);
        }

        return MemoryMarshal.AsBytes<ushort>(bits).ToArray();
    }
}
