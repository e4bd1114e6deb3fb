using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Triptych.Tensors;

/// <summary>The body of a parallel loop. Threads call <see cref="Invoke"/> at the same time on the same instance.</summary>
internal interface IRangeBody
{
    void Invoke(long start, long end);
}

/// <summary>
/// The one process-wide worker pool: fork-join loops that cost a few microseconds. Workers spin for a short while after
/// a loop, so that the next one finds them awake, then park. Ranges are claimed dynamically, the first ones long (a thread that reads
/// weights reads long streams then), the last ones short (a core that another process uses delays only its own range).
/// A region never allocates managed memory.
/// </summary>
internal static unsafe class WorkerPool
{
    /// <summary>A claim takes the share of a thread in what is left, divided by this.</summary>
    private const int ClaimDivisor = 2;

    /// <summary>The shortest claim is the share of a thread in the whole, divided by this: enough to balance uneven cores, claiming stays cheap.</summary>
    private const int MinClaimDivisor = 16;

    private const int MaxThreads = 1024;

    private const long SpinMicroseconds = 70;

    /// <summary>Bit of <see cref="Region.State"/>: the region accepts workers. The lower bits count those inside.</summary>
    private const int Open = 1 << 30;

    private static readonly Region s_region = new();
    private static readonly object s_gate = new();
    private static readonly long s_spinTicks = Stopwatch.Frequency * SpinMicroseconds / 1_000_000;
    private static int s_threadCount = InitialThreadCount();
    private static int s_started;
    private static int s_parked;
    private static int s_busy;

    [ThreadStatic]
    private static bool t_inside;

    /// <summary>Threads that a region uses, the submitter included; from TRIPTYCH_THREADS, else the number of processors.</summary>
    public static int ThreadCount
    {
        get => Volatile.Read(ref s_threadCount);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxThreads);
            Volatile.Write(ref s_threadCount, value);
        }
    }

    /// <summary>
    /// Runs <paramref name="body"/> over [0, count), in ranges of at least <paramref name="grain"/> (but for the last).
    /// A loop inside a loop, and one submitted while another thread's loop runs, runs on its caller's thread.
    /// The first exception of a body stops the loop and is rethrown here.
    /// </summary>
    public static void For<TBody>(long count, long grain, ref TBody body)
        where TBody : struct, IRangeBody
    {
        if (count <= 0)
            return;
        grain = Math.Max(grain, 1);
        int threads = ThreadCount;
        if (threads == 1 || count <= grain || t_inside || Interlocked.Exchange(ref s_busy, 1) != 0)
        {
            body.Invoke(0, count);
            return;
        }

        t_inside = true;
        TBody local = body;
        try
        {
            EnsureStarted(threads - 1);
            RunRegion(count, Math.Max(grain, count / ((long)threads * MinClaimDivisor)), threads - 1,
                Unsafe.AsPointer(ref local), &InvokeBody<TBody>);
        }
        finally
        {
            body = local;
            t_inside = false;
            Volatile.Write(ref s_busy, 0);
        }
    }

    private static void InvokeBody<TBody>(void* body, long start, long end)
        where TBody : struct, IRangeBody => Unsafe.AsRef<TBody>(body).Invoke(start, end);

    private static void RunRegion(long count, long minClaim, int helpers, void* body, delegate*<void*, long, long, void> invoke)
    {
        Region region = s_region;
        region.Body = body;
        region.Invoke = invoke;
        region.Count = count;
        region.MinClaim = minClaim;
        region.Shares = (helpers + 1L) * ClaimDivisor;
        region.Helpers = helpers;
        region.Next = 0;
        Interlocked.Exchange(ref region.State, Open);
        if (Volatile.Read(ref s_parked) > 0)
        {
            lock (s_gate)
                Monitor.PulseAll(s_gate);
        }

        region.Work();
        Interlocked.And(ref region.State, ~Open);
        long deadline = Stopwatch.GetTimestamp() + s_spinTicks;
        while (Volatile.Read(ref region.State) != 0)
        {
            if (Stopwatch.GetTimestamp() < deadline)
                Thread.SpinWait(4);
            else
                Thread.Yield();
        }

        ExceptionDispatchInfo? failure = region.Failure;
        if (failure is not null)
        {
            region.Failure = null;
            failure.Throw();
        }
    }

    private static void EnsureStarted(int helpers)
    {
        while (s_started < helpers)
        {
            int index = s_started;
            Thread thread = new(static state => WorkerLoop((int)state!)) { IsBackground = true, Name = $"Triptych worker {index}" };
            thread.Start(index);
            s_started++;
        }
    }

    private static void WorkerLoop(int index)
    {
        t_inside = true;
        Region region = s_region;
        while (true)
        {
            long deadline = Stopwatch.GetTimestamp() + s_spinTicks;
            while (!region.TryJoin(index))
            {
                if (Stopwatch.GetTimestamp() < deadline)
                {
                    Thread.SpinWait(4);
                    continue;
                }

                Park(region, index);
                deadline = Stopwatch.GetTimestamp() + s_spinTicks;
            }

            region.Work();
            Interlocked.Decrement(ref region.State);
        }
    }

    private static void Park(Region region, int index)
    {
        lock (s_gate)
        {
            // The interlocked increment orders the announcement before the last look, as the submitter's exchange does the reverse.
            Interlocked.Increment(ref s_parked);
            if (!region.HasWork(index))
                Monitor.Wait(s_gate);
            Interlocked.Decrement(ref s_parked);
        }
    }

    private static int InitialThreadCount()
    {
        string? value = Environment.GetEnvironmentVariable("TRIPTYCH_THREADS");
        return int.TryParse(value, out int threads) && threads is >= 1 and <= MaxThreads ? threads : Environment.ProcessorCount;
    }

    /// <summary>The loop in progress. The counters that threads write lie on cache lines of their own.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private sealed class Region
    {
        public void* Body;
        public delegate*<void*, long, long, void> Invoke;
        public long Count;
        public long MinClaim;
        public long Shares;
        public int Helpers;
        public ExceptionDispatchInfo? Failure;
        private Padded _next;
        private Padded _state;

        public ref long Next => ref _next.Long;

        public ref int State => ref _state.Int;

        public bool HasWork(int index) =>
            (Volatile.Read(ref State) & Open) != 0 && index < Helpers && Volatile.Read(ref Next) < Count;

        public bool TryJoin(int index)
        {
            if (!HasWork(index))
                return false;
            int state = Volatile.Read(ref State);
            return (state & Open) != 0 && Interlocked.CompareExchange(ref State, state + 1, state) == state;
        }

        public void Work()
        {
            try
            {
                long start;
                while ((start = Volatile.Read(ref Next)) < Count)
                {
                    long end = Math.Min(start + Math.Max(MinClaim, (Count - start) / Shares), Count);
                    if (Interlocked.CompareExchange(ref Next, end, start) == start)
                        Invoke(Body, start, end);
                }
            }
#pragma warning disable CA1031 // The submitter rethrows it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref Failure, ExceptionDispatchInfo.Capture(exception), null);
                Interlocked.Exchange(ref Next, Count);
            }
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Padded
    {
        [FieldOffset(128)]
        public long Long;

        [FieldOffset(128)]
        public int Int;
    }
}
