namespace Triptych.Tensors.Tests;

/// <summary>Compares gradients with central differences of the loss sum(f(inputs) * weight), accumulated in double precision.</summary>
internal static class GradientCheck
{
    /// <summary>Steps below this drown in float32 rounding; above it, third derivatives show.</summary>
    private const float Step = 8e-3f;

    /// <summary>Checks the gradient of every float32 input, which may be a strided view; its elements are changed and restored.</summary>
    public static void Run(Func<Tensor[], Tensor> f, params Tensor[] inputs) => Run(f, 2e-3, inputs);

    /// <summary>As above, to a tolerance relative to the gradient's scale.</summary>
    public static void Run(Func<Tensor[], Tensor> f, double tolerance, params Tensor[] inputs)
    {
        using var scope = new TensorScope();
        Tensor[] leaves = [.. inputs.Select(x => Leaf(x))];
        var result = f(leaves);
        var generator = new Generator(99);
        var weight = Tensor.Uniform(result.Shape, generator, -1, 1);
        float[] weights = weight.ToFloats();
        if (!result.RequiresGrad)
            Assert.Fail("the result requires no gradient");
        result.Backward(weight);
        for (int n = 0; n < leaves.Length; n++)
        {
            if (!leaves[n].RequiresGrad)
                continue;
            float[] actual = leaves[n].Grad is { } grad ? grad.ToFloats() : throw new InvalidOperationException($"no gradient of input {n}");
            Assert.Equal(leaves[n].Shape, leaves[n].Grad!.Shape);
            float[] values = leaves[n].ToFloats();
            var expected = new double[values.Length];
            using (Autograd.NoGrad())
            {
                for (int i = 0; i < values.Length; i++)
                {
                    double up = Loss(values[i] + Step), down = Loss(values[i] - Step);
                    expected[i] = (up - down) / ((double)(values[i] + Step) - (values[i] - Step));
                    Set(values[i]);

                    double Loss(float value)
                    {
                        using var inner = new TensorScope();
                        Set(value);
                        float[] y = f(leaves).ToFloats();
                        double sum = 0;
                        for (int j = 0; j < y.Length; j++)
                            sum += (double)y[j] * weights[j];
                        return sum;
                    }

                    void Set(float value) => Element(leaves[n], i).Fill(value);
                }
            }

            double scale = Math.Max(1, expected.Select(Math.Abs).DefaultIfEmpty(0).Max());
            for (int i = 0; i < expected.Length; i++)
            {
                if (!(Math.Abs(expected[i] - actual[i]) <= tolerance * scale))
                    Assert.Fail($"input {n} {leaves[n].Shape} element {i}: gradient {actual[i]}, difference quotient {expected[i]}, scale {scale}");
            }
        }
    }

    // The same strides, so that kernels meet the layout that the test chose; expanded dimensions can't be varied one by one.
    private static Tensor Leaf(Tensor x)
    {
        if (x.DType == DType.Float32)
            x.RequiresGrad = true;
        return x;
    }

    private static Tensor Element(Tensor x, int index)
    {
        x = x.Detach();
        while (x.Rank > 0)
        {
            int rest = (int)x.Shape.Without(0).Count;
            (int at, index) = Math.DivRem(index, rest);
            x = x.Select(0, at);
        }

        return x;
    }
}
