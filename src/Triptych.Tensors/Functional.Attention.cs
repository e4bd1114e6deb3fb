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
    /// <summary>softmax(scale * q k^T + masks) v (Vaswani et al. 2017).</summary>
    /// <param name="query">[batch, heads, queries, headDim] float32.</param>
    /// <param name="key">[batch, keyValueHeads, keys, headDim]; heads is a multiple of keyValueHeads.</param>
    /// <param name="value">[batch, keyValueHeads, keys, valueDim].</param>
    /// <param name="options">Masks, bias, scale, dropout.</param>
    /// <returns>[batch, heads, queries, valueDim]; zeros where a query sees no key.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, in AttentionOptions options = default)
    {
        int heads = query.Shape[1], groups = heads / key.Shape[1], queries = query.Shape[2], keys = key.Shape[2];
        if (groups > 1)
        {
            Tensor Repeat(Tensor x) => x.Unsqueeze(2).Expand([x.Shape[0], x.Shape[1], groups, x.Shape[2], x.Shape[3]]).Reshape(x.Shape[0], heads, x.Shape[2], x.Shape[3]);
            key = Repeat(key);
            value = Repeat(value);
        }

        var scores = MatMul(query, key.Transpose(-1, -2)) * (options.Scale ?? (1 / MathF.Sqrt(query.Shape[3])));
        if (options.SoftCap is { } cap)
            scores = Tanh(scores / cap) * cap;
        if (options.Bias is not null)
            scores += options.Bias;
        if (options.Causal)
        {
            var hidden = Greater(Tensor.Arange(0, keys).Unsqueeze(0), Tensor.Arange(keys - queries, keys).Unsqueeze(1));
            scores = MaskedFill(scores, hidden, -1e30);
        }

        if (options.KeyPaddingMask is { } mask)
            scores = MaskedFill(scores, Equal(mask.To(DType.Int64), Tensor.Full([], 0, DType.Int64)).Unsqueeze(1).Unsqueeze(1), -1e30);
        return MatMul(Softmax(scores), value);
    }
}
