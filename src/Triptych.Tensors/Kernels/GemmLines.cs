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
    public const int MaxInner = 8192;

    /// <summary>Lines whose sums go to C together.</summary>
    private const int GroupLines = 16;

    /// <summary>Bytes that software prefetch runs ahead; a quarter of it cost a tenth of the speed (measured).</summary>
    private const int Ahead = 8192;

    private static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Run(in GemmArguments g)
    {
        int steps = (g.K + Pair - 1) / Pair;
        Body body = new() { G = g, A = g.A };
        if (TElement.Size != sizeof(float) || g.TransA || g.K % Pair != 0)
        {
            body.A = GemmScratch.Rent((long)steps * Pair);
            GemmDots<TSimd, TVector, TElement>.Pack(g, 0, 1, steps, body.A);
        }

        long groups = (g.N + GroupLines - 1) / GroupLines;
        WorkerPool.For(groups, Gemm.Grain(groups, (long)g.N * g.K), ref body);
    }

    private struct Body : IRangeBody
    {
        public GemmArguments G;

        /// <summary>The row in the order in which pairs of B's elements are widened, with zeros to a whole pair.</summary>
        public float* A;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            byte* tail = stackalloc byte[2 * 16 * sizeof(float)];
            float* sums = stackalloc float[GroupLines];
            for (; start < end; start++)
            {
                int first = (int)start * GroupLines, lines = Math.Min(GroupLines, G.N - first);
                for (int line = 0; line < lines; line++)
                    sums[line] = Dot(G.K, A, G.B + ((first + line) * G.Ldb * TElement.Size), tail);
                GemmVector<TSimd, TVector, TElement>.Finish(G, new ReadOnlySpan<float>(sums, lines), 0, first);
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
