using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

public sealed class DTypeTests
{
    private static readonly DType[] All = [.. Enum.GetValues<DType>().Where(type => !type.IsQuantized())];

    public static TheoryData<DType, DType> Pairs
    {
        get
        {
            var pairs = new TheoryData<DType, DType>();
            foreach (var from in All)
            {
                foreach (var to in All)
                    pairs.Add(from, to);
            }

            return pairs;
        }
    }

    public static TheoryData<DType> Numbers => [.. All.Where(d => d != DType.Bool)];

    [Theory]
    [MemberData(nameof(Pairs))]
    public void ConvertsBetweenAllTypes(DType from, DType to)
    {
        // 70 elements: vector loops and their tails. 0 .. 69 is exact in every type; Bool keeps whether it is 0.
        double[] numbers = [.. Enumerable.Range(0, 70).Select(i => (double)i)];
        using var scope = new TensorScope();
        var source = Tensor.From(numbers).To(from);
        double[] expected = from == DType.Bool || to == DType.Bool ? [.. numbers.Select(x => x == 0 ? 0d : 1)] : numbers;
        Assert.Equal(to, source.To(to).DType);
        Assert.Equal(expected, source.To(to).To(DType.Float64).ToArray<double>());

        // Strided, on both sides.
        var every = source.Reshape(10, 7).Transpose(0, 1).To(to).To(DType.Float64).ToArray<double>();
        Assert.Equal([.. Enumerable.Range(0, 70).Select(i => expected[((i % 10) * 7) + (i / 10)])], every);
        var target = Tensor.Zeros([7, 10], to).Transpose(0, 1);
        target.CopyFrom(source.Reshape(10, 7));
        Assert.Equal(expected, target.To(DType.Float64).ToArray<double>());
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void ComputesInEveryType(DType dtype)
    {
        using var scope = new TensorScope();
        Tensor a = Tensor.From([.. Enumerable.Range(0, 35).Select(i => (i % 5) + 4d)], [5, 7]).To(dtype);
        Tensor b = Tensor.From([.. Enumerable.Range(0, 7).Select(i => (i % 3) + 1d)], [7]).To(dtype);
        void Check(Tensor result, Func<double, double, double> f)
        {
            Assert.Equal(dtype, result.DType);
            double[] expected = [.. Enumerable.Range(0, 35).Select(i => f((i % 5) + 4d, (i % 7 % 3) + 1d))];
            var actual = result.To(DType.Float64).ToArray<double>();
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], dtype is DType.Float16 or DType.BFloat16 ? 0.02 : 1e-6);
        }

        bool whole = !dtype.IsFloatingPoint();
        Check(a + b, (x, y) => x + y);
        Check(a - b, (x, y) => x - y);
        Check(a * b, (x, y) => x * y);
        Check(a / b, (x, y) => whole ? Math.Truncate(x / y) : x / y);
        Check(Maximum(a, b * 3), (x, y) => Math.Max(x, y * 3));
        Check(Minimum(a, b * 3), (x, y) => Math.Min(x, y * 3));
        Check(a + 2, (x, _) => x + 2);
        Check(Where(Greater(a, b * 3), a, b.Expand([5, 7])), (x, y) => x > y * 3 ? x : y);
        Assert.Equal(Enumerable.Range(0, 35).Select(i => (i % 5) + 4 == (i % 7 % 3) + 5), Equal(a, b + 4).ToArray<bool>());
        Assert.Equal(Enumerable.Range(0, 35).Select(i => (i % 5) + 4 <= (i % 7 % 3) + 5), LessOrEqual(a, b + 4).ToArray<bool>());
        var sum = Sum(a);
        Assert.Equal(whole ? DType.Int64 : dtype, sum.DType);
        Assert.Equal(210, sum.To(DType.Float64).Item<double>(), dtype == DType.BFloat16 ? 1 : 0.2);
    }

    [Fact]
    public void SumsOfIntegersAndDoublesAreExact()
    {
        using var scope = new TensorScope();
        Assert.Equal((1L << 60) + 3, Sum(Tensor.From([1L << 60, 1, 2])).Item<long>());
        Assert.Equal(3L, Sum(Tensor.From([true, false, true, true])).Item<long>());
        Assert.Equal([200L, 400], Sum(Tensor.From([100, 200, 100, 200], [2, 2]).To(DType.UInt8), 0).ToArray<long>());
        Assert.Equal(1 + 1e-12, Sum(Tensor.From([1, 1e-12]), 0).Item<double>());
        Assert.Throws<ArgumentException>(() => Mean(Tensor.From([1L, 2])));
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)] // halfway, to even
    [InlineData(1.01171875f, 0x3F82)] // halfway, to even
    [InlineData(1.004f, 0x3F81)]
    [InlineData(-0f, 0x8000)]
    [InlineData(float.PositiveInfinity, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(1e-40f, 0x0001)]
    public void RoundsToBFloat16(float value, int bits)
    {
        // Alone (the scalar path) and among many (the vector path).
        Assert.Equal((ushort)bits, ((BFloat16)value).Bits);
        var many = Tensor.Full([67], value).To(DType.BFloat16).ToArray<BFloat16>();
        Assert.All(many, x => Assert.Equal((ushort)bits, x.Bits));
    }

    [Theory]
    [InlineData(2049f, 2048f)] // halfway, to even
    [InlineData(2051f, 2052f)]
    [InlineData(65519f, 65504f)]
    [InlineData(65520f, float.PositiveInfinity)]
    [InlineData(1e-8f, 0f)]
    public void RoundsToFloat16(float value, float expected) =>
        Assert.All(Tensor.Full([67], value).To(DType.Float16).ToFloats(), x => Assert.Equal(expected, x));

    [Fact]
    public void NotANumberStaysSo()
    {
        foreach (var dtype in All.Where(d => d.IsFloatingPoint()))
        {
            Assert.All(Tensor.Full([40], double.NaN, dtype).To(DType.Float32).To(dtype).ToFloats(), x => Assert.True(float.IsNaN(x)));
            Assert.All(Tensor.Full([40], double.NegativeInfinity, dtype).ToFloats(), x => Assert.Equal(float.NegativeInfinity, x));
        }
    }

    [Fact]
    public void Int64IsExactBeyondDoubles()
    {
        long[] values = [(1L << 53) + 1, long.MaxValue, long.MinValue, -1];
        var x = Tensor.From(values);
        Assert.Equal(values, x.Clone().ToArray<long>());
        Assert.Equal(values[0] + 2, (x + Tensor.From([2L])).ToArray<long>()[0]);
        Assert.Equal([9007199254740992d, 9.223372036854775807e18, -9.223372036854775808e18, -1], x.To(DType.Float64).ToArray<double>());
        Assert.Equal([1, -1, 0, -1], x.To(DType.Int32).ToArray<int>());
    }

    [Fact]
    public void FloatsTruncateToIntegers() =>
        Assert.Equal([1L, -1, 0, 2], Tensor.From([1.9f, -1.9f, 0.5f, 2.5f]).To(DType.Int64).ToArray<long>());

    [Fact]
    public void RefusesMixedTypes()
    {
        Tensor x = Tensor.Ones([2]), n = Tensor.Ones([2], DType.Int64);
        foreach (Action action in new Action[]
        {
            () => _ = x + n, () => Equal(x, n), () => Where(Tensor.Ones([2], DType.Bool), x, n), () => Concat([x, n], 0), () => x.AddInPlace(n),
            () => MatMul(x.Reshape(1, 2), n.Reshape(2, 1)), () => Maximum(x, n), () => Exp(n), () => Softmax(n), () => Embedding(x.Reshape(2, 1), x),
            () => Where(x, x, x), () => _ = n * 0.5f, () => _ = 0.5f / n, () => n.MulInPlace(1.5f), () => Embedding(n.Reshape(2, 1), n),
        })
        {
            var error = Assert.Throws<ArgumentException>(action);
            Assert.Matches("int64|float32", error.Message);
        }

        Assert.Throws<InvalidOperationException>(() => x.AsSpan<long>());
        Assert.Throws<InvalidOperationException>(() => x.ToArray<double>());
        Assert.Throws<InvalidOperationException>(() => n.Item<long>());
        Assert.Throws<NotSupportedException>(() => Tensor.From([1m]));
    }

    [Fact]
    public void TruthValuesAddAsOr()
    {
        Tensor a = Tensor.From([true, true, false, false]), b = Tensor.From([true, false, true, false]);
        Assert.Equal([true, true, true, false], (a + b).ToArray<bool>());
        Assert.Equal([true, false, false, false], (a * b).ToArray<bool>());
        Assert.Throws<ArgumentException>(() => a - b);
        Assert.Throws<ArgumentException>(() => a * 2);
    }

    [Fact]
    public void DividingIntegersByZeroThrows()
    {
        Assert.Throws<DivideByZeroException>(() => Tensor.Ones([50000], DType.Int64) / Tensor.Zeros([50000], DType.Int64));
        Assert.Equal([2f, 2, 2], (Tensor.Ones([3]) + Tensor.Ones([3])).ToFloats());
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void LowPrecisionWeightsWorkAsIfWidened(DType dtype)
    {
        using var scope = new TensorScope();
        foreach (int rows in new[] { 1, 3, 19 })
        {
            // Inputs that a bfloat16 has, as kernels may round them to that.
            Tensor x = GradientTests.Uniform([rows, 37], 1).To(DType.BFloat16).To(DType.Float32), w = GradientTests.Uniform([45, 37], 2).To(dtype), b = GradientTests.Uniform([45], 3).To(dtype);
            Tensor wide = w.To(DType.Float32), wideBias = b.To(DType.Float32);
            Near(Linear(x, wide, wideBias), Linear(x, w, b));
            Near(LinearTransposed(x, wide.Transpose(0, 1).Contiguous(), wideBias), LinearTransposed(x, w.Transpose(0, 1).Contiguous(), b));
            var ids = Tensor.From([44L, 0, 7]);
            Assert.Equal(Embedding(wide, ids).ToFloats(), Embedding(w, ids).ToFloats());
            Near(LayerNorm(x, wide.Select(0, 0), wide.Select(0, 1), 1e-5f), LayerNorm(x, w.Select(0, 0), w.Select(0, 1), 1e-5f));
            Near(RmsNorm(x, wide.Select(0, 0), 1e-5f), RmsNorm(x, w.Select(0, 0), 1e-5f));
        }
    }

    [Fact]
    public void DoublesMultiplyWithBias()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From([1d, 2, 3, 4], [2, 2]), w = Tensor.From([1d, 0, 1, 1], [2, 2]), b = Tensor.From([10d, 20]);
        Assert.Equal([11d, 23, 13, 27], Linear(x, w, b).ToArray<double>());
    }

    [Fact]
    public void CreatesEveryType()
    {
        foreach (var dtype in All)
        {
            double[] one = [1, 1, 1];
            Assert.Equal(one, Tensor.Ones([3], dtype).To(DType.Float64).ToArray<double>());
            Assert.Equal([0d, 0, 0], Tensor.Zeros([3], dtype).To(DType.Float64).ToArray<double>());
            Assert.Equal([0d, 1], Tensor.Arange(0, 2, dtype).To(DType.Float64).ToArray<double>());
            Assert.Equal(3 * dtype.Size(), Tensor.Zeros([3], dtype).Count * dtype.Size());
        }

        Assert.Equal([5L, 6, 7], Tensor.Arange(5, 8).ToArray<long>());
        Assert.Empty(Tensor.Arange(5, 2).ToArray<long>());
        Assert.Equal(2.5f, Tensor.Scalar(2.5f).Item<float>());
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        float[] x = expected.ToFloats(), y = actual.ToFloats();
        Assert.Equal(DType.Float32, actual.DType);
        Assert.Equal(x.Length, y.Length);
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(x[i], y[i], 1e-5f * Math.Max(1, Math.Abs(x[i])));
    }
}
