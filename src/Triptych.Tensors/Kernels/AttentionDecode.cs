using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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

    /// <summary>Keys whose products with a query are computed together.</summary>
    private const int ScoreKeys = 8;

    /// <summary>Keys that are added up before the sums go back to memory.</summary>
    private const int ValueKeys = 16;

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
            TrimPadding(batch, ref first, ref keys);
            int heads = G.Heads / G.KeyValueHeads, firstHead = keyValueHead * heads, rows = heads * G.Queries;
            long firstRow = (((long)batch * G.Heads) + firstHead) * G.Queries;
            float* queries = GemmScratch.Rent(((long)rows * (G.HeadDim + ChunkKeys))
                + ((long)KeyValueRows.TileRows * Math.Max(G.HeadDim, G.ValueDim)));
            float* scores = queries + ((long)rows * G.HeadDim), tile = scores + ((long)rows * ChunkKeys);
            for (int i = 0; i < rows; i++)
            {
                float* query = G.Query.Head(batch, firstHead + (i / G.Queries)) + (i % G.Queries * G.Query.RowStride);
                new ReadOnlySpan<float>(query, G.HeadDim).CopyTo(new Span<float>(queries + ((long)i * G.HeadDim), G.HeadDim));
            }

            for (int j = 0; j < keys; j += KeyValueRows.TileRows)
            {
                int count = Math.Min(KeyValueRows.TileRows, keys - j);
                float* k = KeyValueRows.Tile(G.Key, batch, keyValueHead, first + j, count, ScoreKeys, G.HeadDim, tile, out long stride);
                Scores(queries, rows, G.HeadDim, k, stride, count, scores + j, G.Key, G.Key.Row(batch, keyValueHead, first + j));
            }

            float* row = scores, sums = Sums + (((firstRow * Chunks) + chunk) * G.ValueDim);
            for (int i = 0; i < rows; i++, row += ChunkKeys)
            {
                float largest = AttentionScores.Mask(G, row, batch, firstHead + (i / G.Queries), i % G.Queries, first, keys), sum = 0;
                if (float.IsNegativeInfinity(largest))
                    new Span<float>(row, keys).Clear();
                else
                    sum = AttentionScores.Exponentiate(row, largest, keys);
                float* statistics = Statistics + (2 * (((firstRow + i) * Chunks) + chunk));
                statistics[0] = largest;
                statistics[1] = sum;
                new Span<float>(sums + (i * (long)Chunks * G.ValueDim), G.ValueDim).Clear();
            }

            for (int j = 0; j < keys; j += KeyValueRows.TileRows)
            {
                int count = Math.Min(KeyValueRows.TileRows, keys - j);
                float* v = KeyValueRows.Tile(G.Value, batch, keyValueHead, first + j, count, 1, G.ValueDim, tile, out long stride);
                byte* source = G.Value.Row(batch, keyValueHead, first + j);
                long rowBytes = G.Value.Type.BytesOf(G.Value.RowStride);
                for (int i = 0; i < count; i += ValueKeys, v += ValueKeys * stride)
                {
                    KeyValueRows.Prefetch(source + (i * rowBytes), rowBytes, ValueKeys, G.Value.Type.BytesOf(G.ValueDim));
                    AddValues(scores + j + i, rows, v, stride, Math.Min(ValueKeys, count - i), G.ValueDim, sums, (long)Chunks * G.ValueDim);
                }
            }
        }

        /// <summary>Keys that padding hides at either end of a chunk are not read: rows of a ragged batch cost what they hold.</summary>
        private readonly void TrimPadding(int batch, ref int first, ref int keys)
        {
            if (G.KeyPaddingMask == null)
                return;
            ReadOnlySpan<byte> mask = new(G.KeyPaddingMask + ((long)batch * G.Keys) + first, keys);
            int seen = mask.IndexOfAnyExcept((byte)0);
            first += Math.Max(seen, 0);
            keys = seen < 0 ? 0 : mask.LastIndexOfAnyExcept((byte)0) + 1 - seen;
        }
    }

    /// <summary>scores [row, ChunkKeys] = q [rows, dim] k [keys, dim]^T; k and scores are addressable up to a multiple of ScoreKeys.</summary>
    private static void Scores(float* q, int rows, int dim, float* k, long stride, int keys, float* scores, in AttentionTensor key, byte* source)
    {
        long rowBytes = key.Type.BytesOf(key.RowStride), dimBytes = key.Type.BytesOf(dim);
        for (int j = 0; j < keys; j += ScoreKeys, k += ScoreKeys * stride, scores += ScoreKeys, source += ScoreKeys * rowBytes)
        {
            KeyValueRows.Prefetch(source, rowBytes, ScoreKeys, dimBytes);
            int row = 0;
            for (; TSimd.Width == Vector512<float>.Count && row + 2 <= rows; row += 2)
                Products<Two>(q + ((long)row * dim), dim, k, stride, scores + ((long)row * ChunkKeys));
            for (; row < rows; row++)
                Products<One>(q + ((long)row * dim), dim, k, stride, scores + ((long)row * ChunkKeys));
        }
    }

    /// <summary>One or two queries by eight keys; the second query is of no interest if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Products<TRows>(float* q, int dim, float* k, long stride, float* scores)
        where TRows : struct, ICount
    {
        TVector s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        TVector t0 = default, t1 = default, t2 = default, t3 = default, t4 = default, t5 = default, t6 = default, t7 = default;
        float* k3 = k + (3 * stride), k6 = k3 + (3 * stride);
        for (int d = 0; d < dim; d += TSimd.Width)
        {
            TVector x = TSimd.Load(q + d), y = TRows.Value > 1 ? TSimd.Load(q + dim + d) : default;
            Add<TRows>(x, y, k + d, ref s0, ref t0);
            Add<TRows>(x, y, k + stride + d, ref s1, ref t1);
            Add<TRows>(x, y, k + (2 * stride) + d, ref s2, ref t2);
            Add<TRows>(x, y, k3 + d, ref s3, ref t3);
            Add<TRows>(x, y, k3 + stride + d, ref s4, ref t4);
            Add<TRows>(x, y, k3 + (2 * stride) + d, ref s5, ref t5);
            Add<TRows>(x, y, k6 + d, ref s6, ref t6);
            Add<TRows>(x, y, k6 + stride + d, ref s7, ref t7);
        }

        TSimd.StoreSums(s0, s1, s2, s3, s4, s5, s6, s7, scores);
        if (TRows.Value > 1)
            TSimd.StoreSums(t0, t1, t2, t3, t4, t5, t6, t7, scores + ChunkKeys);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TRows>(TVector x, TVector y, float* key, ref TVector first, ref TVector second)
        where TRows : struct, ICount
    {
        TVector k = TSimd.Load(key);
        first = TSimd.MultiplyAdd(x, k, first);
        if (TRows.Value > 1)
            second = TSimd.MultiplyAdd(y, k, second);
    }

    /// <summary>sums [row, sumStride] += weights [row, ChunkKeys] v [keys, dim].</summary>
    private static void AddValues(float* weights, int rows, float* v, long stride, int keys, int dim, float* sums, long sumStride)
    {
        int row = 0;
        for (; TSimd.Width == Vector512<float>.Count && row + 4 <= rows; row += 4)
            AddValues<Four>(weights + ((long)row * ChunkKeys), v, stride, keys, dim, sums + (row * sumStride), sumStride);
        for (; row + 2 <= rows; row += 2)
            AddValues<Two>(weights + ((long)row * ChunkKeys), v, stride, keys, dim, sums + (row * sumStride), sumStride);
        if (row < rows)
            AddValues<One>(weights + ((long)row * ChunkKeys), v, stride, keys, dim, sums + (row * sumStride), sumStride);
    }

    private static void AddValues<TRows>(float* weights, float* v, long stride, int keys, int dim, float* sums, long sumStride)
        where TRows : struct, ICount
    {
        int d = 0;
        for (; d + (4 * TSimd.Width) <= dim; d += 4 * TSimd.Width)
            AddValues<TRows, Four>(weights, v + d, stride, keys, sums + d, sumStride);
        for (; d + (2 * TSimd.Width) <= dim; d += 2 * TSimd.Width)
            AddValues<TRows, Two>(weights, v + d, stride, keys, sums + d, sumStride);
        if (d < dim)
            AddValues<TRows, One>(weights, v + d, stride, keys, sums + d, sumStride);
    }

    /// <summary>A register tile of up to four rows by four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues<TRows, TVectors>(float* w, float* v, long stride, int keys, float* sums, long sumStride)
        where TRows : struct, ICount
        where TVectors : struct, ICount
    {
        Sums<TVectors> r0 = new(sums), r1 = default, r2 = default, r3 = default;
        if (TRows.Value > 1)
            r1 = new(sums + sumStride);
        if (TRows.Value > 2)
        {
            r2 = new(sums + (2 * sumStride));
            r3 = new(sums + (3 * sumStride));
        }

        for (int j = 0; j < keys; j++, v += stride, w++)
        {
            TVector v0 = TSimd.Load(v), v1 = default, v2 = default, v3 = default;
            if (TVectors.Value > 1)
                v1 = TSimd.Load(v + TSimd.Width);
            if (TVectors.Value > 2)
            {
                v2 = TSimd.Load(v + (2 * TSimd.Width));
                v3 = TSimd.Load(v + (3 * TSimd.Width));
            }

            r0.Add(TSimd.Broadcast(w[0]), v0, v1, v2, v3);
            if (TRows.Value > 1)
                r1.Add(TSimd.Broadcast(w[ChunkKeys]), v0, v1, v2, v3);
            if (TRows.Value > 2)
            {
                r2.Add(TSimd.Broadcast(w[2 * ChunkKeys]), v0, v1, v2, v3);
                r3.Add(TSimd.Broadcast(w[3 * ChunkKeys]), v0, v1, v2, v3);
            }
        }

        r0.Store(sums);
        if (TRows.Value > 1)
            r1.Store(sums + sumStride);
        if (TRows.Value > 2)
        {
            r2.Store(sums + (2 * sumStride));
            r3.Store(sums + (3 * sumStride));
        }
    }

    /// <summary>Up to four vectors of a row's sums.</summary>
    private struct Sums<TVectors>
        where TVectors : struct, ICount
    {
        private TVector s0, s1, s2, s3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Sums(float* source)
        {
            s0 = TSimd.Load(source);
            if (TVectors.Value > 1)
                s1 = TSimd.Load(source + TSimd.Width);
            if (TVectors.Value > 2)
            {
                s2 = TSimd.Load(source + (2 * TSimd.Width));
                s3 = TSimd.Load(source + (3 * TSimd.Width));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(TVector weight, TVector v0, TVector v1, TVector v2, TVector v3)
        {
            s0 = TSimd.MultiplyAdd(weight, v0, s0);
            if (TVectors.Value > 1)
                s1 = TSimd.MultiplyAdd(weight, v1, s1);
            if (TVectors.Value > 2)
            {
                s2 = TSimd.MultiplyAdd(weight, v2, s2);
                s3 = TSimd.MultiplyAdd(weight, v3, s3);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* target)
        {
            TSimd.Store(s0, target);
            if (TVectors.Value > 1)
                TSimd.Store(s1, target + TSimd.Width);
            if (TVectors.Value > 2)
            {
                TSimd.Store(s2, target + (2 * TSimd.Width));
                TSimd.Store(s3, target + (3 * TSimd.Width));
            }
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
