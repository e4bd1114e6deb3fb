using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>
/// c [1, n] = a [1, k] b [k, n]: lines of B, each times a number of A, are added to sums that stay in the first-level cache. Four lines are
/// read at a time, one of each quarter of a part: long streams from memory. The parts of k depend on the shape alone.
/// </summary>
internal static unsafe class GemmAxpy<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>Columns whose sums stay in the first-level cache.</summary>
    private const int MaxStrip = 4096;

    /// <summary>Lines of B in a part of k at least, and parts at most.</summary>
    private const int MinLines = 32, MaxParts = 16;

    private static int Pair
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    public static void Run(in GemmArguments g)
    {
        int padded = (g.N + Pair - 1) / Pair * Pair, parts = Math.Clamp(g.K / MinLines, 1, MaxParts);
        Body body = new()
        {
            G = g,
            Padded = padded,
            Lines = (g.K + parts - 1) / parts,
            Strips = (g.N + MaxStrip - 1) / MaxStrip,
            Sums = GemmScratch.Rent((long)parts * padded),
        };
        parts = (g.K + body.Lines - 1) / body.Lines;
        WorkerPool.For(parts * body.Strips, Gemm.Grain(parts * body.Strips, (long)g.N * g.K), ref body);
        for (int part = 1; part < parts; part++)
        {
            ReadOnlySpan<float> more = new(body.Sums + ((long)part * padded), padded);
            TensorPrimitives.Add(new ReadOnlySpan<float>(body.Sums, padded), more, new Span<float>(body.Sums, padded));
        }

        Finish(g, body.Sums);
    }

    /// <summary>Sums of 16-bit elements lie in the order in which pairs of vectors are widened.</summary>
    [SkipLocalsInit]
    private static void Finish(in GemmArguments g, float* sums)
    {
        if (TElement.Size == sizeof(float))
        {
            GemmVector<TSimd, TVector, TElement>.Finish(g, new ReadOnlySpan<float>(sums, g.N), 0, 0);
            return;
        }

        float* ordered = stackalloc float[2 * 16];
        for (int first = 0; first < g.N; first += Pair)
        {
            int count = Math.Min(Pair, g.N - first);
            for (int j = 0; j < count; j++)
                ordered[j] = sums[first + PairOrder.Slot<TElement>(j, TSimd.Width)];
            GemmVector<TSimd, TVector, TElement>.Finish(g, new ReadOnlySpan<float>(ordered, count), 0, first);
        }
    }

    private struct Body : IRangeBody
    {
        public GemmArguments G;
        public float* Sums;
        public int Padded, Lines, Strips;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            byte* tail = stackalloc byte[2 * 16 * sizeof(float)];
            for (; start < end; start++)
            {
                int part = (int)(start / Strips), first = (int)(start % Strips) * MaxStrip, count = Math.Min(MaxStrip, G.N - first);
                int whole = count / Pair * Pair, rest = count - whole;
                float* sums = Sums + ((long)part * Padded) + first;
                new Span<float>(sums, whole + (rest > 0 ? Pair : 0)).Clear();
                new Span<byte>(tail, Pair * TElement.Size).Clear();
                long line = G.Ldb * TElement.Size, stepA = G.TransA ? G.Lda : 1;
                int begin = part * Lines, quarter = (Math.Min(G.K, begin + Lines) - begin) / 4;
                byte* b = G.B + (begin * line) + ((long)first * TElement.Size);
                float* a = G.A + (begin * stepA);
                long stream = quarter * line, step4 = quarter * stepA;
                for (int p = 0; p < quarter; p++, b += line, a += stepA)
                {
                    Add4(whole, *a, a[step4], a[2 * step4], a[3 * step4], b, b + stream, b + (2 * stream), b + (3 * stream), sums);
                    for (int i = 0; i < 4 && rest > 0; i++)
                        AddTail(rest, a[i * step4], b + (i * stream) + (whole * TElement.Size), tail, sums + whole);
                }

                b += 3 * stream;
                a += 3 * step4;
                for (int p = begin + (4 * quarter); p < Math.Min(G.K, begin + Lines); p++, b += line, a += stepA)
                {
                    Add(whole, *a, b, sums);
                    if (rest > 0)
                        AddTail(rest, *a, b + (whole * TElement.Size), tail, sums + whole);
                }
            }
        }
    }

    private static void AddTail(int rest, float a, byte* b, byte* tail, float* sums)
    {
        Unsafe.CopyBlockUnaligned(tail, b, (uint)(rest * TElement.Size));
        Add(Pair, a, tail, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add4(int count, float a0, float a1, float a2, float a3, byte* b0, byte* b1, byte* b2, byte* b3, float* sums)
    {
        TVector x0 = TSimd.Broadcast(a0), x1 = TSimd.Broadcast(a1), x2 = TSimd.Broadcast(a2), x3 = TSimd.Broadcast(a3);
        float* end = sums + count;
        for (long at = 0; sums < end; sums += Pair, at += Pair * TElement.Size)
        {
            TVector s = TSimd.Load(sums), t = TSimd.Load(sums + TSimd.Width);
            TSimd.LoadPair<TElement>(b0 + at, out TVector v, out TVector w);
            s = TSimd.MultiplyAdd(x0, v, s);
            t = TSimd.MultiplyAdd(x0, w, t);
            TSimd.LoadPair<TElement>(b1 + at, out v, out w);
            s = TSimd.MultiplyAdd(x1, v, s);
            t = TSimd.MultiplyAdd(x1, w, t);
            TSimd.LoadPair<TElement>(b2 + at, out v, out w);
            s = TSimd.MultiplyAdd(x2, v, s);
            t = TSimd.MultiplyAdd(x2, w, t);
            TSimd.LoadPair<TElement>(b3 + at, out v, out w);
            TSimd.Store(TSimd.MultiplyAdd(x3, v, s), sums);
            TSimd.Store(TSimd.MultiplyAdd(x3, w, t), sums + TSimd.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(int count, float a, byte* b, float* sums)
    {
        TVector x = TSimd.Broadcast(a);
        float* end = sums + count;
        for (; sums < end; sums += Pair, b += Pair * TElement.Size)
        {
            TSimd.LoadPair<TElement>(b, out TVector v, out TVector w);
            TSimd.Store(TSimd.MultiplyAdd(x, v, TSimd.Load(sums)), sums);
            TSimd.Store(TSimd.MultiplyAdd(x, w, TSimd.Load(sums + TSimd.Width)), sums + TSimd.Width);
        }
    }
}
