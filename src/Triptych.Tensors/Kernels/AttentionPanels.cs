using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>
/// The forward pass for many queries, on panels of two vectors of queries. The tile of the matrix product computes the scores
/// transposed, [keys, panel]: softmax then needs no sums across lanes, and the weights are already packed for the product
/// with v. Keys and values are packed once for all panels of a block.
/// </summary>
internal static unsafe class AttentionPanels<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Queries that share packed keys and values; their own panels stay in the second-level cache.</summary>
    private const int BlockQueries = 512;

    /// <summary>Keys of a block, a multiple of every tile's rows: the weights of a panel stay in the first-level cache.</summary>
    private const int BlockKeys = 192;

    /// <summary>A panel's scale factors and the largest tile.</summary>
    private const int TileFloats = (1 + 12) * 32;

    private static int Panel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Forward(in AttentionArguments arguments)
    {
        // Enough blocks for all threads, of whole panels.
        long rows = (long)arguments.Batch * arguments.Heads;
        int wanted = (int)Math.Clamp(4L * WorkerPool.ThreadCount / rows, 1, (arguments.Queries + Panel - 1) / Panel);
        int blocks = Math.Max(wanted, (arguments.Queries + BlockQueries - 1) / BlockQueries);
        int queries = RoundUp((arguments.Queries + blocks - 1) / blocks, Panel);
        Body body = new() { G = arguments, Queries = queries, Blocks = (arguments.Queries + queries - 1) / queries };
        WorkerPool.For(rows * body.Blocks, 1, ref body);
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private struct Body : IRangeBody
    {
        public AttentionArguments G;
        public int Queries, Blocks;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                // The last queries see the most keys: first.
                int block = Blocks - 1 - (int)(start % Blocks), head = (int)(start / Blocks % G.Heads);
                int first = block * Queries;
                Block((int)(start / Blocks / G.Heads), head, first, Math.Min(Queries, G.Queries - first));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Block(int batch, int head, int firstQuery, int queries)
        {
            int panels = (queries + Panel - 1) / Panel, values = RoundUp(G.ValueDim, TSimd.PanelRows);
            long query = (long)G.HeadDim * Panel, sum = (long)values * Panel;
            long floats = (panels * (query + sum + (2 * Panel))) + ((long)BlockKeys * (G.HeadDim + values + Panel + Math.Max(G.HeadDim, G.ValueDim))) + TileFloats;
            float* scratch = GemmScratch.RentSecond(floats);
            float* q = scratch, sums = q + (panels * query), statistics = sums + (panels * sum), k = statistics + (panels * 2 * Panel);
            float* v = k + ((long)BlockKeys * G.HeadDim), weights = v + ((long)BlockKeys * values), tile = weights + ((long)BlockKeys * Panel), rows = tile + TileFloats;

            AttentionTensor source = G.Query;
            for (int panel = 0; panel < panels; panel++)
            {
                float* target = q + (panel * query);
                GemmPack.Transposed<Float32Element>((byte*)(source.Head(batch, head) + ((firstQuery + (panel * Panel)) * source.RowStride)),
                    source.RowStride, Math.Min(Panel, queries - (panel * Panel)), Panel, G.HeadDim, target);
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(target, (int)query), G.Scale, new Span<float>(target, (int)query));
                new Span<float>(statistics + (panel * 2 * Panel), Panel).Fill(float.NegativeInfinity);
                new Span<float>(statistics + (panel * 2 * Panel) + Panel, Panel).Clear();
            }

            new Span<float>(sums, checked((int)(panels * sum))).Clear();
            int keyStart = AttentionScores.VisibleKeys(G, firstQuery).Start;
            int keyEnd = AttentionScores.VisibleKeys(G, firstQuery + queries - 1).End;
            for (int firstKey = keyStart; firstKey < keyEnd; firstKey += BlockKeys)
            {
                int keys = Math.Min(BlockKeys, keyEnd - firstKey);
                Pack(batch, head / (G.Heads / G.KeyValueHeads), firstKey, keys, k, v, rows);
                for (int panel = 0; panel < panels; panel++)
                {
                    int first = firstQuery + (panel * Panel), last = Math.Min(first + Panel, firstQuery + queries) - 1;
                    int seen = Math.Min(keys, AttentionScores.VisibleKeys(G, last).End - firstKey);
                    if (seen <= 0 || AttentionScores.VisibleKeys(G, first).Start >= firstKey + keys)
                        continue;
                    for (int j = 0; j < seen; j += TSimd.PanelRows)
                    {
                        GemmKernel<TSimd, TVector>.Tile(TSimd.PanelRows, Panel, G.HeadDim, k + ((long)j * G.HeadDim), q + (panel * query),
                            weights + ((long)j * Panel));
                    }

                    float* largest = statistics + (panel * 2 * Panel);
                    float* scale = tile;
                    Softmax(weights, seen, batch, head, first, firstKey, largest, largest + Panel, scale);
                    AddValues(weights, seen, keys, v, scale, sums + (panel * sum), tile + Panel);
                }
            }

            for (int panel = 0; panel < panels; panel++)
            {
                Store(batch, head, firstQuery + (panel * Panel), Math.Min(Panel, queries - (panel * Panel)), sums + (panel * sum),
                    statistics + (panel * 2 * Panel), weights);
            }
        }

        /// <summary>k [key tile, headDim, keys of the tile], v [value tile, keys, values of the tile].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Pack(int batch, int head, int firstKey, int keys, float* k, float* v, float* tile)
        {
            float* key = KeyValueRows.Tile(G.Key, batch, head, firstKey, keys, 1, G.HeadDim, tile, out long stride);
            for (int j = 0; j < keys; j += TSimd.PanelRows)
            {
                GemmPack.Transposed<Float32Element>((byte*)(key + (j * stride)), stride, Math.Min(TSimd.PanelRows, keys - j),
                    TSimd.PanelRows, G.HeadDim, k + ((long)j * G.HeadDim));
            }

            float* value = KeyValueRows.Tile(G.Value, batch, head, firstKey, keys, 1, G.ValueDim, tile, out stride);
            for (int d = 0; d < G.ValueDim; d += TSimd.PanelRows)
            {
                GemmPack.Straight<Float32Element>((byte*)(value + d), stride, Math.Min(TSimd.PanelRows, G.ValueDim - d),
                    TSimd.PanelRows, keys, v + ((long)d * keys));
            }
        }

        /// <summary>
        /// Scores [keys, panel] become weights relative to each query's largest score so far; scale [panel] is what earlier sums
        /// shrink by.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Softmax(float* scores, int keys, int batch, int head, int firstQuery, int firstKey, float* largest,
            float* total, float* scale)
        {
            (int start, int end) = AttentionScores.VisibleKeys(G, firstQuery);
            int lastStart = AttentionScores.VisibleKeys(G, firstQuery + Panel - 1).Start;
            bool plain = start <= firstKey && lastStart <= firstKey && end >= firstKey + keys && G.SoftCap == 0 && G.Bias == null
                && G.KeyPaddingMask == null;
            for (int lane = 0; lane < Panel; lane += Vector512<float>.Count)
            {
                float* column = scores + lane;
                if (!plain)
                    Mask(column, keys, batch, head, firstQuery + lane, firstKey);
                Vector512<float> before = Vector512.Load(largest + lane), now = before, other = before;
                int j = 0;
                for (; j + 2 <= keys; j += 2)
                {
                    now = Vector512.Max(now, Vector512.Load(column + ((long)j * Panel)));
                    other = Vector512.Max(other, Vector512.Load(column + ((long)(j + 1) * Panel)));
                }

                if (j < keys)
                    now = Vector512.Max(now, Vector512.Load(column + ((long)j * Panel)));
                now = Vector512.Max(now, other);

                // Where a query has seen nothing yet, all scores are -infinity: any finite shift gives weights of zero.
                Vector512<float> shift = Vector512.ConditionalSelect(Vector512.Equals(now, Vector512.Create(float.NegativeInfinity)),
                    Vector512<float>.Zero, now);
                Vector512<float> sum = default;
                for (j = 0; j < keys; j++)
                {
                    float* at = column + ((long)j * Panel);
                    Vector512<float> weight = VectorMath.Exp(Vector512.Load(at) - shift);
                    weight.Store(at);
                    sum += weight;
                }

                Vector512<float> shrink = VectorMath.Exp(before - shift);
                shrink.Store(scale + lane);
                now.Store(largest + lane);
                ((Vector512.Load(total + lane) * shrink) + sum).Store(total + lane);
            }
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
            for (int j = 0; j < keys; j++, scores += Panel)
            {
                if (mask != null && mask[j] == 0)
                {
                    hidden.Store(scores);
                    continue;
                }

                var score = Vector512.Load(scores);
                if (G.SoftCap > 0)
                    score = cap * VectorMath.Tanh(score / cap);
                if (bias != null)
                    score += AttentionScores.Strided(bias + (j * G.BiasKeyStride), G.BiasQueryStride, lanes);
                Vector512<int> key = Vector512.Create(firstKey + j);
                Vector512<int> seen = Vector512.LessThanOrEqual(key, end) & Vector512.GreaterThan(key, start);
                Vector512.ConditionalSelect(seen.AsSingle(), score, hidden).Store(scores);
            }
        }

        /// <summary>sums [values, panel] = scale * sums + v^T weights.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void AddValues(float* weights, int seen, int keys, float* v, float* scale, float* sums, float* tile)
        {
            TVector first = TSimd.Load(scale), second = TSimd.Load(scale + TSimd.Width);
            for (int d = 0; d < G.ValueDim; d += TSimd.PanelRows)
            {
                int rows = Math.Min(TSimd.PanelRows, G.ValueDim - d);
                GemmKernel<TSimd, TVector>.Tile(rows, Panel, seen, v + ((long)d * keys), weights, tile);
                float* target = sums + ((long)d * Panel), part = tile;
                for (int row = 0; row < rows; row++, target += Panel, part += Panel)
                {
                    TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(target), first, TSimd.Load(part)), target);
                    TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(target + TSimd.Width), second, TSimd.Load(part + TSimd.Width)),
                        target + TSimd.Width);
                }
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
                    statistics[i] + MathF.Log(statistics[Panel + i]);
            }
        }
    }
}
