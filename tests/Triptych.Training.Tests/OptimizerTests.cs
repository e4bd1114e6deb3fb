using Triptych.Tensors;

namespace Triptych.Training.Tests;

public sealed class OptimizerTests
{
    [Fact]
    public void LinearScheduleIsThatOfTransformers()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Linear, 1e-3, 2, 5);
        double[] expected = [0, 5e-4, 1e-3, 2e-3 / 3, 1e-3 / 3, 0];
        for (int step = 0; step < expected.Length; step++)
            Assert.Equal(expected[step], schedule.At(step), 1e-12);
    }

    [Fact]
    public void CosineScheduleIsThatOfTransformers()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Cosine, 2, 10, 110);
        Assert.Equal(0, schedule.At(0));
        Assert.Equal(1, schedule.At(5), 1e-12);
        Assert.Equal(2, schedule.At(10), 1e-12);
        Assert.Equal(1, schedule.At(60), 1e-12);
        Assert.Equal(1 + Math.Cos(Math.PI * 0.25), schedule.At(35), 1e-12);
        Assert.Equal(0, schedule.At(110), 1e-12);
    }

    [Fact]
    public void ConstantScheduleStaysAfterTheWarmup()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Constant, 3, 4, 100);
        Assert.Equal([0, 0.75, 1.5, 2.25, 3, 3, 3], Enumerable.Range(0, 7).Select(schedule.At));
    }

    [Fact]
    public void ClippingScalesTheGlobalNormToTheMaximum()
    {
        using var a = Tensor.Zeros([2]);
        using var b = Tensor.Zeros([3, 1]);
        a.Grad = Tensor.From([3f, 0f]);
        b.Grad = Tensor.From([0f, 4f, 12f], [3, 1]);
        float norm = Gradients.GlobalNorm([a, b]);
        Assert.Equal(13, norm, 1e-5);
        Assert.Equal(2.0 / 13, Gradients.ClipFactor(norm, 2), 1e-6);
        Assert.Equal(1, Gradients.ClipFactor(norm, 20));
        Assert.Equal(1, Gradients.ClipFactor(norm, 0));
    }

    [Fact]
    public void TheNormOfManyNumbersIsExact()
    {
        const int Count = 300_001;
        using var parameter = Tensor.Zeros([Count]);
        parameter.Grad = Tensor.Uniform([Count], new Generator(1), -1, 1);
        double expected = Math.Sqrt(parameter.Grad.ToFloats().Sum(x => (double)x * x));
        Assert.Equal(expected, Gradients.GlobalNorm([parameter]), expected * 1e-6);
    }

    [Fact]
    public void StepsFollowTheFormula()
    {
        const int Count = 1003;
        var generator = new Generator(3);
        using var weights = Tensor.Normal([Count, 1], generator);
        double[] expected = [.. weights.ToFloats().Select(x => (double)x)], first = new double[Count], second = new double[Count];
        var optimizer = new AdamW([new("w", weights)], new AdamWOptions { WeightDecay = 0.1f });
        const double Rate = 0.01, Scale = 0.5;
        for (int step = 1; step <= 4; step++)
        {
            weights.Grad = Tensor.Normal([Count, 1], generator);
            float[] gradient = weights.Grad.ToFloats();
            optimizer.Step(Rate, (float)Scale);
            for (int i = 0; i < Count; i++)
            {
                double g = gradient[i] * Scale;
                first[i] = (0.9 * first[i]) + (0.1 * g);
                second[i] = (0.999 * second[i]) + (0.001 * g * g);
                expected[i] *= 1 - (Rate * 0.1);
                expected[i] -= Rate * (first[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
            }
        }

        float[] actual = weights.ToFloats();
        for (int i = 0; i < Count; i++)
            Assert.Equal(expected[i], actual[i], 1e-5);
    }

    [Fact]
    public void VectorsDoNotDecayAndParametersWithoutGradientStay()
    {
        using var bias = Tensor.Ones([4]);
        using var matrix = Tensor.Ones([2, 2]);
        using var other = Tensor.Ones([2, 2]);
        bias.Grad = Tensor.Zeros([4]);
        matrix.Grad = Tensor.Zeros([2, 2]);
        var optimizer = new AdamW([new("b", bias), new("m", matrix), new("o", other)], new AdamWOptions { WeightDecay = 0.5f });
        optimizer.Step(0.1);
        Assert.All(bias.ToFloats(), x => Assert.Equal(1, x));
        Assert.All(matrix.ToFloats(), x => Assert.Equal(0.95, x, 1e-6));
        Assert.All(other.ToFloats(), x => Assert.Equal(1, x));
        optimizer.ZeroGradients();
        Assert.Null(bias.Grad);
    }

    [Fact]
    public void LowPrecisionParametersAreRefusedByName()
    {
        using var half = Tensor.Zeros([2, 2], DType.Float16);
        var error = Assert.Throws<ArgumentException>(() => new AdamW([new("h.0.weight", half)], new AdamWOptions()));
        Assert.Contains("h.0.weight", error.Message, StringComparison.Ordinal);
    }
}
