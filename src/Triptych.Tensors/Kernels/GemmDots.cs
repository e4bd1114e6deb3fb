using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// c [m, n] = a [m, k] b^T, b [n, k], for a few rows of A: dot products of rows of A with a few lines of B at a time, lane by
/// lane in registers. A is packed in the order in which a tile reads it; a block of it stays in the first-level cache.
/// </summary>
internal static unsafe class GemmDots<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>Lines of B between blocks of k: whole tiles of four and of three, their partial sums small.</summary>
    private const int GroupLines = 12;

    /// <summary>
    /// Bytes of a line of B in a block of k: with eight rows of A, the lines of a tile and those of the next one, which is
    /// prefetched, it fills two thirds of a 48 KB first-level cache. Longer and shorter ones were slower (measured).
    /// </summary>
    private const int BlockBytes = 2048;

    /// <summary>Bytes that software prefetch runs ahead at least where lines of B are short and follow each other.</summary>
    private const int MinAhead = 4096;

    /// <summary>Rows that a tile may have: the last ones of A are rounded up to 1, 2 or 4, with zeros.</summary>
    private const int MaxRows = Gemm.MaxDotRows + 7;

    private static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Run(in GemmArguments g)
    {
        int steps = (g.K + Pair - 1) / Pair, rows = 0;
        while (rows < g.M)
            rows += TileRows(g.M - rows);
        Body body = new() { G = g, Rows = rows, Steps = steps, A = GemmScratch.Rent((long)rows * steps * Pair) };
        int block = BlockBytes / TElement.Size, blocks = Math.Max(1, (g.K + (block / 2)) / block);
        body.BlockSteps = Math.Max(1, (steps + blocks - 1) / blocks);
        for (int i = 0; i < rows; i += TileRows(g.M - i))
            Pack(g, i, TileRows(g.M - i), steps, body.A + ((long)i * steps * Pair));

        long groups = (g.N + GroupLines - 1) / GroupLines;
        WorkerPool.For(groups, Gemm.Grain(groups, (long)g.M * g.N * g.K), ref body);
    }

    private static int TileRows(int rows) => rows >= TSimd.DotRows ? TSimd.DotRows : rows > 4 ? 8 : rows > 2 ? 4 : rows;

    /// <summary>target [step, half of a pair, row, lane]: rows of A in the order in which pairs of B's elements are widened.</summary>
    public static void Pack(in GemmArguments g, int first, int rows, int steps, float* target)
    {
        for (int row = 0; row < rows; row++)
        {
            float* source = g.A + ((first + row) * (g.TransA ? 1 : g.Lda));
            long stride = g.TransA ? g.Lda : 1;
            int count = first + row < g.M ? g.K : 0;
            for (int step = 0; step < steps; step++)
            {
                float* part = target + ((((long)step * 2 * rows) + row) * TSimd.Width);
                for (int e = 0; e < Pair; e++)
                {
                    int p = (step * Pair) + e, slot = PairOrder.Slot<TElement>(e, TSimd.Width);
                    if (slot >= TSimd.Width)
                        slot += (rows - 1) * TSimd.Width;
                    part[slot] = p < count ? source[p * stride] : 0;
                }
            }
        }
    }

    private struct Body : IRangeBody
    {
        public GemmArguments G;
        public float* A;

        /// <summary>Rows of A with the zeros that complete the last tile.</summary>
        public int Rows;

        /// <summary>Pairs of vectors along k, the last one perhaps in part; and those of a block.</summary>
        public int Steps, BlockSteps;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            byte* memory = stackalloc byte[(GroupLines * MaxRows * 16 * sizeof(float)) + 64];
            float* partial = (float*)(((nint)memory + 63) & ~(nint)63);
            for (; start < end; start++)
            {
                int first = (int)start * GroupLines;
                Group(first, Math.Min(GroupLines, G.N - first), partial);
            }
        }

        /// <summary>Partial sums lie as [row tile][line tile, row, line, lane].</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Group(int first, int lines, float* partial)
        {
            new Span<float>(partial, GroupLines * Rows * TSimd.Width).Clear();
            int whole = G.K / Pair;
            for (int step = 0; step < whole; step += BlockSteps)
            {
                int steps = Math.Min(BlockSteps, whole - step);
                for (int row = 0; row < G.M; row += TileRows(G.M - row))
                    Tiles(row, TileRows(G.M - row), step, steps, first, lines, partial);
            }

            if (whole < Steps)
            {
                for (int row = 0; row < G.M; row += TileRows(G.M - row))
                    Tiles(row, TileRows(G.M - row), whole, 0, first, lines, partial);
            }

            float* sums = stackalloc float[GroupLines * MaxRows];
            int rowStep = G.Flipped ? 1 : lines, lineStep = G.Flipped ? G.M : 1;
            for (int row = 0; row < G.M; row++)
            {
                int start = row / TSimd.DotRows * TSimd.DotRows, rows = TileRows(G.M - start), width = TSimd.DotLines(rows);
                for (int line = 0; line < lines; line++)
                {
                    int tile = line / width;
                    float* lanes = partial + (((long)start * GroupLines) + (tile * rows * width) + ((row - start) * width) + (line % width))
                        * TSimd.Width;
                    sums[(row * rowStep) + (line * lineStep)] = TSimd.Sum(TSimd.Load(lanes));
                }
            }

            for (int row = 0; row < G.M && !G.Flipped; row++)
                GemmVector<TSimd, TVector, TElement>.Finish(G, new ReadOnlySpan<float>(sums + (row * lines), lines), row, first);
            for (int line = 0; line < lines && G.Flipped; line++)
                GemmVector<TSimd, TVector, TElement>.Finish(G, new ReadOnlySpan<float>(sums + (line * G.M), G.M), first + line, 0);
        }

        /// <summary>Steps of k for a tile's rows and the lines of a group; 0 steps mean the last one, which a line has only in part.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Tiles(int row, int rows, int step, int steps, int first, int lines, float* partial)
        {
            float* a = A + ((((long)row * Steps) + ((long)step * rows)) * Pair);
            float* sums = partial + ((long)row * GroupLines * TSimd.Width);
            byte* tail = stackalloc byte[4 * 2 * 16 * sizeof(float)];
            long line = G.Ldb * TElement.Size, offset = (long)step * Pair * TElement.Size;
            int width = TSimd.DotLines(rows), tailBytes = Pair * TElement.Size;
            bool last = step + steps >= Steps;
            for (int j = 0; j < lines; j += width, sums += rows * width * TSimd.Width)
            {
                // Prefetch what comes next: the next lines; at the end of the group its next block, or the next group.
                long ahead = j + width < GroupLines ? width * line : last ? (width * line) - offset : (steps * tailBytes) - (j * line);
                if (steps == Steps)
                    ahead = Math.Max(ahead, MinAhead);

                // A short last tile reads its first line again in place of those that are missing.
                byte* b = G.B + ((first + j) * line) + offset;
                int count = Math.Min(width, lines - j);
                byte* b1 = count > 1 ? b + line : b, b2 = count > 2 ? b + (2 * line) : b, b3 = count > 3 ? b + (3 * line) : b;
                if (steps > 0)
                {
                    Tile(rows, steps, a, b, b1, b2, b3, ahead, sums);
                    continue;
                }

                new Span<byte>(tail, 4 * tailBytes).Clear();
                uint rest = (uint)((G.K % Pair) * TElement.Size);
                Unsafe.CopyBlockUnaligned(tail, b, rest);
                Unsafe.CopyBlockUnaligned(tail + tailBytes, b1, rest);
                Unsafe.CopyBlockUnaligned(tail + (2 * tailBytes), b2, rest);
                Unsafe.CopyBlockUnaligned(tail + (3 * tailBytes), b3, rest);
                Tile(rows, 1, a, tail, tail + tailBytes, tail + (2 * tailBytes), tail + (3 * tailBytes), 0, sums);
            }
        }
    }

    private static void Tile(int rows, int steps, float* a, byte* b0, byte* b1, byte* b2, byte* b3, long ahead, float* sums)
    {
        switch (rows)
        {
            case 1:
                Tile<One>(steps, a, b0, b1, b2, b3, ahead, sums);
                break;
            case 2:
                Tile<Two>(steps, a, b0, b1, b2, b3, ahead, sums);
                break;
            case 4:
                Tile<Four>(steps, a, b0, b1, b2, b3, ahead, sums);
                break;
            default:
                Tile<Eight>(steps, a, b0, b1, b2, b3, ahead, sums);
                break;
        }
    }

    /// <summary>sums [rows, lines, Width] += the products of a tile's rows and lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows>(int steps, float* a, byte* b0, byte* b1, byte* b2, byte* b3, long ahead, float* sums)
        where TRows : struct, ICount
    {
        bool third = TSimd.DotLines(TRows.Value) > 2, fourth = TSimd.DotLines(TRows.Value) > 3;
        int width = TSimd.DotLines(TRows.Value) * TSimd.Width;
        TVector s00, s01, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        TVector s40 = default, s41 = default, s42 = default, s50 = default, s51 = default, s52 = default;
        TVector s60 = default, s61 = default, s62 = default, s70 = default, s71 = default, s72 = default;
        Load(sums, third, fourth, out s00, out s01, out s02, out s03);
        if (TRows.Value > 1)
            Load(sums + width, third, fourth, out s10, out s11, out s12, out s13);
        if (TRows.Value > 2)
        {
            Load(sums + (2 * width), third, fourth, out s20, out s21, out s22, out s23);
            Load(sums + (3 * width), third, fourth, out s30, out s31, out s32, out s33);
        }

        if (TRows.Value > 4)
        {
            Load(sums + (4 * width), third, false, out s40, out s41, out s42, out _);
            Load(sums + (5 * width), third, false, out s50, out s51, out s52, out _);
            Load(sums + (6 * width), third, false, out s60, out s61, out s62, out _);
            Load(sums + (7 * width), third, false, out s70, out s71, out s72, out _);
        }

        for (long at = 0; steps > 0; steps--, at += 2 * TSimd.Width * TElement.Size)
        {
            TSimd.LoadPair<TElement>(b0 + at, out TVector v0, out TVector w0);
            TSimd.LoadPair<TElement>(b1 + at, out TVector v1, out TVector w1);
            Prefetch(b0 + at + ahead);
            Prefetch(b1 + at + ahead);
            TVector v2 = default, w2 = default, v3 = default, w3 = default;
            if (third)
            {
                TSimd.LoadPair<TElement>(b2 + at, out v2, out w2);
                Prefetch(b2 + at + ahead);
            }

            if (fourth)
            {
                TSimd.LoadPair<TElement>(b3 + at, out v3, out w3);
                Prefetch(b3 + at + ahead);
            }

            for (int half = 0; half < 2; half++, a += TRows.Value * TSimd.Width)
            {
                Multiply(TSimd.Load(a), third, fourth, v0, v1, v2, v3, ref s00, ref s01, ref s02, ref s03);
                if (TRows.Value > 1)
                    Multiply(TSimd.Load(a + TSimd.Width), third, fourth, v0, v1, v2, v3, ref s10, ref s11, ref s12, ref s13);
                if (TRows.Value > 2)
                {
                    Multiply(TSimd.Load(a + (2 * TSimd.Width)), third, fourth, v0, v1, v2, v3, ref s20, ref s21, ref s22, ref s23);
                    Multiply(TSimd.Load(a + (3 * TSimd.Width)), third, fourth, v0, v1, v2, v3, ref s30, ref s31, ref s32, ref s33);
                }

                if (TRows.Value > 4)
                {
                    TVector none = default;
                    Multiply(TSimd.Load(a + (4 * TSimd.Width)), third, false, v0, v1, v2, v3, ref s40, ref s41, ref s42, ref none);
                    Multiply(TSimd.Load(a + (5 * TSimd.Width)), third, false, v0, v1, v2, v3, ref s50, ref s51, ref s52, ref none);
                    Multiply(TSimd.Load(a + (6 * TSimd.Width)), third, false, v0, v1, v2, v3, ref s60, ref s61, ref s62, ref none);
                    Multiply(TSimd.Load(a + (7 * TSimd.Width)), third, false, v0, v1, v2, v3, ref s70, ref s71, ref s72, ref none);
                }

                v0 = w0;
                v1 = w1;
                v2 = w2;
                v3 = w3;
            }
        }

        // No call may follow while the sums are in registers: the JIT would spill them inside the loop.
        Store(sums, third, fourth, s00, s01, s02, s03);
        if (TRows.Value > 1)
            Store(sums + width, third, fourth, s10, s11, s12, s13);
        if (TRows.Value > 2)
        {
            Store(sums + (2 * width), third, fourth, s20, s21, s22, s23);
            Store(sums + (3 * width), third, fourth, s30, s31, s32, s33);
        }

        if (TRows.Value > 4)
        {
            Store(sums + (4 * width), third, false, s40, s41, s42, default);
            Store(sums + (5 * width), third, false, s50, s51, s52, default);
            Store(sums + (6 * width), third, false, s60, s61, s62, default);
            Store(sums + (7 * width), third, false, s70, s71, s72, default);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(TVector x, bool third, bool fourth, TVector v0, TVector v1, TVector v2, TVector v3,
        ref TVector s0, ref TVector s1, ref TVector s2, ref TVector s3)
    {
        s0 = TSimd.MultiplyAdd(x, v0, s0);
        s1 = TSimd.MultiplyAdd(x, v1, s1);
        if (third)
            s2 = TSimd.MultiplyAdd(x, v2, s2);
        if (fourth)
            s3 = TSimd.MultiplyAdd(x, v3, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* source, bool third, bool fourth, out TVector s0, out TVector s1, out TVector s2, out TVector s3)
    {
        s0 = TSimd.Load(source);
        s1 = TSimd.Load(source + TSimd.Width);
        s2 = third ? TSimd.Load(source + (2 * TSimd.Width)) : default;
        s3 = fourth ? TSimd.Load(source + (3 * TSimd.Width)) : default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* target, bool third, bool fourth, TVector s0, TVector s1, TVector s2, TVector s3)
    {
        TSimd.Store(s0, target);
        TSimd.Store(s1, target + TSimd.Width);
        if (third)
            TSimd.Store(s2, target + (2 * TSimd.Width));
        if (fourth)
            TSimd.Store(s3, target + (3 * TSimd.Width));
    }

    /// <summary>Fetches a pair of vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* next)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch0(next);
        if (2 * TSimd.Width * TElement.Size > 64)
            Sse.Prefetch0(next + 64);
    }
}
