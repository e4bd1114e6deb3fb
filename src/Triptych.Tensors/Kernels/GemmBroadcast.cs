using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// c [m, n] = a [m, k] b^T with b [n, k], as linear layers store it, for some dozens of rows of A: computed as the transpose of C, with A
/// packed in panels of columns and B broadcast number by number from where it lies. Packing B, of which each number is used m times only,
/// would cost up to a tenth of such a product.
/// </summary>
internal static unsafe class GemmBroadcast<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows of A above which packing B pays (measured).</summary>
    private const int MaxRows = 256;

    /// <summary>Products of a region.</summary>
    private const int MaxProducts = 8;

    private const int LineBytes = 64;

    /// <summary>Rows of A in a panel.</summary>
    private static int Panel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    /// <summary>Lines of B in a tile.</summary>
    private static int Lines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSimd.PanelRows;
    }

    /// <summary>Whether these products, which agree in A, can be one parallel region.</summary>
    public static bool Takes(ReadOnlySpan<GemmArguments> products)
    {
        if (products.Length > MaxProducts)
            return false;
        foreach (ref readonly GemmArguments g in products)
        {
            int padded = (g.M + TSimd.Width - 1) / TSimd.Width * TSimd.Width;
            if (!g.TransB || g.Flipped || g.Beta != 0 || g.K <= 0 || g.N < Lines || g.Ldc > int.MaxValue
                || g.M is <= Gemm.MaxDotRows or > MaxRows || padded * 10 > g.M * 11)
            {
                return false;
            }
        }

        return true;
    }

    public static void Run(ReadOnlySpan<GemmArguments> products)
    {
        ref readonly GemmArguments g = ref products[0];
        int panels = (g.M + Panel - 1) / Panel;
        Body body = new() { Count = products.Length, Panels = panels, A = GemmScratch.Rent((long)panels * Panel * g.K) };
        PackBody pack = new() { G = g, Target = body.A };
        WorkerPool.For(panels, Gemm.Grain(panels, (long)g.M * g.K), ref pack);
        long tiles = 0, work = 0;
        for (int i = 0; i < products.Length; i++)
        {
            body.Products[i] = products[i];
            tiles += Tiles(products[i]);
            work += (long)g.M * g.K * products[i].N;
        }

        WorkerPool.For(tiles, Gemm.Grain(tiles, work), ref body);
    }

    private static int Tiles(in GemmArguments g) => (g.N + Lines - 1) / Lines;

    [InlineArray(MaxProducts)]
    private struct ProductList
    {
        private GemmArguments _first;
    }

    /// <summary>Panels of A: [k, Panel], with zeros for rows that are missing.</summary>
    private struct PackBody : IRangeBody
    {
        public GemmArguments G;
        public float* Target;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                int first = (int)start * Panel, rows = Math.Min(Panel, G.M - first);
                float* target = Target + (first * (long)G.K);
                if (G.TransA)
                    GemmPack.Straight<Float32Element>((byte*)(G.A + first), G.Lda, rows, Panel, G.K, target);
                else
                    GemmPack.Transposed<Float32Element>((byte*)(G.A + (first * G.Lda)), G.Lda, rows, Panel, G.K, target);
            }
        }
    }

    private struct Body : IRangeBody
    {
        public ProductList Products;
        public int Count, Panels;
        public float* A;

        public readonly void Invoke(long start, long end)
        {
            for (int i = 0; i < Count && start < end; i++)
            {
                long tiles = Tiles(Products[i]);
                for (; start < Math.Min(end, tiles); start++)
                    Tile(Products[i], (int)start);
                start = Math.Max(start, tiles) - tiles;
                end -= tiles;
            }
        }

        /// <summary>All rows of C, and as many columns as a tile has lines. The last tile ends with the last line, and so begins within the one before.</summary>
        [SkipLocalsInit]
        private readonly void Tile(in GemmArguments g, int index)
        {
            byte* memory = stackalloc byte[(12 * 32 * sizeof(float)) + LineBytes];
            float* tile = (float*)(((nint)memory + LineBytes - 1) & ~(nint)(LineBytes - 1));
            int line = Math.Min(index * Lines, g.N - Lines), fetched = 0;
            byte* b = g.B + (line * g.Ldb * sizeof(float));
            float* bias = g.Bias == null ? null : g.Bias + line;
            for (int panel = 0; panel < Panels; panel++)
            {
                int row = panel * Panel, rows = Math.Min(Panel, g.M - row);
                if (line + (2 * Lines) <= g.N)
                    Prefetch(g, line + Lines, ref fetched, Lines * (panel + 1) / Panels);
                if (rows > TSimd.Width)
                    Tile<Two>(g.K, A + (row * (long)g.K), b, g.Ldb * sizeof(float), bias, tile);
                else
                    Tile<One>(g.K, A + (row * (long)g.K), b, g.Ldb * sizeof(float), bias, tile);
                Activations.Apply(g.Activation, tile, Lines, rows, Panel);
                GemmPack.Transposed<Float32Element>((byte*)tile, Panel, Lines, Lines, rows, g.C + (row * g.Ldc) + line, (int)g.Ldc);
            }
        }

        /// <summary>Fetches lines up to `end` of the next tile into the second-level cache.</summary>
        private static void Prefetch(in GemmArguments g, int first, ref int line, int end)
        {
            for (; line < end && Sse.IsSupported; line++)
            {
                byte* start = g.B + ((first + line) * g.Ldb * sizeof(float));
                for (long at = 0; at < (long)g.K * sizeof(float); at += LineBytes)
                    Sse.Prefetch1(start + at);
            }
        }
    }

    /// <summary>tile [Lines, Panel] = lines of B times a panel of A, + bias [Lines] if any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TColumns>(long k, float* a, byte* b, long line, float* bias, float* tile)
        where TColumns : struct, ICount
    {
        Start(bias, 0, out TVector x0, out TVector y0);
        Start(bias, 1, out TVector x1, out TVector y1);
        Start(bias, 2, out TVector x2, out TVector y2);
        Start(bias, 3, out TVector x3, out TVector y3);
        Start(bias, 4, out TVector x4, out TVector y4);
        Start(bias, 5, out TVector x5, out TVector y5);
        TVector x6 = default, x7 = default, x8 = default, x9 = default, x10 = default, x11 = default;
        TVector y6 = default, y7 = default, y8 = default, y9 = default, y10 = default, y11 = default;
        if (Lines > 6)
        {
            Start(bias, 6, out x6, out y6);
            Start(bias, 7, out x7, out y7);
            Start(bias, 8, out x8, out y8);
            Start(bias, 9, out x9, out y9);
            Start(bias, 10, out x10, out y10);
            Start(bias, 11, out x11, out y11);
        }

        byte* b3 = b + (3 * line), b6 = b + (6 * line), b9 = b + (9 * line);
        for (; k > 0; k--)
        {
            TVector v = TSimd.Load(a), w = TColumns.Value > 1 ? TSimd.Load(a + TSimd.Width) : default;
            Add<TColumns>(b, v, w, ref x0, ref y0);
            Add<TColumns>(b + line, v, w, ref x1, ref y1);
            Add<TColumns>(b + (2 * line), v, w, ref x2, ref y2);
            Add<TColumns>(b3, v, w, ref x3, ref y3);
            Add<TColumns>(b3 + line, v, w, ref x4, ref y4);
            Add<TColumns>(b3 + (2 * line), v, w, ref x5, ref y5);
            if (Lines > 6)
            {
                Add<TColumns>(b6, v, w, ref x6, ref y6);
                Add<TColumns>(b6 + line, v, w, ref x7, ref y7);
                Add<TColumns>(b6 + (2 * line), v, w, ref x8, ref y8);
                Add<TColumns>(b9, v, w, ref x9, ref y9);
                Add<TColumns>(b9 + line, v, w, ref x10, ref y10);
                Add<TColumns>(b9 + (2 * line), v, w, ref x11, ref y11);
                b6 += sizeof(float);
                b9 += sizeof(float);
            }

            a += Panel;
            b += sizeof(float);
            b3 += sizeof(float);
        }

        Store<TColumns>(x0, y0, tile);
        Store<TColumns>(x1, y1, tile + Panel);
        Store<TColumns>(x2, y2, tile + (2 * Panel));
        Store<TColumns>(x3, y3, tile + (3 * Panel));
        Store<TColumns>(x4, y4, tile + (4 * Panel));
        Store<TColumns>(x5, y5, tile + (5 * Panel));
        if (Lines > 6)
        {
            Store<TColumns>(x6, y6, tile + (6 * Panel));
            Store<TColumns>(x7, y7, tile + (7 * Panel));
            Store<TColumns>(x8, y8, tile + (8 * Panel));
            Store<TColumns>(x9, y9, tile + (9 * Panel));
            Store<TColumns>(x10, y10, tile + (10 * Panel));
            Store<TColumns>(x11, y11, tile + (11 * Panel));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(float* bias, int line, out TVector x, out TVector y) => x = y = bias == null ? default : TSimd.Broadcast(bias[line]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TColumns>(byte* b, TVector v, TVector w, ref TVector x, ref TVector y)
        where TColumns : struct, ICount
    {
        TVector scalar = TSimd.Broadcast(*(float*)b);
        x = TSimd.MultiplyAdd(scalar, v, x);
        if (TColumns.Value > 1)
            y = TSimd.MultiplyAdd(scalar, w, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TColumns>(TVector x, TVector y, float* tile)
        where TColumns : struct, ICount
    {
        TSimd.Store(x, tile);
        if (TColumns.Value > 1)
            TSimd.Store(y, tile + TSimd.Width);
    }
}
