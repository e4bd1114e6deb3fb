namespace Triptych.Tensors;

/// <summary>
/// A tensor [batch, head, row, dim] whose last dimension is contiguous; strides in elements. Keys and values have any type of a
/// cache, all else is float32.
/// </summary>
internal readonly unsafe struct AttentionTensor(void* data, long batchStride, long headStride, long rowStride, DType type = DType.Float32)
{
    public readonly byte* Data = (byte*)data;
    public readonly DType Type = type;
    public readonly long BatchStride = batchStride;
    public readonly long HeadStride = headStride;
    public readonly long RowStride = rowStride;

    /// <summary>A head of a float32 tensor.</summary>
    public float* Head(int batch, int head) => (float*)Data + (batch * BatchStride) + (head * HeadStride);

    /// <summary>A row of any type.</summary>
    public byte* Row(int batch, int head, int row) =>
        Data + Type.BytesOf((batch * BatchStride) + (head * HeadStride) + (row * RowStride));
}

/// <summary>
/// One scaled dot-product attention. Query i stands at position i + (Keys - Queries). A score is scale * q k, soft-capped, plus
/// the bias; keys that masks hide get no weight, and a query that sees no key gives zeros.
/// </summary>
internal unsafe struct AttentionArguments
{
    public int Batch, Heads, KeyValueHeads, Queries, Keys, HeadDim, ValueDim;

    /// <summary>[batch, heads, queries, headDim].</summary>
    public AttentionTensor Query;

    /// <summary>[batch, keyValueHeads, keys, headDim], of a type that <see cref="KeyValueRows"/> widens.</summary>
    public AttentionTensor Key;

    /// <summary>[batch, keyValueHeads, keys, valueDim], likewise.</summary>
    public AttentionTensor Value;

    /// <summary>[batch, heads, queries, valueDim]: written by the forward pass, read by the backward pass.</summary>
    public AttentionTensor Output;

    /// <summary>[batch, heads, queries], contiguous: log of the sum of exp(score), -infinity where no key is seen; null if not wanted.</summary>
    public float* LogSumExp;

    public float Scale;

    /// <summary>Query at position p sees keys up to p.</summary>
    public bool Causal;

    /// <summary>Query at position p sees keys p - SlidingWindow + 1 to p; 0 for no window.</summary>
    public int SlidingWindow;

    /// <summary>Scores s become cap * tanh(s / cap); 0 for none.</summary>
    public float SoftCap;

    /// <summary>[batch, keys], contiguous, 0 = hidden; null if all are seen.</summary>
    public byte* KeyPaddingMask;

    /// <summary>Added to the scores; a stride of 0 broadcasts. Null if there is none.</summary>
    public float* Bias;
    public long BiasBatchStride, BiasHeadStride, BiasQueryStride, BiasKeyStride;

    /// <summary>Probability with which a weight is dropped; which ones follows from (Seed, batch, head, query, key).</summary>
    public float Dropout;
    public ulong Seed;
}

/// <summary>Where the backward pass adds its results; each has the layout of what it is the gradient of.</summary>
internal unsafe struct AttentionGradients
{
    /// <summary>The gradient of the output: read.</summary>
    public AttentionTensor Output;
    public AttentionTensor Query;
    public AttentionTensor Key;
    public AttentionTensor Value;

    /// <summary>With the strides of the bias, summed where they are 0; null if not wanted.</summary>
    public float* Bias;
}
