using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>One weight of a product: result [m, n] = a [m, k] weight^T + bias, weight [n, k] in a block format.</summary>
internal unsafe struct QuantizedPart
{
    public DType Type;

    /// <summary>Blocks; rows are RowBytes apart.</summary>
    public byte* Weight;

    public long RowBytes;

    public int N;

    /// <summary>float32, rows ResultStride elements apart.</summary>
    public float* Result;

    public long ResultStride;

    public float* Bias;
}

/// <summary>
/// Products with weights in block formats. Activations are rounded to int8 once; panels of 32 columns are decoded to bytes in
/// cache and multiplied with all rows, integer sums for each block and float sums of blocks. A sum runs in the order of k, so
/// that a result has the same bits with any number of threads.
/// </summary>
internal static unsafe class QuantizedGemm
{
    /// <summary>A group has at most this many weights.</summary>
    public const int MaxParts = 8;

    /// <summary>Rows multiplied at a time: their activations fit the last-level cache.</summary>
    private const int MaxRows = 2048;

    /// <summary>Few rows: chunks of a panel stay in the first-level cache. Many: sums stay in registers longer.</summary>
    private const int FewRows = 48, FewRowsDepth = 512, ManyRowsDepth = 2048;

    /// <summary>Multiply-adds below which a parallel region costs more than it gains.</summary>
    private const long SerialWork = 1 << 20;

    /// <summary>Activations below which rounding them in parallel costs more than it gains.</summary>
    private const long SerialActivations = 1 << 16;

    /// <summary>Parts of the work that a thread gets at least, and rows below which panels are not split for that.</summary>
    private const int UnitsPerThread = 4, MinUnitRows = 48;

    /// <summary>Each of the parts: result = activation(a weight^T + bias).</summary>
    /// <param name="m">Rows of a.</param>
    /// <param name="k">Columns of a, a multiple of the parts' block sizes.</param>
    /// <param name="a">float32, rows lda elements apart.</param>
    /// <param name="lda">Elements.</param>
    /// <param name="parts">At most <see cref="MaxParts"/>.</param>
    /// <param name="activation">What is done to each output last.</param>
    public static void Run(int m, int k, float* a, long lda, ReadOnlySpan<QuantizedPart> parts, Activation activation) =>
        Run(m, k, a, lda, parts, activation, gated: false);

    /// <summary>activation(a gate^T + gate's bias) * (a up^T + up's bias), to gate's result. The weights have one shape.</summary>
    public static void RunGated(int m, int k, float* a, long lda, in QuantizedPart gate, in QuantizedPart up, Activation activation) =>
        Run(m, k, a, lda, [gate, up], activation, gated: true);

    private static void Run(int m, int k, float* a, long lda, ReadOnlySpan<QuantizedPart> parts, Activation activation, bool gated)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts.Length, MaxParts);
        if (m == 0)
            return;
        if (m == 1)
        {
            QuantizedRow.Run(k, a, parts, activation, gated);
            return;
        }

        long blocks = k / PanelLayout.BlockElements, bytes = Math.Min(m, MaxRows) * blocks * sizeof(ActivationBlock);
        ActivationBlock* activations = (ActivationBlock*)NativePool.Rent(bytes);
        try
        {
            for (int row = 0; row < m; row += MaxRows)
            {
                int rows = Math.Min(MaxRows, m - row);
                var round = new RoundBody { Source = a + (row * lda), Stride = lda, Target = activations, Blocks = blocks };
                WorkerPool.For(rows, (long)rows * k < SerialActivations ? rows : 1, ref round);
                Multiply(row, rows, k, activations, parts, activation, gated);
            }
        }
        finally
        {
            NativePool.Return((byte*)activations, bytes);
        }
    }

    private static void Multiply(int firstRow, int rows, int k, ActivationBlock* activations, ReadOnlySpan<QuantizedPart> parts, Activation activation, bool gated)
    {
        PanelBody body = new() { Rows = rows, K = k, Activations = activations, Activation = activation, Gated = gated };
        long columns = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            body.Parts[i] = parts[i];
            body.Parts[i].Result += firstRow * parts[i].ResultStride;
            columns += parts[i].N;
            if (!gated || i == 0)
                body.Panels += Panels(parts[i]);
        }

        // Rows are split, and panels decoded more than once, only where there are too few panels.
        long wanted = WorkerPool.ThreadCount == 1 ? 1 : UnitsPerThread * WorkerPool.ThreadCount;
        long groups = Math.Clamp((wanted + body.Panels - 1) / body.Panels, 1, Math.Max(1, rows / MinUnitRows));
        long tiles = (rows + PanelKernel.MaxRows - 1) / PanelKernel.MaxRows;
        body.GroupRows = (int)((tiles + groups - 1) / groups) * PanelKernel.MaxRows;
        body.Groups = (rows + body.GroupRows - 1) / body.GroupRows;
        body.Prepare(parts);
        long units = body.Panels * body.Groups;
        WorkerPool.For(units, rows * columns * k < SerialWork ? units : 1, ref body);
    }

    private static long Panels(in QuantizedPart part) => ((long)part.N + PanelLayout.Columns - 1) / PanelLayout.Columns;

    private struct RoundBody : IRangeBody
    {
        public float* Source;
        public long Stride;
        public ActivationBlock* Target;
        public long Blocks;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
                ActivationBlock.Quantize(Source + (start * Stride), Target + (start * Blocks), Blocks * PanelLayout.BlockElements);
        }
    }

    [InlineArray(MaxParts)]
    private struct PartList
    {
        private QuantizedPart _first;
    }

    /// <summary>Multiplies panels. A unit is a panel, or a panel of gate and the same of up, and a group of rows.</summary>
    private struct PanelBody : IRangeBody
    {
        public PartList Parts;
        public int Rows, K, GroupRows, Groups;
        public long Panels;
        public ActivationBlock* Activations;
        public Activation Activation;
        public bool Gated;

        private readonly int Depth => Rows <= FewRows ? FewRowsDepth : ManyRowsDepth;

        /// <summary>Has the kernels of all tile heights written.</summary>
        public readonly void Prepare(ReadOnlySpan<QuantizedPart> parts)
        {
            foreach (QuantizedPart part in parts)
            {
                if (IsFewRows(part))
                    FewRowsKernel.Prepare(part.Type, Rows);
                PanelKind kind = PanelFormat.Of(part.Type).Kind;
                for (int group = 0; group < Groups; group++)
                {
                    var tiles = new Tiles(Math.Min(GroupRows, Rows - (group * GroupRows)));
                    PanelKernel.Prepare(kind, tiles.Height(0));
                    PanelKernel.Prepare(kind, tiles.Height(tiles.Count - 1));
                }
            }
        }

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                long panel = start / Groups;
                int part = 0;
                while (panel >= QuantizedGemm.Panels(Parts[part]))
                    panel -= QuantizedGemm.Panels(Parts[part++]);
                Unit(part, panel, (int)(start % Groups) * GroupRows);
            }
        }

        private readonly bool IsFewRows(in QuantizedPart part) => Rows <= FewRowsKernel.MaxRows && FewRowsKernel.Supports(part.Type);

        private readonly void Unit(int part, long panel, int firstRow)
        {
            if (IsFewRows(Parts[part]) && (!Gated || IsFewRows(Parts[part + 1])) && (panel + 1) * PanelLayout.Columns <= Parts[part].N)
            {
                UnitOfFewRows(part, panel);
                return;
            }

            int rows = Math.Min(GroupRows, Rows - firstRow), width = Gated ? 2 : 1;
            var tiles = new Tiles(rows);
            int blocks = K / PanelLayout.BlockElements, blocksOfChunk = Math.Min(blocks, Depth / PanelLayout.BlockElements);
            bool single = blocks == blocksOfChunk;
            PanelSource gate = new(Parts[part], panel, blocksOfChunk), up = Gated ? new(Parts[part + 1], panel, blocksOfChunk) : default;

            // Sums of all rows, unless a tile is done at once; then the panels, each with room for a copy of the last rows.
            long sumBytes = (single ? PanelKernel.MaxRows : rows) * PanelLayout.RowBytes;
            byte* memory = (byte*)GemmScratch.RentSecond(((width * sumBytes) + gate.ScratchBytes + up.ScratchBytes) / sizeof(float));
            float* sums = (float*)memory, upSums = (float*)(memory + sumBytes);
            gate.Scratch = memory + (width * sumBytes);
            up.Scratch = gate.Scratch + gate.ScratchBytes;
            long stride = (long)blocks * sizeof(ActivationBlock);
            byte* activations = (byte*)Activations + (firstRow * stride);
            for (int block = 0; block < blocks; block += blocksOfChunk)
            {
                int count = Math.Min(blocksOfChunk, blocks - block);
                gate.Decode(block, count);
                if (Gated)
                    up.Decode(block, count);
                PanelProduct product = new() { RowStride = stride, Blocks = count, Accumulate = block };
                for (int tile = 0, row = 0; tile < tiles.Count; tile++)
                {
                    int height = tiles.Height(tile);
                    long slot = single ? 0 : (long)row * PanelLayout.Columns;
                    product.Activations = (ActivationBlock*)(activations + (row * stride)) + block;
                    product.Panel = gate.Panel;
                    product.Sums = sums + slot;
                    PanelKernel.Run(gate.Format.Kind, height, &product);
                    if (Gated)
                    {
                        product.Panel = up.Panel;
                        product.Sums = upSums + slot;
                        PanelKernel.Run(up.Format.Kind, height, &product);
                    }

                    if (block + count == blocks)
                        Finish(part, panel, firstRow + row, height, sums + slot, upSums + slot);
                    row += height;
                }
            }
        }

        /// <summary>All rows, without decoding the panel to memory.</summary>
        private readonly void UnitOfFewRows(int part, long panel)
        {
            float* sums = stackalloc float[2 * FewRowsKernel.MaxRows * PanelLayout.Columns], upSums = sums + (FewRowsKernel.MaxRows * PanelLayout.Columns);
            MultiplyFewRows(Parts[part], panel, sums);
            if (Gated)
                MultiplyFewRows(Parts[part + 1], panel, upSums);
            Finish(part, panel, 0, Rows, sums, upSums);
        }

        private readonly void MultiplyFewRows(in QuantizedPart part, long panel, float* sums)
        {
            int blocks = K / PanelLayout.BlockElements;
            FewRowsProduct product = new()
            {
                Weight = part.Weight + (panel * PanelLayout.Columns * part.RowBytes), RowBytes = part.RowBytes,
                Activations = Activations, RowStride = (long)blocks * sizeof(ActivationBlock), Sums = sums, Blocks = blocks,
            };
            for (int half = 0; half < PanelLayout.Columns; half += PanelColumns.Count)
            {
                product.Ahead = product.Weight + (PanelColumns.Count * part.RowBytes);
                FewRowsKernel.Run(part.Type, Rows, &product);
                product.Weight = product.Ahead;
                product.Sums += PanelColumns.Count;
            }
        }

        /// <summary>Bias, activation, gate, and the way from a tile of sums to the result.</summary>
        private readonly void Finish(int part, long panel, int row, int height, float* sums, float* upSums)
        {
            QuantizedPart target = Parts[part];
            int column = (int)panel * PanelLayout.Columns, columns = Math.Min(PanelLayout.Columns, target.N - column);
            AddBias(target.Bias, column, columns, height, sums);
            Tensors.Activations.Apply(Activation, sums, height * PanelLayout.Columns);
            if (Gated)
            {
                AddBias(Parts[part + 1].Bias, column, columns, height, upSums);
                for (int i = 0; i < height * PanelLayout.Columns; i += Vector512<float>.Count)
                    (Vector512.Load(sums + i) * Vector512.Load(upSums + i)).Store(sums + i);
            }

            float* result = target.Result + (row * target.ResultStride) + column;
            for (int i = 0; i < height; i++, result += target.ResultStride, sums += PanelLayout.Columns)
            {
                if (columns == PanelLayout.Columns)
                {
                    Vector512.Load(sums).Store(result);
                    Vector512.Load(sums + Vector512<float>.Count).Store(result + Vector512<float>.Count);
                }
                else
                {
                    new ReadOnlySpan<float>(sums, columns).CopyTo(new Span<float>(result, columns));
                }
            }
        }

        private static void AddBias(float* bias, int column, int columns, int height, float* sums)
        {
            if (bias == null)
                return;
            for (int i = 0; i < height; i++, sums += PanelLayout.Columns)
            {
                for (int j = 0; j < columns; j++)
                    sums[j] += bias[column + j];
            }
        }
    }

    /// <summary>Tiles of nearly one height that make up some rows: eight rows are 4 + 4, not 6 + 2.</summary>
    private readonly struct Tiles(int rows)
    {
        public int Count { get; } = (rows + PanelKernel.MaxRows - 1) / PanelKernel.MaxRows;

        public int Height(int tile) => (rows / Count) + (tile < rows % Count ? 1 : 0);
    }

    /// <summary>The rows of a weight that become one panel, and the memory where they do.</summary>
    private struct PanelSource
    {
        private const int Alignment = 64;

        private readonly byte* _weight;
        private readonly long _rowBytes;
        private readonly int _rows;
        private readonly int _stagedBytes;

        public readonly PanelFormat Format;
        public readonly long ScratchBytes;
        public byte* Scratch;

        public PanelSource(in QuantizedPart part, long panel, int blocksOfChunk)
        {
            Format = PanelFormat.Of(part.Type);
            _rowBytes = part.RowBytes;
            _weight = part.Weight + (panel * PanelLayout.Columns * _rowBytes);
            _rows = (int)Math.Min(PanelLayout.Columns, part.N - (panel * PanelLayout.Columns));
            _stagedBytes = _rows == PanelLayout.Columns ? 0 : (int)part.Type.BytesOf((long)blocksOfChunk * PanelLayout.BlockElements);
            _stagedBytes = (_stagedBytes + Alignment - 1) / Alignment * Alignment;
            ScratchBytes = ((long)blocksOfChunk * Format.Kind.BlockBytes()) + (PanelLayout.Columns * _stagedBytes);
        }

        public readonly byte* Panel => Scratch;

        /// <summary>Decodes `count` blocks of 32 weights, from block `first` on. Columns that are not there repeat the last one.</summary>
        public readonly void Decode(int first, int count)
        {
            long offset = Format.Type.BytesOf((long)first * PanelLayout.BlockElements);
            int blocks = count / Format.PanelBlocks;
            if (_stagedBytes == 0)
            {
                byte* ahead = _weight + (PanelLayout.Columns * (_rowBytes + offset));
                Format.Decode(_weight + offset, _rowBytes, blocks, Panel, ahead);
                return;
            }

            byte* staged = Scratch + ScratchBytes - (PanelLayout.Columns * _stagedBytes);
            long bytes = Format.Type.BytesOf((long)count * PanelLayout.BlockElements);
            for (int row = 0; row < PanelLayout.Columns; row++)
                Buffer.MemoryCopy(_weight + (Math.Min(row, _rows - 1) * _rowBytes) + offset, staged + (row * _stagedBytes), _stagedBytes, bytes);
            Format.Decode(staged, _stagedBytes, blocks, Panel, staged);
        }
    }
}
