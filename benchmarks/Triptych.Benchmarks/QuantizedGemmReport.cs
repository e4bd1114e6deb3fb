using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>
/// Products with weights in block formats, as a share of what vpdpbusd can do. Weights rotate through more memory than any
/// cache has, as the layers of a model do; peak, one row and the product are timed in turns.
/// </summary>
internal static unsafe class QuantizedGemmReport
{
    private const int Rounds = 9;
    private const long RotatedBytes = 160L << 20;

    private static readonly DType[] s_types =
    [
        DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K, DType.Q5_K, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.Q2_K, DType.Q3_K, DType.IQ4_NL, DType.IQ4_XS, DType.MXFP4,
    ];

    /// <summary>Products of a Llama of 1.1 billion parameters, then of one of 135 million.</summary>
    private static readonly (int N, int K)[] s_shapes = [(2048, 2048), (256, 2048), (5632, 2048), (2048, 5632), (32000, 2048), (576, 576), (192, 576), (1536, 576), (576, 1536)];

    public static void Run(string? match, bool quick)
    {
        Console.WriteLine($"{"m x n x k",-20} {"weight",-8} {"GOP/s",8} {"peak",8} {"share",7} {"median",7} {"GB/s",7} {"x 1 row",8}");
        foreach (DType type in s_types)
        {
            foreach ((int n, int k) in s_shapes)
            {
                if (k % type.BlockSize() != 0 || (type >= DType.Q2_K && k == 576) || (match is not null && !$"{type.Name()} {n}x{k}".Contains(match, StringComparison.Ordinal)))
                    continue;
                Case(type, n, k, quick);
            }
        }
    }

    private static void Case(DType type, int n, int k, bool quick)
    {
        const int MaxRows = 512;
        long bytes = type.BytesOf((long)n * k);
        int copies = (int)Math.Max(1, RotatedBytes / bytes), next = 0;
        byte* weights = (byte*)NativeMemory.AlignedAlloc((nuint)(copies * bytes), 64);
        float* a = (float*)NativeMemory.AlignedAlloc((nuint)(MaxRows * k * sizeof(float)), 64);
        float* c = (float*)NativeMemory.AlignedAlloc((nuint)((long)MaxRows * n * sizeof(float)), 64);
        float* block = stackalloc float[256];
        Random random = new(1);
        for (int i = 0; i < 256; i++)
            block[i] = random.NextSingle() - 0.5f;
        for (long i = 0; i < copies * bytes; i += type.BlockBytes())
        {
            if (i == 0)
                BlockQuantization.Quantize(type, block, weights, type.BlockSize());
            else
                Buffer.MemoryCopy(weights, weights + i, type.BlockBytes(), type.BlockBytes());
        }

        for (int i = 0; i < MaxRows * k; i++)
            a[i] = random.NextSingle() - 0.5f;
        int[] heights = quick ? [1, 8, 512] : [1, 2, 4, 8, 32, 512];
        int[] repeats = [.. heights.Select(m => (int)Math.Clamp(1e10 / (2.0 * m * n * k * (m < 32 ? 32.0 / m : 1)), 1, 400))];
        double[][] seconds = [.. heights.Select(_ => new double[Rounds])];
        double[] peak = new double[Rounds];
        for (int round = -1; round < Rounds; round++)
        {
            double peakSeconds = Time(DotPeak.Int8);
            if (round >= 0)
                peak[round] = peakSeconds;
            for (int i = 0; i < heights.Length; i++)
            {
                double product = Time(() =>
                {
                    for (int repeat = 0; repeat < repeats[i]; repeat++, next++)
                    {
                        QuantizedPart part = new() { Type = type, Weight = weights + (next % copies * bytes), RowBytes = type.BytesOf(k), N = n, Result = c, ResultStride = n };
                        QuantizedGemm.Run(heights[i], k, a, k, [part], Activation.None);
                    }
                }) / repeats[i];
                if (round >= 0)
                    seconds[i][round] = product;
            }
        }

        Array.Sort(peak);
        foreach (double[] values in seconds)
            Array.Sort(values);
        double best = DotPeak.Int8Operations / peak[0] / 1e9, middle = DotPeak.Int8Operations / peak[Rounds / 2] / 1e9;
        for (int i = 0; i < heights.Length; i++)
        {
            double operations = 2e-9 * heights[i] * n * k, rate = operations / seconds[i][0], median = operations / seconds[i][Rounds / 2];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{$"{heights[i]} x {n} x {k}",-20} {type.Name(),-8} {rate,8:F0} {best,8:F0} {rate / best,7:P1} {median / middle,7:P1} {bytes / seconds[i][0] / 1e9,7:F1} {seconds[i][0] / seconds[0][0],8:F2}"));
        }

        NativeMemory.AlignedFree(weights);
        NativeMemory.AlignedFree(a);
        NativeMemory.AlignedFree(c);
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
