using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>Rotary embeddings against the formula, element by element, and their derivative.</summary>
public sealed class RotaryEmbeddingTests
{
    /// <summary>Batch, heads, sequence, headDim, pairs, whether rows of the batch have angles of their own.</summary>
    public static TheoryData<int, int, int, int, int, bool> Sizes => new()
    {
        { 1, 1, 1, 2, 1, false }, { 2, 3, 5, 8, 4, true }, { 1, 4, 7, 64, 32, false }, { 2, 2, 3, 128, 64, true },
        { 1, 2, 3, 20, 6, false }, { 2, 1, 4, 46, 23, true }, { 3, 2, 200, 16, 8, false },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TurnsPairs(int batch, int heads, int sequence, int headDim, int pairs, bool ragged)
    {
        using var scope = new TensorScope();
        var (x, cos, sin) = Operands(batch, heads, sequence, headDim, pairs, ragged);
        foreach (bool interleaved in (bool[])[false, true])
        {
            var result = RotaryEmbedding(x, cos, sin, interleaved);
            Assert.Equal(x.Shape, result.Shape);
            Assert.True(result.Transpose(1, 2).IsContiguous);
            Assert.Equal(Expected(x, cos, sin, interleaved), result.ToFloats());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradientTurnsBack(bool interleaved)
    {
        var (x, cos, sin) = Operands(2, 2, 3, 10, 4, ragged: true);
        GradientCheck.Run(t => RotaryEmbedding(t[0], cos, sin, interleaved), x);
        GradientCheck.Run(t => Square(RotaryEmbedding(t[0].Transpose(1, 2), cos, sin, interleaved)).Transpose(1, 3), Operands(2, 3, 2, 10, 4, ragged: true).X);
    }

    [Fact]
    public void WrongShapesAreErrors()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.Zeros([2, 3, 4, 8]), angles = Tensor.Zeros([1, 4, 4]);
        RotaryEmbedding(x, angles, angles);
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x.Select(0, 0), angles, angles));
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x, angles, Tensor.Zeros([1, 4, 3])));
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x, Tensor.Zeros([3, 4, 4]), Tensor.Zeros([3, 4, 4])));
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x, Tensor.Zeros([1, 5, 4]), Tensor.Zeros([1, 5, 4])));
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x, Tensor.Zeros([1, 4, 5]), Tensor.Zeros([1, 4, 5])));
        Assert.Throws<ArgumentException>(() => RotaryEmbedding(x, angles.To(DType.Float16), angles));
    }

    private static (Tensor X, Tensor Cos, Tensor Sin) Operands(int batch, int heads, int sequence, int headDim, int pairs, bool ragged)
    {
        var generator = new Generator(5);
        var x = Tensor.Uniform([batch, sequence, heads, headDim], generator, -1, 1).Transpose(1, 2);
        Shape table = [ragged ? batch : 1, sequence, pairs];
        return (x, Tensor.Uniform(table, generator, -1, 1), Tensor.Uniform(table, generator, -1, 1));
    }

    private static float[] Expected(Tensor x, Tensor cos, Tensor sin, bool interleaved)
    {
        int heads = x.Shape[1], sequence = x.Shape[2], dim = x.Shape[3], pairs = cos.Shape[2];
        float[] values = x.ToFloats(), c = cos.ToFloats(), s = sin.ToFloats();
        float[] result = [.. values];
        for (int row = 0; row < values.Length / dim; row++)
        {
            int token = row % sequence, batch = cos.Shape[0] == 1 ? 0 : row / sequence / heads;
            for (int i = 0; i < pairs; i++)
            {
                int a = (row * dim) + (interleaved ? 2 * i : i), b = interleaved ? a + 1 : a + pairs;
                int angle = (((batch * sequence) + token) * pairs) + i;
                result[a] = (values[a] * c[angle]) - (values[b] * s[angle]);
                result[b] = (values[b] * c[angle]) + (values[a] * s[angle]);
            }
        }

        return result;
    }
}
