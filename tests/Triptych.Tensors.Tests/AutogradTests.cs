using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

[Collection(nameof(MemoryTests))]
public sealed class AutogradTests
{
    [Fact]
    public void BackwardTwiceAccumulates()
    {
        var x = Leaf(2, 3);
        var y = Sum(x * x);
        y.Backward();
        Assert.Equal([4f, 6], x.Grad!.ToFloats());
        y.Backward();
        Assert.Equal([8f, 12], x.Grad!.ToFloats());
        x.Grad = null;
        Sum(x * 5).Backward();
        Assert.Equal([5f, 5], x.Grad!.ToFloats());
    }

    [Fact]
    public void SharedExpressionsAddUp()
    {
        var x = Leaf(2, -1);
        var a = x * 3;
        var b = a + x;
        var c = (a * b) + (a - b) + a; // a b - x + a = 12 x^2 + 2 x
        Sum(c + c).Backward();
        Assert.Equal([100f, -44], x.Grad!.ToFloats());
    }

    [Fact]
    public void SameGradientForBothSidesIsNotSummedTwice()
    {
        var x = Leaf(1, 2);
        Sum(x + x).Backward();
        Assert.Equal([2f, 2], x.Grad!.ToFloats());
        Tensor a = Leaf(1, 2), b = Leaf(3, 4);
        var sum = a + b;
        Sum((sum * 2) + sum + a).Backward();
        Assert.Equal([4f, 4], a.Grad!.ToFloats());
        Assert.Equal([3f, 3], b.Grad!.ToFloats());
        a.Grad.Fill(0);
        Assert.Equal([3f, 3], b.Grad.ToFloats());
    }

    [Fact]
    public void ManyWaysThroughOneTensor()
    {
        // A ladder of diamonds: 2^30 paths, one visit for each tensor.
        var x = Leaf(1);
        var y = x;
        for (int i = 0; i < 30; i++)
            y = (y * 0.5f) + (y * 0.5f);
        Sum(y).Backward();
        Assert.Equal(1, x.Grad!.Item<float>());
    }

    [Fact]
    public void DeepChains()
    {
        using var scope = new TensorScope();
        var x = Leaf(1);
        var y = x;
        for (int i = 0; i < 10_000; i++)
            y = i % 2 == 0 ? y + 1 : -y;
        y.Backward();
        Assert.Equal(1, x.Grad!.Item<float>());
    }

    [Fact]
    public void NoGradRecordsNothing()
    {
        var x = Leaf(1, 2);
        using (Autograd.NoGrad())
        {
            Assert.False(Autograd.IsEnabled);
            using (var inner = Autograd.NoGrad())
                inner.Dispose();
            Assert.False(Autograd.IsEnabled);
            Assert.False((x * 2).RequiresGrad);
            Assert.False(Linear(Tensor.Ones([1, 1]), Tensor.Ones([1, 1])).RequiresGrad);
        }

        Assert.True(Autograd.IsEnabled);
        Assert.True((x * 2).RequiresGrad);
        bool elsewhere = false;
        using (Autograd.NoGrad())
        {
            var thread = new Thread(() => elsewhere = Autograd.IsEnabled);
            thread.Start();
            thread.Join();
        }

        Assert.True(elsewhere);
    }

    [Fact]
    public void DetachCutsTheHistory()
    {
        var x = Leaf(3);
        var y = x * 2;
        Assert.False(y.Detach().RequiresGrad);
        (y * y.Detach()).Backward();
        Assert.Equal(12, x.Grad!.Item<float>());
    }

    [Fact]
    public void LeafRules()
    {
        var x = Leaf(1);
        var y = x * 2;
        Assert.Throws<InvalidOperationException>(() => y.RequiresGrad = false);
        Assert.Throws<InvalidOperationException>(() => Tensor.Ones([1]).Backward());
        foreach (var dtype in new[] { DType.Int64, DType.Int32, DType.Int8, DType.UInt8, DType.Bool })
            Assert.Throws<InvalidOperationException>(() => Tensor.Ones([1], dtype).RequiresGrad = true);
        Assert.Null(y.Grad);
        y.Backward();
        Assert.Null(y.Grad);
        Assert.NotNull(x.Grad);

        // A leaf is its own derivative; a constant operand gets none.
        var constant = Tensor.Ones([1]);
        x.Backward();
        Assert.Equal(3, x.Grad.Item<float>());
        (x * constant).Backward();
        Assert.Null(constant.Grad);
        x.RequiresGrad = false;
        Assert.False((x * 2).RequiresGrad);
    }

    [Fact]
    public void NonScalarsNeedTheirGradient()
    {
        var x = Leaf(1, 2);
        var y = x * x;
        Assert.Throws<InvalidOperationException>(() => y.Backward());
        Assert.Throws<ArgumentException>(() => y.Backward(Tensor.Ones([1])));
        Assert.Throws<ArgumentException>(() => y.Backward(Tensor.Ones([2], DType.Float64)));
        var gradient = Tensor.From([10f, 1]);
        y.Backward(gradient);
        Assert.Equal([20f, 4], x.Grad!.ToFloats());
        Assert.Equal([10f, 1], gradient.ToFloats());

        // The caller's own gradient is copied, not taken over.
        var z = Leaf(1, 2);
        z.Backward(gradient);
        gradient.Fill(0);
        Assert.Equal([10f, 1], z.Grad!.ToFloats());
    }

    [Fact]
    public void DoublesAndHalvesHaveGradientsToo()
    {
        var x = Tensor.From([1.5, 2.5]);
        x.RequiresGrad = true;
        Sum(x * x * 3).Backward();
        Assert.Equal([9d, 15], x.Grad!.ToArray<double>());
        x.Grad = null;
        var ids = Tensor.From([1L, 1]);
        Sum(IndexSelect(x, 0, ids) + Gather(x, 0, ids) + x.Slice(0, 1, 1)).Backward();
        Assert.Equal([0d, 6], x.Grad!.ToArray<double>());

        var half = Tensor.From([1.5f, 2.5f]).To(DType.Float16);
        half.RequiresGrad = true;
        Sum(Square(half)).Backward();
        Assert.Equal([3f, 5], half.Grad!.ToFloats());
    }

    [Fact]
    public void WeightGradientsLieAsTheWeightDoes()
    {
        var w = GradientTests.Uniform([5, 3], 1);
        w.RequiresGrad = true;
        Sum(Square(Linear(Tensor.Ones([2, 3]), w))).Backward();
        Assert.Equal(w.Shape, w.Grad!.Shape);
        Assert.True(w.Grad.IsContiguous);
    }

    [Fact]
    public void DropoutFollowsItsSeedAlone()
    {
        var x = Tensor.Ones([300, 1000]);
        var generator = new Generator(3);
        var state = generator.State;
        float[] first = Dropout(x, 0.3f, generator).ToFloats();
        float[] second = Dropout(x, 0.3f, generator).ToFloats();
        Assert.NotEqual(first, second);
        int threads = WorkerPool.ThreadCount;
        try
        {
            foreach (int count in new[] { 1, 2, 4 })
            {
                WorkerPool.ThreadCount = count;
                generator.State = state;
                Assert.True(first.AsSpan().SequenceEqual(Dropout(x, 0.3f, generator).ToFloats()));
            }
        }
        finally
        {
            WorkerPool.ThreadCount = threads;
        }

        // 300,000 draws: the standard deviation of the share is 0.0008.
        Assert.All(first, v => Assert.True(v == 0 || v == 1 / 0.7f));
        Assert.InRange(first.Count(v => v == 0) / 300_000.0, 0.296, 0.304);
        Assert.InRange(first.Average(), 0.994, 1.006);
        double neighbours = first.Zip(first.Skip(1)).Count(p => p.First == 0 && p.Second == 0) / 300_000.0;
        Assert.InRange(neighbours, 0.086, 0.094);
        Assert.Same(x, Dropout(x, 0, generator));
    }

    [Fact]
    public void GeneratorIsSeededAndResumes()
    {
        // xoshiro256** seeded by SplitMix64(0): the first numbers of the reference implementation.
        var g = new Generator(0);
        Assert.Equal([0x99EC5F36CB75F2B4UL, 0xBF6E1F784956452AUL, 0x1A5F849D4933E6E0UL], new[] { g.NextUInt64(), g.NextUInt64(), g.NextUInt64() });
        var state = g.State;
        ulong next = g.NextUInt64();
        Assert.Equal(next, new Generator(9) { State = state }.NextUInt64());
        Assert.Throws<ArgumentException>(() => g.State = [0, 0, 0, 0]);
        Assert.Throws<ArgumentException>(() => g.State = [1]);
        float[] normal = Tensor.Normal([100_000], g, mean: 2, std: 3).ToFloats();
        double mean = normal.Average(x => (double)x);
        Assert.InRange(mean, 1.95, 2.05);
        Assert.InRange(Math.Sqrt(normal.Average(x => (x - mean) * (x - mean))), 2.97, 3.03);
        float[] even = Tensor.Uniform([100_000], g, -1, 3).ToFloats();
        Assert.InRange(even.Average(x => (double)x), 0.98, 1.02);
        Assert.InRange(even.Min(), -1, -0.999f);
        Assert.InRange(even.Max(), 2.999f, 3);
        int[] order = [.. Enumerable.Range(0, 100)];
        g.Shuffle<int>(order);
        Assert.NotEqual(Enumerable.Range(0, 100), order);
        Assert.Equal(Enumerable.Range(0, 100), order.Order());
    }

    [Fact]
    public void ResultsDoNotDependOnTheNumberOfThreads()
    {
        float[] Compute()
        {
            using var scope = new TensorScope();
            var x = GradientTests.Uniform([257, 129], 1);
            var w = GradientTests.Uniform([129], 2);
            x.RequiresGrad = w.RequiresGrad = true;
            Sum(Square(LayerNorm(x, w, w, 1e-5f) + Softmax(x) * w)).Backward();
            return [.. x.Grad!.ToFloats(), .. w.Grad!.ToFloats(), .. Sum(x.Detach(), 0).ToFloats()];
        }

        int threads = WorkerPool.ThreadCount;
        try
        {
            WorkerPool.ThreadCount = 1;
            float[] one = Compute();
            WorkerPool.ThreadCount = 3;
            Assert.True(one.AsSpan().SequenceEqual(Compute()));
        }
        finally
        {
            WorkerPool.ThreadCount = threads;
        }
    }

    private static Tensor Leaf(params float[] values)
    {
        var x = Tensor.From(values);
        x.RequiresGrad = true;
        return x;
    }
}
