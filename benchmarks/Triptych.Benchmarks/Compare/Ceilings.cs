using System.Diagnostics;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks.Compare;

/// <summary>The machine's limits, the best of several runs.</summary>
internal static unsafe class Ceilings
{
    private const int Rounds = 9, ReadRounds = 3;
    private const long Floats = 1L << 27;

    private static readonly Dictionary<(string, int), double> s_operations = [];
    private static float* s_memory;

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

    /// <summary>
    /// Bytes a second that all threads together read from memory, measured anew each time: on shared machines it changes from minute to minute.
    /// </summary>
    public static double Read()
    {
        if (s_memory == null)
        {
            s_memory = (float*)NativeMemory.AlignedAlloc((nuint)(Floats * sizeof(float)), 64);
            NativeMemory.Fill(s_memory, (nuint)(Floats * sizeof(float)), 1);
        }

        return Floats * sizeof(float) / Best(ReadRounds, () => MachinePeak.Read(s_memory, Floats));
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
        return s_operations[(kind, threads)] = WithThreads(threads, () => operations() / Best(Rounds, run));
    }

    private static double Best(int rounds, Action run)
    {
        double best = double.MaxValue;
        for (int i = 0; i < rounds; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return best;
    }
}
