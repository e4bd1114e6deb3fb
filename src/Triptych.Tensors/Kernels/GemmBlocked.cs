using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>The product for more than a few rows: pack, then tiles.</summary>
internal static unsafe class GemmBlocked<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>
    /// Depth of a block: long enough that the store of a tile costs little, short enough that a chunk's panels stay in a 1 MB
    /// second-level cache.
    /// </summary>
    private const int BlockK = 512;

    /// <summary>Columns and rows packed at a time: both blocks fit the last-level cache.</summary>
    private const int BlockN = 2048;
    private const int BlockM = 1536;

    /// <summary>The part of a block that a thread claims: its panels fit the second-level cache.</summary>
    private const int ChunkN = 256;
    private const int ChunkM = 192;

    /// <summary>Chunks a thread below which chunks are halved.</summary>
    private const int MinChunksPerThread = 4;

    public static void Run(in GemmArguments g)
    {
        int panelRows = TSimd.PanelRows, panelColumns = GemmKernel<TSimd, TVector>.PanelColumns;
        int blockM = Math.Min(RoundUp(g.M, panelRows), RoundUp(BlockM, panelRows));
        int blockN = Math.Min(RoundUp(g.N, panelColumns), BlockN);
        int blocksK = (g.K + BlockK - 1) / BlockK;
        int blockK = RoundUp((g.K + blocksK - 1) / blocksK, 8);
        float* packedB = GemmScratch.Rent(((long)blockM + blockN) * blockK);
        Block block = new() { G = g, PackedB = packedB, PackedA = packedB + ((long)blockN * blockK) };
        for (block.J = 0; block.J < g.N; block.J += blockN)
        {
            block.Columns = Math.Min(blockN, g.N - block.J);
            for (block.P = 0; block.P < g.K; block.P += blockK)
            {
                block.Depth = Math.Min(blockK, g.K - block.P);
                block.PanelsB = (block.Columns + panelColumns - 1) / panelColumns;
                for (block.I = 0; block.I < g.M; block.I += blockM)
                {
                    block.Rows = Math.Min(blockM, g.M - block.I);
                    Multiply(ref block);
                    block.PanelsB = 0;
                }
            }
        }
    }

    private static void Multiply(ref Block block)
    {
        long work = (long)block.Rows * block.Columns * block.Depth;
        PackBody pack = new() { Block = block };
        long panels = block.PanelsB + ((block.Rows + TSimd.PanelRows - 1) / TSimd.PanelRows);
        WorkerPool.For(panels, Gemm.Grain(panels, work), ref pack);

        TileBody tiles = new() { Block = block, ChunkRows = ChunkM, ChunkColumns = ChunkN };
        int wanted = WorkerPool.ThreadCount == 1 ? 1 : WorkerPool.ThreadCount * MinChunksPerThread;
        while (tiles.Count < wanted && tiles.Halve())
        {
        }

        WorkerPool.For(tiles.Count, Gemm.Grain(tiles.Count, work), ref tiles);
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>The part of the product whose panels are packed: rows from I, columns from J, depth from P.</summary>
    private struct Block
    {
        public GemmArguments G;
        public float* PackedA, PackedB;
        public int I, J, P, Rows, Columns, Depth, PanelsB;
    }

    /// <summary>Packs panels: first those of B, then those of A.</summary>
    private struct PackBody : IRangeBody
    {
        public Block Block;

        public readonly void Invoke(long start, long end)
        {
            for (int index = (int)start; index < end; index++)
            {
                if (index < Block.PanelsB)
                    PackB(index);
                else
                    PackA(index - Block.PanelsB);
            }
        }

        private readonly void PackA(int panel)
        {
            int width = TSimd.PanelRows, i = panel * width, lines = Math.Min(width, Block.Rows - i);
            float* target = Block.PackedA + ((long)i * Block.Depth);
            long lda = Block.G.Lda, row = Block.I + i, column = Block.P;
            if (Block.G.TransA)
                GemmPack.Straight<Float32Element>((byte*)(Block.G.A + (column * lda) + row), lda, lines, width, Block.Depth, target);
            else
                GemmPack.Transposed<Float32Element>((byte*)(Block.G.A + (row * lda) + column), lda, lines, width, Block.Depth, target);
        }

        private readonly void PackB(int panel)
        {
            int width = GemmKernel<TSimd, TVector>.PanelColumns, j = panel * width, lines = Math.Min(width, Block.Columns - j);
            float* target = Block.PackedB + ((long)j * Block.Depth);
            long ldb = Block.G.Ldb, row = Block.P, column = Block.J + j;
            if (Block.G.TransB)
            {
                GemmPack.Transposed<TElement>(Block.G.B + (((column * ldb) + row) * TElement.Size), ldb, lines, width,
                    Block.Depth, target);
            }
            else
            {
                GemmPack.Straight<TElement>(Block.G.B + (((row * ldb) + column) * TElement.Size), ldb, lines, width,
                    Block.Depth, target);
            }
        }
    }

    /// <summary>Computes chunks of C from packed panels.</summary>
    private struct TileBody : IRangeBody
    {
        public Block Block;
        public int ChunkRows, ChunkColumns;

        private readonly int RowChunks => (Block.Rows + ChunkRows - 1) / ChunkRows;

        private readonly int ColumnChunks => (Block.Columns + ChunkColumns - 1) / ChunkColumns;

        public readonly long Count => (long)RowChunks * ColumnChunks;

        /// <summary>Splits chunks in two where they are longest; false when they are a tile already.</summary>
        public bool Halve()
        {
            int panelRows = TSimd.PanelRows, panelColumns = GemmKernel<TSimd, TVector>.PanelColumns;
            int rows = Math.Min(ChunkRows, RoundUp(Block.Rows, panelRows));
            int columns = Math.Min(ChunkColumns, RoundUp(Block.Columns, panelColumns));
            if (rows <= panelRows && columns <= panelColumns)
                return false;
            if (columns <= panelColumns || (rows > panelRows && rows >= columns))
                ChunkRows = RoundUp(rows / 2, panelRows);
            else
                ChunkColumns = RoundUp(columns / 2, panelColumns);
            return ChunkRows < rows || ChunkColumns < columns;
        }

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            byte* memory = stackalloc byte[(12 * 32 * sizeof(float)) + 64];
            float* tile = (float*)(((nint)memory + 63) & ~(nint)63);
            for (long index = start; index < end; index++)
            {
                int i = (int)(index % RowChunks) * ChunkRows, j = (int)(index / RowChunks) * ChunkColumns;
                Chunk(i, Math.Min(i + ChunkRows, Block.Rows), j, Math.Min(j + ChunkColumns, Block.Columns), tile);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Chunk(int rowStart, int rowEnd, int columnStart, int columnEnd, float* tile)
        {
            bool last = Block.P + Block.Depth == Block.G.K;
            float beta = Block.P == 0 ? Block.G.Beta : 1;
            float* bias = last && Block.G.Bias != null ? Block.G.Bias + Block.J : null;
            Activation activation = last ? Block.G.Activation : Activation.None;
            float* c = Block.G.C + (Block.I * Block.G.Ldc) + Block.J;
            for (int j = columnStart; j < columnEnd; j += GemmKernel<TSimd, TVector>.PanelColumns)
            {
                int columns = Math.Min(GemmKernel<TSimd, TVector>.PanelColumns, columnEnd - j);
                float* panelB = Block.PackedB + ((long)j * Block.Depth);
                for (int i = rowStart; i < rowEnd; i += TSimd.PanelRows)
                {
                    int rows = Math.Min(TSimd.PanelRows, rowEnd - i);
                    float* target = c + (i * Block.G.Ldc) + j;
                    PrefetchTile(target, rows);
                    GemmKernel<TSimd, TVector>.Tile(rows, columns, Block.Depth, Block.PackedA + ((long)i * Block.Depth), panelB, tile);
                    GemmKernel<TSimd, TVector>.StoreTile(tile, rows, columns, beta, target, Block.G.Ldc,
                        bias == null ? null : bias + j, activation);
                }
            }
        }

        /// <summary>Rows of C lie far apart: asked for before the multiplication, they are there when it is done.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void PrefetchTile(float* target, int rows)
        {
            if (!Sse.IsSupported)
                return;
            for (int row = 0; row < rows; row++, target += Block.G.Ldc)
            {
                Sse.Prefetch0(target);
                Sse.Prefetch0(target + TSimd.Width);
            }
        }
    }
}
