namespace Triptych.Tensors;

internal readonly unsafe struct GemmEpilogue(float* bias)
{
    public readonly float* Bias = bias;
}

internal static unsafe class Gemm
{
    public static void Run(
        bool transA, bool transB, int m, int n, int k, float* a, long lda, void* b, DType bType, long ldb, float beta, float* c, long ldc, in GemmEpilogue epilogue)
    {
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                float sum = epilogue.Bias is null ? 0 : epilogue.Bias[j];
                for (int p = 0; p < k; p++)
                {
                    long at = transB ? (j * ldb) + p : (p * ldb) + j;
                    float y = bType switch
                    {
                        DType.Float32 => ((float*)b)[at],
                        DType.Float16 => (float)((Half*)b)[at],
                        _ => (float)((BFloat16*)b)[at],
                    };
                    sum += (transA ? a[(p * lda) + i] : a[(i * lda) + p]) * y;
                }

                c[(i * ldc) + j] = sum + (beta == 0 ? 0 : beta * c[(i * ldc) + j]);
            }
        }
    }
}
