using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>What happens to a row of scores [keys] between q k^T and the product with v.</summary>
internal static unsafe class AttentionScores
{
    /// <summary>Scores times this are exponents of two.</summary>
    public const float Log2E = 1.44269504088896341f;

    /// <summary>
    /// Raw products become scores: scale, soft cap, bias; hidden keys get -infinity. Returns the largest.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Mask(in AttentionArguments g, float* scores, int batch, int head, int query, int firstKey, int count)
    {
        (int start, int end) = VisibleKeys(g, query);
        start = Math.Clamp(start - firstKey, 0, count);
        end = Math.Clamp(end - firstKey, start, count);
        new Span<float>(scores, start).Fill(float.NegativeInfinity);
        new Span<float>(scores + end, count - end).Fill(float.NegativeInfinity);
        float* bias = g.Bias == null ? null
            : g.Bias + (batch * g.BiasBatchStride) + (head * g.BiasHeadStride) + (query * g.BiasQueryStride) + (firstKey * g.BiasKeyStride);
        byte* mask = g.KeyPaddingMask == null ? null : g.KeyPaddingMask + ((long)batch * g.Keys) + firstKey;
        Vector512<float> scale = Vector512.Create(g.Scale), cap = Vector512.Create(g.SoftCap);
        Vector512<float> largest = Vector512.Create(float.NegativeInfinity);
        int j = start;
        for (; j + Vector512<float>.Count <= end; j += Vector512<float>.Count)
        {
            Vector512<float> score = Vector512.Load(scores + j) * scale;
            if (g.SoftCap > 0)
                score = cap * VectorMath.Tanh(score / cap);
            if (bias != null)
                score += g.BiasKeyStride == 1 ? Vector512.Load(bias + j) : Strided(bias + (j * g.BiasKeyStride), g.BiasKeyStride, Vector512<float>.Count);
            if (mask != null)
            {
                Vector512<int> seen = Bytes(mask + j);
                score = Vector512.ConditionalSelect(Vector512.Equals(seen, Vector512<int>.Zero).AsSingle(), Vector512.Create(float.NegativeInfinity), score);
            }

            largest = Vector512.MaxNative(largest, score);
            score.Store(scores + j);
        }

        float result = Largest(largest);
        for (; j < end; j++)
        {
            float score = scores[j] * g.Scale;
            if (g.SoftCap > 0)
                score = g.SoftCap * MathF.Tanh(score / g.SoftCap);
            if (bias != null)
                score += bias[j * g.BiasKeyStride];
            if (mask != null && mask[j] == 0)
                score = float.NegativeInfinity;
            result = MathF.Max(result, score);
            scores[j] = score;
        }

        return result;
    }

    /// <summary>The keys that a query may see, masks of padding apart.</summary>
    public static (int Start, int End) VisibleKeys(in AttentionArguments g, int query)
    {
        int position = query + g.Keys - g.Queries;
        int end = g.Causal || g.SlidingWindow > 0 ? Math.Clamp(position + 1, 0, g.Keys) : g.Keys;
        int start = g.SlidingWindow > 0 ? Math.Clamp(position - g.SlidingWindow + 1, 0, end) : 0;
        return (start, end);
    }

    /// <summary>scores = exp(scores - shift); returns their sum. Vectors beyond count must be addressable (the row is padded).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentiate(float* scores, float shift, int count)
    {
        Vector512<float> sum = default, offset = Vector512.Create(-shift * Log2E), factor = Vector512.Create(Log2E);
        int vectors = count & -Vector512<float>.Count;
        for (int j = 0; j < vectors; j += Vector512<float>.Count)
        {
            Vector512<float> weight = VectorMath.Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(scores + j), factor, offset));
            sum += weight;
            weight.Store(scores + j);
        }

        float total = Vector512.Sum(sum);
        if (vectors < count)
        {
            Vector512<float> last = VectorMath.Exp2(Vector512.FusedMultiplyAdd(VectorMath.Load(scores + vectors, count - vectors), factor, offset));
            VectorMath.Store(last, scores + vectors, count - vectors);
            for (int j = vectors; j < count; j++)
                total += scores[j];
        }

        return total;
    }

    /// <summary>
    /// Sets dropped weights to 0 and scales the others by 1 / (1 - p). Whether (seed, batch, head, query, key) is dropped is a
    /// hash of them, so the backward pass sees the same.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Drop(in AttentionArguments g, float* weights, int batch, int head, int query, int firstKey, int count)
    {
        uint key = RowKey(g, batch, head, query), threshold = (uint)Math.Min(g.Dropout * 4294967296.0, uint.MaxValue);
        float scale = g.Dropout < 1 ? 1 / (1 - g.Dropout) : 0;
        for (int j = 0; j < count; j++)
            weights[j] = Hash((uint)(firstKey + j), key) < threshold ? 0 : weights[j] * scale;
    }

    private static uint RowKey(in AttentionArguments g, int batch, int head, int query)
    {
        ulong state = g.Seed ^ ((((ulong)(((long)batch * g.Heads) + head) * (ulong)g.Queries) + (ulong)query) * 0x9E3779B97F4A7C15);
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return (uint)(state >> 32);
    }

    /// <summary>Murmur3's finalizer over the key index and the row's key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(uint index, uint key)
    {
        uint x = (index * 0x9E3779B9) ^ key;
        x = (x ^ (x >> 16)) * 0x85EBCA6B;
        x = (x ^ (x >> 13)) * 0xC2B2AE35;
        return x ^ (x >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> value)
    {
        float result = value[0];
        for (int lane = 1; lane < Vector512<float>.Count; lane++)
            result = MathF.Max(result, value[lane]);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Bytes(byte* source)
    {
        (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(Vector128.Load(source));
        return Vector512.Create(
            Vector256.Create(Vector128.WidenLower(lower), Vector128.WidenUpper(lower)),
            Vector256.Create(Vector128.WidenLower(upper), Vector128.WidenUpper(upper))).AsInt32();
    }

    /// <summary>Lanes from elements that lie a stride apart; zeros beyond the count.</summary>
    public static Vector512<float> Strided(float* source, long stride, int count)
    {
        Vector512<float> lanes = default;
        for (int lane = 0; lane < count; lane++)
            ((float*)&lanes)[lane] = source[lane * stride];
        return lanes;
    }
}
