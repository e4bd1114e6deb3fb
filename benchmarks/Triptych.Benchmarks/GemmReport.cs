using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>
/// Shares of the peak that the matrix product reaches. Peak and product are timed in turns within one process, so that
/// neighbours on the machine disturb both alike; the best of each counts, the median stands beside it.
/// </summary>
internal static unsafe class GemmReport
{
    private const int Rounds = 15;

    private static readonly (int M, int N, int K)[] s_products =
    [
        (1024, 1024, 1024), (2048, 2048, 2048), (1023, 1023, 1023), (1025, 1025, 1025), (777, 513, 1001), (128, 768, 768),
        (512, 3072, 768), (4096, 2, 768), (4096, 16, 1024), (512, 9, 768), (4096, 48, 512), (16, 2048, 2048), (13, 1024, 4096), (24, 768, 3072), (32, 1024, 1024), (2048, 2048, 16), (1, 1, 1),
    ];

    /// <summary>With bfloat16 weights: squares, and the products of a Llama of 1.1 billion parameters for 512 tokens and fewer.</summary>
    private static readonly (int M, int N, int K)[] s_lowPrecisionProducts =
    [
        (1024, 1024, 1024), (2048, 2048, 2048), (512, 2048, 2048), (512, 256, 2048), (512, 5632, 2048), (512, 2048, 5632), (512, 32000, 2048),
        (777, 513, 1001), (128, 768, 768), (32, 5632, 2048), (24, 5632, 2048), (16, 5632, 2048), (8, 5632, 2048), (4, 5632, 2048), (2, 5632, 2048),
    ];

    public static int Run(string[] args)
    {
        List<int> threads = [1, Environment.ProcessorCount];
        bool quick = args.Contains("--quick");
        int at = Array.IndexOf(args, "--threads");
        if (at >= 0)
        {
            if (at + 1 >= args.Length || !int.TryParse(args[at + 1], out int count) || count < 1)
            {
                Console.Error.WriteLine("usage: gemm [--threads N] [--path 128|256|512] [--only products|bf16|quantized|attention|rows] [--match TEXT] [--quick]");
                return 2;
            }

            threads = [count];
        }

        at = Array.IndexOf(args, "--path");
        if (at >= 0 && at + 1 < args.Length)
        {
            Gemm.Path = Enum.Parse<SimdPath>("Vector" + args[at + 1]);
            if (Gemm.Path > Gemm.BestPath)
            {
                Console.Error.WriteLine($"this machine's widest path is {Gemm.BestPath}");
                return 2;
            }
        }

        string? only = Option(args, "--only");
        foreach (int count in threads.Distinct())
        {
            WorkerPool.ThreadCount = count;
            Console.WriteLine($"{Gemm.Path}, {count} thread(s)");
            if (only is null or "products")
                Products(quick ? s_products[..2] : s_products);
            if (DotPeak.HasBFloat16 && only is null or "bf16")
                BFloat16Products(quick ? s_products[..2] : s_lowPrecisionProducts);
            if (only is null or "attention")
                AttentionReport.Run(Option(args, "--match"));

            if (DotPeak.HasInt8 && only is null or "quantized")
                QuantizedGemmReport.Run(Option(args, "--match"), quick);
            if (only == "rows" || (only is null && !quick))
            {
                Vectors();
                QuantizedRowsReport.Run(2048, 64 << 20);
            }
        }

        return 0;
    }

    private static string? Option(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    private static void Products((int M, int N, int K)[] shapes)
    {
        Console.WriteLine($"{"m x n x k",-20} {"B",-4} {"GFLOP/s",9} {"peak",9} {"share",7} {"median",7}");
        foreach ((int m, int n, int k) in shapes)
        {
            foreach (bool transB in (bool[])[false, true])
            {
                using Matrix a = new((long)m * k), b = new((long)k * n), c = new((long)m * n);
                double operations = 2.0 * m * n * k;
                int repeats = Math.Max(1, (int)(5e8 / operations));
                repeats = Math.Min(repeats, 1000);
                (double[] product, double[] peak) = Interleave(
                    () =>
                    {
                        for (int i = 0; i < repeats; i++)
                            Gemm.Run(false, transB, m, n, k, a.Data, k, b.Data, DType.Float32, transB ? k : n, 0, c.Data, n, default);
                    },
                    MachinePeak.Multiply);
                double rate = operations * repeats / product[0] / 1e9, best = MachinePeak.Operations / peak[0] / 1e9;
                double median = operations * repeats / product[Rounds / 2] / 1e9 / (MachinePeak.Operations / peak[Rounds / 2] / 1e9);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{$"{m} x {n} x {k}",-20} {(transB ? "n,k" : "k,n"),-4} {rate,9:F1} {best,9:F1} {rate / best,7:P1} {median,7:P1}"));
            }
        }
    }

    private static void BFloat16Products((int M, int N, int K)[] shapes)
    {
        Console.WriteLine($"{"m x n x k",-20} {"B bf16",-6} {"GFLOP/s",9} {"peak",9} {"share",7} {"median",7} {"GB/s",7}");
        foreach ((int m, int n, int k) in shapes)
        {
            foreach (bool transB in (bool[])[true, false])
            {
                using Matrix a = new((long)m * k), b = new((long)k * n), c = new((long)m * n);
                b.ConvertTo(DType.BFloat16);
                double operations = 2.0 * m * n * k;
                int repeats = Math.Max(1, (int)(5e8 / operations));
                (double[] product, double[] peak) = Interleave(
                    () =>
                    {
                        for (int i = 0; i < repeats; i++)
                            Gemm.Run(false, transB, m, n, k, a.Data, k, b.Data, DType.BFloat16, transB ? k : n, 0, c.Data, n, default);
                    },
                    DotPeak.BFloat16);
                double rate = operations * repeats / product[0] / 1e9, best = DotPeak.BFloat16Operations / peak[0] / 1e9;
                double median = operations * repeats / product[Rounds / 2] / 1e9 / (DotPeak.BFloat16Operations / peak[Rounds / 2] / 1e9);
                double bytes = 2.0 * n * k * repeats / product[0] / 1e9;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{$"{m} x {n} x {k}",-20} {(transB ? "n,k" : "k,n"),-6} {rate,9:F1} {best,9:F1} {rate / best,7:P1} {median,7:P1} {bytes,7:F1}"));
            }
        }
    }

    private static void Vectors()
    {
        Console.WriteLine($"{"m x n x k",-20} {"B",-4} {"dtype",-9} {"GB/s",9} {"read",9} {"share",7} {"median",7}");
        foreach (int m in (int[])[1, 4, 8])
        {
            foreach (bool transB in (bool[])[true, false])
            {
                foreach (DType dtype in (DType[])[DType.Float32, DType.BFloat16, DType.Float16])
                {
                    const int N = 8192, K = 4096;
                    using Matrix a = new(m * K), b = new((long)N * K), c = new(m * N);
                    b.ConvertTo(dtype);
                    double bytes = (double)N * K * dtype.Size();
                    (double[] product, double[] read) = Interleave(
                        () => Gemm.Run(false, transB, m, N, K, a.Data, K, b.Data, dtype, transB ? K : N, 0, c.Data, N, default),
                        () => MachinePeak.Read(b.Data, (long)N * K));
                    double rate = bytes / product[0] / 1e9, best = (double)N * K * sizeof(float) / read[0] / 1e9;
                    double median = bytes / product[Rounds / 2] / ((double)N * K * sizeof(float) / read[Rounds / 2]);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{$"{m} x {N} x {K}",-20} {(transB ? "n,k" : "k,n"),-4} {dtype.Name(),-9} {rate,9:F1} {best,9:F1} {rate / best,7:P1} {median,7:P1}"));
                }
            }
        }
    }

    /// <summary>Sorted seconds of both, run in turns after a warm-up.</summary>
    private static (double[] First, double[] Second) Interleave(Action first, Action second)
    {
        double[] firstSeconds = new double[Rounds], secondSeconds = new double[Rounds];
        first();
        second();
        for (int round = 0; round < Rounds; round++)
        {
            firstSeconds[round] = Time(first);
            secondSeconds[round] = Time(second);
        }

        Array.Sort(firstSeconds);
        Array.Sort(secondSeconds);
        return (firstSeconds, secondSeconds);
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Native floats with small values.</summary>
    private sealed class Matrix : IDisposable
    {
        private readonly long _count;

        public Matrix(long count)
        {
            _count = count;
            Data = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)), 64);
            for (long i = 0; i < count; i++)
                Data[i] = ((i * 7919) % 1013 / 1013f) - 0.5f;
        }

        public float* Data { get; }

        /// <summary>The values in a narrower type, at the front of the memory.</summary>
        public void ConvertTo(DType dtype)
        {
            for (long i = 0; i < _count && dtype != DType.Float32; i++)
            {
                ((ushort*)Data)[i] = dtype == DType.Float16 ? BitConverter.HalfToUInt16Bits((Half)Data[i]) : ((BFloat16)Data[i]).Bits;
            }
        }

        public void Dispose() => NativeMemory.AlignedFree(Data);
    }
}
