namespace Triptych.Tensors;

/// <summary>c [m, n] = a [m, k] W^T, W [n, k] in a block format.</summary>
internal static unsafe class QuantizedGemm
{
    private const int PanelRows = 64;

    /// <param name="m">Rows of a.</param>
    /// <param name="n">Rows of W.</param>
    /// <param name="k">Columns of both, a multiple of the block size.</param>
    /// <param name="a">float32, rows lda elements apart.</param>
    /// <param name="lda">Elements.</param>
    /// <param name="weight">Blocks; rows rowBytes apart.</param>
    /// <param name="type">The block format.</param>
    /// <param name="rowBytes">Bytes.</param>
    /// <param name="c">float32, rows ldc elements apart.</param>
    /// <param name="ldc">Elements.</param>
    /// <param name="epilogue">What is done to each output last.</param>
    public static void Run(int m, int n, int k, float* a, long lda, byte* weight, DType type, long rowBytes, float* c, long ldc, in GemmEpilogue epilogue)
    {
        PanelBody body = new()
        {
            M = m, N = n, K = k, A = a, Lda = lda, Weight = weight, Type = type, RowBytes = rowBytes, C = c, Ldc = ldc, Epilogue = epilogue,
        };
        WorkerPool.For((n + PanelRows - 1) / PanelRows, 1, ref body);
    }

    private struct PanelBody : IRangeBody
    {
        public int M, N, K;
        public float* A, C;
        public byte* Weight;
        public DType Type;
        public long Lda, Ldc, RowBytes;
        public GemmEpilogue Epilogue;

        public readonly void Invoke(long start, long end)
        {
            float* rows = GemmScratch.RentSecond((long)PanelRows * K);
            for (; start < end; start++)
            {
                int first = (int)start * PanelRows, count = Math.Min(PanelRows, N - first);
                for (int row = 0; row < count; row++)
                    BlockQuantization.Dequantize(Type, Weight + ((first + row) * RowBytes), rows + ((long)row * K), K);
                var epilogue = new GemmEpilogue(Epilogue.Bias == null ? null : Epilogue.Bias + first, Epilogue.Activation);
                Gemm.Run(false, true, M, count, K, A, Lda, rows, DType.Float32, K, beta: 0, C + first, Ldc, epilogue);
            }
        }
    }
}
