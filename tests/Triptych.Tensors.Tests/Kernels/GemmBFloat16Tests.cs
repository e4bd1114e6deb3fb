namespace Triptych.Tensors.Tests.Kernels;

[Collection("Kernels")]
public sealed unsafe class GemmBFloat16Tests : IDisposable
{
    private readonly int _threads = WorkerPool.ThreadCount;

    public static TheoryData<int, int, int, bool> Shapes
    {
        get
        {
            TheoryData<int, int, int, bool> shapes = [];
            foreach ((int m, int n, int k) in ((int, int, int)[])
                [(2, 1, 1), (3, 33, 7), (12, 32, 8), (13, 31, 515), (24, 65, 1030), (25, 300, 600), (37, 130, 1024), (1030, 40, 9), (64, 1100, 33)])
            {
                shapes.Add(m, n, k, true);
                shapes.Add(m, n, k, false);
            }

            return shapes;
        }
    }

    public void Dispose() => WorkerPool.ThreadCount = _threads;

    /// <summary>Against sums in float64 of products of operands that were rounded to bfloat16, where the kernel rounds them.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Sums_are_those_of_rounded_operands(int m, int n, int k, bool transB)
    {
        WorkerPool.ThreadCount = 3;
        Random random = new(m + n + k);
        float[] a = GemmTests.Values(random, m * k), bias = GemmTests.Values(random, n);
        BFloat16[] b = [.. GemmTests.Values(random, k * n).Select(x => (BFloat16)x)];
        float[] c = Product(m, n, k, a, b, transB, bias, Activation.Relu);
        bool rounds = BFloat16Kernel.IsSupported;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = bias[j], magnitude = 1;
                for (int p = 0; p < k; p++)
                {
                    float x = a[(i * k) + p];
                    double term = (double)(rounds ? (float)(BFloat16)x : x) * (float)b[transB ? (j * k) + p : (p * n) + j];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                Assert.Equal(Math.Max(sum, 0), c[(i * n) + j], 1e-6 * magnitude);
            }
        }
    }

    [Fact]
    public void Many_rows_take_it()
    {
        Assert.Equal(BFloat16Kernel.IsSupported, GemmBFloat16.Takes(new GemmArguments { TransB = true, M = 32, N = 1, K = 1 }));
        Assert.False(GemmBFloat16.Takes(new GemmArguments { TransB = true, M = 1, N = 1, K = 1 }));
    }

    [Fact]
    public void Results_have_the_same_bits_with_any_number_of_threads()
    {
        const int M = 100, N = 500, K = 700;
        Random random = new(1);
        float[] a = GemmTests.Values(random, M * K), bias = GemmTests.Values(random, N);
        BFloat16[] b = [.. GemmTests.Values(random, K * N).Select(x => (BFloat16)x)];
        WorkerPool.ThreadCount = 1;
        float[] expected = Product(M, N, K, a, b, true, bias, Activation.GeluTanh);
        WorkerPool.ThreadCount = 5;
        Assert.Equal(expected, Product(M, N, K, a, b, true, bias, Activation.GeluTanh));
    }

    [Fact]
    public void Infinities_and_not_a_number_pass_through()
    {
        const int M = 4, N = 40, K = 37;
        float[] a = new float[M * K], bias = new float[N];
        BFloat16[] b = new BFloat16[N * K];
        Array.Fill(a, 1);
        Array.Fill(b, (BFloat16)1);
        a[(0 * K) + 3] = float.PositiveInfinity;
        a[(1 * K) + 36] = float.NaN;
        a[(2 * K) + 0] = float.MaxValue;
        b[(33 * K) + 5] = (BFloat16)float.NegativeInfinity;
        b[(34 * K) + 36] = (BFloat16)float.NaN;
        float[] c = Product(M, N, K, a, b, true, bias, Activation.None);
        float Rounded(float x) => BFloat16Kernel.IsSupported ? (float)(BFloat16)x : x;
        Assert.Equal(float.PositiveInfinity, c[0]);
        Assert.Equal(float.NaN, c[33]);
        Assert.Equal(float.NaN, c[34]);
        Assert.Equal(float.NaN, c[N + 1]);
        Assert.Equal(Rounded(float.MaxValue), c[(2 * N) + 1]);
        Assert.Equal(float.NegativeInfinity, c[(3 * N) + 33]);
        Assert.Equal(float.NaN, c[(3 * N) + 34]);
        Assert.Equal(K, c[(3 * N) + 35]);
    }

    private static float[] Product(int m, int n, int k, float[] a, BFloat16[] b, bool transB, float[] bias, Activation activation)
    {
        // Two columns more than the product has: they must stay as they are.
        int stride = n + 2;
        float[] c = new float[m * stride];
        Array.Fill(c, -7);
        fixed (float* pa = a, pBias = bias, pc = c)
        {
            fixed (BFloat16* pb = b)
            {
                if (!BFloat16Kernel.IsSupported)
                    Gemm.Run(false, transB, m, n, k, pa, k, pb, DType.BFloat16, transB ? k : n, 0, pc, stride, new GemmEpilogue(pBias, activation));
                else
                {
                    GemmBFloat16.Run(new GemmArguments
                    {
                        TransB = transB,
                        M = m,
                        N = n,
                        K = k,
                        A = pa,
                        Lda = k,
                        B = (byte*)pb,
                        Ldb = transB ? k : n,
                        C = pc,
                        Ldc = stride,
                        Bias = pBias,
                        Activation = activation,
                    });
                }
            }
        }

        float[] result = new float[m * n];
        for (int i = 0; i < m; i++)
        {
            Assert.Equal(-7, c[(i * stride) + n]);
            Assert.Equal(-7, c[(i * stride) + n + 1]);
            Array.Copy(c, i * stride, result, i * n, n);
        }

        return result;
    }
}
