using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>
/// c [1, n] = a [1, k] b^T, b [n, k]: the lines of B one after the other, a single stream from memory. Tiles of several lines,
/// as <see cref="GemmDots{TSimd, TVector, TElement}"/> has them, win only from two rows of A on.
/// </summary>
internal static unsafe class GemmLines<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>Longest line for which A stays in the first-level cache beside the stream.</summary>
    private const int MaxInner = 8192;

    /// <summary>Products of a region.</summary>
    private const int MaxProducts = 8;

    /// <summary>Lines whose sums go to C together.</summary>
    private const int GroupLines = 16;

    /// <summary>Lines that are read at a time.</summary>
    private const int Streams = 4;

    private static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    /// <summary>Whether these products can be one parallel region.</summary>
    public static bool Takes(ReadOnlySpan<GemmArguments> products)
    {
        if (products.Length > MaxProducts)
            return false;
        foreach (ref readonly GemmArguments g in products)
        {
            if (!Takes(g))
                return false;
        }

        return true;
    }

    public static bool Takes(in GemmArguments g) => g.TransB && g.M == 1 && g.K is > 0 and <= MaxInner;

    /// <summary>Products that agree in A and K.</summary>
    public static void Run(ReadOnlySpan<GemmArguments> products)
    {
        ref readonly GemmArguments g = ref products[0];
        int steps = (g.K + Pair - 1) / Pair;
        Body body = new() { Count = products.Length, A = g.A };
        if (TElement.Size != sizeof(float) || g.TransA || g.K % Pair != 0)
        {
            body.A = GemmScratch.Rent((long)steps * Pair);
            GemmDots<TSimd, TVector, TElement>.Pack(g, 0, 1, steps, body.A);
        }

        long groups = 0, lines = 0;
        for (int i = 0; i < products.Length; i++)
        {
            body.Products[i] = products[i];
            groups += Groups(products[i]);
            lines += products[i].N;
        }

        WorkerPool.For(groups, Gemm.Grain(groups, lines * g.K), ref body);
    }

    private static long Groups(in GemmArguments g) => ((long)g.N + GroupLines - 1) / GroupLines;

    [InlineArray(MaxProducts)]
    private struct ProductList
    {
        private GemmArguments _first;
    }

    private struct Body : IRangeBody
    {
        public ProductList Products;
        public int Count;

        /// <summary>The row in the order in which pairs of B's elements are widened, with zeros to a whole pair.</summary>
        public float* A;

        public readonly void Invoke(long start, long end)
        {
            for (int i = 0; i < Count && start < end; i++)
            {
                long groups = Groups(Products[i]);
                Lines(Products[i], start, Math.Min(end, groups));
                start = Math.Max(start, groups) - groups;
                end -= groups;
            }
        }

        /// <summary>Four lines are read at a time, one of each quarter: long streams, which the processor's prefetcher follows.</summary>
        [SkipLocalsInit]
        private readonly void Lines(in GemmArguments g, long start, long end)
        {
            byte* memory = stackalloc byte[(Streams * 2 * 16 * sizeof(float)) + 64];
            float* lanes = (float*)(((nint)memory + 63) & ~(nint)63);
            float* sums = stackalloc float[Streams * GroupLines];
            int first = (int)(start * GroupLines), lines = (int)Math.Min(end * GroupLines, g.N) - first, quarter = (lines + Streams - 1) / Streams;
            long line = g.Ldb * TElement.Size;
            byte* b = g.B + (first * line);
            for (int at = 0; at < quarter; at += GroupLines)
            {
                int count = Math.Min(GroupLines, quarter - at);
                for (int i = 0; i < count; i++)
                {
                    // Where the last quarters are shorter, the last line is read again.
                    long i0 = at + i, i1 = Math.Min(i0 + quarter, lines - 1), i2 = Math.Min(i0 + (2 * quarter), lines - 1), i3 = Math.Min(i0 + (3 * quarter), lines - 1);
                    Dots(g.K, A, b + (i0 * line), b + (i1 * line), b + (i2 * line), b + (i3 * line), lanes);
                    for (int stream = 0; stream < Streams; stream++)
                    {
                        float* part = lanes + (stream * 2 * TSimd.Width);
                        sums[(stream * GroupLines) + i] = TSimd.Sum(TSimd.Add(TSimd.Load(part), TSimd.Load(part + TSimd.Width)));
                    }
                }

                for (int stream = 0; stream < Streams; stream++)
                {
                    int from = (stream * quarter) + at, left = Math.Min(count, lines - from);
                    if (left > 0)
                        GemmVector<TSimd, TVector, TElement>.Finish(g, new ReadOnlySpan<float>(sums + (stream * GroupLines), left), 0, first + from);
                }
            }
        }
    }

    /// <summary>lanes [line, pair] = the products of a and four lines.</summary>
    private static void Dots(int k, float* a, byte* b0, byte* b1, byte* b2, byte* b3, float* lanes)
    {
        int steps = k / Pair, rest = (k % Pair) * TElement.Size;
        new Span<float>(lanes, Streams * Pair).Clear();
        Add(steps, a, b0, b1, b2, b3, lanes);
        if (rest > 0)
            AddTail(steps, rest, a, b0, b1, b2, b3, lanes);
    }

    /// <summary>The last elements of the lines, with zeros to a whole pair.</summary>
    [SkipLocalsInit]
    private static void AddTail(int steps, int rest, float* a, byte* b0, byte* b1, byte* b2, byte* b3, float* lanes)
    {
        byte* tails = stackalloc byte[Streams * 2 * 16 * sizeof(float)];
        int bytes = Pair * TElement.Size;
        long at = (long)steps * bytes;
        new Span<byte>(tails, Streams * bytes).Clear();
        Unsafe.CopyBlockUnaligned(tails, b0 + at, (uint)rest);
        Unsafe.CopyBlockUnaligned(tails + bytes, b1 + at, (uint)rest);
        Unsafe.CopyBlockUnaligned(tails + (2 * bytes), b2 + at, (uint)rest);
        Unsafe.CopyBlockUnaligned(tails + (3 * bytes), b3 + at, (uint)rest);
        Add(1, a + ((long)steps * Pair), tails, tails + bytes, tails + (2 * bytes), tails + (3 * bytes), lanes);
    }

    /// <summary>lanes += products. No call may follow the loop: the JIT would spill the sums inside it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(int steps, float* a, byte* b0, byte* b1, byte* b2, byte* b3, float* lanes)
    {
        int width = TSimd.Width, bytes = Pair * TElement.Size;
        TVector s0 = TSimd.Load(lanes), t0 = TSimd.Load(lanes + width), s1 = TSimd.Load(lanes + (2 * width)), t1 = TSimd.Load(lanes + (3 * width));
        TVector s2 = TSimd.Load(lanes + (4 * width)), t2 = TSimd.Load(lanes + (5 * width)), s3 = TSimd.Load(lanes + (6 * width)), t3 = TSimd.Load(lanes + (7 * width));
        for (; steps > 0; steps--, a += Pair, b0 += bytes, b1 += bytes, b2 += bytes, b3 += bytes)
        {
            TVector x = TSimd.Load(a), y = TSimd.Load(a + width);
            TSimd.LoadPair<TElement>(b0, out TVector v, out TVector w);
            s0 = TSimd.MultiplyAdd(x, v, s0);
            t0 = TSimd.MultiplyAdd(y, w, t0);
            TSimd.LoadPair<TElement>(b1, out v, out w);
            s1 = TSimd.MultiplyAdd(x, v, s1);
            t1 = TSimd.MultiplyAdd(y, w, t1);
            TSimd.LoadPair<TElement>(b2, out v, out w);
            s2 = TSimd.MultiplyAdd(x, v, s2);
            t2 = TSimd.MultiplyAdd(y, w, t2);
            TSimd.LoadPair<TElement>(b3, out v, out w);
            s3 = TSimd.MultiplyAdd(x, v, s3);
            t3 = TSimd.MultiplyAdd(y, w, t3);
        }

        TSimd.Store(s0, lanes);
        TSimd.Store(t0, lanes + width);
        TSimd.Store(s1, lanes + (2 * width));
        TSimd.Store(t1, lanes + (3 * width));
        TSimd.Store(s2, lanes + (4 * width));
        TSimd.Store(t2, lanes + (5 * width));
        TSimd.Store(s3, lanes + (6 * width));
        TSimd.Store(t3, lanes + (7 * width));
    }
}
