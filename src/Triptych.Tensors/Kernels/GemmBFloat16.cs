using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// c [m, n] = a [m, k] op(b) [k, n] with b in bfloat16, for processors with vdpbf16ps. A is rounded to bfloat16 while it is
/// packed, products are exact, sums are float32. Weights stay as they lie: a thread packs the columns of its chunk, a stretch
/// of k at a time, and takes all rows of A through them.
/// </summary>
internal static unsafe class GemmBFloat16
{
    /// <summary>
    /// Fewer rows are faster with widened weights that are read as they lie, [n, k] or [k, n] (measured): packing would cost
    /// more than the multiplication.
    /// </summary>
    private const int MinRows = 20, MinColumnsRows = 32;

    /// <summary>Rows of A that are packed at a time: enough that packing B again for the next ones costs little.</summary>
    private const int BlockM = 1024;

    /// <summary>Length of a stretch of k: a panel of B takes 32 KB.</summary>
    private const int BlockK = 512;

    /// <summary>Panels of a chunk, packed in the second-level cache: a tile of A is read from far away once for all of them.</summary>
    private const int MaxChunkPanels = 4;

    /// <summary>Chunks a thread below which chunks have fewer panels.</summary>
    private const int MinChunksPerThread = 4;

    private const int StepPairs = BFloat16Kernel.PairsPerStep, PanelColumns = BFloat16Kernel.PanelColumns;

    public static bool Takes(in GemmArguments g) =>
        BFloat16Kernel.IsSupported && Gemm.Path == SimdPath.Vector512 && g.M >= (g.TransB ? MinRows : MinColumnsRows)
        && g.K > 0 && g.Beta == 0 && !g.TransA;

    public static void Run(in GemmArguments g)
    {
        Chunks chunks = new() { G = g, Pairs = RoundUp((g.K + 1) / 2, StepPairs) };
        int threads = WorkerPool.ThreadCount, panels = (g.N + PanelColumns - 1) / PanelColumns;
        chunks.Panels = Math.Clamp(panels / (threads * MinChunksPerThread), 1, MaxChunkPanels);
        for (int row = 0; row < g.M; row += BlockM)
        {
            int rows = Math.Min(BlockM, g.M - row), tiles = (rows + BFloat16Kernel.MaxRows - 1) / BFloat16Kernel.MaxRows;
            chunks.Rows = rows;
            chunks.Row = row;
            chunks.TileRows = (rows + tiles - 1) / tiles;
            chunks.Tiles = (rows + chunks.TileRows - 1) / chunks.TileRows;
            chunks.A = (int*)GemmScratch.Rent(chunks.Tiles * chunks.TileLength);
            PackRows pack = new() { Chunks = chunks };
            WorkerPool.For(chunks.Tiles, Gemm.Grain(chunks.Tiles, (long)rows * g.K), ref pack);
            int count = (panels + chunks.Panels - 1) / chunks.Panels;
            WorkerPool.For(count, Gemm.Grain(count, (long)rows * g.N * g.K), ref chunks);
        }
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>Packs tiles of A as [k / 2, rows] pairs.</summary>
    private struct PackRows : IRangeBody
    {
        public Chunks Chunks;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(long start, long end)
        {
            byte* memory = stackalloc byte[BFloat16Pack.BlockBytes + 64];
            byte* block = (byte*)(((nint)memory + 63) & ~(nint)63);
            for (; start < end; start++)
            {
                int row = (int)start * Chunks.TileRows, rows = Math.Min(Chunks.TileRows, Chunks.Rows - row);
                BFloat16Pack.Rows(Chunks.G.A + ((Chunks.Row + row) * Chunks.G.Lda), Chunks.G.Lda, rows, Chunks.G.K, Chunks.Pairs,
                    Chunks.A + (start * Chunks.TileLength), block);
            }
        }
    }

    /// <summary>Computes chunks of a few panels of columns, all packed rows of them.</summary>
    private struct Chunks : IRangeBody
    {
        public GemmArguments G;
        public int* A;

        /// <summary>Packed rows of A: from Row on, in tiles.</summary>
        public int Row, Rows, TileRows, Tiles;

        /// <summary>Pairs along k, with the zeros at the end; panels of a chunk.</summary>
        public int Pairs, Panels;

        /// <summary>Pairs between tiles of A; packing writes a vector beyond the last ones.</summary>
        public readonly long TileLength => ((long)Pairs * TileRows) + Vector512<int>.Count;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(long start, long end)
        {
            const int StretchPairs = BlockK / 2;
            int* panels = (int*)GemmScratch.RentPanels((long)Panels * StretchPairs * PanelColumns);
            byte* memory = stackalloc byte[BFloat16Pack.BlockBytes + 64];
            byte* block = (byte*)(((nint)memory + 63) & ~(nint)63);
            for (; start < end; start++)
            {
                int column = (int)start * Panels * PanelColumns, columns = Math.Min(Panels * PanelColumns, G.N - column);
                for (int pair = 0; pair < Pairs; pair += StretchPairs)
                {
                    int pairs = Math.Min(StretchPairs, Pairs - pair);
                    for (int j = 0; j < columns; j += PanelColumns)
                        Pack(column + j, 2 * pair, pairs, panels + (j * pairs), block);
                    for (int tile = 0; tile < Tiles; tile++)
                        Multiply(tile, column, columns, pair, pairs, panels);
                }
            }
        }

        private readonly void Pack(int column, int k, int pairs, int* panel, byte* block)
        {
            int lines = Math.Min(PanelColumns, G.N - column);
            ushort* b = (ushort*)G.B;
            if (G.TransB)
                BFloat16Pack.Columns(b + (column * G.Ldb) + k, G.Ldb, lines, G.K - k, pairs, panel, block);
            else
                BFloat16Pack.Straight(b + (k * G.Ldb) + column, G.Ldb, lines, G.K - k, pairs, panel);
        }

        /// <summary>A tile of rows times the chunk's panels, over a stretch of k.</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Multiply(int index, int column, int columns, int pair, int pairs, int* panels)
        {
            float* scratch = stackalloc float[BFloat16Kernel.MaxRows * PanelColumns];
            float* starts = stackalloc float[PanelColumns];
            int row = index * TileRows, rows = Math.Min(TileRows, Rows - row);
            float* c = G.C + ((Row + row) * G.Ldc) + column;
            bool first = pair == 0, last = pair + pairs == Pairs;
            float* next = c + (rows * G.Ldc);
            var kernel = BFloat16Kernel.Get(rows);
            BFloat16Kernel.Tile tile = new() { A = A + (index * TileLength) + ((long)pair * rows), Steps = pairs / StepPairs };
            for (int j = 0; j < columns; j += PanelColumns)
            {
                int width = Math.Min(PanelColumns, columns - j);
                tile.B = panels + (j * pairs);
                bool whole = width == PanelColumns;
                tile.C = whole ? c + j : scratch;
                tile.Stride = (whole ? G.Ldc : PanelColumns) * sizeof(float);
                if (first)
                {
                    Span<float> bias = new(starts, PanelColumns);
                    bias.Clear();
                    if (G.Bias != null)
                        new ReadOnlySpan<float>(G.Bias + column + j, width).CopyTo(bias);
                    tile.Start = starts;
                    tile.StartStride = 0;
                }
                else
                {
                    if (!whole)
                        Copy(c + j, G.Ldc, scratch, PanelColumns, rows, width);
                    tile.Start = tile.C;
                    tile.StartStride = tile.Stride;
                }

                tile.Next = j + PanelColumns < columns ? c + j + PanelColumns : next;
                kernel(&tile);
                if (!whole)
                    Copy(scratch, PanelColumns, c + j, G.Ldc, rows, width);
            }

            for (int i = 0; i < rows && last; i++)
                Activations.Apply(G.Activation, c + (i * G.Ldc), columns);
        }

        private static void Copy(float* source, long sourceStride, float* target, long targetStride, int rows, int columns)
        {
            for (int row = 0; row < rows; row++)
                new ReadOnlySpan<float>(source + (row * sourceStride), columns).CopyTo(new Span<float>(target + (row * targetStride), columns));
        }
    }
}

/// <summary>Brings operands into the order of <see cref="BFloat16Kernel"/>: neighbours along k side by side, as one number of 32 bits.</summary>
internal static unsafe class BFloat16Pack
{
    /// <summary>Bytes of a block of sixteen lines of sixteen pairs.</summary>
    public const int BlockBytes = Lines * LineBytes;

    private const int Lines = 16, LineBytes = 64, LinePairs = 16, LineElements = 32;

    /// <summary>target [pairs, rows] from float32 rows that are k long; a vector beyond the end of target is overwritten.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows(float* source, long stride, int rows, int k, int pairs, int* target, byte* block)
    {
        new Span<byte>(block, BlockBytes).Clear();
        Vector512<ushort> upperHalves = (Vector512<ushort>.Indices << 1) + Vector512<ushort>.One;
        for (int pair = 0; pair < pairs; pair += LinePairs, target += LinePairs * rows)
        {
            int at = 2 * pair, count = Math.Clamp(k - at, 0, LineElements);
            for (int row = 0; row < rows; row++)
            {
                ushort* line = (ushort*)(block + (row * LineBytes));
                float* values = source + (row * stride) + at;
                if (count == LineElements)
                {
                    Vector512<ushort> low = Conversion.RoundedToBFloat16(values).AsUInt16();
                    Vector512<ushort> high = Conversion.RoundedToBFloat16(values + Vector512<float>.Count).AsUInt16();
                    Avx512BW.PermuteVar32x16x2(low, upperHalves, high).Store(line);
                    continue;
                }

                new Span<byte>(line, LineBytes).Clear();
                for (int i = 0; i < count; i++)
                    line[i] = ((BFloat16)values[i]).Bits;
            }

            Transpose(block, LineBytes, target, rows, Math.Min(LinePairs, pairs - pair));
        }
    }

    /// <summary>target [pairs, 32] from lines of B^T, of which k elements are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(ushort* source, long stride, int lines, int k, int pairs, int* target, byte* block)
    {
        for (int pair = 0; pair < pairs; pair += LinePairs, source += LineElements, target += LinePairs * PanelColumns)
        {
            int count = Math.Clamp(k - (2 * pair), 0, LineElements), valid = Math.Min(LinePairs, pairs - pair);
            for (int half = 0; half < PanelColumns; half += Lines)
            {
                ushort* first = source + (half * stride);
                if (count == LineElements && lines >= half + Lines)
                {
                    Transpose((byte*)first, stride * sizeof(ushort), target + half, PanelColumns, valid);
                    continue;
                }

                new Span<byte>(block, BlockBytes).Clear();
                for (int line = 0; line < Math.Min(Lines, lines - half); line++)
                    Unsafe.CopyBlockUnaligned(block + (line * LineBytes), first + (line * stride), (uint)(count * sizeof(ushort)));
                Transpose(block, LineBytes, target + half, PanelColumns, valid);
            }
        }
    }

    /// <summary>target [pairs, 32] from rows of B, of which k are left.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Straight(ushort* source, long stride, int columns, int k, int pairs, int* target)
    {
        ushort* rows = stackalloc ushort[2 * PanelColumns];
        Vector512<ushort> low = Interleaved(0), high = Interleaved(PanelColumns / 2);
        for (int pair = 0; pair < pairs; pair++, source += 2 * stride, target += PanelColumns)
        {
            ushort* even = source, odd = source + stride;
            int left = k - (2 * pair);
            if (left < 2 || columns < PanelColumns)
            {
                new Span<ushort>(rows, 2 * PanelColumns).Clear();
                if (left > 0)
                    new ReadOnlySpan<ushort>(even, columns).CopyTo(new Span<ushort>(rows, columns));
                if (left > 1)
                    new ReadOnlySpan<ushort>(odd, columns).CopyTo(new Span<ushort>(rows + PanelColumns, columns));
                even = rows;
                odd = rows + PanelColumns;
            }

            Vector512<ushort> first = Vector512.Load(even), second = Vector512.Load(odd);
            Avx512BW.PermuteVar32x16x2(first, low, second).Store((ushort*)target);
            Avx512BW.PermuteVar32x16x2(first, high, second).Store((ushort*)target + PanelColumns);
        }
    }

    private const int PanelColumns = BFloat16Kernel.PanelColumns;

    /// <summary>Indices that take elements from two vectors in turns.</summary>
    private static Vector512<ushort> Interleaved(int start)
    {
        Vector512<ushort> index = Vector512<ushort>.Indices;
        return (index >> 1) + ((index & Vector512<ushort>.One) << 5) + Vector512.Create((ushort)start);
    }

    /// <summary>
    /// target [count, stride] = source [16, 16]^T in elements of 32 bits: pairs and quadruples of lines are interleaved, then
    /// quarters of vectors exchanged.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(byte* source, long lineBytes, int* target, int stride, int count)
    {
        Interleave(source, lineBytes, out var a0, out var a1, out var a2, out var a3);
        Interleave(source + (4 * lineBytes), lineBytes, out var b0, out var b1, out var b2, out var b3);
        Interleave(source + (8 * lineBytes), lineBytes, out var c0, out var c1, out var c2, out var c3);
        Interleave(source + (12 * lineBytes), lineBytes, out var d0, out var d1, out var d2, out var d3);
        long step = stride;
        Quarters(ref a0, ref b0, ref c0, ref d0);
        Quarters(ref a1, ref b1, ref c1, ref d1);
        Quarters(ref a2, ref b2, ref c2, ref d2);
        Quarters(ref a3, ref b3, ref c3, ref d3);
        Store(a0, a1, a2, a3, target, step);
        if (count > 4)
            Store(b0, b1, b2, b3, target + (4 * step), step);
        if (count > 8)
            Store(c0, c1, c2, c3, target + (8 * step), step);
        if (count > 12)
            Store(d0, d1, d2, d3, target + (12 * step), step);
    }

    /// <summary>Four lines: vector i holds in each quarter the elements at i in that quarter of the lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(byte* source, long lineBytes, out Vector512<int> v0, out Vector512<int> v1, out Vector512<int> v2, out Vector512<int> v3)
    {
        Vector512<int> r0 = Vector512.Load((int*)source), r1 = Vector512.Load((int*)(source + lineBytes));
        Vector512<int> r2 = Vector512.Load((int*)(source + (2 * lineBytes))), r3 = Vector512.Load((int*)(source + (3 * lineBytes)));
        Vector512<long> low = Avx512F.UnpackLow(r0, r1).AsInt64(), high = Avx512F.UnpackHigh(r0, r1).AsInt64();
        Vector512<long> nextLow = Avx512F.UnpackLow(r2, r3).AsInt64(), nextHigh = Avx512F.UnpackHigh(r2, r3).AsInt64();
        v0 = Avx512F.UnpackLow(low, nextLow).AsInt32();
        v1 = Avx512F.UnpackHigh(low, nextLow).AsInt32();
        v2 = Avx512F.UnpackLow(high, nextHigh).AsInt32();
        v3 = Avx512F.UnpackHigh(high, nextHigh).AsInt32();
    }

    /// <summary>The matrix of quarters of four vectors, transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(ref Vector512<int> v0, ref Vector512<int> v1, ref Vector512<int> v2, ref Vector512<int> v3)
    {
        const byte Even = 0b10_00_10_00, Odd = 0b11_01_11_01;
        Vector512<int> even = Avx512F.Shuffle4x128(v0, v1, Even), odd = Avx512F.Shuffle4x128(v0, v1, Odd);
        Vector512<int> nextEven = Avx512F.Shuffle4x128(v2, v3, Even), nextOdd = Avx512F.Shuffle4x128(v2, v3, Odd);
        v0 = Avx512F.Shuffle4x128(even, nextEven, Even);
        v1 = Avx512F.Shuffle4x128(odd, nextOdd, Even);
        v2 = Avx512F.Shuffle4x128(even, nextEven, Odd);
        v3 = Avx512F.Shuffle4x128(odd, nextOdd, Odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<int> v0, Vector512<int> v1, Vector512<int> v2, Vector512<int> v3, int* target, long stride)
    {
        v0.Store(target);
        v1.Store(target + stride);
        v2.Store(target + (2 * stride));
        v3.Store(target + (3 * stride));
    }
}
