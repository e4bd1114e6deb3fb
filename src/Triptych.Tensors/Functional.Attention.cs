namespace Triptych.Tensors;

/// <summary>What <see cref="Functional.ScaledDotProductAttention"/> does besides softmax(q k^T / sqrt(d)) v.</summary>
public readonly record struct AttentionOptions
{
    /// <summary>Query i sees keys up to i + (keys - queries): itself and what comes before.</summary>
    public bool Causal { get; init; }

    /// <summary>[batch, keys], Bool or Int64: 0 where a key is padding and nobody sees it.</summary>
    public Tensor? KeyPaddingMask { get; init; }

    /// <summary>Added to the scores; broadcasts to [batch, heads, queries, keys]. float32.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>A query sees only this many keys, itself included.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Scores s become cap * tanh(s / cap) before masks (Gemma 2).</summary>
    public float? SoftCap { get; init; }

    /// <summary>The factor of the scores; 1 / sqrt(headDim) if not given.</summary>
    public float? Scale { get; init; }

    /// <summary>The probability with which an attention weight is dropped.</summary>
    public float Dropout { get; init; }

    /// <summary>Draws the key of the dropout mask.</summary>
    public Generator? Generator { get; init; }
}

public static partial class Functional
{
    private static ReadOnlySpan<DType> AttentionTypes => [DType.Float32, DType.Float16, DType.BFloat16, DType.Q8_0];

    /// <summary>softmax(scale * q k^T + masks) v (Vaswani et al. 2017), in blocks with a running softmax (Dao et al. 2022):
    /// no [queries, keys] matrix is in memory, forward or backward.</summary>
    /// <param name="query">[batch, heads, queries, headDim] float32.</param>
    /// <param name="key">[batch, keyValueHeads, keys, headDim]; heads is a multiple of keyValueHeads. float32, or what a cache holds:
    /// float16, bfloat16, q8_0.</param>
    /// <param name="value">[batch, keyValueHeads, keys, valueDim], of the same types.</param>
    /// <param name="options">Masks, bias, scale, dropout.</param>
    /// <returns>[batch, heads, queries, valueDim], laid out as [batch, queries, heads, valueDim], so that merging the heads costs nothing;
    /// zeros where a query sees no key.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, in AttentionOptions options = default)
    {
        Single(query, nameof(query));
        CheckAttention(query, key, value, options);
        var bias = options.Bias;
        bool needed = Autograd.Needs(query, key, value) || (bias is not null && Autograd.Needs(bias));
        if (needed)
            (key, value) = (key.To(DType.Float32), value.To(DType.Float32));
        var call = new AttentionCall
        {
            Query = UnitStride(query),
            Key = UnitStride(key),
            Value = UnitStride(value),
            Output = HeadsInside(query.Shape[0], query.Shape[1], query.Shape[2], value.Shape[3]),
            LogSumExp = needed ? Tensor.Empty([query.Shape[0], query.Shape[1], query.Shape[2]]) : null,
            KeyPaddingMask = options.KeyPaddingMask?.To(DType.Bool).Contiguous(),
            Bias = bias?.Detach().Contiguous(),
            Causal = options.Causal,
            SlidingWindow = options.SlidingWindow ?? 0,
            SoftCap = options.SoftCap ?? 0,
            Scale = options.Scale ?? (1 / MathF.Sqrt(query.Shape[3])),
            Dropout = options.Dropout,
            Seed = options.Dropout > 0 ? options.Generator!.NextUInt64() : 0,
        };
        query.Backend.Attention(call);
        var result = call.Output;
        if (!needed)
            return result;
        Autograd.Record(result, bias is null ? [query, key, value] : [query, key, value, bias], g =>
        {
            Tensor[] gradients =
            [
                ZerosHeadsInside(query.Shape), ZerosHeadsInside(key.Shape), ZerosHeadsInside(value.Shape),
                .. bias is null ? [] : new[] { Tensor.Zeros(bias.Shape) },
            ];
            g.Backend.AttentionGradient(call, UnitStride(g), gradients[0], gradients[1], gradients[2], bias is null ? null : gradients[3]);
            return gradients;
        });
        return result;
    }

    private static void CheckAttention(Tensor query, Tensor key, Tensor value, in AttentionOptions options)
    {
        if (!AttentionTypes.Contains(key.DType) || !AttentionTypes.Contains(value.DType))
            throw new ArgumentException($"attention does not read keys of {key.DType.Name()} and values of {value.DType.Name()}", nameof(key));
        bool fits = query.Rank == 4 && key.Rank == 4 && value.Rank == 4
            && key.Shape[0] == query.Shape[0] && key.Shape[3] == query.Shape[3] && value.Shape.With(3, 0) == key.Shape.With(3, 0)
            && key.Shape[1] > 0 && query.Shape[1] % key.Shape[1] == 0;
        if (!fits)
            throw new ArgumentException($"queries {query.Shape}, keys {key.Shape} and values {value.Shape} do not fit", nameof(key));
        if (options.KeyPaddingMask is { } mask && mask.Shape != [key.Shape[0], key.Shape[2]])
            throw new ArgumentException($"a key padding mask of shape {mask.Shape} for keys {key.Shape}", nameof(options));
        if (options.Dropout is < 0 or >= 1 || (options.Dropout > 0 && options.Generator is null))
            throw new ArgumentException($"attention dropout {options.Dropout} is not in [0, 1), or has no generator", nameof(options));
        if (options.SlidingWindow is <= 0)
            throw new ArgumentException($"a sliding window of {options.SlidingWindow} keys", nameof(options));
    }

    private static Tensor UnitStride(Tensor x) => x.Shape[3] == 1 || x.Stride(3) == 1 ? x.Detach() : x.Detach().Clone();

    private static Tensor HeadsInside(int batch, int heads, int rows, int dim) => Tensor.Empty([batch, rows, heads, dim]).Transpose(1, 2);

    private static Tensor ZerosHeadsInside(Shape shape) => Tensor.Zeros([shape[0], shape[2], shape[1], shape[3]]).Transpose(1, 2);
}
