using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>The product for up to eight rows of A: B is read once, as it lies, at the speed of memory.</summary>
internal static unsafe class GemmVector<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    /// <summary>Rows of A and lines of B that a dot-product tile holds in registers.</summary>
    private const int Tile = 4;

    /// <summary>Columns of a strip of B that is not transposed: long enough for the memory prefetcher, C stays in cache.</summary>
    private const int Strip = 512;

    /// <summary>Bytes that software prefetch runs ahead along a line.</summary>
    private const int Ahead = 1024;

    public static void Run(in GemmArguments g)
    {
        Body body = new() { G = g };
        if (g.TransA && g.K > 0)
        {
            body.G.A = GemmScratch.Rent((long)g.M * g.K);
            body.G.Lda = g.K;
            for (int i = 0; i < g.M; i++)
            {
                for (int p = 0; p < g.K; p++)
                    body.G.A[((long)i * g.K) + p] = g.A[(p * g.Lda) + i];
            }
        }

        long work = (long)g.M * g.N * g.K;
        body.Step = g.TransB ? Tile : StripColumns(g.N);
        long steps = (g.N + body.Step - 1) / body.Step;
        WorkerPool.For(steps, Gemm.Grain(steps, work), ref body);
    }

    /// <summary>Strips are multiples of a cache line, at least two a thread where the columns suffice.</summary>
    private static int StripColumns(int n)
    {
        int share = n / (2 * WorkerPool.ThreadCount);
        return Math.Clamp((share + 63) / 64 * 64, 128, Strip);
    }

    private struct Body : IRangeBody
    {
        public GemmArguments G;
        public int Step;

        [SkipLocalsInit]
        public readonly void Invoke(long start, long end)
        {
            int first = (int)start * Step, last = (int)Math.Min(end * Step, G.N);
            if (G.TransB || G.K == 0)
            {
                Dots(first, last);
                return;
            }

            for (; first < last; first += Step)
                Columns(first, Math.Min(Step, last - first));
        }

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Dots(int first, int last)
        {
            float* partial = stackalloc float[Tile * Tile * TSimd.Width], sums = stackalloc float[Tile];
            long lineBytes = G.Ldb * TElement.Size;
            for (int j = first; j < last; j += Tile)
            {
                int lines = Math.Min(Tile, last - j);
                byte* b = G.B + (j * lineBytes);

                // A short last tile reads its first line again in place of those that are missing.
                byte* b1 = lines > 1 ? b + lineBytes : b, b2 = lines > 2 ? b + (2 * lineBytes) : b, b3 = lines > 3 ? b + (3 * lineBytes) : b;
                for (int i = 0; i < G.M; i += Tile)
                {
                    int rows = Math.Min(Tile, G.M - i);
                    float* a = G.A + (i * G.Lda);
                    switch (rows)
                    {
                        case 1:
                            DotTile<One>(G.K, a, G.Lda, b, b1, b2, b3, partial);
                            break;
                        case 2:
                            DotTile<Two>(G.K, a, G.Lda, b, b1, b2, b3, partial);
                            break;
                        case 3:
                            DotTile<Three>(G.K, a, G.Lda, b, b1, b2, b3, partial);
                            break;
                        default:
                            DotTile<Four>(G.K, a, G.Lda, b, b1, b2, b3, partial);
                            break;
                    }

                    for (int row = 0; row < rows; row++)
                    {
                        for (int line = 0; line < lines; line++)
                        {
                            sums[line] = Reduce(partial + (((row * Tile) + line) * TSimd.Width), G.K, a + (row * G.Lda),
                                b + (line * lineBytes));
                        }

                        Finish(sums, i + row, j, lines);
                    }
                }
            }
        }

        private readonly void Finish(float* sums, int row, int column, int count)
        {
            float* c = G.C + (row * G.Ldc) + column;
            for (int j = 0; j < count; j++)
            {
                float value = sums[j];
                if (G.Beta != 0)
                    value = MathF.FusedMultiplyAdd(G.Beta, c[j], value);
                if (G.Bias != null)
                    value += G.Bias[column + j];
                c[j] = value;
            }

            Activations.Apply(G.Activation, c, count);
        }

        /// <summary>c[:, strip] += a[:, k] * b[k, strip], four k at a time.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Columns(int first, int count)
        {
            for (int i = 0; i < G.M; i++)
            {
                Span<float> c = new(G.C + (i * G.Ldc) + first, count);
                if (G.Beta == 0)
                    c.Clear();
                else if (G.Beta != 1)
                    System.Numerics.Tensors.TensorPrimitives.Multiply(c, G.Beta, c);
            }

            long lineBytes = G.Ldb * TElement.Size;
            byte* b = G.B + ((long)first * TElement.Size);
            int p = 0;
            for (; p + 4 <= G.K; p += 4)
            {
                byte* lines = b + (p * lineBytes);
                int i = 0;
                for (; i + 4 <= G.M; i += 4)
                    FourLines<Four>(count, G.A + (i * G.Lda) + p, G.Lda, lines, lineBytes, G.C + (i * G.Ldc) + first, G.Ldc);
                for (; i + 2 <= G.M; i += 2)
                    FourLines<Two>(count, G.A + (i * G.Lda) + p, G.Lda, lines, lineBytes, G.C + (i * G.Ldc) + first, G.Ldc);
                for (; i < G.M; i++)
                    FourLines<One>(count, G.A + (i * G.Lda) + p, G.Lda, lines, lineBytes, G.C + (i * G.Ldc) + first, G.Ldc);
            }

            for (; p < G.K; p++)
            {
                for (int i = 0; i < G.M; i++)
                    OneLine(count, G.A[(i * G.Lda) + p], b + (p * lineBytes), G.C + (i * G.Ldc) + first);
            }

            for (int i = 0; i < G.M; i++)
            {
                float* c = G.C + (i * G.Ldc) + first;
                if (G.Bias != null)
                {
                    System.Numerics.Tensors.TensorPrimitives.Add(new ReadOnlySpan<float>(c, count),
                        new ReadOnlySpan<float>(G.Bias + first, count), new Span<float>(c, count));
                }

                Activations.Apply(G.Activation, c, count);
            }
        }
    }

    /// <summary>partial[rows, 4, Width] = the dot products of rows of A with four lines of B, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DotTile<TRows>(int k, float* a, long lda, byte* b0, byte* b1, byte* b2, byte* b3, float* partial)
        where TRows : struct, ICount
    {
        TVector s00 = default, s01 = default, s02 = default, s03 = default;
        TVector s10 = default, s11 = default, s12 = default, s13 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default;
        TVector s30 = default, s31 = default, s32 = default, s33 = default;
        float* a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda;
        int p = 0;
        for (; p + TSimd.Width <= k; p += TSimd.Width)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(b0 + ((long)p * TElement.Size) + Ahead);
                Sse.Prefetch0(b1 + ((long)p * TElement.Size) + Ahead);
                Sse.Prefetch0(b2 + ((long)p * TElement.Size) + Ahead);
                Sse.Prefetch0(b3 + ((long)p * TElement.Size) + Ahead);
            }

            TVector v0 = TSimd.Load<TElement>(b0 + ((long)p * TElement.Size));
            TVector v1 = TSimd.Load<TElement>(b1 + ((long)p * TElement.Size));
            TVector v2 = TSimd.Load<TElement>(b2 + ((long)p * TElement.Size));
            TVector v3 = TSimd.Load<TElement>(b3 + ((long)p * TElement.Size));
            TVector x = TSimd.Load(a + p);
            s00 = TSimd.MultiplyAdd(x, v0, s00);
            s01 = TSimd.MultiplyAdd(x, v1, s01);
            s02 = TSimd.MultiplyAdd(x, v2, s02);
            s03 = TSimd.MultiplyAdd(x, v3, s03);
            if (TRows.Value > 1)
            {
                x = TSimd.Load(a1 + p);
                s10 = TSimd.MultiplyAdd(x, v0, s10);
                s11 = TSimd.MultiplyAdd(x, v1, s11);
                s12 = TSimd.MultiplyAdd(x, v2, s12);
                s13 = TSimd.MultiplyAdd(x, v3, s13);
            }

            if (TRows.Value > 2)
            {
                x = TSimd.Load(a2 + p);
                s20 = TSimd.MultiplyAdd(x, v0, s20);
                s21 = TSimd.MultiplyAdd(x, v1, s21);
                s22 = TSimd.MultiplyAdd(x, v2, s22);
                s23 = TSimd.MultiplyAdd(x, v3, s23);
            }

            if (TRows.Value > 3)
            {
                x = TSimd.Load(a3 + p);
                s30 = TSimd.MultiplyAdd(x, v0, s30);
                s31 = TSimd.MultiplyAdd(x, v1, s31);
                s32 = TSimd.MultiplyAdd(x, v2, s32);
                s33 = TSimd.MultiplyAdd(x, v3, s33);
            }
        }

        // No call may follow while the sums are in registers: the JIT would spill them inside the loop.
        Store(s00, s01, s02, s03, partial);
        if (TRows.Value > 1)
            Store(s10, s11, s12, s13, partial + (Tile * TSimd.Width));
        if (TRows.Value > 2)
            Store(s20, s21, s22, s23, partial + (2 * Tile * TSimd.Width));
        if (TRows.Value > 3)
            Store(s30, s31, s32, s33, partial + (3 * Tile * TSimd.Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector s0, TVector s1, TVector s2, TVector s3, float* partial)
    {
        TSimd.Store(s0, partial);
        TSimd.Store(s1, partial + TSimd.Width);
        TSimd.Store(s2, partial + (2 * TSimd.Width));
        TSimd.Store(s3, partial + (3 * TSimd.Width));
    }

    /// <summary>Adds up the lanes of a partial sum, and the elements past the last whole vector.</summary>
    private static float Reduce(float* partial, int k, float* a, byte* b)
    {
        float sum = TSimd.Sum(TSimd.Load(partial));
        for (int p = k - (k % TSimd.Width); p < k; p++)
            sum += a[p] * TElement.Load1(b + ((long)p * TElement.Size));
        return sum;
    }

    /// <summary>c[rows, count] += a[rows, 4] * b[4, count]: each vector of B is loaded and widened once for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourLines<TRows>(int count, float* a, long lda, byte* b, long lineBytes, float* c, long ldc)
        where TRows : struct, ICount
    {
        byte* b1 = b + lineBytes, b2 = b1 + lineBytes, b3 = b2 + lineBytes;
        float* c1 = TRows.Value > 1 ? c + ldc : c, c2 = TRows.Value > 2 ? c1 + ldc : c, c3 = TRows.Value > 2 ? c2 + ldc : c;
        float* a1 = TRows.Value > 1 ? a + lda : a, a2 = TRows.Value > 2 ? a1 + lda : a, a3 = TRows.Value > 2 ? a2 + lda : a;
        int j = 0;
        for (; j + TSimd.Width <= count; j += TSimd.Width)
        {
            long at = (long)j * TElement.Size;
            if (Sse.IsSupported)
            {
                // The next four lines: the strip is short, and the processor's own prefetcher does not see across lines.
                Sse.Prefetch0(b + (4 * lineBytes) + at);
                Sse.Prefetch0(b1 + (4 * lineBytes) + at);
                Sse.Prefetch0(b2 + (4 * lineBytes) + at);
                Sse.Prefetch0(b3 + (4 * lineBytes) + at);
            }

            TVector v0 = TSimd.Load<TElement>(b + at), v1 = TSimd.Load<TElement>(b1 + at);
            TVector v2 = TSimd.Load<TElement>(b2 + at), v3 = TSimd.Load<TElement>(b3 + at);
            AddFour(a, v0, v1, v2, v3, c + j);
            if (TRows.Value > 1)
                AddFour(a1, v0, v1, v2, v3, c1 + j);
            if (TRows.Value > 2)
            {
                AddFour(a2, v0, v1, v2, v3, c2 + j);
                AddFour(a3, v0, v1, v2, v3, c3 + j);
            }
        }

        for (; j < count; j++)
        {
            long at = (long)j * TElement.Size;
            float v0 = TElement.Load1(b + at), v1 = TElement.Load1(b1 + at), v2 = TElement.Load1(b2 + at), v3 = TElement.Load1(b3 + at);
            c[j] += (a[0] * v0) + (a[1] * v1) + (a[2] * v2) + (a[3] * v3);
            if (TRows.Value > 1)
                c1[j] += (a1[0] * v0) + (a1[1] * v1) + (a1[2] * v2) + (a1[3] * v3);
            if (TRows.Value > 2)
            {
                c2[j] += (a2[0] * v0) + (a2[1] * v1) + (a2[2] * v2) + (a2[3] * v3);
                c3[j] += (a3[0] * v0) + (a3[1] * v1) + (a3[2] * v2) + (a3[3] * v3);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddFour(float* a, TVector v0, TVector v1, TVector v2, TVector v3, float* c)
    {
        TVector sum = TSimd.MultiplyAdd(TSimd.Broadcast(a[0]), v0, TSimd.Load(c));
        sum = TSimd.MultiplyAdd(TSimd.Broadcast(a[1]), v1, sum);
        sum = TSimd.MultiplyAdd(TSimd.Broadcast(a[2]), v2, sum);
        TSimd.Store(TSimd.MultiplyAdd(TSimd.Broadcast(a[3]), v3, sum), c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneLine(int count, float a, byte* b, float* c)
    {
        TVector x = TSimd.Broadcast(a);
        int j = 0;
        for (; j + TSimd.Width <= count; j += TSimd.Width)
            TSimd.Store(TSimd.MultiplyAdd(x, TSimd.Load<TElement>(b + ((long)j * TElement.Size)), TSimd.Load(c + j)), c + j);
        for (; j < count; j++)
            c[j] += a * TElement.Load1(b + ((long)j * TElement.Size));
    }
}
