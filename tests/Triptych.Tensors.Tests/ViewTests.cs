using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

public sealed class ViewTests
{
    /// <summary>Random chains of views against a model that holds, for each element, its index in the original tensor.</summary>
    [Fact]
    public void ChainsOfViewsFollowTheIndexModel()
    {
        for (ulong seed = 0; seed < 400; seed++)
        {
            using var scope = new TensorScope();
            var random = new Generator(seed);
            int[] shape = [.. Enumerable.Range(0, 1 + random.NextInt32(4)).Select(_ => random.NextInt32(8) == 0 ? 0 : 1 + random.NextInt32(5))];
            var model = new Model(shape, [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b))]);
            var tensor = Tensor.Arange(0, model.Values.Length, DType.Int32).Reshape(shape);
            var trail = $"seed {seed}: [{string.Join(", ", shape)}]";
            for (int step = 0; step < 6; step++)
            {
                (tensor, model, string name) = Step(tensor, model, random);
                trail += " " + name;
                Assert.Equal(model.Shape, tensor.Shape.ToArray());
                Assert.True(model.Values.AsSpan().SequenceEqual(tensor.ToArray<int>()), trail);
                Assert.True(tensor.Contiguous().IsContiguous, trail);
                Assert.Equal(model.Values, tensor.To(DType.Int64).ToArray<long>().Select(x => (int)x));
                Assert.Equal(model.Values.Select(x => 2 * x), (tensor + tensor.Clone()).ToArray<int>());
            }
        }
    }

    [Fact]
    public void ViewsShareMemory()
    {
        var x = Tensor.Zeros([2, 3, 4]);
        foreach (var view in new[] { x.Transpose(0, 2), x.Slice(1, 1, 2), x.Select(0, 1), x.Reshape(6, 4), x.Unsqueeze(0), x.Detach(), x.Slice(2, 0, 1).Expand([2, 3, 7]) })
        {
            x.Fill(0);
            view.Fill(3);
            Assert.Contains(3, x.ToFloats());
            x.Fill(5);
            Assert.All(view.ToFloats(), v => Assert.Equal(5, v));
        }

        var copy = x.Clone();
        x.Fill(1);
        Assert.All(copy.ToFloats(), v => Assert.Equal(5, v));
        Assert.Same(x, x.Contiguous());
    }

    [Fact]
    public void CopyFromBroadcastsAndConverts()
    {
        var x = Tensor.Zeros([2, 3]);
        x.CopyFrom(Tensor.From([1L, 2, 3]));
        Assert.Equal([1f, 2, 3, 1, 2, 3], x.ToFloats());
        x.Transpose(0, 1).CopyFrom(Tensor.From([7f, 8], [2]));
        Assert.Equal([7f, 7, 7, 8, 8, 8], x.ToFloats());
        x.Slice(1, 1, 1).CopyFrom(Tensor.Scalar(0));
        Assert.Equal([7f, 0, 7, 8, 0, 8], x.ToFloats());
        Assert.Throws<ArgumentException>(() => x.CopyFrom(Tensor.Zeros([2])));
        Assert.Throws<ArgumentException>(() => Tensor.Scalar(1).CopyFrom(x));
    }

    [Fact]
    public void ReshapeCopiesOnlyWhereItMust()
    {
        var x = Tensor.Arange(0, 24).Reshape(2, 3, 4);
        x.Slice(1, 0, 2).Reshape(2, 8).Fill(-1);
        Assert.Contains(-1L, x.ToArray<long>());
        x.Fill(0);
        x.Transpose(0, 1).Reshape(24).Fill(9);
        Assert.DoesNotContain(9L, x.ToArray<long>());
    }

    [Fact]
    public void BadArgumentsGiveOneClearError()
    {
        var x = Tensor.Zeros([2, 3]);
        foreach (var (action, words) in new (Action Action, string Words)[]
        {
            (() => x.Reshape(4, 2), "[2, 3]"), (() => x.Reshape(-1, 4), "[2, 3]"), (() => x.Reshape(-1, -1), "[2, 3]"), (() => x.Reshape(-1, 0), "[2, 3]"),
            (() => x.Expand([4, 3]), "[4, 3]"), (() => x.Expand([3]), "[3]"), (() => x.Expand([]), "[2, 3]"), (() => x.Permute(0), "[2, 3]"),
            (() => x.Permute(0, 0), "twice"), (() => x.Transpose(0, 2), "[2, 3]"), (() => x.Slice(1, 2, 2), "[2, 3]"), (() => x.Slice(1, -1, 1), "[2, 3]"),
            (() => x.Slice(1, 1, int.MaxValue), "[2, 3]"), (() => x.Select(0, 2), "[2, 3]"), (() => x.Select(0, -3), "[2, 3]"), (() => x.Squeeze(0), "[2, 3]"),
            (() => x.Unsqueeze(4), "axis"), (() => Tensor.Zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]), "8"), (() => Tensor.Zeros([-1]), "negative"),
            (() => Tensor.Zeros([int.MaxValue, int.MaxValue, 2]), "memory"), (() => Tensor.Zeros([int.MaxValue, int.MaxValue, int.MaxValue]), "counted"),
            (() => _ = x + Tensor.Zeros([4]), "[2, 3]"), (() => MatMul(x, x), "[2, 3]"), (() => Linear(x, Tensor.Zeros([5, 4])), "[2, 3]"),
            (() => Linear(x, Tensor.Zeros([5, 3]), Tensor.Zeros([4])), "[4]"), (() => LayerNorm(x, Tensor.Zeros([2]), null, 1e-5f), "[2]"),
            (() => Tensor.From([1f, 2], [3]), "[3]"), (() => Concat([x, Tensor.Zeros([3, 4])], 0), "[3, 4]"), (() => Concat([], 0), "no tensors"),
            (() => Split(x, [1, 1], 1), "1 + 1"), (() => Gather(x, 0, Tensor.Zeros([2, 2], DType.Int64)), "[2, 2]"),
            (() => IndexSelect(x, 0, Tensor.From([2L])), "2"), (() => IndexSelect(x, 0, Tensor.From([-1L])), "-1"),
            (() => Embedding(x, Tensor.From([long.MinValue])), "index"), (() => CrossEntropy(x, Tensor.From([0L, 3])), "3"),
            (() => LinearCrossEntropy(x, x, null, Tensor.From([0L, 2])), "label 2"), (() => LinearCrossEntropy(x, x, null, Tensor.From([0L])), "[1]"),
            (() => LinearCrossEntropy(x, Tensor.Zeros([5, 4]), null, Tensor.From([0L, 0])), "[2, 3]"),
            (() => LinearCrossEntropy(x, x, Tensor.Zeros([4]), Tensor.From([0L, 0])), "[4]"), (() => LinearCrossEntropy(x, x, null, x), "float32 [2, 3]"),
            (() => LinearCrossEntropy(x, x.To(DType.Int64), null, Tensor.From([0L, 0])), "int64"), (() => LinearCrossEntropy(x.To(DType.Float64), x, null, x), "float64"),
            (() => CrossEntropy(x, Tensor.From([0L])), "[1]"), (() => TopK(x, 4), "[2, 3]"), (() => Max(Tensor.Zeros([2, 0]), 1), "[2, 0]"),
            (() => ArgMax(Tensor.Zeros([2, 0])), "[2, 0]"), (() => Conv1d(x, x), "[2, 3]"), (() => Conv2d(Tensor.Zeros([1, 1, 2, 2]), Tensor.Zeros([1, 1, 3, 3])), "3 x 3"),
            (() => Conv1d(Tensor.Zeros([1, 2, 5]), Tensor.Zeros([3, 2, 2]), Tensor.Zeros([1])), "[1]"), (() => Dropout(x, 1, new Generator(1)), "[0, 1)"),
            (() => MeanSquaredError(x, Tensor.Zeros([3])), "[3]"), (() => BinaryCrossEntropyWithLogits(x, Tensor.Zeros([3])), "[3]"),
            (() => Tensor.Wrap(64, 23, [2, 3], DType.Float32, new object()), "23"), (() => Tensor.Wrap(66, 24, [2, 3], DType.Float32, new object()), "aligned"),
            (() => Tensor.Wrap(64, 8, [int.MaxValue, int.MaxValue, 1], DType.Float64, new object()), "memory"),
        })
        {
            var error = Assert.ThrowsAny<ArgumentException>(action);
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void EmptyTensorsPassThroughEveryOperation()
    {
        using var scope = new TensorScope();
        var x = Tensor.Zeros([2, 0, 3]);
        Assert.True(x.IsContiguous);
        Assert.Empty(x.ToFloats());
        foreach (var y in new[] { x + x, x * 2, Exp(x), Softmax(x), Softmax(x, 1), LayerNorm(x, null, null, 1e-5f), CumSum(x, 1), Where(Equal(x, x), x, x), Sort(x).Values })
            Assert.Equal(x.Shape, y.Shape);
        Assert.Equal([2, 0], Linear(Tensor.Zeros([2, 3]), Tensor.Zeros([0, 3])).Shape);
        Assert.Equal([0f, 0, 0, 0], MatMul(Tensor.Zeros([2, 0]), Tensor.Zeros([0, 2])).ToFloats());
        Assert.Equal([0f, 0], MatMul(Tensor.Zeros([1, 1, 0]), Tensor.Zeros([0, 2])).ToFloats());
        Assert.Equal(new float[6], Sum(x, 1).ToFloats());
        Assert.Equal(new float[3], Sum(Tensor.Zeros([0, 3]), 0).ToFloats());
        Assert.Equal(0, Sum(x).Item<float>());
        Assert.Equal([2, 4, 3], Concat([x, Tensor.Ones([2, 4, 3])], 1).Shape);
        Assert.Equal([2, 0, 3], IndexSelect(Tensor.Ones([2, 4, 3]), 1, Tensor.Zeros([0], DType.Int64)).Shape);
        Assert.Equal([0, 5], Embedding(Tensor.Ones([4, 5]), Tensor.Zeros([0], DType.Int64)).Shape);
        Assert.Equal("float32[2, 0, 3] {}", x.ToString());
    }

    [Fact]
    public void PrintsTheFirstElements()
    {
        Assert.Equal("int64[3] {0, 1, 2}", Tensor.Arange(0, 3).ToString());
        Assert.Equal("int64[2, 10] {0, 1, 2, 3, 4, 5, 6, 7, ...}", Tensor.Arange(0, 20).Reshape(2, 10).ToString());
        Assert.Equal("float32[] {1.5}", Tensor.Scalar(1.5f).ToString());
    }

    [Fact]
    public void SortingTreatsSpecialValuesAsPyTorch()
    {
        var x = Tensor.From([1f, float.NaN, -0f, float.NegativeInfinity, 0f, float.PositiveInfinity, -float.NaN, -2]);
        Assert.Equal([3L, 7, 2, 4, 0, 5, 1, 6], ArgSort(x).ToArray<long>());
        Assert.Equal([1L, 6, 5, 0, 2, 4, 7, 3], ArgSort(x, descending: true).ToArray<long>());
        for (ulong seed = 0; seed < 200; seed++)
        {
            var random = new Generator(seed);
            int n = 1 + random.NextInt32(60), k = random.NextInt32(n + 1);
            float[] values = [.. Enumerable.Range(0, n).Select(_ => (float)random.NextInt32(9))];
            var expected = Enumerable.Range(0, n).OrderByDescending(i => values[i]).ThenBy(i => i).Take(k).Select(i => (long)i);
            Assert.Equal(expected, TopK(Tensor.From(values), k).Indices.ToArray<long>());
        }
    }

    private static (Tensor Tensor, Model Model, string Name) Step(Tensor x, Model model, Generator random)
    {
        int rank = x.Rank;
        int axis = rank == 0 ? 0 : random.NextInt32(rank);
        switch (random.NextInt32(7))
        {
            case 0 when rank > 0:
                int other = random.NextInt32(rank);
                int[] swapped = [.. Enumerable.Range(0, rank)];
                (swapped[axis], swapped[other]) = (swapped[other], swapped[axis]);
                return (x.Transpose(axis, other - rank), model.Permute(swapped), $"transpose({axis}, {other})");
            case 1 when rank > 0:
                int[] order = [.. Enumerable.Range(0, rank)];
                random.Shuffle<int>(order);
                return (x.Permute(order), model.Permute(order), $"permute({string.Join(",", order)})");
            case 2 when rank > 0:
                int start = random.NextInt32(x.Shape[axis] + 1), length = random.NextInt32(x.Shape[axis] - start + 1);
                return (x.Slice(axis, start, length), model.Slice(axis, start, length), $"slice({axis}, {start}, {length})");
            case 3:
                int[] shape = Factor((int)x.Count, random);
                return (x.Reshape(shape), new Model(shape, model.Values), $"reshape({string.Join(",", shape)})");
            case 4 when rank < 6:
                return (x.Unsqueeze(axis), new Model([.. model.Shape[..axis], 1, .. model.Shape[axis..]], model.Values), $"unsqueeze({axis})");
            case 5 when rank > 0 && x.Shape[axis] == 1 && x.Count < 500:
                int[] wide = [.. model.Shape];
                wide[axis] = 1 + random.NextInt32(3);
                return (x.Expand(wide), model.Expand(axis, wide[axis]), $"expand({axis}, {wide[axis]})");
            case 6 when rank > 0 && x.Shape[axis] > 0:
                int index = random.NextInt32(x.Shape[axis]);
                var cut = model.Slice(axis, index, 1);
                return (x.Select(axis, index), new Model([.. cut.Shape[..axis], .. cut.Shape[(axis + 1)..]], cut.Values), $"select({axis}, {index})");
            default:
                return (x.Contiguous(), model, "contiguous");
        }
    }

    private static int[] Factor(int count, Generator random)
    {
        if (count == 0)
            return [random.NextInt32(4), 0];
        var factors = new List<int>();
        for (int f = 2; count > 1 && factors.Count < 4;)
        {
            if (count % f == 0)
            {
                factors.Add(f);
                count /= f;
            }
            else
            {
                f++;
            }
        }

        factors.Add(count);
        random.Shuffle<int>(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(factors));
        return [.. factors];
    }

    private sealed record Model(int[] Shape, int[] Values)
    {
        public Model Permute(int[] order) => Map([.. order.Select(a => Shape[a])], at =>
        {
            var source = new int[at.Length];
            for (int i = 0; i < at.Length; i++)
                source[order[i]] = at[i];
            return source;
        });

        public Model Slice(int axis, int start, int length)
        {
            int[] shape = [.. Shape];
            shape[axis] = length;
            return Map(shape, at => [.. at.Select((x, i) => i == axis ? x + start : x)]);
        }

        public Model Expand(int axis, int size)
        {
            int[] shape = [.. Shape];
            shape[axis] = size;
            return Map(shape, at => [.. at.Select((x, i) => i == axis ? 0 : x)]);
        }

        private Model Map(int[] shape, Func<int[], int[]> source)
        {
            int count = shape.Aggregate(1, (a, b) => a * b);
            var values = new int[count];
            for (int n = 0; n < count; n++)
            {
                var at = new int[shape.Length];
                int rest = n;
                for (int i = shape.Length - 1; i >= 0; i--)
                    (rest, at[i]) = Math.DivRem(rest, shape[i]);
                int flat = 0;
                int[] from = source(at);
                for (int i = 0; i < from.Length; i++)
                    flat = (flat * Shape[i]) + from[i];
                values[n] = Values[flat];
            }

            return new Model(shape, values);
        }
    }
}
