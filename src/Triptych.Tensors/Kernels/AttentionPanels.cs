using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// The forward pass for many queries, on panels of two vectors of queries. The tile of the matrix product computes the scores
/// transposed, [keys, panel]: softmax then needs no sums across lanes, and the weights are already packed for the product
/// with v. Keys and values are packed once for all panels of a block, which has the queries of all heads that share them.
/// </summary>
/// <remarks>Scores are exponents of two until the end: scale * log2(e) is folded into the queries.</remarks>
internal static unsafe class AttentionPanels<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Queries of a block at most, and floats of queries and sums, which stay in the second-level cache.</summary>
    private const int BlockQueries = 512, BlockFloats = 96 * 1024;

    /// <summary>Keys of a block, a multiple of every tile's rows: the weights of a panel stay in the first-level cache.</summary>
    private const int BlockKeys = 192;

    /// <summary>Blocks a thread, so that an uneven last one does not matter.</summary>
    private const int BlocksPerThread = 4;

    private static int Panel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Forward(in AttentionArguments arguments)
    {
        // Whole panels, and enough blocks for all threads.
        int group = arguments.Heads / arguments.KeyValueHeads, panels = (arguments.Queries + Panel - 1) / Panel;
        long groups = (long)arguments.Batch * arguments.KeyValueHeads;
        int most = Math.Min(BlockQueries, BlockFloats / (arguments.HeadDim + arguments.ValueDim)) / group;
        int blocks = (arguments.Queries + Math.Max(most, Panel) - 1) / Math.Max(most, Panel);
        blocks = Math.Clamp((int)(((BlocksPerThread * WorkerPool.ThreadCount) + groups - 1) / groups), blocks, panels);
        int queries = (panels + blocks - 1) / blocks * Panel;
        Body body = new() { G = arguments, Queries = queries, Blocks = (arguments.Queries + queries - 1) / queries };
        WorkerPool.For(groups * body.Blocks, 1, ref body);
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private struct Body : IRangeBody
    {
        public AttentionArguments G;
        public int Queries, Blocks;

        /// <summary>Scores go through a soft cap or get a bias before they are exponents.</summary>
        private readonly bool Adjusts => G.SoftCap > 0 || G.Bias != null;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                // The last queries see the most keys: first.
                int block = Blocks - 1 - (int)(start % Blocks), keyValueHead = (int)(start / Blocks % G.KeyValueHeads);
                int first = block * Queries;
                Block((int)(start / Blocks / G.KeyValueHeads), keyValueHead, first, Math.Min(Queries, G.Queries - first));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Block(int batch, int keyValueHead, int firstQuery, int queries)
        {
            int heads = G.Heads / G.KeyValueHeads, headPanels = (queries + Panel - 1) / Panel, panels = heads * headPanels;
            int values = RoundUp(G.ValueDim, TSimd.PanelRows), widest = Math.Max(G.HeadDim, G.ValueDim);
            long query = (long)G.HeadDim * Panel, sum = (long)values * Panel;
            long floats = (panels * (query + sum + (2 * Panel))) + ((long)BlockKeys * (G.HeadDim + values + Panel + widest)) + Panel;
            float* q = GemmScratch.RentSecond(floats);
            float* sums = q + (panels * query), statistics = sums + (panels * sum), k = statistics + (panels * 2 * Panel);
            float* v = k + ((long)BlockKeys * G.HeadDim), weights = v + ((long)BlockKeys * values);
            float* scale = weights + ((long)BlockKeys * Panel), rows = scale + Panel;

            for (int panel = 0; panel < panels; panel++)
                PackQueries(batch, (keyValueHead * heads) + (panel / headPanels), firstQuery, queries, panel % headPanels, q + (panel * query));
            new Span<float>(sums, checked((int)(panels * sum))).Clear();
            for (int panel = 0; panel < panels; panel++)
            {
                new Span<float>(statistics + (panel * 2 * Panel), Panel).Fill(float.NegativeInfinity);
                new Span<float>(statistics + (panel * 2 * Panel) + Panel, Panel).Clear();
            }

            int keyStart = AttentionScores.VisibleKeys(G, firstQuery).Start;
            int keyEnd = AttentionScores.VisibleKeys(G, firstQuery + queries - 1).End;
            for (int firstKey = keyStart; firstKey < keyEnd; firstKey += BlockKeys)
            {
                int keys = Math.Min(BlockKeys, keyEnd - firstKey);
                if (IsPadding(batch, firstKey, keys))
                    continue;
                Pack(batch, keyValueHead, firstKey, keys, k, v, rows);
                for (int panel = 0; panel < panels; panel++)
                {
                    int first = firstQuery + (panel % headPanels * Panel), last = Math.Min(first + Panel, firstQuery + queries) - 1;
                    int seen = Math.Min(keys, AttentionScores.VisibleKeys(G, last).End - firstKey);
                    if (seen <= 0 || AttentionScores.VisibleKeys(G, first).Start >= firstKey + keys)
                        continue;
                    for (int j = 0; j < seen; j += TSimd.PanelRows)
                    {
                        GemmKernel<TSimd, TVector>.Tile(TSimd.PanelRows, Panel, G.HeadDim, k + ((long)j * G.HeadDim), q + (panel * query),
                            weights + ((long)j * Panel));
                    }

                    float* largest = statistics + (panel * 2 * Panel);
                    if (Softmax(weights, seen, batch, (keyValueHead * heads) + (panel / headPanels), first, firstKey, largest, largest + Panel, scale))
                        Shrink(sums + (panel * sum), scale);
                    for (int d = 0; d < G.ValueDim; d += TSimd.PanelRows)
                    {
                        GemmKernel<TSimd, TVector>.Tile(RoundUp(Math.Min(TSimd.PanelRows, G.ValueDim - d), 2), Panel, seen, v + ((long)d * keys),
                            weights, null, sums + (panel * sum) + ((long)d * Panel), Panel, add: true);
                    }
                }
            }

            for (int panel = 0; panel < panels; panel++)
            {
                int first = panel % headPanels * Panel;
                Store(batch, (keyValueHead * heads) + (panel / headPanels), firstQuery + first, Math.Min(Panel, queries - first),
                    sums + (panel * sum), statistics + (panel * 2 * Panel), weights);
            }
        }

        /// <summary>target [headDim, panel] = the scaled queries of a panel.</summary>
        private readonly void PackQueries(int batch, int head, int firstQuery, int queries, int panel, float* target)
        {
            AttentionTensor source = G.Query;
            GemmPack.Transposed<Float32Element>(source.Row(batch, head, firstQuery + (panel * Panel)), source.RowStride,
                Math.Min(Panel, queries - (panel * Panel)), Panel, G.HeadDim, target);
            Span<float> packed = new(target, G.HeadDim * Panel);
            TensorPrimitives.Multiply(packed, Adjusts ? G.Scale : G.Scale * AttentionScores.Log2E, packed);
        }

        /// <summary>Whether nobody sees any of some keys.</summary>
        private readonly bool IsPadding(int batch, int firstKey, int keys) =>
            G.KeyPaddingMask != null && !new ReadOnlySpan<byte>(G.KeyPaddingMask + ((long)batch * G.Keys) + firstKey, keys).ContainsAnyExcept((byte)0);

        /// <summary>k [key tile, headDim, keys of the tile], v [value tile, keys, values of the tile].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Pack(int batch, int head, int firstKey, int keys, float* k, float* v, float* rows)
        {
            float* key = KeyValueRows.Tile(G.Key, batch, head, firstKey, keys, 1, G.HeadDim, rows, out long stride);
            for (int j = 0; j < keys; j += TSimd.PanelRows)
            {
                GemmPack.Transposed<Float32Element>((byte*)(key + (j * stride)), stride, Math.Min(TSimd.PanelRows, keys - j),
                    TSimd.PanelRows, G.HeadDim, k + ((long)j * G.HeadDim));
            }

            float* value = KeyValueRows.Tile(G.Value, batch, head, firstKey, keys, 1, G.ValueDim, rows, out stride);
            for (int d = 0; d < G.ValueDim; d += TSimd.PanelRows)
            {
                GemmPack.Straight<Float32Element>((byte*)(value + d), stride, Math.Min(TSimd.PanelRows, G.ValueDim - d),
                    TSimd.PanelRows, keys, v + ((long)d * keys));
            }
        }

        /// <summary>
        /// Scores [keys, panel] become weights relative to each query's largest score so far; scale [panel] is what earlier sums
        /// shrink by. Returns whether any does.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly bool Softmax(float* scores, int keys, int batch, int head, int firstQuery, int firstKey, float* largest,
            float* total, float* scale)
        {
            // Masks of position touch the keys from the first query's last on, and those before the last query's first.
            int plainEnd = AttentionScores.VisibleKeys(G, firstQuery).End - firstKey;
            int plainStart = AttentionScores.VisibleKeys(G, firstQuery + Panel - 1).Start - firstKey;
            bool everywhere = Adjusts || G.KeyPaddingMask != null || plainStart > 0, shrinks = false;
            int masked = everywhere ? 0 : Math.Clamp(plainEnd, 0, keys);
            for (int lane = 0; lane < Panel; lane += Vector512<float>.Count)
            {
                float* column = scores + lane;
                if (masked < keys)
                    Mask(column + ((long)masked * Panel), keys - masked, batch, head, firstQuery + lane, firstKey + masked);
                Vector512<float> before = Vector512.Load(largest + lane), now = before, other = before;
                int j = 0;
                for (; j + 2 <= keys; j += 2)
                {
                    now = Vector512.MaxNative(now, Vector512.Load(column + ((long)j * Panel)));
                    other = Vector512.MaxNative(other, Vector512.Load(column + ((long)(j + 1) * Panel)));
                }

                if (j < keys)
                    now = Vector512.MaxNative(now, Vector512.Load(column + ((long)j * Panel)));
                now = Vector512.MaxNative(now, other);

                // Where a query has seen nothing yet, all scores are -infinity: any finite shift gives weights of zero.
                Vector512<float> shift = Vector512.ConditionalSelect(Vector512.Equals(now, Vector512.Create(float.NegativeInfinity)),
                    Vector512<float>.Zero, now);
                Vector512<float> sum = default;
                for (j = 0; j < keys; j++)
                {
                    float* at = column + ((long)j * Panel);
                    Vector512<float> weight = VectorMath.Exp2(Vector512.Load(at) - shift);
                    weight.Store(at);
                    sum += weight;
                }

                Vector512<float> shrink = VectorMath.Exp2(before - shift);
                shrinks |= !Vector512.EqualsAll(shrink, Vector512<float>.One);
                shrink.Store(scale + lane);
                now.Store(largest + lane);
                ((Vector512.Load(total + lane) * shrink) + sum).Store(total + lane);
            }

            return shrinks;
        }

        /// <summary>Soft cap, bias and masks for a vector of queries.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Mask(float* scores, int keys, int batch, int head, int firstQuery, int firstKey)
        {
            Vector512<int> position = Vector512.Create(firstQuery + G.Keys - G.Queries) + Vector512<int>.Indices;
            Vector512<int> end = G.Causal || G.SlidingWindow > 0 ? position : Vector512.Create(int.MaxValue);
            Vector512<int> start = G.SlidingWindow > 0 ? position - Vector512.Create(G.SlidingWindow) : Vector512.Create(-1);
            Vector512<float> cap = Vector512.Create(G.SoftCap), hidden = Vector512.Create(float.NegativeInfinity);
            byte* mask = G.KeyPaddingMask == null ? null : G.KeyPaddingMask + ((long)batch * G.Keys) + firstKey;
            float* bias = G.Bias == null ? null
                : G.Bias + (batch * G.BiasBatchStride) + (head * G.BiasHeadStride) + (firstQuery * G.BiasQueryStride) + (firstKey * G.BiasKeyStride);
            int lanes = Math.Clamp(G.Queries - firstQuery, 0, Vector512<float>.Count);
            bool positional = G.Causal || G.SlidingWindow > 0, adjusts = Adjusts;
            for (int j = 0; j < keys; j++, scores += Panel)
            {
                if (mask != null && mask[j] == 0)
                {
                    hidden.Store(scores);
                    continue;
                }

                if (!adjusts && !positional)
                    continue;
                var score = Vector512.Load(scores);
                if (G.SoftCap > 0)
                    score = cap * VectorMath.Tanh(score / cap);
                if (bias != null)
                    score += AttentionScores.Strided(bias + (j * G.BiasKeyStride), G.BiasQueryStride, lanes);
                if (adjusts)
                    score *= AttentionScores.Log2E;
                Vector512<int> key = Vector512.Create(firstKey + j);
                Vector512<int> seen = Vector512.LessThanOrEqual(key, end) & Vector512.GreaterThan(key, start);
                Vector512.ConditionalSelect(seen.AsSingle(), score, hidden).Store(scores);
            }
        }

        /// <summary>sums [values, panel] *= scale [panel].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Shrink(float* sums, float* scale)
        {
            TVector first = TSimd.Load(scale), second = TSimd.Load(scale + TSimd.Width);
            for (int d = 0; d < G.ValueDim; d++, sums += Panel)
            {
                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(sums), first, default), sums);
                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(sums + TSimd.Width), second, default), sums + TSimd.Width);
            }
        }

        /// <summary>Divides by the sums of weights; rows [panel, values] by way of `buffer`, which holds a block of weights.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Store(int batch, int head, int firstQuery, int queries, float* sums, float* statistics, float* buffer)
        {
            float* output = G.Output.Head(batch, head) + (firstQuery * G.Output.RowStride);
            for (int d = 0; d < G.ValueDim; d += BlockKeys)
            {
                int count = Math.Min(BlockKeys, G.ValueDim - d);
                GemmPack.Transposed<Float32Element>((byte*)(sums + ((long)d * Panel)), Panel, count, count, queries, buffer);
                for (int i = 0; i < queries; i++)
                {
                    float sum = statistics[Panel + i];
                    Span<float> target = new(output + (i * G.Output.RowStride) + d, count);
                    if (sum == 0)
                        target.Clear();
                    else
                        TensorPrimitives.Multiply(new ReadOnlySpan<float>(buffer + ((long)i * count), count), 1 / sum, target);
                }
            }

            if (G.LogSumExp == null)
                return;
            for (int i = 0; i < queries; i++)
            {
                G.LogSumExp[((((long)batch * G.Heads) + head) * G.Queries) + firstQuery + i] =
                    (statistics[i] / AttentionScores.Log2E) + MathF.Log(statistics[Panel + i]);
            }
        }
    }
}
