namespace Triptych.Tensors;

/// <summary>
/// Bounds the native memory that waits for the garbage collector. The collector sees small objects, not the blocks behind them,
/// and memory pressure only hints; so when what it holds has doubled since it last ran, it runs, youngest generation first.
/// </summary>
internal static class CollectorBudget
{
    // Small enough to matter to nobody, large enough that collections stay rare.
    private const long MinLimit = 256L << 20;

    private static readonly Lock Gate = new();
    private static long held;
    private static long limit = MinLimit;

    /// <summary>Counts a block that only the collector will free, and collects if there are too many.</summary>
    public static void Add(long bytes)
    {
        if (Interlocked.Add(ref held, bytes) <= Volatile.Read(ref limit) || !Gate.TryEnter())
            return;
        try
        {
            for (int generation = 0; generation <= GC.MaxGeneration && held > limit / 2; generation++)
            {
                GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
                GC.WaitForPendingFinalizers();
            }

            limit = Math.Max(MinLimit, 2 * held);
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <summary>Counts a block that was freed.</summary>
    public static void Remove(long bytes) => Interlocked.Add(ref held, -bytes);
}
