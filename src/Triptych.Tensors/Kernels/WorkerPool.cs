namespace Triptych.Tensors;

internal interface IRangeBody
{
    void Invoke(long start, long end);
}

internal static class WorkerPool
{
    public static int ThreadCount { get; set; } = Environment.ProcessorCount;

    public static void For<TBody>(long count, long grain, ref TBody body) where TBody : struct, IRangeBody => body.Invoke(0, count);
}
