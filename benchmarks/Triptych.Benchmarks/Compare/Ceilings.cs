using System.Diagnostics;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks.Compare;

/// <summary>The machine's limits, measured once, the best of several runs.</summary>
internal static unsafe class Ceilings
{
    private const int Rounds = 9;
    private const long Floats = 1L << 28;

    private static readonly Dictionary<(string, int), double> s_operations = [];
    private static double s_read;

    /// <summary>Floating-point operations a second of fused multiply-adds.</summary>
    public static double Multiply(int threads) => Operations("fma", threads, () => MachinePeak.Operations, MachinePeak.Multiply);

    /// <summary>Operations a second of vdpbf16ps; of fused multiply-adds where the processor lacks it.</summary>
    public static double BFloat16(int threads) => DotPeak.HasBFloat16
        ? Operations("bf16", threads, () => DotPeak.BFloat16Operations, DotPeak.BFloat16)
        : Multiply(threads);

    /// <summary>Operations a second of vpdpbusd; of fused multiply-adds where the processor lacks it.</summary>
    public static double Int8(int threads) => DotPeak.HasInt8
        ? Operations("int8", threads, () => DotPeak.Int8Operations, DotPeak.Int8)
        : Multiply(threads);

    /// <summary>Bytes a second that all threads together read from memory.</summary>
    public static double Read()
    {
        if (s_read > 0)
            return s_read;
        float* data = (float*)NativeMemory.AlignedAlloc((nuint)(Floats * sizeof(float)), 64);
        NativeMemory.Fill(data, (nuint)(Floats * sizeof(float)), 1);
        try
        {
            return s_read = Floats * sizeof(float) / Best(() => MachinePeak.Read(data, Floats));
        }
        finally
        {
            NativeMemory.AlignedFree(data);
        }
    }

    public static T WithThreads<T>(int threads, Func<T> run)
    {
        int before = WorkerPool.ThreadCount;
        WorkerPool.ThreadCount = threads;
        try
        {
            return run();
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    private static double Operations(string kind, int threads, Func<double> operations, Action run)
    {
        if (s_operations.TryGetValue((kind, threads), out double known))
            return known;
        return s_operations[(kind, threads)] = WithThreads(threads, () => operations() / Best(run));
    }

    private static double Best(Action run)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Rounds; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return best;
    }
}
