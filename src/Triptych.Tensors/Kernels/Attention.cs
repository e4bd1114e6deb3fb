using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// Fused attention in blocks with online softmax (FlashAttention, Dao et al. 2022): no matrix of queries by keys in memory. The
/// backward pass recomputes the weights from the saved log-sum-exp. Results do not depend on the number of threads.
/// </summary>
internal static unsafe class Attention
{
    /// <summary>Queries and keys of a block: their scores stay in the second-level cache.</summary>
    private const int BlockQueries = 192;
    private const int BlockKeys = 256;

    /// <summary>Keys of a block when there are only a few queries: long walks over the cache.</summary>
    private const int DecodeQueries = 8;
    private const int BlockKeysDecode = 2048;

    /// <summary>Queries from which whole panels of them pay.</summary>
    private const int MinPanelQueries = 9;

    /// <summary>Writes Output, and LogSumExp if it is given.</summary>
    public static void Forward(in AttentionArguments arguments)
    {
        if (arguments.Queries >= MinPanelQueries && arguments.Dropout == 0 && Gemm.Path > SimdPath.Vector128)
        {
            if (Gemm.Path == SimdPath.Vector512)
                AttentionPanels<Simd512, Vector512<float>>.Forward(arguments);
            else
                AttentionPanels<Simd256, Vector256<float>>.Forward(arguments);
            return;
        }

        if (arguments.Queries is > 0 and <= DecodeQueries && Decode(arguments))
            return;

        ForwardBody body = new() { G = arguments };
        WorkerPool.For((long)arguments.Batch * arguments.Heads * body.QueryBlocks, 1, ref body);
    }

    /// <summary>The kernel for a few queries, on the widest vectors that divide the dimensions; false if there are none.</summary>
    private static bool Decode(in AttentionArguments arguments)
    {
        if (Gemm.Path >= SimdPath.Vector512 && AttentionDecode<Simd512, Vector512<float>>.Fits(arguments))
            AttentionDecode<Simd512, Vector512<float>>.Forward(arguments);
        else if (Gemm.Path >= SimdPath.Vector256 && AttentionDecode<Simd256, Vector256<float>>.Fits(arguments))
            AttentionDecode<Simd256, Vector256<float>>.Forward(arguments);
        else if (AttentionDecode<Simd128, Vector128<float>>.Fits(arguments))
            AttentionDecode<Simd128, Vector128<float>>.Forward(arguments);
        else
            return false;
        return true;
    }

    /// <summary>Adds the gradients of query, key, value (and bias); reads Output and LogSumExp of the forward pass.</summary>
    public static void Backward(in AttentionArguments arguments, in AttentionGradients gradients)
    {
        BackwardBody body = new() { G = arguments, D = gradients };
        long count = (long)arguments.Batch * arguments.KeyValueHeads;

        // A bias that heads or rows of the batch share has one gradient: in turn, so that its sum has one order.
        bool shared = gradients.Bias != null && ((arguments.Batch > 1 && arguments.BiasBatchStride == 0)
            || (arguments.Heads > 1 && arguments.BiasHeadStride == 0));
        WorkerPool.For(count, shared ? count : 1, ref body);
    }

    private struct ForwardBody : IRangeBody
    {
        public AttentionArguments G;

        public readonly int QueryBlocks => (G.Queries + BlockQueries - 1) / BlockQueries;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                int block = (int)(start % QueryBlocks), head = (int)(start / QueryBlocks % G.Heads);
                int first = block * BlockQueries;
                Block((int)(start / QueryBlocks / G.Heads), head, first, Math.Min(BlockQueries, G.Queries - first));
            }
        }

        private readonly void Block(int batch, int head, int firstQuery, int queries)
        {
            int blockKeys = queries <= DecodeQueries ? BlockKeysDecode : BlockKeys;
            blockKeys = Math.Min(blockKeys, G.Keys);
            int keyValueHead = head / (G.Heads / G.KeyValueHeads);
            float* scratch = GemmScratch.RentSecond(((long)queries * blockKeys) + (2 * queries) + ((long)blockKeys * Math.Max(G.HeadDim, G.ValueDim)));
            float* largest = scratch + ((long)queries * blockKeys), sums = largest + queries, tile = sums + queries;
            float* q = G.Query.Head(batch, head) + (firstQuery * G.Query.RowStride);
            float* output = G.Output.Head(batch, head) + (firstQuery * G.Output.RowStride);
            new Span<float>(largest, queries).Fill(float.NegativeInfinity);
            new Span<float>(sums, queries).Clear();

            int keyStart = AttentionScores.VisibleKeys(G, firstQuery).Start;
            int keyEnd = AttentionScores.VisibleKeys(G, firstQuery + queries - 1).End;
            bool any = false;
            for (int firstKey = keyStart; firstKey < keyEnd; firstKey += blockKeys)
            {
                int keys = Math.Min(blockKeys, keyEnd - firstKey);
                float* k = KeyValueRows.Tile(G.Key, batch, keyValueHead, firstKey, keys, 1, G.HeadDim, tile, out long keyStride);
                Gemm.Run(false, true, queries, keys, G.HeadDim, q, G.Query.RowStride, k, DType.Float32, keyStride, 0, scratch, keys, default);
                for (int i = 0; i < queries; i++)
                {
                    Row(scratch + ((long)i * keys), batch, head, firstQuery + i, firstKey, keys, ref largest[i], ref sums[i],
                        any ? output + (i * G.Output.RowStride) : null);
                }

                float* v = KeyValueRows.Tile(G.Value, batch, keyValueHead, firstKey, keys, 1, G.ValueDim, tile, out long valueStride);
                Gemm.Run(false, false, queries, G.ValueDim, keys, scratch, keys, v, DType.Float32, valueStride, any ? 1 : 0, output,
                    G.Output.RowStride, default);
                any = true;
            }

            for (int i = 0; i < queries; i++)
            {
                Span<float> row = new(output + (i * G.Output.RowStride), G.ValueDim);
                if (sums[i] == 0)
                    row.Clear();
                else
                    TensorPrimitives.Multiply(row, 1 / sums[i], row);
                if (G.LogSumExp != null)
                    G.LogSumExp[((((long)batch * G.Heads) + head) * G.Queries) + firstQuery + i] = largest[i] + MathF.Log(sums[i]);
            }
        }

        /// <summary>Scores of one query become weights relative to the largest score so far; earlier sums are rescaled to it.</summary>
        private readonly void Row(float* scores, int batch, int head, int query, int firstKey, int keys, ref float largest,
            ref float sum, float* output)
        {
            float before = largest;
            float now = MathF.Max(before, AttentionScores.Mask(G, scores, batch, head, query, firstKey, keys));
            if (float.IsNegativeInfinity(now))
            {
                new Span<float>(scores, keys).Clear();
                return;
            }

            float total = AttentionScores.Exponentiate(scores, now, keys);
            if (G.Dropout > 0)
                AttentionScores.Drop(G, scores, batch, head, query, firstKey, keys);
            if (now != before)
            {
                float scale = MathF.Exp(before - now);
                sum *= scale;
                if (output != null)
                    TensorPrimitives.Multiply(new ReadOnlySpan<float>(output, G.ValueDim), scale, new Span<float>(output, G.ValueDim));
                largest = now;
            }

            sum += total;
        }
    }

    private struct BackwardBody : IRangeBody
    {
        public AttentionArguments G;
        public AttentionGradients D;

        public readonly void Invoke(long start, long end)
        {
            int group = G.Heads / G.KeyValueHeads;
            for (; start < end; start++)
            {
                int batch = (int)(start / G.KeyValueHeads), keyValueHead = (int)(start % G.KeyValueHeads);
                for (int head = keyValueHead * group; head < (keyValueHead + 1) * group; head++)
                {
                    for (int first = 0; first < G.Queries; first += BlockQueries)
                        Block(batch, head, keyValueHead, first, Math.Min(BlockQueries, G.Queries - first));
                }
            }
        }

        private readonly void Block(int batch, int head, int keyValueHead, int firstQuery, int queries)
        {
            int blockKeys = Math.Min(BlockKeys, G.Keys);
            long area = (long)queries * blockKeys;
            float* weights = GemmScratch.RentSecond((3 * area) + queries);
            float* dropped = weights + area, gradient = dropped + area, delta = gradient + area;
            float* q = G.Query.Head(batch, head) + (firstQuery * G.Query.RowStride);
            float* dq = D.Query.Head(batch, head) + (firstQuery * D.Query.RowStride);
            float* dOutput = D.Output.Head(batch, head) + (firstQuery * D.Output.RowStride);
            float* output = G.Output.Head(batch, head) + (firstQuery * G.Output.RowStride);
            float* k = G.Key.Head(batch, keyValueHead), v = G.Value.Head(batch, keyValueHead);
            float* dk = D.Key.Head(batch, keyValueHead), dv = D.Value.Head(batch, keyValueHead);
            for (int i = 0; i < queries; i++)
            {
                delta[i] = TensorPrimitives.Dot(new ReadOnlySpan<float>(output + (i * G.Output.RowStride), G.ValueDim),
                    new ReadOnlySpan<float>(dOutput + (i * D.Output.RowStride), G.ValueDim));
            }

            int keyStart = AttentionScores.VisibleKeys(G, firstQuery).Start;
            int keyEnd = AttentionScores.VisibleKeys(G, firstQuery + queries - 1).End;
            for (int firstKey = keyStart; firstKey < keyEnd; firstKey += blockKeys)
            {
                int keys = Math.Min(blockKeys, keyEnd - firstKey);
                float* key = k + (firstKey * G.Key.RowStride), value = v + (firstKey * G.Value.RowStride);
                Gemm.Run(false, true, queries, keys, G.HeadDim, q, G.Query.RowStride, key, DType.Float32, G.Key.RowStride,
                    0, weights, keys, default);
                Gemm.Run(false, true, queries, keys, G.ValueDim, dOutput, D.Output.RowStride, value, DType.Float32,
                    G.Value.RowStride, 0, gradient, keys, default);
                for (int i = 0; i < queries; i++)
                {
                    long at = (long)i * keys;
                    Row(weights + at, dropped + at, gradient + at, delta[i], batch, head, firstQuery + i, firstKey, keys);
                }

                Gemm.Run(true, false, keys, G.ValueDim, queries, dropped, keys, dOutput, DType.Float32, D.Output.RowStride,
                    1, dv + (firstKey * D.Value.RowStride), D.Value.RowStride, default);
                Gemm.Run(false, false, queries, G.HeadDim, keys, gradient, keys, key, DType.Float32, G.Key.RowStride,
                    1, dq, D.Query.RowStride, default);
                Gemm.Run(true, false, keys, G.HeadDim, queries, gradient, keys, q, DType.Float32, G.Query.RowStride,
                    1, dk + (firstKey * D.Key.RowStride), D.Key.RowStride, default);
            }
        }

        /// <summary>
        /// In: raw products in scores, dOutput v^T in gradient. Out: the weights that multiplied v in dropped, the gradient of the
        /// raw products in gradient.
        /// </summary>
        private readonly void Row(float* scores, float* dropped, float* gradient, float delta, int batch, int head, int query,
            int firstKey, int keys)
        {
            Span<float> weights = new(scores, keys), kept = new(dropped, keys), slope = new(gradient, keys);
            float logSumExp = G.LogSumExp[((((long)batch * G.Heads) + head) * G.Queries) + query];
            if (float.IsNegativeInfinity(logSumExp))
            {
                kept.Clear();
                slope.Clear();
                return;
            }

            // The slope of cap * tanh(s / cap), while the raw products are still here; -infinity has weight 0 and slope 0.
            if (G.SoftCap > 0)
            {
                TensorPrimitives.Multiply(weights, G.Scale / G.SoftCap, kept);
                TensorPrimitives.Tanh(kept, kept);
                TensorPrimitives.Multiply(kept, kept, kept);
                TensorPrimitives.Subtract(1f, kept, kept);
            }
            else
            {
                kept.Fill(1);
            }

            // weight * (drop(gradient) - delta) is the slope of the score; the bias sees it before the cap's factor.
            AttentionScores.Mask(G, scores, batch, head, query, firstKey, keys);
            AttentionScores.Exponentiate(scores, logSumExp, keys);
            if (G.Dropout > 0)
                AttentionScores.Drop(G, gradient, batch, head, query, firstKey, keys);
            TensorPrimitives.Subtract(slope, delta, slope);
            TensorPrimitives.Multiply(slope, weights, slope);
            if (D.Bias != null)
                AddBias(gradient, batch, head, query, firstKey, keys);
            TensorPrimitives.Multiply(slope, kept, slope);
            TensorPrimitives.Multiply(slope, G.Scale, slope);
            weights.CopyTo(kept);
            if (G.Dropout > 0)
                AttentionScores.Drop(G, dropped, batch, head, query, firstKey, keys);
        }

        private readonly void AddBias(float* gradient, int batch, int head, int query, int firstKey, int keys)
        {
            float* target = D.Bias + (batch * G.BiasBatchStride) + (head * G.BiasHeadStride) + (query * G.BiasQueryStride)
                + (firstKey * G.BiasKeyStride);
            for (int j = 0; j < keys; j++)
                target[j * G.BiasKeyStride] += gradient[j];
        }
    }
}
