using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// Matrix products C = A B + beta C, row-major, by the blocked algorithm of Goto and van de Geijn (2008): panels of A and B
/// are packed once for each block and shared by all threads, which claim tiles of C. Sums over k run in an order that depends
/// only on the shape, so a result has the same bits with any number of threads.
/// </summary>
internal static unsafe class Gemm
{
    /// <summary>
    /// At most this many rows of A take the kernels that read B as it lies, transposed or not: packing it would cost more than
    /// it gains.
    /// </summary>
    public const int MaxDotRows = 24;
    public const int MaxColumnsRows = 48;

    /// <summary>At most this many columns of C are computed as rows of its transpose, so that A is read as it lies.</summary>
    private const int MaxFlippedColumns = 16;

    /// <summary>Multiply-adds below which a parallel region costs more than it gains.</summary>
    private const long SerialWork = 200_000;

    /// <summary>The widest vectors that this machine runs at full speed.</summary>
    public static SimdPath BestPath { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? SimdPath.Vector512
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? SimdPath.Vector256
        : SimdPath.Vector128;

    /// <summary>The vectors in use. Tests set it to reach each path.</summary>
    public static SimdPath Path { get; set; } = BestPath;

    /// <summary>
    /// c [m, n] = op(a) [m, k] * op(b) [k, n] + beta * c, then the epilogue. op transposes when its flag is set, so with transB
    /// b lies as [n, k], as linear weights do. Leading dimensions are in elements. With beta 0, c is written, never read.
    /// b is float32, float16 or bfloat16; low precision is widened on the way in, sums are float32.
    /// </summary>
    public static void Run(bool transA, bool transB, int m, int n, int k, float* a, long lda, void* b, DType bType, long ldb,
        float beta, float* c, long ldc, in GemmEpilogue epilogue)
    {
        if (m <= 0 || n <= 0)
            return;
        GemmArguments arguments = new()
        {
            TransA = transA,
            TransB = transB,
            M = m,
            N = n,
            K = Math.Max(k, 0),
            A = a,
            Lda = lda,
            B = (byte*)b,
            Ldb = ldb,
            Beta = beta,
            C = c,
            Ldc = ldc,
            Bias = epilogue.Bias,
            Activation = epilogue.Activation,
        };
        Run(new ReadOnlySpan<GemmArguments>(in arguments), bType);
    }

    /// <summary>Products that agree in A, M and K; where their kernel can, it takes them in one parallel region.</summary>
    public static void Run(ReadOnlySpan<GemmArguments> products, DType bType)
    {
        switch (bType)
        {
            case DType.Float32:
                Run<Float32Element>(products);
                break;
            case DType.Float16:
                Run<Float16Element>(products);
                break;
            case DType.BFloat16 when GemmBFloat16.Takes(products[0]):
                foreach (ref readonly GemmArguments product in products)
                    GemmBFloat16.Run(product);
                break;
            case DType.BFloat16:
                Run<BFloat16Element>(products);
                break;
            default:
                throw new NotSupportedException($"a matrix product takes float32, float16 or bfloat16 weights, not {bType.Name()}");
        }
    }

    /// <summary>A product for each of `batch` matrices that lie `stride` elements apart (0 repeats one).</summary>
    public static void RunBatched(int batch, bool transA, bool transB, int m, int n, int k, float* a, long lda, long strideA,
        void* b, DType bType, long ldb, long strideB, float beta, float* c, long ldc, long strideC, in GemmEpilogue epilogue)
    {
        BatchBody body = new()
        {
            TransA = transA,
            TransB = transB,
            M = m,
            N = n,
            K = k,
            A = a,
            Lda = lda,
            StrideA = strideA,
            B = (byte*)b,
            BType = bType,
            Ldb = ldb,
            StrideB = strideB * bType.Size(),
            Beta = beta,
            C = c,
            Ldc = ldc,
            StrideC = strideC,
            Epilogue = epilogue,
        };
        long work = (long)m * n * k;
        if (batch >= WorkerPool.ThreadCount || work < SerialWork)
            WorkerPool.For(batch, 1 + (SerialWork / 4 / Math.Max(work, 1)), ref body);
        else
            body.Invoke(0, batch);
    }

    private static void Run<TElement>(ReadOnlySpan<GemmArguments> products)
        where TElement : struct, IElement
    {
        switch (Path)
        {
            case SimdPath.Vector512:
                Run<Simd512, Vector512<float>, TElement>(products);
                break;
            case SimdPath.Vector256:
                Run<Simd256, Vector256<float>, TElement>(products);
                break;
            default:
                Run<Simd128, Vector128<float>, TElement>(products);
                break;
        }
    }

    private static void Run<TSimd, TVector, TElement>(ReadOnlySpan<GemmArguments> products)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TElement : struct, IElement
    {
        if (GemmLines<TSimd, TVector, TElement>.Takes(products))
        {
            GemmLines<TSimd, TVector, TElement>.Run(products);
            return;
        }

        if (TElement.Size == sizeof(float) && GemmBroadcast<TSimd, TVector>.Takes(products))
        {
            GemmBroadcast<TSimd, TVector>.Run(products);
            return;
        }

        ref readonly GemmArguments first = ref products[0];
        bool blocked = first.K > 0;
        foreach (ref readonly GemmArguments product in products)
            blocked &= product.M > (product.TransB ? MaxDotRows : MaxColumnsRows) && !Flips<TElement>(product);
        if (blocked)
        {
            GemmBlocked<TSimd, TVector, TElement>.Run(products);
            return;
        }

        foreach (ref readonly GemmArguments product in products)
        {
            if (product.K == 0)
                GemmVector<TSimd, TVector, TElement>.Empty(product);
            else if (product.M <= (product.TransB ? MaxDotRows : MaxColumnsRows))
                GemmVector<TSimd, TVector, TElement>.Run(product);
            else if (Flips<TElement>(product))
                GemmDots<TSimd, TVector, TElement>.Run(Flip(product));
            else
                GemmBlocked<TSimd, TVector, TElement>.Run(new ReadOnlySpan<GemmArguments>(in product));
        }
    }

    private static bool Flips<TElement>(in GemmArguments g)
        where TElement : struct, IElement => g.N <= MaxFlippedColumns && !g.TransA && TElement.Size == sizeof(float);

    /// <summary>C^T = op(B)^T A^T, for float32 B.</summary>
    private static GemmArguments Flip(GemmArguments g)
    {
        float* a = g.A;
        g.A = (float*)g.B;
        g.B = (byte*)a;
        (g.Lda, g.Ldb) = (g.Ldb, g.Lda);
        (g.M, g.N) = (g.N, g.M);
        (g.TransA, g.TransB, g.Flipped) = (!g.TransB, true, true);
        return g;
    }

    /// <summary>The grain that keeps a loop over `count` parts with `work` multiply-adds in all on one thread when it is small.</summary>
    internal static long Grain(long count, long work) => work < SerialWork ? count : 1;

    private struct BatchBody : IRangeBody
    {
        public bool TransA, TransB;
        public int M, N, K;
        public float* A, C;
        public byte* B;
        public DType BType;
        public long Lda, Ldb, Ldc, StrideA, StrideB, StrideC;
        public float Beta;
        public GemmEpilogue Epilogue;

        public readonly void Invoke(long start, long end)
        {
            for (long i = start; i < end; i++)
            {
                Run(TransA, TransB, M, N, K, A + (i * StrideA), Lda, B + (i * StrideB), BType, Ldb, Beta,
                    C + (i * StrideC), Ldc, Epilogue);
            }
        }
    }
}

/// <summary>One product; leading dimensions in elements.</summary>
internal unsafe struct GemmArguments
{
    public bool TransA, TransB;

    /// <summary>C is stored transposed, [n, m], and so is what the epilogue adds to it.</summary>
    public bool Flipped;

    public int M, N, K;
    public float* A, C, Bias;
    public byte* B;
    public long Lda, Ldb, Ldc;
    public float Beta;
    public Activation Activation;
}

/// <summary>Native memory that a thread keeps for packed panels; it grows, and is freed with the thread.</summary>
internal sealed unsafe class GemmScratch
{
    private const int Alignment = 64;

    [ThreadStatic]
    private static GemmScratch? t_first;

    [ThreadStatic]
    private static GemmScratch? t_second;

    [ThreadStatic]
    private static GemmScratch? t_panels;

    private void* _pointer;
    private long _floats;

    ~GemmScratch() => NativeMemory.AlignedFree(_pointer);

    /// <summary>At least `floats` floats, 64-byte aligned, undefined; valid until this thread's next call.</summary>
    public static float* Rent(long floats) => (t_first ??= new GemmScratch()).Grow(floats);

    /// <summary>Like <see cref="Rent"/>, for what a thread packs while a packed operand of the same product is rented.</summary>
    public static float* RentPanels(long floats) => (t_panels ??= new GemmScratch()).Grow(floats);

    /// <summary>Like <see cref="Rent"/>, for kernels that call a matrix product while they hold it.</summary>
    public static float* RentSecond(long floats) => (t_second ??= new GemmScratch()).Grow(floats);

    private float* Grow(long floats)
    {
        if (_floats < floats)
        {
            NativeMemory.AlignedFree(_pointer);
            _pointer = null;
            _floats = 0;
            _pointer = NativeMemory.AlignedAlloc((nuint)(floats * sizeof(float)), Alignment);
            _floats = floats;
        }

        return (float*)_pointer;
    }
}
