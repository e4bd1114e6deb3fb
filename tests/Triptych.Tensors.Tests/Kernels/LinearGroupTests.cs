using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests.Kernels;

/// <summary>Groups and gated units of one row, one parallel region, have the bits of products one by one.</summary>
[Collection("Kernels")]
public sealed class LinearGroupTests : IDisposable
{
    private readonly int _threads = WorkerPool.ThreadCount;

    public void Dispose() => WorkerPool.ThreadCount = _threads;

    [Theory]
    [InlineData(DType.Float32, 576)]
    [InlineData(DType.Float32, 33)]
    [InlineData(DType.Float16, 96)]
    [InlineData(DType.BFloat16, 577)]
    [InlineData(DType.Q8_0, 96)]
    public void OneRow(DType type, int width)
    {
        var generator = new Generator(1);
        var x = Tensor.Normal([1, 1, width], generator);
        Tensor[] weights = [.. new[] { 700, 33, 1, 700 }.Select(rows => Tensor.Normal([rows, width], generator).To(type))];
        var bias = Tensor.Normal([33], generator);
        foreach (int threads in (int[])[1, 3])
        {
            WorkerPool.ThreadCount = threads;
            var results = LinearGroup(x, weights, [null, bias, null, null]);
            for (int i = 0; i < weights.Length; i++)
                Assert.Equal(Linear(x, weights[i], i == 1 ? bias : null).ToArray<float>(), results[i].ToArray<float>());
            Assert.Equal(
                (Linear(x, weights[0], null, Activation.Silu) * Linear(x, weights[3])).ToArray<float>(),
                GatedLinear(x, weights[0], weights[3], Activation.Silu).ToArray<float>());
        }
    }

    [Fact]
    public void TypesOfAGroupMayDiffer()
    {
        var generator = new Generator(2);
        var x = Tensor.Normal([1, 64], generator);
        Tensor first = Tensor.Normal([40, 64], generator), second = Tensor.Normal([40, 64], generator).To(DType.Q8_0);
        var results = LinearGroup(x, [first, second]);
        Assert.Equal(Linear(x, first).ToArray<float>(), results[0].ToArray<float>());
        Assert.Equal(Linear(x, second).ToArray<float>(), results[1].ToArray<float>());
        Assert.Equal((Silu(Linear(x, first)) * Linear(x, second)).ToArray<float>(), GatedLinear(x, first, second, Activation.Silu).ToArray<float>(), (a, b) => MathF.Abs(a - b) <= 1e-5f * (1 + MathF.Abs(a)));
    }
}
