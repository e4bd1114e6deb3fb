using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// 32 activations of one row, rounded to int8 with a scale of their own: the form that every block type's product takes, so that
/// one rounding serves a group of weights of different types.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ActivationBlock
{
    public const int Elements = 32;

    public const int ScaleAt = 32, StartAt = 36, LowStartAt = 40;

    public fixed sbyte Values[Elements];

    public float Scale;

    /// <summary>-128 times the sum of the values: what a sum of products with weights + 128 starts from.</summary>
    public int Start;

    /// <summary><see cref="Start"/> of the first 16.</summary>
    public int LowStart;

    private const float MaxValue = 127;

    /// <summary>Below this largest magnitude the reciprocal of the scale is no float; such blocks round to zero.</summary>
    private const float Negligible = 1e-36f;

    /// <summary>
    /// Rounds `count` (a multiple of 32) floats, ties to even. A block that has a NaN or an infinity gets a NaN scale, so that
    /// all sums it enters are NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(float* source, ActivationBlock* target, long count)
    {
        for (; count > 0; count -= Elements, source += Elements, target++)
        {
            Vector512<float> low = Vector512.Load(source), high = Vector512.Load(source + Vector512<float>.Count);

            // Compared as integers: of magnitudes that have NaNs among them, a NaN is the largest.
            Vector512<int> magnitudes = Vector512.Max(Vector512.Abs(low).AsInt32(), Vector512.Abs(high).AsInt32());
            Vector256<int> max256 = Vector256.Max(magnitudes.GetLower(), magnitudes.GetUpper());
            Vector128<int> max128 = Vector128.Max(max256.GetLower(), max256.GetUpper());
            max128 = Vector128.Max(max128, Vector128.Shuffle(max128, Vector128.Create(2, 3, 0, 1)));
            max128 = Vector128.Max(max128, Vector128.Shuffle(max128, Vector128.Create(1, 0, 3, 2)));
            float largest = max128.AsSingle().ToScalar();
            if (!float.IsFinite(largest) || largest < Negligible)
            {
                *target = new ActivationBlock { Scale = float.IsFinite(largest) ? 0 : float.NaN };
                continue;
            }

            Vector512<float> reciprocal = Vector512.Create(MaxValue / largest);
            Vector512<int> lowValues = Vector512.ConvertToInt32Native(Vector512.Round(low * reciprocal));
            Vector512<int> highValues = Vector512.ConvertToInt32Native(Vector512.Round(high * reciprocal));
            Vector256<short> lowWords = Vector256.Narrow(lowValues.GetLower(), lowValues.GetUpper());
            Vector256<short> highWords = Vector256.Narrow(highValues.GetLower(), highValues.GetUpper());
            Vector256.Narrow(lowWords, highWords).Store(target->Values);
            int lowSum = Vector512.Sum(lowValues);
            target->Scale = largest / MaxValue;
            target->LowStart = -PanelLayout.Offset * lowSum;
            target->Start = -PanelLayout.Offset * (lowSum + Vector512.Sum(highValues));
        }
    }
}
