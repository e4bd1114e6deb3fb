using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// c [1, n] = a [1, k] b [k, n]: lines of B, one after the other, times a number of A are added to sums that stay in the first-level
/// cache. B is a single stream from memory to each thread. The sum is split over a number of parts of k that depends on the shape alone.
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

    /// <summary>Bytes that software prefetch runs ahead; a twentieth faster than none, and than half of it (measured).</summary>
    private const int Ahead = 8192;

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
                for (int p = part * Lines; p < Math.Min(G.K, (part + 1) * Lines); p++)
                {
                    byte* b = G.B + (p * line) + ((long)first * TElement.Size);
                    Add(whole, G.A[p * stepA], b, sums);
                    if (rest > 0)
                    {
                        Unsafe.CopyBlockUnaligned(tail, b + (whole * TElement.Size), (uint)(rest * TElement.Size));
                        Add(Pair, G.A[p * stepA], tail, sums + whole);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(int count, float a, byte* b, float* sums)
    {
        TVector x = TSimd.Broadcast(a);
        float* end = sums + count;
        for (; sums < end; sums += Pair, b += Pair * TElement.Size)
        {
            Prefetch(b + Ahead);
            TSimd.LoadPair<TElement>(b, out TVector v, out TVector w);
            TSimd.Store(TSimd.MultiplyAdd(x, v, TSimd.Load(sums)), sums);
            TSimd.Store(TSimd.MultiplyAdd(x, w, TSimd.Load(sums + TSimd.Width)), sums + TSimd.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* next)
    {
        if (!Sse.IsSupported)
            return;
        Sse.PrefetchNonTemporal(next);
        if (Pair * TElement.Size > 64)
            Sse.PrefetchNonTemporal(next + 64);
    }
}
