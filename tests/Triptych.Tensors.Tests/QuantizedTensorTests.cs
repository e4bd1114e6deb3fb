using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

[Collection("Kernels")]
public sealed class QuantizedTensorTests
{
    [Theory]
    [InlineData(DType.Q8_0, 0.01f)]
    [InlineData(DType.Q4_0, 0.13f)]
    public void QuantizedValuesStayNearTheirOriginals(DType type, float bound)
    {
        var x = Tensor.Uniform([5, 96], new Generator(1), -1, 1);
        var quantized = x.To(type);
        Assert.Equal(type, quantized.DType);
        Assert.Equal(x.Shape, quantized.Shape);
        Assert.All(x.ToFloats().Zip(quantized.ToFloats()), pair => Assert.Equal(pair.First, pair.Second, bound));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(70)]
    public void LinearMultipliesByTheDequantizedWeight(int rows)
    {
        var generator = new Generator(2);
        var x = Tensor.Normal([rows, 128], generator);
        var weight = Tensor.Normal([77, 128], generator).To(DType.Q8_0);
        var bias = Tensor.Normal([77], generator);
        var expected = Linear(x, weight.To(DType.Float32), bias, Activation.Silu).ToFloats();
        var actual = Linear(x, weight, bias, Activation.Silu).ToFloats();
        float scale = expected.Max(MathF.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First / scale, pair.Second / scale, 0.01f));
    }

    [Fact]
    public void ViewsKeepBlocksWhole()
    {
        var x = Tensor.Normal([2, 6, 64], new Generator(3));
        var quantized = x.To(DType.Q8_0);
        Assert.Equal(x.Slice(1, 2, 3).Clone().To(DType.Q8_0).ToFloats(), quantized.Slice(1, 2, 3).ToFloats());
        Assert.Equal(quantized.ToFloats()[64..128], quantized.Reshape(12, 64).Select(0, 1).ToFloats());
        Assert.Equal(quantized.Slice(2, 32, 32).To(DType.Float32).ToFloats(), quantized.To(DType.Float32).Slice(2, 32, 32).ToFloats());
        Assert.Throws<ArgumentException>(() => quantized.Slice(2, 16, 32));
        Assert.Throws<ArgumentException>(() => quantized.Reshape(24, 32).Reshape(48, 16));
        Assert.Throws<NotSupportedException>(() => quantized.Transpose(1, 2).To(DType.Float32));
        Assert.Throws<ArgumentException>(() => Tensor.Empty([4, 33], DType.Q8_0));
        Assert.Throws<ArgumentException>(() => Tensor.Empty([], DType.Q4_K));
    }

    [Fact]
    public void RowsAreWrittenIntoPlace()
    {
        var cache = Tensor.Zeros([2, 5, 32], DType.Q8_0);
        var keys = Tensor.Normal([2, 1, 32], new Generator(4));
        cache.Slice(1, 3, 1).CopyFrom(keys);
        Assert.Equal(keys.To(DType.Q8_0).ToFloats(), cache.Slice(1, 3, 1).ToFloats());
        Assert.All(cache.Slice(1, 0, 3).ToFloats(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void EmbeddingsAreDequantizedRows()
    {
        var table = Tensor.Normal([10, 64], new Generator(5)).To(DType.Q4_0);
        var rows = Embedding(table, Tensor.From<long>([7, 0]));
        Assert.Equal(table.Select(0, 7).ToFloats().Concat(table.Select(0, 0).ToFloats()), rows.ToFloats());
    }

    [Fact]
    public void TheGradientOfAnInputGoesThroughAQuantizedWeight()
    {
        var weight = Tensor.Normal([32, 64], new Generator(6)).To(DType.Q8_0);
        var x = Tensor.Normal([3, 64], new Generator(7));
        var same = x.Clone();
        x.RequiresGrad = same.RequiresGrad = true;
        Sum(Linear(x, weight)).Backward();
        Sum(Linear(same, weight.To(DType.Float32))).Backward();
        Assert.All(same.Grad!.ToFloats().Zip(x.Grad!.ToFloats()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void GroupedAndGatedLayersAreTheirParts()
    {
        var generator = new Generator(8);
        var x = Tensor.Normal([2, 3, 64], generator);
        var first = Tensor.Normal([40, 64], generator);
        var second = Tensor.Normal([8, 64], generator).To(DType.BFloat16);
        var third = Tensor.Normal([40, 64], generator);
        var bias = Tensor.Normal([8], generator);
        var parts = LinearGroup(x, [first, second], [null, bias]);
        Same(Linear(x, first), parts[0]);
        Same(Linear(x, second, bias), parts[1]);
        Same(Silu(Linear(x, first)) * Linear(x, third), GatedLinear(x, first, third, Activation.Silu));
        Assert.Throws<ArgumentException>(() => LinearGroup(x, [first, Tensor.Zeros([4, 65])]));
        Assert.Throws<ArgumentException>(() => GatedLinear(x, first, second, Activation.Silu));

        x.RequiresGrad = true;
        Sum(GatedLinear(x, first, third, Activation.Gelu)).Backward();
        var gradient = x.Grad!.ToFloats();
        x.Grad = null;
        Sum(Gelu(Linear(x, first)) * Linear(x, third)).Backward();
        Assert.Equal(x.Grad!.ToFloats(), gradient);
    }

    [Theory]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    [InlineData(Activation.QuickGelu)]
    [InlineData(Activation.Silu)]
    [InlineData(Activation.Tanh)]
    public void TheTailAppliesTheActivation(Activation activation)
    {
        var x = Tensor.Normal([60, 48], new Generator(9));
        var weight = Tensor.Normal([50, 48], new Generator(10));
        var fused = Linear(x, weight, null, activation);
        x.RequiresGrad = true;
        var recorded = Linear(x, weight, null, activation);
        Assert.NotNull(recorded.Node);
        Same(recorded, fused);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.All(expected.ToFloats().Zip(actual.ToFloats()), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));
    }
}
