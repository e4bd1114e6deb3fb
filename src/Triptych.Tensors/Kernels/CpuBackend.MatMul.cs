namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    public override void MatMulGroup(Tensor a, ReadOnlySpan<MatMulPart> parts) => MatMulGroup(a, parts, Activation.None);

    // The activation is that of the first part alone.
    private void MatMulGroup(Tensor a, ReadOnlySpan<MatMulPart> parts, Activation activation)
    {
        bool quantized = parts.Length <= QuantizedGemm.MaxParts;
        foreach (var part in parts)
            quantized &= part.Right.DType.IsQuantized();
        if (quantized)
        {
            MatMulQuantized(a, parts, Activation.None, gated: false);
            return;
        }

        var type = parts[0].Right.DType;
        bool alike = a.DType == DType.Float32 && type is DType.Float32 or DType.Float16 or DType.BFloat16;
        foreach (var part in parts)
            alike &= part.Right.DType == type;
        if (!alike)
        {
            for (int i = 0; i < parts.Length; i++)
                MatMul(a, parts[i].Right, parts[i].Bias, i == 0 ? activation : Activation.None, parts[i].Result);
            return;
        }

        a = Blas(a, out bool transA, out long lda);
        var rights = new Tensor[parts.Length];
        Span<GemmArguments> products = stackalloc GemmArguments[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            rights[i] = Blas(parts[i].Right, out bool transB, out long ldb);
            products[i] = new GemmArguments
            {
                TransA = transA,
                TransB = transB,
                M = a.Shape[0],
                N = rights[i].Shape[1],
                K = a.Shape[1],
                A = (float*)a.Data,
                Lda = lda,
                B = rights[i].Data,
                Ldb = ldb,
                C = (float*)parts[i].Result.Data,
                Ldc = parts[i].Result.Stride(0),
                Bias = parts[i].Bias is { } bias ? (float*)bias.Data : null,
                Activation = i == 0 ? activation : Activation.None,
            };
        }

        Gemm.Run(products, type);
        GC.KeepAlive(a);
        GC.KeepAlive(rights);
        foreach (var part in parts)
        {
            GC.KeepAlive(part.Bias);
            GC.KeepAlive(part.Result);
        }
    }

    public override void GatedMatMul(Tensor a, Tensor gate, Tensor up, Activation activation, Tensor result)
    {
        if (gate.DType.IsQuantized() && up.DType.IsQuantized())
        {
            MatMulQuantized(a, [new(gate, null, result), new(up, null, result)], activation, gated: true);
            return;
        }

        using var scope = new TensorScope();
        var other = Tensor.Empty(result.Shape);
        MatMulGroup(a, [new(gate, null, result), new(up, null, other)], activation);
        Binary(BinaryOp.Multiply, result, other, result);
    }

    public override void MatMul(Tensor a, Tensor b, Tensor? bias, Activation activation, Tensor result)
    {
        if (b.DType.IsQuantized())
        {
            MatMulQuantized(a, [new(b, bias, result)], activation, gated: false);
            return;
        }

        if (result.DType == DType.Float64)
        {
            MatMulDouble(a, b, bias, result);
            return;
        }

        if (a.DType != DType.Float32)
            a = a.To(DType.Float32);
        a = Blas(a, out bool transA, out long lda);
        b = Blas(b, out bool transB, out long ldb);
        int m = a.Shape[-2], k = a.Shape[-1], n = b.Shape[-1];
        var epilogue = new GemmEpilogue(bias is null ? null : (float*)bias.Data, activation);
        if (result.Rank == 2)
        {
            Gemm.Run(transA, transB, m, n, k, (float*)a.Data, lda, b.Data, b.DType, ldb, beta: 0, (float*)result.Data, result.Stride(-2), epilogue);
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            GC.KeepAlive(bias);
            return;
        }

        var batch = new StridedLoop(result.Shape.WithoutLast(2), BatchView(a), BatchView(b), BatchView(result));
        for (long i = 0; i < batch.Count; i += batch.RowLength)
        {
            Gemm.RunBatched(
                (int)batch.RowLength, transA, transB, m, n, k,
                (float*)a.Data + batch.Offset(0, i), lda, batch.RowStep(0),
                b.Data + (batch.Offset(1, i) * b.DType.Size()), b.DType, ldb, batch.RowStep(1),
                beta: 0, (float*)result.Data + batch.Offset(2, i), result.Stride(-2), batch.RowStep(2), epilogue);
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
    }

    public override void AddMatMul(Tensor a, Tensor b, Tensor result)
    {
        a = Blas(a, out bool transA, out long lda);
        b = Blas(b, out bool transB, out long ldb);
        int m = a.Shape[0], k = a.Shape[1], n = b.Shape[1];
        Gemm.Run(transA, transB, m, n, k, (float*)a.Data, lda, b.Data, b.DType, ldb, beta: 1, (float*)result.Data, n, epilogue: default);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(result);
    }

    private static void MatMulQuantized(Tensor a, ReadOnlySpan<MatMulPart> parts, Activation activation, bool gated)
    {
        a = a.To(DType.Float32);
        if (a.Stride(-1) != 1)
            a = a.Contiguous();
        int m = a.Shape[0], k = a.Shape[1];
        Span<QuantizedPart> products = stackalloc QuantizedPart[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            Tensor weight = parts[i].Right, result = parts[i].Result;
            if (weight.Rank != 2 || (weight.Stride(-2) != 1 && weight.Shape[-2] != 1))
                throw new NotSupportedException($"a matrix of {weight.DType.Name()} is multiplied by its rows, as in Linear, and has no batch");
            int n = weight.Shape[1];
            products[i] = new QuantizedPart
            {
                Type = weight.DType,
                Weight = weight.Data,
                RowBytes = n > 1 ? weight.DType.BytesOf(weight.Stride(1)) : 0,
                N = n,
                Result = (float*)result.Data,
                ResultStride = result.Stride(0),
                Bias = parts[i].Bias is { } bias ? (float*)bias.Data : null,
            };
        }

        long lda = m > 1 ? a.Stride(0) : k;
        if (gated)
            QuantizedGemm.RunGated(m, k, (float*)a.Data, lda, products[0], products[1], activation);
        else
            QuantizedGemm.Run(m, k, (float*)a.Data, lda, products, activation);
        GC.KeepAlive(a);
        foreach (var part in parts)
        {
            GC.KeepAlive(part.Right);
            GC.KeepAlive(part.Bias);
            GC.KeepAlive(part.Result);
        }
    }

    // A matrix that a GEMM can read: one of the last two strides is 1, and the other the leading dimension.
    private static Tensor Blas(Tensor x, out bool transposed, out long leading)
    {
        int rows = x.Shape[-2], columns = x.Shape[-1];
        transposed = false;
        leading = rows > 1 ? x.Stride(-2) : columns;
        if ((columns == 1 || x.Stride(-1) == 1) && leading >= columns)
            return x;
        leading = columns > 1 ? x.Stride(-1) : rows;
        if ((rows == 1 || x.Stride(-2) == 1) && leading >= rows)
        {
            transposed = true;
            return x;
        }

        leading = columns;
        return x.Detach().Clone();
    }

    private static Tensor BatchView(Tensor x) => new(x.Storage, x.DType, x.Shape.WithoutLast(2), x.strides, 0, isView: true);

    private static void MatMulDouble(Tensor a, Tensor b, Tensor? bias, Tensor result)
    {
        int m = a.Shape[-2], k = a.Shape[-1], n = b.Shape[-1];
        var batch = new StridedLoop(result.Shape.WithoutLast(2), BatchView(a), BatchView(b), BatchView(result));
        for (long i = 0; i < batch.Count; i++)
        {
            double* x = (double*)a.Data + batch.Offset(0, i), y = (double*)b.Data + batch.Offset(1, i), z = (double*)result.Data + batch.Offset(2, i);
            for (int row = 0; row < m; row++)
            {
                for (int column = 0; column < n; column++)
                {
                    double sum = bias is null ? 0 : ((double*)bias.Data)[column];
                    for (int p = 0; p < k; p++)
                        sum += x[(row * a.Stride(-2)) + (p * a.Stride(-1))] * y[(p * b.Stride(-2)) + (column * b.Stride(-1))];
                    z[(row * result.Stride(-2)) + column] = sum;
                }
            }
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
    }
}
