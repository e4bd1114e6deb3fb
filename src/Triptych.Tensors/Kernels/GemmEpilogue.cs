using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>What happens to an output before its last store: + bias[n], then the activation.</summary>
internal readonly unsafe struct GemmEpilogue(float* bias, Activation activation = Activation.None)
{
    public readonly float* Bias = bias;
    public readonly Activation Activation = activation;
}

/// <summary>Activations in place over a tile that is still in the first-level cache.</summary>
internal static unsafe class Activations
{
    public static void Apply(Activation activation, float* values, int count) => Apply(activation, values, 1, count, count);

    /// <summary>values [rows, columns], rows a stride apart.</summary>
    public static void Apply(Activation activation, float* values, int rows, int columns, long stride)
    {
        switch (activation)
        {
            case Activation.None: return;
            case Activation.Relu: Map<ReluFunction>(values, rows, columns, stride); return;
            case Activation.Gelu: Map<GeluFunction>(values, rows, columns, stride); return;
            case Activation.GeluTanh: Map<GeluTanhFunction>(values, rows, columns, stride); return;
            case Activation.QuickGelu: Map<QuickGeluFunction>(values, rows, columns, stride); return;
            case Activation.Silu: Map<SiluFunction>(values, rows, columns, stride); return;
            case Activation.Tanh: Map<TanhFunction>(values, rows, columns, stride); return;
            default: throw new ArgumentOutOfRangeException(nameof(activation), activation, null);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TFunction>(float* values, int rows, int columns, long stride)
        where TFunction : struct, IUnaryFunction
    {
        int whole = columns & -Vector512<float>.Count;
        for (; rows > 0; rows--, values += stride)
        {
            for (int j = 0; j < whole; j += Vector512<float>.Count)
                TFunction.Value(Vector512.Load(values + j)).Store(values + j);
            if (whole < columns)
                VectorMath.Store(TFunction.Value(VectorMath.Load(values + whole, columns - whole)), values + whole, columns - whole);
        }
    }
}
