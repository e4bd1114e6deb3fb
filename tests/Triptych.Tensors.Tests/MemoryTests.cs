using System.Runtime.CompilerServices;
using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>Alone in the process while they run: they count bytes.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryCollection;

[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    /// <summary>Managed bytes that one operation may cost: the tensor, its storage record, a view or two.</summary>
    private const int BytesPerOperation = 512;

    /// <summary>What a recorded operation and its backward may cost besides.</summary>
    private const int BytesPerTrainedOperation = 3584;

    private const long NoiseBytes = 24 << 20;

    [Fact]
    public void ScopeFreesAtItsEnd()
    {
        long before = Settled();
        Tensor inside, kept;
        using (var scope = new TensorScope())
        {
            inside = Tensor.Ones([100, 100]);
            kept = scope.Keep(inside + 1);
            Assert.True(NativePool.RentedBytes > before + 2 * 40000 - 1);
        }

        Assert.Throws<ObjectDisposedException>(() => inside.ToFloats());
        Assert.Throws<ObjectDisposedException>(() => inside + 1);
        Assert.Throws<ObjectDisposedException>(() => inside.AsSpan<float>());
        Assert.Throws<ObjectDisposedException>(() => inside.Transpose(0, 1).ToFloats());
        Assert.Throws<ObjectDisposedException>(() => MatMul(inside, kept));
        Assert.Equal("float32[100, 100] {freed}", inside.ToString());
        Assert.All(kept.ToFloats(), x => Assert.Equal(2, x));
        kept.Dispose();
        kept.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kept.Fill(0));
        Assert.Equal(before, Settled()); // what the failing calls had taken is the collector's
    }

    [Fact]
    public void KeepMovesOneScopeOut()
    {
        long before = Settled();
        using (var outer = new TensorScope())
        {
            Tensor result, persisted;
            using (var middle = new TensorScope())
            {
                using (var inner = new TensorScope())
                {
                    // Keeping a view keeps its memory.
                    result = middle.Keep(inner.Keep(Tensor.Ones([4, 5]).Transpose(0, 1)))!;
                    persisted = Tensor.Ones([3]).Persist();
                    Assert.Null(inner.Keep(null));
                    Assert.Throws<InvalidOperationException>(outer.Dispose);
                }

                Assert.Equal(20, Sum(result).Item<float>());
                middle.Keep(result);
            }

            Assert.Equal(20, Sum(result).Item<float>());
            Assert.Equal(3, Sum(persisted).Item<float>());
            persisted.Dispose();
        }

        Assert.Equal(before, NativePool.RentedBytes);
    }

    [Fact]
    public void KeptResultKeepsItsGraph()
    {
        var w = Tensor.From([2f, 3]);
        w.RequiresGrad = true;
        using var outer = new TensorScope();
        Tensor loss;
        using (var inner = new TensorScope())
        {
            var hidden = Exp(w * 2);
            loss = inner.Keep(Sum(hidden * hidden));
        }

        loss.Backward();
        Assert.Equal(4 * MathF.Exp(8), w.Grad!.ToFloats()[0], 1e-3f * MathF.Exp(8));
        Assert.Equal(4 * MathF.Exp(12), w.Grad!.ToFloats()[1], 1e-3f * MathF.Exp(12));
    }

    [Fact]
    public void GradientsOutliveTheScope()
    {
        var w = Tensor.Ones([3, 2]);
        w.RequiresGrad = true;
        for (int i = 1; i <= 2; i++)
        {
            using (new TensorScope())
                Sum(Linear(Tensor.Ones([4, 2]), w)).Backward();
            Assert.All(w.Grad!.ToFloats(), x => Assert.Equal(4f * i, x));
        }

        w.Grad!.Dispose();
        Assert.Throws<ObjectDisposedException>(() => w.Grad.ToFloats());
    }

    [Fact]
    public void BackwardFreesGradientsOnItsWay()
    {
        // 200 gradients of 1 MB would be 200 MB if all were kept to the end.
        const int Size = 1 << 18, Depth = 200;
        Settled();
        using var scope = new TensorScope();
        var x = Tensor.Ones([Size]);
        x.RequiresGrad = true;
        var y = x;
        for (int i = 0; i < Depth; i++)
            y = y + 1;
        var z = Sum(y);
        long before = NativePool.RentedBytes;
        z.Backward();
        Assert.All(x.Grad!.ToFloats(), g => Assert.Equal(1, g));
        Assert.InRange(NativePool.RentedBytes - before, 0, 3L * Size * sizeof(float));
    }

    [Fact]
    public void PoolReusesBlocks()
    {
        Settled();
        var x = Tensor.Empty([1000]);
        nint first = x.AsSpan<float>() is var span ? Address(span) : 0;
        long rented = NativePool.RentedBytes, retained = NativePool.RetainedBytes;
        x.Dispose();
        Assert.True(NativePool.RentedBytes <= rented - 4000);
        Assert.True(NativePool.RetainedBytes >= retained + 4000);
        var y = Tensor.Empty([999]);
        Assert.Equal(first, Address(y.AsSpan<float>()));
        Assert.Equal(rented, NativePool.RentedBytes);
        Assert.Equal(0, first % NativePool.Alignment);
        y.Dispose();
        NativePool.Trim();
        Assert.Equal(0, NativePool.RetainedBytes);
    }

    [Fact]
    public unsafe void PoolHandsOutEnoughForEverySize()
    {
        long before = Settled();
        for (long size = 0; size < 3000; size++)
        {
            byte* block = NativePool.Rent(size);
            long taken = NativePool.RentedBytes - before;
            NativePool.Return(block, size);
            Assert.InRange(taken, size, Math.Max(256, size * 5 / 4));
        }

        foreach (long size in new[] { (1L << 20) - 1, 1L << 20, (1L << 20) + 1, (1L << 24) + 12345 })
        {
            byte* block = NativePool.Rent(size);
            Assert.InRange(NativePool.RentedBytes - before, size, size * 5 / 4);
            block[size - 1] = 1;
            NativePool.Return(block, size);
        }

        Assert.Equal(before, NativePool.RentedBytes);
        Assert.ThrowsAny<OutOfMemoryException>(() => (nint)NativePool.Rent(long.MaxValue));
        Assert.Equal(before, NativePool.RentedBytes);
    }

    [Fact]
    public void TenThousandForwardStepsStayFlat()
    {
        Tensor w = Tensor.Normal([64, 64], new Generator(1)), g = Tensor.Ones([64]), x = Tensor.Normal([4, 64], new Generator(2));
        const int Operations = 6;
        void Step()
        {
            using var scope = new TensorScope();
            var h = RmsNorm(x, g, 1e-5f);
            h = Gelu(Linear(h, w, g)) + x;
            scope.Keep(Softmax(h)).Dispose();
        }

        for (int i = 0; i < 500; i++)
            Step();
        long rented = Settled(), managed = GC.GetAllocatedBytesForCurrentThread(), resident = Environment.WorkingSet;
        for (int i = 0; i < 10_000; i++)
            Step();
        long perOperation = (GC.GetAllocatedBytesForCurrentThread() - managed) / 10_000 / Operations;
        Assert.InRange(perOperation, 0, BytesPerOperation);
        Assert.Equal(rented, NativePool.RentedBytes);
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, NoiseBytes);
    }

    [Fact]
    public void TrainingStepsStayFlat()
    {
        Tensor w = Tensor.Normal([32, 32], new Generator(1)), x = Tensor.Normal([8, 32], new Generator(2));
        w.RequiresGrad = true;
        const int Operations = 6;
        void Step()
        {
            using var scope = new TensorScope();
            var h = Silu(Linear(x, w)) + x;
            MeanSquaredError(Linear(h, w), x).Backward();
            w.Grad!.Dispose();
            w.Grad = null;
        }

        for (int i = 0; i < 200; i++)
            Step();
        long rented = Settled(), managed = GC.GetAllocatedBytesForCurrentThread(), resident = Environment.WorkingSet;
        for (int i = 0; i < 2000; i++)
            Step();
        long perOperation = (GC.GetAllocatedBytesForCurrentThread() - managed) / 2000 / Operations;
        Assert.InRange(perOperation, 0, BytesPerTrainedOperation);
        Assert.Equal(rented, NativePool.RentedBytes);
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, NoiseBytes);
    }

    [Fact]
    public void AttentionHoldsNoMatrixOfScores()
    {
        // The scores of 2048 queries and keys would take 16 MB.
        const int Length = 2048;
        Settled();
        using var scope = new TensorScope();
        var x = GradientTests.Uniform([1, 1, Length, 8], 1);
        NativePool.Trim();
        long before = NativePool.RentedBytes + NativePool.RetainedBytes;
        ScaledDotProductAttention(x, x, x, new AttentionOptions { Causal = true });
        Assert.InRange(NativePool.RentedBytes + NativePool.RetainedBytes - before, 0, 4L << 20);
    }

    [Fact]
    public void WithoutAScopeTheCollectorFrees()
    {
        long before = Settled();
        Churn();
        Assert.InRange(NativePool.RentedBytes - before, 0, 600L << 20);
        Assert.Equal(before, Settled());

        // 4 GB in all, a megabyte a time: the budget has the collector run long before.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Churn()
        {
            for (int i = 0; i < 4000; i++)
                Tensor.Empty([1 << 18]).AsSpan<float>()[0] = i;
        }
    }

    [Fact]
    public void WrappedMemoryKeepsItsOwner()
    {
        var (tensor, owner) = Wrapped();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(owner.IsAlive);
        Assert.Equal([1f, 2, 3], tensor.ToFloats());
        Assert.Equal([1f, 2, 3], tensor.Transpose(0, 0).Clone().ToFloats());
        long rented = NativePool.RentedBytes;
        tensor.Dispose();
        Assert.Equal(rented, NativePool.RentedBytes);
        Assert.Throws<ObjectDisposedException>(() => tensor.ToFloats());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static unsafe (Tensor, WeakReference) Wrapped()
        {
            float[] memory = GC.AllocateArray<float>(3, pinned: true);
            memory[0] = 1;
            memory[1] = 2;
            memory[2] = 3;
            fixed (float* address = memory)
                return (Tensor.Wrap((nint)address, 12, [3], DType.Float32, memory), new WeakReference(memory));
        }
    }

    [Fact]
    public void ScopesOfOtherThreadsAreTheirOwn()
    {
        using var scope = new TensorScope();
        Tensor? other = null;
        var thread = new Thread(() => other = Tensor.Ones([2]));
        thread.Start();
        thread.Join();
        scope.Dispose();
        Assert.Equal([1f, 1], other!.ToFloats());
        other.Dispose();
    }

    private static unsafe nint Address(Span<float> span)
    {
        fixed (float* p = span)
            return (nint)p;
    }

    private static long Settled()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return NativePool.RentedBytes;
    }
}
