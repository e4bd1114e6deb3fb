using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// The forward pass for a few queries, as in decoding: keys and values are walked once, as they lie, for all heads that share
/// them. Chunks of keys run in parallel and are merged in order (Flash-Decoding, Dao et al. 2023); their length is fixed, so
/// results do not depend on the number of threads. Dimensions are multiples of a vector; no dropout.
/// </summary>
internal static unsafe class AttentionDecode<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Keys of a chunk: a walk long enough for memory, enough chunks for all threads in a long context of few heads.</summary>
    private const int ChunkKeys = 512;

    /// <summary>Keys whose scores a tile computes together, and keys that it adds up before the sums go back to memory.</summary>
    private const int ScoreKeys = 4;
    private const int ValueKeys = 8;

    /// <summary>Bytes that software prefetch runs ahead; half and twice of it were slower (measured).</summary>
    private const int AheadBytes = 8192;

    private const int CacheLine = 64;

    public static bool Fits(in AttentionArguments g) =>
        g.Dropout == 0 && g.HeadDim % TSimd.Width == 0 && g.ValueDim % TSimd.Width == 0;

    public static void Forward(in AttentionArguments g)
    {
        int start = AttentionScores.VisibleKeys(g, 0).Start, end = AttentionScores.VisibleKeys(g, g.Queries - 1).End;
        int chunks = (Math.Max(0, end - start) + ChunkKeys - 1) / ChunkKeys;
        long rows = (long)g.Batch * g.Heads * g.Queries, groups = (long)g.Batch * g.KeyValueHeads;
        float* sums = GemmScratch.RentSecond(rows * chunks * (g.ValueDim + 2));
        float* statistics = sums + (rows * chunks * g.ValueDim);
        ChunkBody chunk = new() { G = g, Start = start, End = end, Chunks = chunks, Sums = sums, Statistics = statistics };
        WorkerPool.For(groups * chunks, Gemm.Grain(groups * chunks, rows * (end - start) * (g.HeadDim + g.ValueDim)), ref chunk);
        MergeBody merge = new() { G = g, Chunks = chunks, Sums = sums, Statistics = statistics };
        WorkerPool.For(rows, Gemm.Grain(rows, rows * chunks * g.ValueDim), ref merge);
    }

    /// <summary>
    /// For every row [batch, head, query] and chunk: the sum of values by weights relative to the chunk's largest score, that
    /// score and the sum of the weights.
    /// </summary>
    private struct ChunkBody : IRangeBody
    {
        public AttentionArguments G;
        public int Start, End, Chunks;

        /// <summary>[row, chunk, valueDim] and [row, chunk, 2].</summary>
        public float* Sums, Statistics;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                long group = start / Chunks;
                Chunk((int)(group / G.KeyValueHeads), (int)(group % G.KeyValueHeads), (int)(start % Chunks));
            }
        }

        private readonly void Chunk(int batch, int keyValueHead, int chunk)
        {
            int first = Start + (chunk * ChunkKeys), keys = Math.Min(ChunkKeys, End - first);
            int heads = G.Heads / G.KeyValueHeads, firstHead = keyValueHead * heads;
            long firstRow = (((long)batch * G.Heads) + firstHead) * G.Queries;
            float* scores = GemmScratch.Rent((long)heads * G.Queries * ChunkKeys);
            Scores(batch, keyValueHead, firstHead, heads, first, keys, scores);
            float* row = scores;
            for (int i = 0; i < heads * G.Queries; i++, row += ChunkKeys)
            {
                int head = firstHead + (i / G.Queries);
                long at = ((firstRow + i) * Chunks) + chunk;
                float largest = AttentionScores.Mask(G, row, batch, head, i % G.Queries, first, keys), sum = 0;
                if (float.IsNegativeInfinity(largest))
                    new Span<float>(row, keys).Clear();
                else
                    sum = AttentionScores.Exponentiate(row, largest, keys);
                Statistics[2 * at] = largest;
                Statistics[(2 * at) + 1] = sum;
                new Span<float>(Sums + (at * G.ValueDim), G.ValueDim).Clear();
            }

            float* sums = Sums + (((firstRow * Chunks) + chunk) * G.ValueDim);
            Values(G.Value.Head(batch, keyValueHead) + (first * G.Value.RowStride), heads * G.Queries, keys, scores, sums);
        }

        /// <summary>scores [row, ChunkKeys] = raw products of the queries of a group with a chunk of keys.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Scores(int batch, int keyValueHead, int firstHead, int heads, int first, int keys, float* scores)
        {
            long stride = G.Key.RowStride, ahead = Ahead(stride, ScoreKeys);
            int dim = G.HeadDim;
            float* k = G.Key.Head(batch, keyValueHead) + (first * stride);
            for (int j = 0; j < keys; j += ScoreKeys, k += ScoreKeys * stride)
            {
                // Missing keys at the end read the first one again; nobody reads their scores.
                int count = keys - j;
                float* k1 = count > 1 ? k + stride : k, k2 = count > 2 ? k + (2 * stride) : k, k3 = count > 3 ? k + (3 * stride) : k;
                Prefetch(k + ahead, stride, ScoreKeys, dim);
                float* target = scores + j;
                for (int head = firstHead; head < firstHead + heads; head++)
                {
                    float* q = G.Query.Head(batch, head);
                    for (int query = 0; query < G.Queries; query++, q += G.Query.RowStride, target += ChunkKeys)
                    {
                        TVector s0 = default, s1 = default, s2 = default, s3 = default;
                        for (int d = 0; d < dim; d += TSimd.Width)
                        {
                            TVector x = TSimd.Load(q + d);
                            s0 = TSimd.MultiplyAdd(x, TSimd.Load(k + d), s0);
                            s1 = TSimd.MultiplyAdd(x, TSimd.Load(k1 + d), s1);
                            s2 = TSimd.MultiplyAdd(x, TSimd.Load(k2 + d), s2);
                            s3 = TSimd.MultiplyAdd(x, TSimd.Load(k3 + d), s3);
                        }

                        TSimd.Sums(s0, s1, s2, s3).Store(target);
                    }
                }
            }
        }

        /// <summary>sums [row, chunk, valueDim] += weights [row, ChunkKeys] v [keys, valueDim].</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Values(float* v, int rows, int keys, float* weights, float* sums)
        {
            long stride = G.Value.RowStride, ahead = Ahead(stride, ValueKeys), rowSums = (long)Chunks * G.ValueDim;
            int dim = G.ValueDim;
            for (int j = 0; j < keys; j += ValueKeys, v += ValueKeys * stride, weights += ValueKeys)
            {
                int count = Math.Min(ValueKeys, keys - j);
                Prefetch(v + ahead, stride, ValueKeys, dim);
                for (int row = 0; row < rows; row++)
                {
                    float* w = weights + ((long)row * ChunkKeys), target = sums + (row * rowSums);
                    int d = 0;
                    for (; d + (4 * TSimd.Width) <= dim; d += 4 * TSimd.Width)
                        Add<Four>(w, v + d, stride, count, target + d);
                    for (; d + (2 * TSimd.Width) <= dim; d += 2 * TSimd.Width)
                        Add<Two>(w, v + d, stride, count, target + d);
                    if (d < dim)
                        Add<One>(w, v + d, stride, count, target + d);
                }
            }
        }
    }

    /// <summary>target [vectors] += w [keys] v [keys, vectors].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TVectors>(float* w, float* v, long stride, int keys, float* target)
        where TVectors : struct, ICount
    {
        TVector s0 = TSimd.Load(target), s1 = default, s2 = default, s3 = default;
        if (TVectors.Value > 1)
            s1 = TSimd.Load(target + TSimd.Width);
        if (TVectors.Value > 2)
        {
            s2 = TSimd.Load(target + (2 * TSimd.Width));
            s3 = TSimd.Load(target + (3 * TSimd.Width));
        }

        for (int j = 0; j < keys; j++, v += stride)
        {
            TVector x = TSimd.Broadcast(w[j]);
            s0 = TSimd.MultiplyAdd(x, TSimd.Load(v), s0);
            if (TVectors.Value > 1)
                s1 = TSimd.MultiplyAdd(x, TSimd.Load(v + TSimd.Width), s1);
            if (TVectors.Value > 2)
            {
                s2 = TSimd.MultiplyAdd(x, TSimd.Load(v + (2 * TSimd.Width)), s2);
                s3 = TSimd.MultiplyAdd(x, TSimd.Load(v + (3 * TSimd.Width)), s3);
            }
        }

        TSimd.Store(s0, target);
        if (TVectors.Value > 1)
            TSimd.Store(s1, target + TSimd.Width);
        if (TVectors.Value > 2)
        {
            TSimd.Store(s2, target + (2 * TSimd.Width));
            TSimd.Store(s3, target + (3 * TSimd.Width));
        }
    }

    /// <summary>How far prefetch runs ahead, in elements: whole rows, at least those that are being read.</summary>
    private static long Ahead(long stride, int rows) => stride * Math.Max(rows, AheadBytes / (sizeof(float) * Math.Max(stride, 1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* source, long stride, int rows, int dim)
    {
        if (!Sse.IsSupported)
            return;
        for (int row = 0; row < rows; row++, source += stride)
        {
            for (int d = 0; d < dim; d += CacheLine / sizeof(float))
                Sse.Prefetch0(source + d);
        }
    }

    /// <summary>Output and LogSumExp of rows from their chunks.</summary>
    private struct MergeBody : IRangeBody
    {
        public AttentionArguments G;
        public int Chunks;
        public float* Sums, Statistics;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* statistics = Statistics + (row * Chunks * 2);
                float largest = float.NegativeInfinity, total = 0;
                for (int chunk = 0; chunk < Chunks; chunk++)
                    largest = MathF.Max(largest, statistics[2 * chunk]);

                long head = row / G.Queries;
                Span<float> output = new(G.Output.Head((int)(head / G.Heads), (int)(head % G.Heads))
                    + (row % G.Queries * G.Output.RowStride), G.ValueDim);
                output.Clear();
                for (int chunk = 0; chunk < Chunks; chunk++)
                {
                    float sum = statistics[(2 * chunk) + 1];
                    if (sum == 0)
                        continue;
                    float scale = MathF.Exp(statistics[2 * chunk] - largest);
                    total += scale * sum;
                    TensorPrimitives.FusedMultiplyAdd(
                        new ReadOnlySpan<float>(Sums + (((row * Chunks) + chunk) * G.ValueDim), G.ValueDim), scale, output, output);
                }

                if (total != 0)
                    TensorPrimitives.Multiply(output, 1 / total, output);
                if (G.LogSumExp != null)
                    G.LogSumExp[row] = largest + MathF.Log(total);
            }
        }
    }
}
