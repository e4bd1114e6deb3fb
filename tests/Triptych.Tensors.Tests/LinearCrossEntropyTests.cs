using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>The fused loss against cross entropy after a linear layer, and against difference quotients.</summary>
[Collection(nameof(MemoryTests))]
public sealed class LinearCrossEntropyTests
{
    private const long Ignored = -100;

    /// <summary>Rows in no block, in part of one, and in several, the last of them full or not.</summary>
    [Theory]
    [InlineData(0, 3, 5, 0)]
    [InlineData(1, 1, 1, 0)]
    [InlineData(3, 17, 1, 0)]
    [InlineData(40, 33, 65, 0.1f)]
    [InlineData(700, 16, 21, 0)]
    [InlineData(1600, 24, 40, 0.2f)]
    public void IsTheComposition(int rows, int width, int classes, float smoothing)
    {
        foreach (bool strided in new[] { false, true })
        {
            foreach (bool biased in new[] { false, true })
            {
                Tensor[] Leaves()
                {
                    Tensor Make(Shape shape, ulong seed) => strided ? GradientTests.Strided(shape, seed) : GradientTests.Uniform(shape, seed);
                    return [Make([rows, width], 1), Make([classes, width], 2), .. biased ? [Make([classes], 3)] : Array.Empty<Tensor>()];
                }

                Compare(Leaves(), Leaves(), Labels(rows, classes), smoothing, 1e-5, 1e-4);
            }
        }
    }

    [Fact]
    public void FollowsDifferenceQuotients()
    {
        var labels = Tensor.From([2L, Ignored, 0, 18, Ignored]);
        GradientCheck.Run(
            t => LinearCrossEntropy(t[0], t[1], t[2], labels),
            GradientTests.Uniform([5, 7], 1), GradientTests.Uniform([19, 7], 2), GradientTests.Uniform([19], 3));
        GradientCheck.Run(
            t => LinearCrossEntropy(t[0], t[1], null, Tensor.From([2L, 18, 0]), ignoreIndex: 18, labelSmoothing: 0.2f) * 3,
            GradientTests.Strided([3, 7], 4), GradientTests.Strided([19, 7], 5));

        // Only one of the operands.
        Tensor X() => GradientTests.Uniform([5, 7], 6);
        Tensor W() => GradientTests.Uniform([19, 7], 7);
        Tensor B() => GradientTests.Uniform([19], 8);
        GradientCheck.Run(t => LinearCrossEntropy(t[0], W(), B(), labels), X());
        GradientCheck.Run(t => LinearCrossEntropy(X(), t[0], B(), labels), W());
        GradientCheck.Run(t => LinearCrossEntropy(X(), W(), t[0], labels), B());
    }

    [Fact]
    public void WhereAllRowsAreIgnoredThereIsNoLossAndNoGradient()
    {
        var x = Leaf([3, 7], 1);
        var w = Leaf([5, 7], 2);
        var b = Leaf([5], 3);
        var loss = LinearCrossEntropy(x, w, b, Tensor.Full([3], Ignored, DType.Int64));
        Assert.Equal(float.NaN, loss.Item<float>());
        loss.Backward();
        Assert.All(new[] { x, w, b }, leaf => Assert.All(leaf.Grad!.ToFloats(), g => Assert.Equal(0, g)));
    }

    [Fact]
    public void IgnoredRowsAreNotRead()
    {
        var x = GradientTests.Uniform([3, 7], 1);
        x.Select(0, 1).Fill(double.NaN);
        x.RequiresGrad = true;
        var w = Leaf([5, 7], 2);
        LinearCrossEntropy(x, w, null, Tensor.From([4L, Ignored, 0])).Backward();
        Assert.All(w.Grad!.ToFloats(), g => Assert.True(float.IsFinite(g)));
        Assert.All(x.Grad!.Select(0, 1).ToFloats(), g => Assert.Equal(0, g));
    }

    [Fact]
    public void BackwardMayRunAgainWithAnyGradient()
    {
        Tensor[] fused = [Leaf([600, 7], 1), Leaf([5, 7], 2), Leaf([5], 3)], composed = [Leaf([600, 7], 1), Leaf([5, 7], 2), Leaf([5], 3)];
        var labels = Labels(600, 5);
        Tensor one = LinearCrossEntropy(fused[0], fused[1], fused[2], labels), other = Composed(composed, labels, 0);
        foreach (float gradient in new[] { 1, -0.25f, 3, 1 })
        {
            using (new TensorScope())
            {
                one.Backward(Tensor.Scalar(gradient));
                other.Backward(Tensor.Scalar(gradient));
            }

            for (int i = 0; i < fused.Length; i++)
                AssertClose(composed[i].Grad!, fused[i].Grad!, 1e-4);
        }
    }

    [Fact]
    public void TheWeightMayBeTheEmbeddingToo()
    {
        var ids = Tensor.From([.. Enumerable.Range(0, 90).Select(i => i * 7L % 31)], [90]);
        Tensor fused = Leaf([31, 16], 1), composed = Leaf([31, 16], 1);
        var labels = Labels(90, 31);
        var one = LinearCrossEntropy(Tanh(Embedding(fused, ids)), fused, null, labels);
        var other = Composed([Tanh(Embedding(composed, ids)), composed], labels, 0);
        AssertClose(other, one, 1e-5);
        (one * 2).Backward();
        (other * 2).Backward();
        AssertClose(composed.Grad!, fused.Grad!, 1e-4);
    }

    [Theory]
    [InlineData(DType.Float16, 1e-5, 1e-4)]
    [InlineData(DType.BFloat16, 1e-3, 1e-2)] // products that round the other operand to bfloat16 choose it by the number of rows
    [InlineData(DType.Q8_0, 1e-5, 1e-4)]
    [InlineData(DType.Q4_K, 1e-5, 1e-4)]
    public void WeightsOfOtherTypes(DType type, double lossTolerance, double gradientTolerance)
    {
        Tensor[] Leaves() => [GradientTests.Uniform([600, 256], 1), GradientTests.Uniform([40, 256], 2).To(type), GradientTests.Uniform([40], 3)];
        Compare(Leaves(), Leaves(), Labels(600, 40), 0.1f, lossTolerance, gradientTolerance);
    }

    [Fact]
    public void ResultsDoNotDependOnTheNumberOfThreads()
    {
        float[] Compute()
        {
            using var scope = new TensorScope();
            Tensor x = Leaf([1200, 64], 1), w = Leaf([300, 64], 2), b = Leaf([300], 3);
            var loss = LinearCrossEntropy(x, w, b, Labels(1200, 300));
            loss.Backward();
            return [loss.Item<float>(), .. x.Grad!.ToFloats(), .. w.Grad!.ToFloats(), .. b.Grad!.ToFloats()];
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

    [Fact]
    public void LogitsAreNeverAllInMemory()
    {
        const int Rows = 4096, Classes = 2000, Width = 8;
        using var scope = new TensorScope();
        Tensor x = Leaf([Rows, Width], 1), w = Leaf([Classes, Width], 2);
        var labels = Labels(Rows, Classes);
        NativePool.Trim();
        long before = NativePool.RentedBytes;
        LinearCrossEntropy(x, w, null, labels).Backward();

        // What was in use and isn't any more is kept for reuse: together they are the most that there was.
        long most = NativePool.RentedBytes + NativePool.RetainedBytes - before;
        Assert.InRange(most, 0, (long)Rows * Classes * sizeof(float) / 4);
    }

    private static void Compare(Tensor[] fused, Tensor[] composed, Tensor labels, float smoothing, double lossTolerance, double gradientTolerance)
    {
        using var scope = new TensorScope();
        foreach (var leaf in fused.Concat(composed).Where(leaf => leaf.DType.IsFloatingPoint()))
            leaf.RequiresGrad = true;
        var bias = fused.Length > 2 ? fused[2] : null;
        var one = LinearCrossEntropy(fused[0], fused[1], bias, labels, Ignored, smoothing);
        var other = Composed(composed, labels, smoothing);
        AssertClose(other, one, lossTolerance);
        using (Autograd.NoGrad())
        {
            var plain = LinearCrossEntropy(fused[0], fused[1], bias, labels, Ignored, smoothing);
            Assert.False(plain.RequiresGrad);
            Assert.Equal(one.Item<float>(), plain.Item<float>());
        }

        one.Backward();
        other.Backward();
        foreach (var (expected, actual) in composed.Zip(fused).Where(pair => pair.First.RequiresGrad))
            AssertClose(expected.Grad!, actual.Grad!, gradientTolerance);
    }

    private static Tensor Composed(Tensor[] leaves, Tensor labels, float smoothing) =>
        CrossEntropy(Linear(leaves[0], leaves[1], leaves.Length > 2 ? leaves[2] : null), labels, Ignored, smoothing);

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float[] wanted = expected.ToFloats(), got = actual.ToFloats();
        double scale = wanted.Select(Math.Abs).DefaultIfEmpty(0).Max();
        for (int i = 0; i < wanted.Length; i++)
            Assert.True(wanted[i].Equals(got[i]) || Math.Abs(wanted[i] - got[i]) <= tolerance * scale, $"element {i} is {got[i]}, not {wanted[i]}, scale {scale}");
    }

    // Every fifth row is ignored, as are the first and the last where there are several.
    private static Tensor Labels(int rows, int classes) => Tensor.From(
        [.. Enumerable.Range(0, rows).Select(i => rows > 1 && (i % 5 == 0 || i == rows - 1) ? Ignored : i * 11L % classes)], [rows]);

    private static Tensor Leaf(Shape shape, ulong seed)
    {
        var x = GradientTests.Uniform(shape, seed);
        x.RequiresGrad = true;
        return x;
    }
}
