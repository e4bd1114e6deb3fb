using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// c [m, n] = a [m, k] b [k, n] for a few rows of A, two or more: a strip of C stays in the first-level cache while long runs of four lines
/// of B at a time go by.
/// </summary>
internal static unsafe class GemmColumns<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>Columns of a strip: a multiple of the widest pair; as long as C fits, and no longer than memory likes.</summary>
    private const int MinStrip = 128;
    private const int MaxStrip = 2048;

    /// <summary>Bytes of runs that software prefetch is ahead at least; a quarter of it cost a third of the speed on short lines (measured).</summary>
    private const int Ahead = 16384;

    /// <summary>Sums of a strip: 16 KB.</summary>
    private const int StripFloats = 4096;

    private static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Run(in GemmArguments g)
    {
        Body body = new() { G = g, A = g.A, StepK = g.TransA ? g.Lda : 1 };
        if (!g.TransA && g.M > 1)
        {
            body.A = GemmScratch.Rent((long)g.M * g.K);
            body.StepK = g.M;
            for (int i = 0; i < g.M; i++)
            {
                float* row = g.A + (i * g.Lda);
                for (int p = 0; p < g.K; p++)
                    body.A[((long)p * g.M) + i] = row[p];
            }
        }

        int share = (g.N + (2 * WorkerPool.ThreadCount) - 1) / (2 * WorkerPool.ThreadCount);
        int longest = Math.Clamp(StripFloats / g.M / MinStrip * MinStrip, MinStrip, MaxStrip);
        body.Strip = Math.Clamp((share + MinStrip - 1) / MinStrip * MinStrip, MinStrip, longest);
        long strips = (g.N + body.Strip - 1) / body.Strip;
        WorkerPool.For(strips, Gemm.Grain(strips, (long)g.M * g.N * g.K), ref body);
    }

    private struct Body : IRangeBody
    {
        public GemmArguments G;

        /// <summary>Element (i, p) of A lies at i + p * StepK.</summary>
        public float* A;
        public long StepK;
        public int Strip;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            byte* memory = stackalloc byte[(((MinStrip * Gemm.MaxColumnsRows) + StripFloats) * sizeof(float)) + 64];
            float* sums = (float*)(((nint)memory + 63) & ~(nint)63);
            for (; start < end; start++)
            {
                int first = (int)start * Strip;
                Multiply(first, Math.Min(Strip, G.N - first), sums);
            }
        }

        /// <summary>Sums lie as [pair of vectors, row, pair's elements].</summary>
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Multiply(int first, int count, float* sums)
        {
            int whole = count / Pair * Pair, rest = count - whole;
            new Span<float>(sums, (whole + (rest > 0 ? Pair : 0)) * G.M).Clear();
            byte* tail = stackalloc byte[4 * 2 * 16 * sizeof(float)];
            int tailBytes = Pair * TElement.Size;
            new Span<byte>(tail, 4 * tailBytes).Clear();
            long line = G.Ldb * TElement.Size;
            byte* b = G.B + ((long)first * TElement.Size);
            float* a = A;
            int p = 0;
            for (; p + 4 <= G.K; p += 4, b += 4 * line, a += 4 * StepK)
            {
                Lines<Four>(whole, a, b, line, sums);
                if (rest > 0)
                {
                    for (int i = 0; i < 4; i++)
                        Unsafe.CopyBlockUnaligned(tail + (i * tailBytes), b + (i * line) + (whole * TElement.Size), (uint)(rest * TElement.Size));
                    Lines<Four>(Pair, a, tail, tailBytes, sums + ((long)whole * G.M));
                }
            }

            for (; p < G.K; p++, b += line, a += StepK)
            {
                Lines<One>(whole, a, b, line, sums);
                if (rest > 0)
                {
                    Unsafe.CopyBlockUnaligned(tail, b + (whole * TElement.Size), (uint)(rest * TElement.Size));
                    Lines<One>(Pair, a, tail, tailBytes, sums + ((long)whole * G.M));
                }
            }

            Store(first, count, sums);
        }

        /// <summary>sums [m, count] += a [m, depth] b [depth, count], each pair of vectors of B widened once for all rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Lines<TDepth>(int count, float* a, byte* b, long line, float* sums)
            where TDepth : struct, ICount
        {
            byte* b1 = b + line, b2 = b1 + line, b3 = b2 + line;
            float* a1 = a + StepK, a2 = a1 + StepK, a3 = a2 + StepK;
            long bytes = (long)count * TElement.Size, rows = G.M;
            long ahead = Math.Max(TDepth.Value, Ahead / Math.Max(bytes, 1)) * line;
            for (long at = 0; at < bytes; at += 2 * TSimd.Width * TElement.Size)
            {
                TSimd.LoadPair<TElement>(b + at, out TVector v0, out TVector w0);
                Prefetch(b + ahead + at);
                TVector v1 = default, w1 = default, v2 = default, w2 = default, v3 = default, w3 = default;
                if (TDepth.Value > 1)
                {
                    TSimd.LoadPair<TElement>(b1 + at, out v1, out w1);
                    TSimd.LoadPair<TElement>(b2 + at, out v2, out w2);
                    TSimd.LoadPair<TElement>(b3 + at, out v3, out w3);
                    Prefetch(b1 + ahead + at);
                    Prefetch(b2 + ahead + at);
                    Prefetch(b3 + ahead + at);
                }

                for (long i = 0; i < rows; i++, sums += 2 * TSimd.Width)
                {
                    TVector x = TSimd.Broadcast(a[i]);
                    TVector s = TSimd.MultiplyAdd(x, v0, TSimd.Load(sums)), t = TSimd.MultiplyAdd(x, w0, TSimd.Load(sums + TSimd.Width));
                    if (TDepth.Value > 1)
                    {
                        x = TSimd.Broadcast(a1[i]);
                        s = TSimd.MultiplyAdd(x, v1, s);
                        t = TSimd.MultiplyAdd(x, w1, t);
                        x = TSimd.Broadcast(a2[i]);
                        s = TSimd.MultiplyAdd(x, v2, s);
                        t = TSimd.MultiplyAdd(x, w2, t);
                        x = TSimd.Broadcast(a3[i]);
                        s = TSimd.MultiplyAdd(x, v3, s);
                        t = TSimd.MultiplyAdd(x, w3, t);
                    }

                    TSimd.Store(s, sums);
                    TSimd.Store(t, sums + TSimd.Width);
                }
            }
        }

        /// <summary>The next lines of B: a run is short, and the processor's own prefetcher does not see across lines.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Prefetch(byte* next)
        {
            if (!Sse.IsSupported)
                return;
            Sse.Prefetch0(next);
            if (2 * TSimd.Width * TElement.Size > 64)
                Sse.Prefetch0(next + 64);
        }

        [SkipLocalsInit]
        private readonly void Store(int first, int count, float* sums)
        {
            float* ordered = stackalloc float[MaxStrip];
            for (int i = 0; i < G.M; i++)
            {
                for (int pair = 0; pair < count; pair += Pair)
                {
                    float* source = sums + ((long)pair * G.M) + ((long)i * Pair);
                    for (int j = 0; j < Math.Min(Pair, count - pair); j++)
                        ordered[pair + j] = source[PairOrder.Slot<TElement>(j, TSimd.Width)];
                }

                GemmVector<TSimd, TVector, TElement>.Finish(G, new ReadOnlySpan<float>(ordered, count), i, first);
            }
        }
    }
}
