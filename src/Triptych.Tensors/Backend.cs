namespace Triptych.Tensors;

/// <summary>Elementwise functions of two operands.</summary>
internal enum BinaryOp
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
}

/// <summary>Elementwise comparisons.</summary>
internal enum CompareOp
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>Elementwise functions of one operand.</summary>
internal enum UnaryOp
{
    Negate,
    Abs,
    Square,
    Sqrt,
    Rsqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Erf,
    Relu,
    Silu,
    Gelu,
    GeluTanh,
    QuickGelu,
}

/// <summary>Reductions along the last dimension.</summary>
/// <summary>One of several products of the same left operand.</summary>
/// <param name="Right">[k, n], as in <see cref="Backend.MatMul"/>.</param>
/// <param name="Bias">[n] float32, or null.</param>
/// <param name="Result">[m, n] float32 contiguous.</param>
internal readonly record struct MatMulPart(Tensor Right, Tensor? Bias, Tensor Result);

internal enum ReduceOp
{
    Sum,
    Max,
    Min,
}

/// <summary>
/// What a device has to be able to do. Functions check shapes, allocate the result and record gradients; a backend fills
/// results that are already there. Adding a device means implementing this class.
/// </summary>
internal abstract class Backend
{
    /// <summary>The processor.</summary>
    public static Backend Cpu { get; } = new CpuBackend();

    /// <summary>target = source, of the same shape; converts the type.</summary>
    public abstract void Copy(Tensor source, Tensor target);

    public abstract void Fill(Tensor target, double value);

    /// <summary>Operands and result have the result's shape (expanded); the result may be one of them.</summary>
    public abstract void Binary(BinaryOp op, Tensor left, Tensor right, Tensor result);

    /// <summary>result = x op scalar.</summary>
    public abstract void BinaryScalar(BinaryOp op, Tensor x, double scalar, Tensor result);

    public abstract void Compare(CompareOp op, Tensor left, Tensor right, Tensor result);

    public abstract void Where(Tensor condition, Tensor ifTrue, Tensor ifFalse, Tensor result);

    public abstract void Unary(UnaryOp op, Tensor x, Tensor result);

    /// <summary>result = gradient * f'(x).</summary>
    public abstract void UnaryGradient(UnaryOp op, Tensor x, Tensor gradient, Tensor result);

    /// <summary>result = x ^ exponent.</summary>
    public abstract void Power(Tensor x, float exponent, Tensor result);

    /// <summary>Reduces the last dimension: [rows, n] of Float32, Float64 or Int64 to [rows].</summary>
    public abstract void ReduceRows(ReduceOp op, Tensor x, Tensor result);

    /// <summary>Sums the first dimension: [n, columns] to [columns].</summary>
    public abstract void SumColumns(Tensor x, Tensor result);

    /// <summary>The index of the largest element of each row (the first of equal ones): [rows, n] to Int64 [rows].</summary>
    public abstract void ArgMaxRows(Tensor x, Tensor result);

    /// <summary>The indices of the first k elements of each sorted row: [rows, n] to Int64 [rows, k], stable. NaN counts as largest.</summary>
    public abstract void ArgSortRows(Tensor x, bool descending, Tensor indices);

    public abstract void CumSumRows(Tensor x, bool reverse, Tensor result);

    /// <summary>result = activation(a b (+ bias)); a [.., m, k], b [.., k, n] of any float type, expanded to one batch shape. A block
    /// format has no batch, and b is a transposed view: its blocks run along k.</summary>
    public abstract void MatMul(Tensor a, Tensor b, Tensor? bias, Activation activation, Tensor result);

    /// <summary>result += a b; a [m, k], b [k, n], result [m, n] contiguous, all float32.</summary>
    public abstract void AddMatMul(Tensor a, Tensor b, Tensor result);

    /// <summary>Products of a [m, k] float32 with several matrices.</summary>
    public abstract void MatMulGroup(Tensor a, ReadOnlySpan<MatMulPart> parts);

    /// <summary>result [m, n] = activation(a gate) * (a up); a [m, k], gate and up [k, n].</summary>
    public abstract void GatedMatMul(Tensor a, Tensor gate, Tensor up, Activation activation, Tensor result);

    public abstract void Softmax(Tensor x, Tensor result, bool log);

    public abstract void SoftmaxGradient(Tensor y, Tensor gradient, Tensor result, bool log);

    /// <summary>
    /// The norm of x [rows, n], + residual if any; statistics [rows, 2] (mean, 1 / std) or null. With no bias and rms: x / rms(x) * weight.
    /// </summary>
    public abstract void Norm(
        Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float epsilon, bool rms, Tensor result, Tensor? statistics);

    public abstract void NormGradient(
        Tensor x, Tensor? weight, Tensor statistics, bool rms, Tensor gradient, Tensor inputGradient, Tensor? weightGradient, Tensor? biasGradient);

    /// <summary>result [n, width] = table [rows, width] at indices [n].</summary>
    public abstract void TakeRows(Tensor table, Tensor indices, Tensor result);

    /// <summary>target [rows, width] at indices [n] += source [n, width].</summary>
    public abstract void AddRows(Tensor source, Tensor indices, Tensor target);

    /// <summary>result [outer, m, inner] = source [outer, n, inner] at index [outer, m, inner] of the middle dimension.</summary>
    public abstract void Gather(Tensor source, Tensor index, Tensor result);

    /// <summary>target [outer, n, inner] at index [outer, m, inner] += source [outer, m, inner].</summary>
    public abstract void ScatterAdd(Tensor source, Tensor index, Tensor target);

    /// <summary>losses [rows] and log-sum-exp [rows] of logits [rows, classes]; 0 where the label is ignored.</summary>
    public abstract void CrossEntropy(Tensor logits, Tensor labels, long ignoreIndex, float smoothing, Tensor losses, Tensor logSumExp);

    /// <summary>losses [rows] of logits [rows, classes], which become their gradient times the scale. No label is ignored.</summary>
    public abstract void CrossEntropyInPlace(Tensor logits, Tensor labels, float smoothing, float scale, Tensor losses);

    public abstract void CrossEntropyGradient(
        Tensor logits, Tensor labels, Tensor logSumExp, long ignoreIndex, float smoothing, float scale, Tensor result);

    /// <summary>mask = 0 with the probability, else 1 / (1 - probability), drawn by element number from the key.</summary>
    public abstract void DropoutMask(Tensor mask, float probability, ulong key);

    /// <summary>Fills the output, and the log-sum-exp where there is one.</summary>
    public abstract void Attention(in AttentionCall call);

    /// <summary>Adds to the gradients (zeros before) of query, key, value and bias, given that of the output.</summary>
    public abstract void AttentionGradient(
        in AttentionCall call, Tensor gradient, Tensor toQuery, Tensor toKey, Tensor toValue, Tensor? toBias);

    /// <summary>x [batch, heads, sequence, dim] with a last stride of 1, cos and sin [batch or 1, sequence, pairs] contiguous; the result
    /// is laid out as [batch, sequence, heads, dim]. The inverse turns back.</summary>
    public abstract void RotaryEmbedding(Tensor x, Tensor cos, Tensor sin, bool interleaved, bool inverse, Tensor result);

    /// <summary>Unfolds [batch, channels, height, width] to columns [batch, channels * kh * kw, oh * ow].</summary>
    public abstract void Unfold(Tensor x, in ConvolutionShape shape, Tensor columns);

    /// <summary>The adjoint of <see cref="Unfold"/>: adds the columns up.</summary>
    public abstract void Fold(Tensor columns, in ConvolutionShape shape, Tensor x);
}

/// <summary>The sizes of a two-dimensional convolution.</summary>
internal readonly record struct ConvolutionShape(
    int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth, int PadHeight, int PadWidth,
    int DilationHeight, int DilationWidth, int OutHeight, int OutWidth);

/// <summary>One attention: operands [batch, heads, rows, dim] with a last stride of 1; 0 switches window, soft-cap and dropout off.</summary>
internal readonly struct AttentionCall
{
    public required Tensor Query { get; init; }

    public required Tensor Key { get; init; }

    public required Tensor Value { get; init; }

    public required Tensor Output { get; init; }

    /// <summary>[batch, heads, queries], or null at inference.</summary>
    public required Tensor? LogSumExp { get; init; }

    /// <summary>[batch, keys] Bool, contiguous.</summary>
    public required Tensor? KeyPaddingMask { get; init; }

    /// <summary>Contiguous; broadcasts to [batch, heads, queries, keys].</summary>
    public required Tensor? Bias { get; init; }

    public bool Causal { get; init; }

    public int SlidingWindow { get; init; }

    public float SoftCap { get; init; }

    public float Scale { get; init; }

    public float Dropout { get; init; }

    public ulong Seed { get; init; }
}
