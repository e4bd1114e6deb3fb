using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// The scale and minimum with which integers from 0 to a top come closest to the numbers of a group, weighted: x ~ scale q - minimum.
/// For each of some roundings of the numbers to integers, scale and minimum are the solution of weighted least squares.
/// </summary>
internal static unsafe class AffineSearch
{
    /// <summary>The longest group.</summary>
    private const int MaxLength = 32;

    /// <param name="x">Numbers [length][lanes].</param>
    /// <param name="weights">Their weights [length][lanes].</param>
    /// <param name="levels">The integers [length][lanes] that belong to the result.</param>
    /// <param name="length">Numbers in a group.</param>
    /// <param name="top">The largest integer.</param>
    /// <param name="start">The first rounding maps the range to <paramref name="top"/> + start.</param>
    /// <param name="steps">It grows by 0.1, so many times.</param>
    /// <param name="absolute">Compares roundings by the sum of absolute errors, otherwise of squares.</param>
    /// <param name="scale">The scale of each group.</param>
    /// <param name="minimum">What is subtracted, zero or positive.</param>
    [SkipLocalsInit]
    public static void Run(float* x, float* weights, int* levels, int length, int top, float start, int steps, bool absolute,
        out Vector512<float> scale, out Vector512<float> minimum)
    {
        float* trial = stackalloc float[MaxLength * QuantLanes.Count];
        var (least, most, weightSum, sum) = Statistics(x, weights, length);
        var flat = Vector512.Equals(most, least);
        var inverse = Vector512.Create((float)top) / (most - least);
        scale = Vector512<float>.One / inverse;
        Round(x, trial, length, top, inverse, least);
        var error = Error(x, weights, trial, length, scale, least, absolute);
        Vector512<float> bestInverse = inverse, bestOffset = least;

        for (int step = 0; step <= steps; step++)
        {
            inverse = Vector512.Create(start + (0.1f * step) + top) / (most - least);
            Round(x, trial, length, top, inverse, least);
            Vector512<float> sumL = Vector512<float>.Zero, sumL2 = Vector512<float>.Zero, sumXL = Vector512<float>.Zero;
            for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
            {
                var level = Vector512.Load(trial + i);
                var weighted = Vector512.Load(weights + i) * level;
                sumL += weighted;
                sumL2 += weighted * level;
                sumXL += weighted * Vector512.Load(x + i);
            }

            var determinant = (weightSum * sumL2) - (sumL * sumL);
            var trialScale = ((weightSum * sumXL) - (sum * sumL)) / determinant;
            var trialLeast = ((sumL2 * sum) - (sumL * sumXL)) / determinant;
            var positive = Vector512.GreaterThan(trialLeast, Vector512<float>.Zero);
            trialLeast = Vector512.ConditionalSelect(positive, Vector512<float>.Zero, trialLeast);
            trialScale = Vector512.ConditionalSelect(positive, sumXL / sumL2, trialScale);

            var trialError = Error(x, weights, trial, length, trialScale, trialLeast, absolute);
            var better = Vector512.LessThan(trialError, error) & Vector512.GreaterThan(determinant, Vector512<float>.Zero) & ~flat;
            error = Vector512.ConditionalSelect(better, trialError, error);
            scale = Vector512.ConditionalSelect(better, trialScale, scale);
            bestInverse = Vector512.ConditionalSelect(better, inverse, bestInverse);
            bestOffset = Vector512.ConditionalSelect(better, least, bestOffset);
            least = Vector512.ConditionalSelect(better, trialLeast, least);
        }

        scale = Vector512.ConditionalSelect(flat, Vector512<float>.Zero, scale);
        minimum = -least;
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var level = QuantLanes.Nearest(bestInverse * (Vector512.Load(x + i) - bestOffset), 0, top);
            Vector512.ConditionalSelect(flat.AsInt32(), Vector512<int>.Zero, level).Store(levels + i);
        }
    }

    private static (Vector512<float> Least, Vector512<float> Most, Vector512<float> WeightSum, Vector512<float> Sum) Statistics(
        float* x, float* weights, int length)
    {
        Vector512<float> least = Vector512.Load(x), most = least, weightSum = Vector512.Load(weights), sum = weightSum * least;
        for (int i = QuantLanes.Count; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            Vector512<float> value = Vector512.Load(x + i), weight = Vector512.Load(weights + i);
            least = Vector512.ConditionalSelect(Vector512.LessThan(value, least), value, least);
            most = Vector512.ConditionalSelect(Vector512.GreaterThan(value, most), value, most);
            weightSum += weight;
            sum += weight * value;
        }

        least = Vector512.ConditionalSelect(Vector512.GreaterThan(least, Vector512<float>.Zero), Vector512<float>.Zero, least);
        return (least, most, weightSum, sum);
    }

    private static void Round(float* x, float* rounded, int length, int top, Vector512<float> inverse, Vector512<float> least)
    {
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
            Vector512.ConvertToSingle(QuantLanes.Nearest(inverse * (Vector512.Load(x + i) - least), 0, top)).Store(rounded + i);
    }

    private static Vector512<float> Error(float* x, float* weights, float* levels, int length, Vector512<float> scale, Vector512<float> least,
        bool absolute)
    {
        var error = Vector512<float>.Zero;
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var difference = (scale * Vector512.Load(levels + i)) + least - Vector512.Load(x + i);
            error += Vector512.Load(weights + i) * (absolute ? Vector512.Abs(difference) : difference * difference);
        }

        return error;
    }
}
