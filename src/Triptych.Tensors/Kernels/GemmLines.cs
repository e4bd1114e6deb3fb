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

    /// <summary>Bytes that software prefetch runs ahead; a quarter of it cost a tenth of the speed (measured).</summary>
    private const int Ahead = 8192;

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

        [SkipLocalsInit]
        private readonly void Lines(in GemmArguments g, long start, long end)
        {
            byte* tail = stackalloc byte[2 * 16 * sizeof(float)];
            float* sums = stackalloc float[GroupLines];
            for (; start < end; start++)
            {
                int first = (int)start * GroupLines, lines = Math.Min(GroupLines, g.N - first);
                for (int line = 0; line < lines; line++)
                    sums[line] = Dot(g.K, A, g.B + ((first + line) * g.Ldb * TElement.Size), tail);
                GemmVector<TSimd, TVector, TElement>.Finish(g, new ReadOnlySpan<float>(sums, lines), 0, first);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(int k, float* a, byte* b, byte* tail)
    {
        int steps = k / Pair, bytes = Pair * TElement.Size, rest = (k % Pair) * TElement.Size;
        if (rest > 0)
        {
            new Span<byte>(tail, bytes).Clear();
            Unsafe.CopyBlockUnaligned(tail, b + ((long)steps * bytes), (uint)rest);
        }

        TVector s0 = default, s1 = default, s2 = default, s3 = default, v, w;
        for (; steps > 1; steps -= 2, a += 2 * Pair, b += 2 * bytes)
        {
            GemmDots<TSimd, TVector, TElement>.Prefetch(b + Ahead);
            GemmDots<TSimd, TVector, TElement>.Prefetch(b + bytes + Ahead);
            TSimd.LoadPair<TElement>(b, out v, out w);
            s0 = TSimd.MultiplyAdd(TSimd.Load(a), v, s0);
            s1 = TSimd.MultiplyAdd(TSimd.Load(a + TSimd.Width), w, s1);
            TSimd.LoadPair<TElement>(b + bytes, out v, out w);
            s2 = TSimd.MultiplyAdd(TSimd.Load(a + (2 * TSimd.Width)), v, s2);
            s3 = TSimd.MultiplyAdd(TSimd.Load(a + (3 * TSimd.Width)), w, s3);
        }

        if (steps > 0)
        {
            TSimd.LoadPair<TElement>(b, out v, out w);
            s0 = TSimd.MultiplyAdd(TSimd.Load(a), v, s0);
            s1 = TSimd.MultiplyAdd(TSimd.Load(a + TSimd.Width), w, s1);
            a += Pair;
        }

        if (rest > 0)
        {
            TSimd.LoadPair<TElement>(tail, out v, out w);
            s2 = TSimd.MultiplyAdd(TSimd.Load(a), v, s2);
            s3 = TSimd.MultiplyAdd(TSimd.Load(a + TSimd.Width), w, s3);
        }

        return TSimd.Sum(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)));
    }
}
