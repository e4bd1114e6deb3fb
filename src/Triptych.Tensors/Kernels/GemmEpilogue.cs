using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>What happens to an output before its last store: + bias[n], then the activation.</summary>
internal readonly unsafe struct GemmEpilogue(float* bias, Activation activation = Activation.None)
{
    public readonly float* Bias = bias;
    public readonly Activation Activation = activation;
}

/// <summary>Activations in place over a row that is still in the first-level cache.</summary>
internal static unsafe class Activations
{
    private const int Block = 256;

    public static void Apply(Activation activation, float* values, int rows, int columns, long stride)
    {
        for (; rows > 0; rows--, values += stride)
            Apply(activation, values, columns);
    }

    public static void Apply(Activation activation, float* values, int count)
    {
        switch (activation)
        {
            case Activation.None:
                return;
            case Activation.Relu:
                Span<float> row = new(values, count);
                TensorPrimitives.Max(row, 0f, row);
                return;
            case Activation.Tanh:
                Span<float> tanh = new(values, count);
                TensorPrimitives.Tanh(tanh, tanh);
                return;
            default:
                for (int start = 0; start < count; start += Block)
                {
                    Span<float> part = new(values + start, Math.Min(Block, count - start));
                    switch (activation)
                    {
                        case Activation.Gelu: Gelu(part); break;
                        case Activation.GeluTanh: GeluTanh(part); break;
                        case Activation.Silu: Swish(part, 1); break;
                        default: Swish(part, 1.702f); break;
                    }
                }

                return;
        }
    }

    /// <summary>0.5 x (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7).</summary>
    [SkipLocalsInit]
    private static void Gelu(Span<float> x)
    {
        Span<float> t = stackalloc float[Block];
        Span<float> polynomial = stackalloc float[Block];
        t = t[..x.Length];
        polynomial = polynomial[..x.Length];
        TensorPrimitives.Abs(x, t);
        TensorPrimitives.Multiply(t, 0.3275911f * 0.70710678f, t);
        TensorPrimitives.Add(t, 1f, t);
        TensorPrimitives.Divide(1f, t, t);
        TensorPrimitives.Multiply(t, 1.061405429f, polynomial);
        foreach (float coefficient in (ReadOnlySpan<float>)[-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f])
        {
            TensorPrimitives.Add(polynomial, coefficient, polynomial);
            TensorPrimitives.Multiply(polynomial, t, polynomial);
        }

        TensorPrimitives.Multiply(x, x, t);
        TensorPrimitives.Multiply(t, -0.5f, t);
        TensorPrimitives.Exp(t, t);
        TensorPrimitives.Multiply(polynomial, t, polynomial);

        // 0.5 x (1 + sign(x) (1 - p)) = max(x, 0) - 0.5 |x| p, without cancellation in the tails.
        TensorPrimitives.Abs(x, t);
        TensorPrimitives.Multiply(t, -0.5f, t);
        TensorPrimitives.Max(x, 0f, x);
        TensorPrimitives.MultiplyAdd(polynomial, t, x, x);
    }

    /// <summary>x * sigmoid(steepness x).</summary>
    [SkipLocalsInit]
    private static void Swish(Span<float> x, float steepness)
    {
        Span<float> u = stackalloc float[Block];
        u = u[..x.Length];
        TensorPrimitives.Multiply(x, steepness, u);
        TensorPrimitives.Sigmoid<float>(u, u);
        TensorPrimitives.Multiply(x, u, x);
    }

    [SkipLocalsInit]
    private static void GeluTanh(Span<float> x)
    {
        Span<float> u = stackalloc float[Block];
        u = u[..x.Length];
        TensorPrimitives.Multiply(x, x, u);
        TensorPrimitives.Multiply(u, 2 * 0.79788456f * 0.044715f, u);
        TensorPrimitives.Add(u, 2 * 0.79788456f, u);
        TensorPrimitives.Multiply(u, x, u);

        // 0.5 (1 + tanh(u)) = sigmoid(2u).
        TensorPrimitives.Sigmoid<float>(u, u);
        TensorPrimitives.Multiply(x, u, x);
    }
}
