using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>How the 16 pieces of 16 weights of a chunk lie in the four vectors that it is decoded to, whichever is cheapest for the type.</summary>
internal enum PieceOrder
{
    /// <summary>As they follow each other.</summary>
    Natural,

    /// <summary>The first halves of four blocks of 32, then their second halves.</summary>
    Halves,

    /// <summary>The first halves of blocks 0, 2, 4 and 6 of 32, then their second halves; then those of 1, 3, 5 and 7.</summary>
    Transposed,

    /// <summary>A block of 32 of the first 128 weights, and the same one of the second.</summary>
    Strided,
}

/// <summary>
/// How a type of block lies in memory and what it means. Kernels go by chunks of 256 weights: eight blocks of 32, or one of 256.
/// </summary>
internal unsafe interface IBlockType
{
    /// <summary>Weights in a block: 32 or 256.</summary>
    static abstract int Size { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Scales in a chunk: 8 or 16.</summary>
    static abstract int Scales { get; }

    static abstract PieceOrder Order { get; }

    /// <summary>Whether weights are signed bytes; otherwise unsigned ones below 64, of which <see cref="Offset"/> is taken.</summary>
    static abstract bool Signed { get; }

    /// <summary>What unsigned bytes are too large by.</summary>
    static abstract byte Offset { get; }

    /// <summary>Whether there are minimums: weight = scale * q + minimum.</summary>
    static abstract bool HasMinimums { get; }

    /// <summary>What the two decoders want to have in registers, for <see cref="BlockParts"/>.</summary>
    static abstract BlockTables Tables { get; }

    /// <summary>The 256 weights of a chunk, in <see cref="Order"/>.</summary>
    static abstract void Decode(byte* chunk, in BlockTables tables,
        out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);

    /// <summary>The scales of a chunk and, where it has them, the minimums, in natural order.</summary>
    static abstract Vector512<float> DecodeScales(byte* chunk, in BlockTables tables, out Vector512<float> minimums);
}

/// <summary>Indices of the parts of blocks.</summary>
internal struct BlockTables
{
    public Vector512<byte> Weights, Scales, Bits;
}

/// <summary>A quantized row of activations, arranged for one type of blocks.</summary>
internal unsafe struct ArrangedRow
{
    /// <summary>Bytes in the type's order of pieces.</summary>
    public sbyte* Values;

    /// <summary>A scale for each 32.</summary>
    public float* Scales;

    /// <summary>For each chunk 16 floats: what a minimum is multiplied with.</summary>
    public float* Sums;

    /// <summary>The emitted kernel of the type, or null, and what it needs besides.</summary>
    public delegate* unmanaged[SuppressGCTransition]<RowProduct*, void> Kernel;
    public int* Corrections;
}

/// <summary>
/// Dot products of one row of activations with rows of block-quantized weights, which are read once, as they lie: integer sums over
/// 16 or 32 weights, times the scales of both, added up in float32 lanes. The order of a sum depends on nothing but its length.
/// </summary>
internal static unsafe class QuantizedDots<TBlock>
    where TBlock : struct, IBlockType
{
    private const int Chunk = ActivationQuantizer.Padding;

    /// <summary>Times that an emitted kernel reads four rows in a call: microseconds, since the garbage collector waits for it.</summary>
    private const int GroupTurns = 32;

    private const int AllBlocks = (1 << (Chunk / ActivationQuantizer.Block)) - 1;

    private static int ChunkBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Chunk / TBlock.Size * TBlock.Bytes;
    }

    /// <summary>Whether neighbouring vectors have the same scales, so that their integer sums add up.</summary>
    private static bool Merged
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.Order is PieceOrder.Halves or PieceOrder.Transposed;
    }

    /// <summary>The natural number of the piece at a quarter of one of the four vectors.</summary>
    private static int Piece(int vector, int quarter) => TBlock.Order switch
    {
        PieceOrder.Halves => (vector / 2 * 8) + (vector % 2) + (2 * quarter),
        PieceOrder.Transposed => (quarter * 4) + vector,
        PieceOrder.Strided => (vector * 2) + (quarter / 2 * 8) + (quarter % 2),
        _ => (vector * 4) + quarter,
    };

    /// <summary>Arranges a row of `padded` activations; values and sums (a float for each 16) are the targets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ArrangedRow Arrange(sbyte* natural, float* scales, int* naturalSums, int padded, sbyte* values, float* sums)
    {
        if (TBlock.HasMinimums && TBlock.Scales == 16)
        {
            for (int i = 0; i < padded / 16; i++)
                sums[i] = scales[i / 2] * naturalSums[i];
        }
        else if (TBlock.HasMinimums)
        {
            for (int i = 0; i < padded / 16; i += 16)
            {
                for (int lane = 0; lane < 8; lane++)
                    sums[i + lane] = scales[(i / 2) + lane] * (naturalSums[i + (2 * lane)] + naturalSums[i + (2 * lane) + 1]);
                Vector256<float>.Zero.Store(sums + i + 8);
            }
        }

        if (TBlock.Order == PieceOrder.Natural)
            return new() { Values = natural, Scales = scales, Sums = sums };
        int* sources = stackalloc int[16];
        for (int i = 0; i < 16; i++)
            sources[i] = 16 * Piece(i / 4, i % 4);
        for (int chunk = 0; chunk < padded; chunk += Chunk)
        {
            for (int i = 0; i < 16; i++)
                Vector128.Load(natural + chunk + sources[i]).Store(values + chunk + (16 * i));
        }

        return new() { Values = values, Scales = scales, Sums = sums };
    }

    /// <summary>
    /// sums[i] = x . weights[i], for `rows` rows of k weights that start `rowBytes` after each other. Four rows are read at a time, one of
    /// each quarter: four long streams keep more lines of memory under way than one, and than neighbouring rows, streams of a kilobyte.
    /// </summary>
    public static void Run(ArrangedRow x, int k, byte* weights, long rowBytes, int rows, float* sums)
    {
        int chunks = k / Chunk, tail = k % Chunk / TBlock.Size;
        Constants constants = new()
        {
            Tables = TBlock.Tables,
            Lanes0 = Lanes(0),
            Lanes1 = Lanes(1),
            Lanes2 = Lanes(2),
            Lanes3 = Lanes(3),
            TailMask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(tail)).AsSingle(),
            End = weights + ((rows - 1) * rowBytes) + ((long)chunks * ChunkBytes) + (tail * TBlock.Bytes),
        };

        // An emitted kernel takes the last blocks of a row as a chunk that is not counted in full, while it may read all of it.
        int quarter = rows / RowProduct.Streams, full = 0;
        if (x.Kernel != null && quarter > 0 && rowBytes > 0)
        {
            long overhang = tail == 0 ? 0 : (ChunkBytes - (tail * TBlock.Bytes) + rowBytes - 1) / rowBytes;
            full = (int)Math.Max(0, quarter - overhang);
        }

        for (int row = 0, turns; row < quarter; row += turns)
        {
            turns = Math.Min(GroupTurns, (row < full ? full : quarter) - row);
            Turns(x, chunks, tail, row < full, weights + (row * rowBytes), quarter * rowBytes, rowBytes, turns, &constants, sums + row, quarter);
        }

        // The last rows, one at a time: four streams of the same.
        float* same = stackalloc float[RowProduct.Streams];
        for (int row = quarter * RowProduct.Streams; row < rows; row++)
        {
            Turns(x, chunks, tail, false, weights + (row * rowBytes), 0, rowBytes, 1, &constants, same, 1);
            sums[row] = *same;
        }
    }

    /// <summary>Some turns of four rows, which lie `stream` bytes apart; their sums go `sumStream` floats apart. With `full`, whole chunks may be read.</summary>
    [SkipLocalsInit]
    private static void Turns(in ArrangedRow x, int chunks, int tail, bool full, byte* first, long stream, long rowBytes, int turns, Constants* constants,
        float* sums, int sumStream)
    {
        float* lanes = stackalloc float[GroupTurns * RowProduct.Streams * 16];
        int kernelChunks = full && tail > 0 ? chunks + 1 : chunks;
        bool emitted = x.Kernel != null && kernelChunks > 0;
        if (emitted)
        {
            RowProduct product = new()
            {
                First = first, Second = first + stream, Third = first + (2 * stream), Fourth = first + (3 * stream),
                RowBytes = rowBytes, Turns = turns, Chunks = kernelChunks, LastBlocks = kernelChunks > chunks ? (1 << tail) - 1 : AllBlocks,
                Values = x.Values, Scales = x.Scales, Sums = x.Sums, Corrections = x.Corrections, Lanes = lanes,
            };
            x.Kernel(&product);
        }
        else
        {
            new Span<float>(lanes, turns * RowProduct.Streams * 16).Clear();
        }

        byte* copies = stackalloc byte[RowProduct.Streams * ChunkBytes];
        byte** rows = stackalloc byte*[RowProduct.Streams];
        for (int turn = 0; turn < turns; turn++, first += rowBytes, lanes += RowProduct.Streams * 16)
        {
            for (int i = 0; i < RowProduct.Streams; i++)
                rows[i] = first + (i * stream);
            if (!emitted)
                Add4<Whole>(x, chunks, rows, 8, constants, lanes);
            if (tail > 0 && !full)
            {
                for (int i = 0; i < RowProduct.Streams; i++)
                {
                    rows[i] += (long)chunks * ChunkBytes;
                    if (rows[i] + ChunkBytes > constants->End)
                        rows[i] = CopyTail(rows[i], tail, copies + (i * ChunkBytes));
                }

                ArrangedRow rest = new() { Values = x.Values + (chunks * Chunk), Scales = x.Scales + (8 * chunks), Sums = x.Sums + (16 * chunks) };
                Add4<Tail>(rest, 1, rows, tail, constants, lanes);
            }

            for (int i = 0; i < RowProduct.Streams; i++)
                sums[(i * sumStream) + turn] = Vector512.Sum(Vector512.Load(lanes + (16 * i)));
        }
    }

    /// <summary>The last weights of a row, where a whole chunk may be read.</summary>
    private static byte* CopyTail(byte* source, int blocks, byte* target)
    {
        new Span<byte>(target, ChunkBytes).Clear();
        Unsafe.CopyBlockUnaligned(target, source, (uint)(blocks * TBlock.Bytes));
        return target;
    }

    /// <summary>For a vector of 64 weights, the lanes of the scales of its 16 sums of four.</summary>
    private static Vector512<int> Lanes(int vector)
    {
        int perScale = 16 / TBlock.Scales;
        Vector128<int> first = Vector128.Create(Piece(vector, 0) / perScale), second = Vector128.Create(Piece(vector, 1) / perScale);
        Vector128<int> third = Vector128.Create(Piece(vector, 2) / perScale), fourth = Vector128.Create(Piece(vector, 3) / perScale);
        return Vector512.Create(Vector256.Create(first, second), Vector256.Create(third, fourth));
    }

    /// <summary>
    /// lanes [4, 16] += products of four rows over some chunks; or over the first `blocks` blocks of 32 of one chunk, behind which
    /// whatever follows is read and multiplied with zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add4<TPart>(ArrangedRow x, int chunks, byte** rows, int blocks, Constants* constants, float* lanes)
        where TPart : struct, IPart
    {
        BlockTables tables = new() { Weights = constants->Tables.Weights, Scales = constants->Tables.Scales, Bits = constants->Tables.Bits };
        Vector512<int> l0 = constants->Lanes0, l1 = constants->Lanes1, l2 = constants->Lanes2, l3 = constants->Lanes3;
        Vector512<float> s0 = Vector512.Load(lanes), s1 = Vector512.Load(lanes + 16), s2 = Vector512.Load(lanes + 32), s3 = Vector512.Load(lanes + 48);
        Vector512<float> mask = TPart.IsTail ? constants->TailMask : Vector512<float>.AllBitsSet;
        bool whole = !TPart.IsTail || blocks > 4;
        byte* first = rows[0], second = rows[1], third = rows[2], fourth = rows[3];
        sbyte* values = x.Values;
        float* xScales = x.Scales, xSums = x.Sums;
        for (; chunks > 0; chunks--)
        {
            Vector512<sbyte> x0 = Vector512.Load(values), x1 = Vector512.Load(values + 64);
            Vector512<sbyte> x2 = Vector512.Load(values + 128), x3 = Vector512.Load(values + 192);
            Vector512<short> c0 = default, c1 = default, c2 = default, c3 = default;
            if (TBlock.Offset != 0)
            {
                Vector512<byte> offset = Vector512.Create(TBlock.Offset);
                c0 = BlockVectors.Pairs(offset, x0);
                c1 = BlockVectors.Pairs(offset, x1);
                c2 = BlockVectors.Pairs(offset, x2);
                c3 = BlockVectors.Pairs(offset, x3);
                if (Merged)
                {
                    c0 += c1;
                    c2 += c3;
                }
            }

            Vector512<float> scales = TBlock.Scales == 16 ? BlockVectors.Twice(Vector256.Load(xScales)) : Vector256.Load(xScales).ToVector512();
            Vector512<float> mins = TBlock.HasMinimums ? Vector512.Load(xSums) : default;
            Add(first, tables, x0, x1, x2, x3, c0, c1, c2, c3, l0, l1, l2, l3, scales, mins, TPart.IsTail, mask, whole, ref s0);
            Add(second, tables, x0, x1, x2, x3, c0, c1, c2, c3, l0, l1, l2, l3, scales, mins, TPart.IsTail, mask, whole, ref s1);
            Add(third, tables, x0, x1, x2, x3, c0, c1, c2, c3, l0, l1, l2, l3, scales, mins, TPart.IsTail, mask, whole, ref s2);
            Add(fourth, tables, x0, x1, x2, x3, c0, c1, c2, c3, l0, l1, l2, l3, scales, mins, TPart.IsTail, mask, whole, ref s3);
            values += Chunk;
            xScales += 8;
            xSums += 16;
            first += ChunkBytes;
            second += ChunkBytes;
            third += ChunkBytes;
            fourth += ChunkBytes;
        }

        s0.Store(lanes);
        s1.Store(lanes + 16);
        s2.Store(lanes + 32);
        s3.Store(lanes + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte* weights, in BlockTables tables,
        Vector512<sbyte> x0, Vector512<sbyte> x1, Vector512<sbyte> x2, Vector512<sbyte> x3,
        Vector512<short> c0, Vector512<short> c1, Vector512<short> c2, Vector512<short> c3,
        Vector512<int> l0, Vector512<int> l1, Vector512<int> l2, Vector512<int> l3,
        Vector512<float> xScales, Vector512<float> xSums, bool masked, Vector512<float> mask, bool whole, ref Vector512<float> sum)
    {
        Vector512<float> scales = TBlock.DecodeScales(weights, tables, out Vector512<float> minimums);
        if (masked)
        {
            scales &= mask;
            minimums &= mask;
        }

        scales *= xScales;
        TBlock.Decode(weights, tables, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
        if (TBlock.HasMinimums)
            sum = Vector512.MultiplyAddEstimate(minimums, xSums, sum);
        if (Merged && TBlock.Signed)
        {
            sum = Scaled(BlockVectors.DotSigned(w0.AsSByte(), x0) + BlockVectors.DotSigned(w1.AsSByte(), x1), scales, l0, sum);
            if (whole)
                sum = Scaled(BlockVectors.DotSigned(w2.AsSByte(), x2) + BlockVectors.DotSigned(w3.AsSByte(), x3), scales, l2, sum);
        }
        else if (Merged)
        {
            sum = Scaled(BlockVectors.AddPairs(Corrected(BlockVectors.Pairs(w0, x0) + BlockVectors.Pairs(w1, x1), c0)), scales, l0, sum);
            if (whole)
                sum = Scaled(BlockVectors.AddPairs(Corrected(BlockVectors.Pairs(w2, x2) + BlockVectors.Pairs(w3, x3), c2)), scales, l2, sum);
        }
        else
        {
            sum = Scaled(Dot(w0, x0, c0), scales, l0, sum);
            sum = Scaled(Dot(w1, x1, c1), scales, l1, sum);
            if (whole)
            {
                sum = Scaled(Dot(w2, x2, c2), scales, l2, sum);
                sum = Scaled(Dot(w3, x3, c3), scales, l3, sum);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Corrected(Vector512<short> pairs, Vector512<short> correction) => TBlock.Offset != 0 ? pairs - correction : pairs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Dot(Vector512<byte> weights, Vector512<sbyte> x, Vector512<short> correction) => TBlock.Signed
        ? BlockVectors.DotSigned(weights.AsSByte(), x)
        : BlockVectors.AddPairs(Corrected(BlockVectors.Pairs(weights, x), correction));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scaled(Vector512<int> dots, Vector512<float> scales, Vector512<int> lanes, Vector512<float> sum) =>
        Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(dots), BlockVectors.Permute(scales, lanes), sum);

    private interface IPart
    {
        static abstract bool IsTail { get; }
    }

    private readonly struct Whole : IPart
    {
        public static bool IsTail => false;
    }

    private readonly struct Tail : IPart
    {
        public static bool IsTail => true;
    }

    /// <summary>What the kernel keeps in registers; passed in memory, since the JIT would store vector arguments in each turn of the loop.</summary>
    private struct Constants
    {
        public BlockTables Tables;

        /// <summary>For each of the four vectors of a chunk, <see cref="Lanes"/>.</summary>
        public Vector512<int> Lanes0, Lanes1, Lanes2, Lanes3;

        /// <summary>All ones in the lanes of scales that the last chunk has.</summary>
        public Vector512<float> TailMask;

        /// <summary>The end of all weights.</summary>
        public byte* End;
    }
}
