namespace Triptych.Tensors.Tests.Kernels;

[Collection("Kernels")]
public sealed class WorkerPoolTests : IDisposable
{
    private readonly int _threads = WorkerPool.ThreadCount;

    public void Dispose() => WorkerPool.ThreadCount = _threads;

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(1000, 7, 2)]
    [InlineData(100_003, 1, 4)]
    [InlineData(5, 10, 3)]
    [InlineData(0, 1, 2)]
    public void EveryIndexOnce(int count, int grain, int threads)
    {
        WorkerPool.ThreadCount = threads;
        int[] hits = new int[count];
        CountBody body = new() { Hits = hits };
        WorkerPool.For(count, grain, ref body);
        Assert.All(hits, hit => Assert.Equal(1, hit));
    }

    [Fact]
    public void NestedLoopsRunInline()
    {
        WorkerPool.ThreadCount = 4;
        int[] hits = new int[64 * 100];
        NestedBody body = new() { Hits = hits };
        WorkerPool.For(64, 1, ref body);
        Assert.All(hits, hit => Assert.Equal(1, hit));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void AnExceptionReachesTheSubmitterAndThePoolGoesOn(int threads)
    {
        WorkerPool.ThreadCount = threads;
        for (int i = 0; i < 50; i++)
        {
            ThrowBody thrower = new() { At = i };
            Assert.Equal($"at {i}", Assert.Throws<InvalidOperationException>(() => WorkerPool.For(50, 1, ref thrower)).Message);
            EveryIndexOnce(50, 1, threads);
        }
    }

    [Fact]
    public void ConcurrentSubmittersAreSafe()
    {
        WorkerPool.ThreadCount = 3;
        long[] sums = new long[8];
        Thread[] submitters = [.. Enumerable.Range(0, sums.Length).Select(index => new Thread(() =>
        {
            for (int round = 0; round < 300; round++)
            {
                int[] hits = new int[257];
                CountBody body = new() { Hits = hits };
                WorkerPool.For(hits.Length, 1, ref body);
                sums[index] += hits.Sum();
            }
        }))];
        Array.ForEach(submitters, thread => thread.Start());
        Assert.All(submitters, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(30))));
        Assert.All(sums, sum => Assert.Equal(300 * 257, sum));
    }

    [Fact]
    public void ARegionAllocatesNothing()
    {
        WorkerPool.ThreadCount = 2;
        CountBody body = new() { Hits = new int[1000] };
        for (int i = 0; i < 100; i++)
            WorkerPool.For(1000, 1, ref body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            WorkerPool.For(1000, 1, ref body);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_000_000)]
    public void ThreadCountIsChecked(int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => WorkerPool.ThreadCount = count);

    private struct CountBody : IRangeBody
    {
        public int[] Hits;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
                Interlocked.Increment(ref Hits[start]);
        }
    }

    private struct NestedBody : IRangeBody
    {
        public int[] Hits;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                OffsetBody inner = new() { Hits = Hits, Offset = start * 100 };
                WorkerPool.For(100, 1, ref inner);
            }
        }
    }

    private struct OffsetBody : IRangeBody
    {
        public int[] Hits;
        public long Offset;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
                Interlocked.Increment(ref Hits[Offset + start]);
        }
    }

    private struct ThrowBody : IRangeBody
    {
        public long At;

        public readonly void Invoke(long start, long end)
        {
            if (start <= At && At < end)
                throw new InvalidOperationException($"at {At}");
        }
    }
}
