using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>Difference quotients for every differentiable operation, over broadcasting, strided views and odd sizes.</summary>
public sealed class GradientTests
{
    public static TheoryData<string> Layouts => ["plain", "transposed", "sliced", "one", "odd"];

    public static TheoryData<int, int> Sizes => new() { { 1, 1 }, { 2, 15 }, { 3, 17 }, { 4, 33 }, { 18, 5 }, { 0, 3 } };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Unary(string layout)
    {
        Func<Tensor, Tensor>[] anywhere = [Square, Sin, Cos, Tanh, Sigmoid, Erf, Silu, Gelu, GeluTanh, QuickGelu, Exp, x => -x, x => Pow(x, 3)];
        foreach (var f in anywhere)
            GradientCheck.Run(t => f(t[0]), Random(layout, 1));

        // Away from the kinks at 0, and where roots exist.
        Func<Tensor, Tensor>[] positive = [Sqrt, Rsqrt, Log, Abs, Relu, x => Pow(x, -1.5f), x => Pow(x, 0.5f), x => Pow(x, 0)];
        foreach (var f in positive)
            GradientCheck.Run(t => f(t[0]), Random(layout, 2, low: 0.5f, high: 2));
        GradientCheck.Run(t => Abs(t[0]) + Relu(t[0]), Random(layout, 3, low: -2, high: -0.5f));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Binary(string layout)
    {
        Func<Tensor, Tensor, Tensor>[] functions = [(a, b) => a + b, (a, b) => a - b, (a, b) => a * b, (a, b) => a / b];
        foreach (var f in functions)
        {
            GradientCheck.Run(t => f(t[0], t[1]), Random(layout, 4), Random(layout, 5, low: 0.7f, high: 2));
            var x = Random(layout, 6);
            foreach (var other in Broadcasts(x.Shape))
                GradientCheck.Run(t => f(t[0], t[1]), Random(layout, 6), other);
        }

        // Distances over the step, so that no difference quotient straddles a tie.
        GradientCheck.Run(t => Maximum(t[0], t[1] * 3) + Minimum(t[0], t[1] * 3), Random(layout, 7, low: 1, high: 2), Signs(layout));
    }

    [Fact]
    public void Scalars()
    {
        GradientCheck.Run(t => ((((t[0] + 2) * 3) - 1) / 4) + (2 - t[0]) + (3 * t[0]) + (1.5f + t[0]), Uniform([3, 5], 8));
        GradientCheck.Run(t => 2 / t[0], Uniform([3, 5], 9, 1, 2));
    }

    [Fact]
    public void EqualElementsShareTheGradientOfMaximum()
    {
        using var scope = new TensorScope();
        var a = Tensor.From([1f, 2, 3]);
        var b = Tensor.From([1f, 5, 0]);
        a.RequiresGrad = b.RequiresGrad = true;
        Sum(Maximum(a, b)).Backward();
        Assert.Equal([0.5f, 0, 1], a.Grad!.ToFloats());
        Assert.Equal([0.5f, 1, 0], b.Grad!.ToFloats());
        Sum(Minimum(a, b)).Backward();
        Assert.Equal([1f, 1, 1], a.Grad!.ToFloats());
        Assert.Equal([1f, 1, 1], b.Grad!.ToFloats());
    }

    [Fact]
    public void Views()
    {
        GradientCheck.Run(t => t[0].Transpose(0, 2), Uniform([2, 3, 5], 1));
        GradientCheck.Run(t => t[0].Permute(2, 0, 1), Uniform([2, 3, 5], 2));
        GradientCheck.Run(t => t[0].Slice(1, 1, 2) * t[0].Slice(1, 0, 2), Uniform([2, 3, 5], 3));
        GradientCheck.Run(t => t[0].Select(0, -1), Uniform([2, 3, 5], 4));
        GradientCheck.Run(t => t[0].Transpose(0, 1).Reshape(5, 6), Uniform([2, 3, 5], 5));
        GradientCheck.Run(t => t[0].Reshape(-1), Uniform([2, 3, 5], 6));
        GradientCheck.Run(t => t[0].Expand([4, 3, 5]), Uniform([3, 1], 7));
        GradientCheck.Run(t => t[0].Expand([2, 3]), Uniform([], 8));
        GradientCheck.Run(t => t[0].Unsqueeze(1).Squeeze(1), Uniform([3, 5], 9));
        GradientCheck.Run(t => t[0].Transpose(0, 1).Contiguous(), Uniform([3, 5], 10));
        GradientCheck.Run(t => t[0].Clone(), Uniform([3, 5], 11));
        GradientCheck.Run(t => t[0].To(DType.Float64).To(DType.Float32), Uniform([3, 5], 12));
    }

    [Fact]
    public void MatrixProducts()
    {
        foreach (var (left, right) in new (int[], int[])[]
        {
            ([3, 5], [5, 7]), ([1, 17], [17, 1]), ([17, 1], [1, 18]), ([2, 3, 4], [4, 5]), ([3, 4], [2, 4, 5]), ([2, 1, 3, 4], [3, 4, 2]), ([2, 0], [0, 3]), ([0, 2], [2, 3]),
        })
        {
            GradientCheck.Run(t => MatMul(t[0], t[1]), Uniform(left, 1), Uniform(right, 2));
            GradientCheck.Run(t => MatMul(t[0].Transpose(-1, -2), t[1].Transpose(-1, -2)), Uniform(Flip(left), 3), Uniform(Flip(right), 4));
            GradientCheck.Run(t => MatMul(t[0], t[1]), Strided(left, 5), Strided(right, 6));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void LinearLayers(int rows, int width)
    {
        GradientCheck.Run(t => Linear(t[0], t[1], t[2]), Uniform([rows, 2, width], 1), Uniform([7, width], 2), Uniform([7], 3));
        GradientCheck.Run(t => Linear(t[0], t[1]), Strided([rows, width], 4), Strided([7, width], 5));
        GradientCheck.Run(t => LinearTransposed(t[0], t[1], t[2]), Uniform([rows, width], 6), Uniform([width, 7], 7), Strided([7], 8));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Norms(int rows, int width)
    {
        if (width == 1)
            return;
        GradientCheck.Run(t => LayerNorm(t[0], t[1], t[2], 1e-2f), Uniform([rows, width], 1), Uniform([width], 2), Uniform([width], 3));
        GradientCheck.Run(t => LayerNorm(t[0], t[1], t[2], 1e-2f), Strided([2, rows, width], 4), Strided([width], 5), Strided([width], 6));
        GradientCheck.Run(t => LayerNorm(t[0], null, null, 1e-2f), Uniform([rows, width], 7));
        GradientCheck.Run(t => LayerNorm(t[0], null, t[1], 1e-2f), Uniform([rows, width], 8), Uniform([width], 9));
        GradientCheck.Run(t => RmsNorm(t[0], t[1], 1e-2f), Uniform([rows, width], 10), Uniform([width], 11));
        GradientCheck.Run(t => RmsNorm(t[0], null, 1e-2f), Strided([rows, width], 12));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Softmaxes(int rows, int width)
    {
        GradientCheck.Run(t => Softmax(t[0]), Uniform([rows, width], 1, -3, 3));
        GradientCheck.Run(t => LogSoftmax(t[0]), Strided([rows, width], 2));
        GradientCheck.Run(t => Softmax(t[0], 0), Uniform([width, rows], 3));
        GradientCheck.Run(t => LogSoftmax(t[0], 1), Uniform([2, width, rows], 4));
    }

    [Fact]
    public void Losses()
    {
        var labels = Tensor.From([2L, -100, 0, 18]);
        GradientCheck.Run(t => CrossEntropy(t[0], labels), Uniform([4, 19], 1, -2, 2));
        GradientCheck.Run(t => CrossEntropy(t[0], labels, labelSmoothing: 0.2f), Strided([4, 19], 2));
        GradientCheck.Run(t => BinaryCrossEntropyWithLogits(t[0], t[1]), Uniform([3, 7], 3, -2, 2), Uniform([3, 7], 4, 0.1f, 0.9f));
        GradientCheck.Run(t => BinaryCrossEntropyWithLogits(t[0], t[1]), Tensor.Zeros([3, 7]), Strided([3, 7], 5));
        GradientCheck.Run(t => MeanSquaredError(t[0], t[1]), Uniform([3, 7], 6), Strided([3, 7], 7));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Reductions(int rows, int width)
    {
        GradientCheck.Run(t => Sum(t[0]), Uniform([rows, width], 1));
        GradientCheck.Run(t => Mean(t[0], 1), Strided([rows, width], 2));
        for (int axis = 0; axis < 3; axis++)
        {
            GradientCheck.Run(t => Sum(t[0], axis), Uniform([rows, 2, width], 3));
            GradientCheck.Run(t => Sum(t[0], axis, keepDim: true), Strided([rows, 2, width], 4));
            GradientCheck.Run(t => CumSum(t[0], axis), Uniform([rows, 2, width], 5));
        }

        if (rows == 0)
            return;
        GradientCheck.Run(t => Mean(t[0]), Uniform([rows, width], 6));
        GradientCheck.Run(t => Max(t[0], 1), Distinct([rows, width], 7));
        GradientCheck.Run(t => Min(t[0], 0, keepDim: true), Distinct([rows, width], 8));
    }

    [Fact]
    public void Selection()
    {
        var index = Tensor.From([2L, 0, 1, 1, 0, 2, 2, 2], [2, 4]);
        GradientCheck.Run(t => Gather(t[0], 1, index), Uniform([2, 3], 1));
        GradientCheck.Run(t => Gather(t[0], 0, index.Transpose(0, 1)), Strided([3, 2], 2));
        GradientCheck.Run(t => ScatterAdd(t[0], 1, index, t[1]), Uniform([2, 3], 3), Strided([2, 4], 4));
        GradientCheck.Run(t => IndexSelect(t[0], 1, Tensor.From([3L, 0, 3])), Uniform([2, 4, 3], 5));
        GradientCheck.Run(t => Embedding(t[0], index), Strided([3, 17], 6));
        GradientCheck.Run(t => TopK(t[0], 3).Values, Distinct([4, 9], 7));
        GradientCheck.Run(t => Sort(t[0], descending: true).Values, Distinct([4, 9], 8));
        var mask = Tensor.From([true, false, true], [3, 1]);
        GradientCheck.Run(t => Where(mask, t[0], t[1]), Uniform([3, 5], 9), Uniform([5], 10));
        GradientCheck.Run(t => Where(mask, t[0], t[1]), Uniform([], 11), Strided([2, 3, 5], 12));
        GradientCheck.Run(t => MaskedFill(t[0], mask, 3), Strided([3, 5], 13));
        GradientCheck.Run(t => Dropout(t[0], 0.4f, new Generator(5)), Strided([7, 19], 14));
    }

    [Fact]
    public void Joining()
    {
        for (int axis = 0; axis < 3; axis++)
        {
            GradientCheck.Run(t => Concat([t[0], t[1], t[0]], axis), Uniform([2, 3, 4], 1), Uniform(new Shape[] { [5, 3, 4], [2, 1, 4], [2, 3, 0] }[axis], 2));
            GradientCheck.Run(t => Stack([t[0], t[1]], axis), Uniform([3, 4], 3), Strided([3, 4], 4));
            GradientCheck.Run(t => Pad(t[0], axis, 2, 1, 7), Strided([2, 3, 4], 5));
            GradientCheck.Run(t => Split(t[0], [1, 1], axis) is var parts ? parts[0] * parts[1] : parts[0], Uniform([2, 2, 2], 6));
        }
    }

    [Fact]
    public void Convolutions()
    {
        GradientCheck.Run(t => Conv1d(t[0], t[1], t[2], stride: 2, padding: 1), Uniform([2, 3, 9], 1), Uniform([4, 3, 3], 2), Uniform([4], 3));
        GradientCheck.Run(t => Conv1d(t[0], t[1], padding: 2, dilation: 2, groups: 2), Strided([1, 4, 7], 4), Strided([4, 2, 3], 5));
        GradientCheck.Run(
            t => Conv2d(t[0], t[1], t[2], (2, 1), (1, 2), (1, 2)), Uniform([1, 2, 6, 5], 6), Strided([3, 2, 3, 2], 7), Strided([3], 8));
        GradientCheck.Run(t => Conv2d(t[0], t[1], groups: 2), Uniform([2, 2, 4, 4], 9), Uniform([2, 1, 4, 4], 10));
    }

    [Fact]
    public void PartsAddUpInOneGradient()
    {
        // Parts that overlap, one taken twice, one of a part, and the whole: in any order, beside a part that nothing uses.
        GradientCheck.Run(
            t =>
            {
                var parts = Split(t[0], [2, 1, 4], axis: 1);
                var overlap = t[0].Slice(1, 1, 4);
                return Sum(Square(parts[2] * parts[2].Slice(1, 0, 1))) + Sum(overlap * t[0].Slice(1, 3, 4)) + Sum(Square(overlap.Slice(0, 1, 2)))
                    + Sum(Square(t[0])) + Sum(parts[0] * 3);
            },
            Uniform([3, 7], 11));
    }

    [Fact]
    public void LowPrecisionWeightsGetSingleGradients()
    {
        using var scope = new TensorScope();
        foreach (var dtype in new[] { DType.Float16, DType.BFloat16 })
        {
            var low = Uniform([5, 7], 1).To(dtype);
            var wide = low.To(DType.Float32);
            var x = Uniform([3, 7], 2);
            low.RequiresGrad = wide.RequiresGrad = true;
            var ids = Tensor.From([4L, 0, 4]);
            foreach (var w in new[] { low, wide })
                (Sum(Square(Linear(x, w))) + Sum(LinearTransposed(Linear(x, w), w) * x) + Sum(Square(Embedding(w, ids)))).Backward();
            Assert.Equal(DType.Float32, low.Grad!.DType);
            // The same products, summed in another order by other kernels, which may round the other operand to bfloat16 too.
            float tolerance = dtype == DType.BFloat16 ? 1f / 64 : 1e-5f;
            foreach (var (expected, actual) in wide.Grad!.ToFloats().Zip(low.Grad.ToFloats()))
                Assert.Equal(expected, actual, tolerance * Math.Max(1, Math.Abs(expected)));
        }
    }

    [Fact]
    public void PaddingRowGetsNoGradient()
    {
        using var scope = new TensorScope();
        var table = Uniform([4, 3], 1);
        table.RequiresGrad = true;
        var ids = Tensor.From([1L, 3, 1, 0]);
        Assert.Equal(Embedding(table, ids).ToFloats(), Embedding(table, ids, paddingIndex: 1).ToFloats());
        Sum(Embedding(table, ids, paddingIndex: 1)).Backward();
        Assert.Equal([1f, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1], table.Grad!.ToFloats());
    }

    internal static Tensor Uniform(Shape shape, ulong seed, float low = -1, float high = 1) => Tensor.Uniform(shape, new Generator(seed), low, high);

    /// <summary>Every other element of a larger tensor, its dimensions reversed in memory.</summary>
    internal static Tensor Strided(Shape shape, ulong seed)
    {
        int[] sizes = [.. shape.Reverse()];
        sizes[0] = (sizes[0] * 2) + 1;
        var x = Uniform(sizes, seed).Slice(0, 1, sizes[0] - 1);
        x = x.Reshape([sizes[0] / 2, 2, .. sizes[1..]]).Select(1, 1);
        int[] order = [.. Enumerable.Range(0, shape.Rank).Reverse()];
        x = x.Permute(order);
        Assert.Equal(shape, x.Shape);
        return x;
    }

    private static Tensor Random(string layout, ulong seed, float low = -2, float high = 2) => layout switch
    {
        "plain" => Uniform([4, 16], seed, low, high),
        "transposed" => Uniform([3, 7, 5], seed, low, high).Transpose(0, 2),
        "sliced" => Uniform([4, 21], seed, low, high).Slice(1, 3, 17),
        "one" => Uniform([1, 1], seed, low, high),
        _ => Uniform([3, 1, 35], seed, low, high),
    };

    private static Tensor Signs(string layout)
    {
        var x = Random(layout, 31).Clone();
        foreach (ref float v in x.AsSpan<float>())
            v = MathF.Sign(v) + (v / 8);
        return x;
    }

    // Elements at least 0.05 apart.
    private static Tensor Distinct(Shape shape, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, (int)shape.Count)];
        new Generator(seed).Shuffle<int>(order);
        return Tensor.From([.. order.Select(i => i * 0.05f)], shape);
    }

    private static IEnumerable<Tensor> Broadcasts(Shape shape)
    {
        yield return Uniform([], 21, 0.7f, 2);
        yield return Uniform([shape[-1]], 22, 0.7f, 2);
        yield return Uniform(shape.With(-1, 1), 23, 0.7f, 2);
        yield return Uniform([2, .. shape.With(0, 1)], 24, 0.7f, 2);
    }

    private static int[] Flip(int[] shape) => [.. shape[..^2], shape[^1], shape[^2]];
}
