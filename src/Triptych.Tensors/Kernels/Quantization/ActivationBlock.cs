using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// What <see cref="ActivationQuantizer"/> makes of 32 activations of a row, in the form that panels of any kind are multiplied
/// with, so that one rounding serves a group of weights of different types.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ActivationBlock
{
    public const int ScaleAt = 32, StartAt = 36, LowStartAt = 40;

    public fixed sbyte Values[ActivationQuantizer.Block];

    public float Scale;

    /// <summary>-128 times the sum of the values: what a sum of products with weights + 128 starts from.</summary>
    public int Start;

    /// <summary><see cref="Start"/> of the first 16.</summary>
    public int LowStart;

    /// <summary>Quantizes a row of `count` activations, a multiple of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* source, ActivationBlock* target, long count)
    {
        for (; count > 0; count -= ActivationQuantizer.Block, source += ActivationQuantizer.Block, target++)
        {
            target->Scale = ActivationQuantizer.Round(source, out Vector512<int> first, out Vector512<int> second);
            ActivationQuantizer.Store(first, target->Values);
            ActivationQuantizer.Store(second, target->Values + ActivationQuantizer.SumBlock);
            int low = Vector512.Sum(first);
            target->LowStart = -PanelLayout.Offset * low;
            target->Start = -PanelLayout.Offset * (low + Vector512.Sum(second));
        }
    }
}
