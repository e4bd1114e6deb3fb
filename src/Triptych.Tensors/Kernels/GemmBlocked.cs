using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// The product for more than a few rows. All of A is packed first; then threads claim panels of B, pack each for themselves and
/// multiply it with all rows while they fetch the next one, so that weights come from memory once and during arithmetic.
/// Several products of the same A are one loop over all their panels.
/// </summary>
internal static unsafe class GemmBlocked<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>
    /// Depth of a panel: long enough that the store of a tile costs little, short enough that a panel of B and the source of
    /// the next one stay in a 512 KB second-level cache.
    /// </summary>
    private const int PanelDepth = 768;

    /// <summary>Floats of A that are packed at a time; they stream from the last-level cache once for each panel of B.</summary>
    private const int BlockFloats = 1 << 20;

    /// <summary>Claims a thread below which rows are split as well, and rows that are worth packing a panel of B for.</summary>
    private const int MinClaimsPerThread = 4;
    private const int MinChunkRows = 96;

    private const int LineBytes = 64;

    /// <summary>Products that agree in A, M, K and in the type of B.</summary>
    public static void Run(ReadOnlySpan<GemmArguments> products)
    {
        fixed (GemmArguments* first = products)
        {
            int panelRows = TSimd.PanelRows, m = first->M, k = first->K, threads = WorkerPool.ThreadCount;
            long work = 0;
            Body body = new() { Products = first };
            foreach (ref readonly GemmArguments product in products)
            {
                body.Panels += Panels(product);
                work += (long)m * k * product.N;
            }

            int depths = (k + PanelDepth - 1) / PanelDepth;
            body.Depth = RoundUp((k + depths - 1) / depths, 16);
            int blockM = Math.Min(RoundUp(m, panelRows), RoundUp(BlockFloats / body.Depth, panelRows));
            int blockK = Math.Min(k, Math.Max(1, BlockFloats / blockM / body.Depth) * body.Depth);
            int panelFloats = body.Depth * GemmKernel<TSimd, TVector>.PanelColumns;
            body.PackedB = GemmScratch.Rent(((long)threads * panelFloats) + ((long)blockM * blockK));
            body.PackedA = body.PackedB + ((long)threads * panelFloats);
            for (body.I = 0; body.I < m; body.I += blockM)
            {
                body.Rows = Math.Min(blockM, m - body.I);
                for (body.P = 0; body.P < k; body.P += blockK)
                {
                    Counters counters = default;
                    body.Counters = &counters;
                    body.K = Math.Min(blockK, k - body.P);
                    body.SplitRows(threads);
                    WorkerPool.For(threads, Gemm.Grain(threads, work), ref body);
                }
            }
        }
    }

    private static int Panels(in GemmArguments product) =>
        (product.N + GemmKernel<TSimd, TVector>.PanelColumns - 1) / GemmKernel<TSimd, TVector>.PanelColumns;

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>What threads claim from, on the submitter's stack.</summary>
    private struct Counters
    {
        public int Threads, ClaimedA, PackedA, Claimed;
    }

    /// <summary>A panel of B in a product: its first column and how many it has.</summary>
    private readonly ref struct Panel(ref readonly GemmArguments product, int column)
    {
        public readonly ref readonly GemmArguments Product = ref product;
        public readonly int Column = column, Columns = Math.Min(GemmKernel<TSimd, TVector>.PanelColumns, product.N - column);
    }

    /// <summary>Rows from I and depth from P, of all products. A lies packed as [depth][panel][k, PanelRows].</summary>
    private struct Body : IRangeBody
    {
        public GemmArguments* Products;
        public Counters* Counters;
        public float* PackedA, PackedB;
        public int I, Rows, P, K, Depth, Panels, RowChunks, ChunkRows;

        private readonly int Claims => Panels * RowChunks;

        public void SplitRows(int threads)
        {
            RowChunks = 1;
            while (threads > 1 && Claims < threads * MinClaimsPerThread && Rows >= 2 * MinChunkRows * RowChunks)
                RowChunks *= 2;
            ChunkRows = RoundUp((Rows + RowChunks - 1) / RowChunks, TSimd.PanelRows);
        }

        /// <summary>A thread's share, whatever its range: it works until nothing is left to claim.</summary>
        public readonly void Invoke(long start, long end)
        {
            float* packedB = PackedB + ((long)(Interlocked.Increment(ref Counters->Threads) - 1) * Depth * GemmKernel<TSimd, TVector>.PanelColumns);
            int panelsA = (Rows + TSimd.PanelRows - 1) / TSimd.PanelRows;
            for (int panel; (panel = Interlocked.Increment(ref Counters->ClaimedA) - 1) < panelsA; Interlocked.Increment(ref Counters->PackedA))
                PackA(panel * TSimd.PanelRows);

            // The next claim is known while this one is worked on, so that its panel can be fetched.
            int claim = Interlocked.Increment(ref Counters->Claimed) - 1;
            SpinWait wait = default;
            while (Volatile.Read(ref Counters->PackedA) < panelsA)
                wait.SpinOnce(sleep1Threshold: -1);
            for (int next; claim < Claims; claim = next)
            {
                next = Interlocked.Increment(ref Counters->Claimed) - 1;
                Multiply(claim, next, packedB);
            }
        }

        private readonly void PackA(int row)
        {
            ref readonly GemmArguments g = ref *Products;
            int lines = Math.Min(TSimd.PanelRows, Rows - row), rows = RoundUp(Rows, TSimd.PanelRows);
            for (int p = 0; p < K; p += Depth)
            {
                int depth = Math.Min(Depth, K - p);
                float* target = PackedA + ((long)p * rows) + ((long)row * depth);
                if (g.TransA)
                    GemmPack.Straight<Float32Element>((byte*)(g.A + ((P + p) * g.Lda) + I + row), g.Lda, lines, TSimd.PanelRows, depth, target);
                else
                    GemmPack.Transposed<Float32Element>((byte*)(g.A + ((I + row) * g.Lda) + P + p), g.Lda, lines, TSimd.PanelRows, depth, target);
            }
        }

        private readonly Panel PanelOf(int claim)
        {
            int panel = claim / RowChunks;
            GemmArguments* product = Products;
            for (; panel >= Panels(*product); product++)
                panel -= Panels(*product);
            return new Panel(ref *product, panel * GemmKernel<TSimd, TVector>.PanelColumns);
        }

        private readonly void Multiply(int claim, int next, float* packedB)
        {
            Panel panel = PanelOf(claim);
            int firstRow = claim % RowChunks * ChunkRows, endRow = Math.Min(firstRow + ChunkRows, Rows);
            for (int p = 0; p < K; p += Depth)
            {
                int depth = Math.Min(Depth, K - p);
                PackB(panel, p, depth, packedB);
                Source source = p + depth < K ? SourceOf(panel, p + depth)
                    : next < Claims && next / RowChunks != claim / RowChunks ? SourceOf(PanelOf(next), 0)
                    : default;
                Tiles(panel, p, depth, firstRow, endRow, packedB, source);
            }
        }

        private readonly void PackB(in Panel panel, int p, int depth, float* target)
        {
            Source source = SourceOf(panel, p);
            if (panel.Product.TransB)
                GemmPack.Transposed<TElement>(source.Start, panel.Product.Ldb, panel.Columns, GemmKernel<TSimd, TVector>.PanelColumns, depth, target);
            else
                GemmPack.Straight<TElement>(source.Start, panel.Product.Ldb, panel.Columns, GemmKernel<TSimd, TVector>.PanelColumns, depth, target);
        }

        private readonly Source SourceOf(in Panel panel, int p)
        {
            ref readonly GemmArguments g = ref panel.Product;
            int depth = Math.Min(Depth, K - p);
            long row = g.TransB ? panel.Column : P + p, column = g.TransB ? P + p : panel.Column;
            return new Source
            {
                Start = g.B + (((row * g.Ldb) + column) * TElement.Size),
                Lines = g.TransB ? panel.Columns : depth,
                LineBytes = (g.TransB ? depth : panel.Columns) * TElement.Size,
                Stride = g.Ldb * TElement.Size,
            };
        }

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Tiles(in Panel panel, int p, int depth, int firstRow, int endRow, float* packedB, in Source source)
        {
            byte* memory = stackalloc byte[(12 * 32 * sizeof(float)) + LineBytes];
            float* tile = (float*)(((nint)memory + LineBytes - 1) & ~(nint)(LineBytes - 1));
            ref readonly GemmArguments g = ref panel.Product;
            bool first = P + p == 0, last = P + p + depth == g.K;
            float beta = first ? g.Beta : 1;
            float* bias = first && g.Bias != null ? g.Bias + panel.Column : null;
            Activation activation = last ? g.Activation : Activation.None;
            float* packedA = PackedA + ((long)p * RoundUp(Rows, TSimd.PanelRows));
            float* c = g.C + (I * g.Ldc) + panel.Column;
            int tiles = (endRow - firstRow + TSimd.PanelRows - 1) / TSimd.PanelRows, fetched = 0;
            for (int i = firstRow, done = 1; i < endRow; i += TSimd.PanelRows, done++)
            {
                int rows = Math.Min(TSimd.PanelRows, endRow - i);
                float* target = c + (i * g.Ldc);
                PrefetchTile(target, rows, g.Ldc);
                source.Prefetch(ref fetched, source.Lines * done / tiles);
                float* a = packedA + ((long)i * depth);
                if (beta is 0 or 1 && GemmKernel<TSimd, TVector>.Fits(rows, panel.Columns))
                {
                    GemmKernel<TSimd, TVector>.Tile(rows, panel.Columns, depth, a, packedB, bias, target, g.Ldc, beta != 0);
                }
                else
                {
                    GemmKernel<TSimd, TVector>.Tile(rows, panel.Columns, depth, a, packedB, tile);
                    GemmKernel<TSimd, TVector>.StoreTile(tile, rows, panel.Columns, beta, target, g.Ldc, bias);
                }

                if (activation != Activation.None)
                    Activations.Apply(activation, target, rows, panel.Columns, g.Ldc);
            }
        }

        /// <summary>Rows of C lie far apart: asked for before the multiplication, they are there when it is done.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void PrefetchTile(float* target, int rows, long ldc)
        {
            if (!Sse.IsSupported)
                return;
            for (int row = 0; row < rows; row++, target += ldc)
            {
                Sse.Prefetch1(target);
                Sse.Prefetch1(target + TSimd.Width);
            }
        }
    }

    /// <summary>Where a panel of B lies unpacked: what is contiguous is a line, whichever way B is stored.</summary>
    private struct Source
    {
        public byte* Start;
        public int Lines, LineBytes;
        public long Stride;

        /// <summary>Fetches lines up to `end` into the second-level cache: the processor's own prefetchers lose track of so many.</summary>
        public readonly void Prefetch(ref int line, int end)
        {
            for (; line < end && Sse.IsSupported; line++)
            {
                byte* start = Start + (line * Stride);
                for (int at = 0; at < LineBytes; at += GemmBlocked<TSimd, TVector, TElement>.LineBytes)
                    Sse.Prefetch1(start + at);
            }
        }
    }
}
