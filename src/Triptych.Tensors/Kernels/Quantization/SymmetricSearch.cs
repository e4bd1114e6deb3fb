using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// The scale with which integers of a symmetric range come closest to the numbers of a group, each weighted by its square: x ~ scale q.
/// For integers q the best scale is sum(w x q) / sum(w q q), and the better q are those with the larger sum(w x q)^2 / sum(w q q).
/// </summary>
internal static unsafe class SymmetricSearch
{
    /// <summary>How many times <see cref="Refine"/> goes over a group.</summary>
    private const int Rounds = 5;

    /// <summary>
    /// Tries scales around the one that maps the number of largest magnitude to -limit. Writes q + limit (0 in groups of zeros)
    /// to <paramref name="levels"/> [length][lanes] and returns the scales.
    /// </summary>
    public static Vector512<float> Scan(float* x, int* levels, int length, int limit)
    {
        var largest = QuantLanes.LargestMagnitudes(x, length);
        var negligible = QuantLanes.Negligible(largest);
        Vector512<float> scale = Vector512<float>.Zero, best = Vector512<float>.Zero, bestInverse = Vector512<float>.Zero;
        foreach (int step in (ReadOnlySpan<int>)[0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        {
            var inverse = Vector512.Create(-(limit + (0.1f * step))) / largest;
            Vector512<float> sumXL = Vector512<float>.Zero, sumL2 = Vector512<float>.Zero;
            for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
            {
                var value = Vector512.Load(x + i);
                var level = Vector512.ConvertToSingle(QuantLanes.Nearest(inverse * value, -limit, limit - 1));
                var weight = value * value;
                sumXL += weight * value * level;
                sumL2 += weight * level * level;
            }

            var some = Vector512.GreaterThan(sumL2, Vector512<float>.Zero);
            var better = step == 0 ? Vector512<float>.AllBitsSet : some & Vector512.GreaterThan(sumXL * sumXL, best * sumL2);
            var trial = Vector512.ConditionalSelect(some, sumXL / sumL2, Vector512<float>.Zero);
            scale = Vector512.ConditionalSelect(better, trial, scale);
            best = Vector512.ConditionalSelect(better, trial * sumXL, best);
            bestInverse = Vector512.ConditionalSelect(better, inverse, bestInverse);
        }

        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var level = QuantLanes.Nearest(bestInverse * Vector512.Load(x + i), -limit, limit - 1) + Vector512.Create(limit);
            Vector512.ConditionalSelect(negligible.AsInt32(), Vector512<int>.Zero, level).Store(levels + i);
        }

        return Vector512.ConditionalSelect(negligible, Vector512<float>.Zero, scale);
    }

    /// <summary>
    /// Starts from the scale that maps the number of largest magnitude to -limit and moves single integers while that brings the group
    /// closer. Writes q + limit (0 in groups of zeros) to <paramref name="levels"/> [length][lanes] and returns the scales.
    /// </summary>
    public static Vector512<float> Refine(float* x, int* levels, int length, int limit)
    {
        var largest = QuantLanes.LargestMagnitudes(x, length);
        var negligible = QuantLanes.Negligible(largest);
        var inverse = Vector512.Create((float)-limit) / largest;
        Vector512<float> sumXL = Vector512<float>.Zero, sumL2 = Vector512<float>.Zero;
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var value = Vector512.Load(x + i);
            var nearest = QuantLanes.Nearest(inverse * value, -limit, limit - 1);
            var level = Vector512.ConvertToSingle(nearest);
            var weight = value * value;
            sumXL += weight * value * level;
            sumL2 += weight * level * level;
            nearest.Store(levels + i);
        }

        for (int round = 0; round < Rounds && MoveEach(x, levels, length, limit, negligible, ref sumXL, ref sumL2); round++)
        {
        }

        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var level = Vector512.Load(levels + i) + Vector512.Create(limit);
            Vector512.ConditionalSelect(negligible.AsInt32(), Vector512<int>.Zero, level).Store(levels + i);
        }

        var some = Vector512.GreaterThan(sumL2, Vector512<float>.Zero) & ~negligible;
        return Vector512.ConditionalSelect(some, sumXL / sumL2, Vector512<float>.Zero);
    }

    // One pass over the numbers; whether any integer moved.
    private static bool MoveEach(float* x, int* levels, int length, int limit, Vector512<float> negligible,
        ref Vector512<float> sumXL, ref Vector512<float> sumL2)
    {
        bool moved = false;
        for (int i = 0; i < length * QuantLanes.Count; i += QuantLanes.Count)
        {
            var value = Vector512.Load(x + i);
            var current = Vector512.Load(levels + i);
            Vector512<float> weight = value * value, level = Vector512.ConvertToSingle(current);
            var othersXL = sumXL - (weight * value * level);
            var othersL2 = sumL2 - (weight * level * level);
            var candidate = QuantLanes.Nearest(value * othersL2 / othersXL, -limit, limit - 1);
            level = Vector512.ConvertToSingle(candidate);
            var trialXL = othersXL + (weight * value * level);
            var trialL2 = othersL2 + (weight * level * level);
            var better = Vector512.GreaterThan(othersXL, Vector512<float>.Zero)
                & Vector512.GreaterThan(trialL2, Vector512<float>.Zero)
                & Vector512.GreaterThan(trialXL * trialXL * sumL2, sumXL * sumXL * trialL2)
                & ~Vector512.Equals(candidate, current).AsSingle() & ~negligible;
            if (better.ExtractMostSignificantBits() == 0)
                continue;
            moved = true;
            Vector512.ConditionalSelect(better.AsInt32(), candidate, current).Store(levels + i);
            sumXL = Vector512.ConditionalSelect(better, trialXL, sumXL);
            sumL2 = Vector512.ConditionalSelect(better, trialL2, sumL2);
        }

        return moved;
    }
}
