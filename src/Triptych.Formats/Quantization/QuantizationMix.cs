using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Where a tensor stands among its kind: what the rules of a mix decide by.</summary>
/// <param name="Index">How many of the kind come before it.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Sharing">How many query heads share a head of keys and values.</param>
internal readonly record struct TensorPlace(int Index, int Count, int Sharing)
{
    /// <summary>The first and the last eighth, and every third between.</summary>
    public bool IsSensitive => IsInFirst(8) || Index >= 7 * Count / 8 || (Index - (Count / 8)) % 3 == 2;

    /// <summary>The first of so many parts.</summary>
    public bool IsInFirst(int parts) => Index < Count / parts;
}

/// <summary>
/// Which format each kind of tensor has in a quantized file. The table is llama.cpp's, found by measuring perplexities; files must
/// have the same mixes to be the same files. The output head, which is not in the table, has six bits at least.
/// </summary>
/// <param name="Default">What all tensors have that no rule names.</param>
internal sealed record QuantizationMix(DType Default)
{
    private static readonly Func<TensorPlace, DType?> None = _ => null;
    private static readonly Func<TensorPlace, DType?> MoreForSensitive = place => place.IsSensitive ? DType.Q6_K : null;
    private static readonly Func<TensorPlace, DType?> MoreForFirstEighth = place => place.IsInFirst(8) ? DType.Q5_K : null;

    private static readonly Dictionary<QuantizationType, QuantizationMix> Table = new()
    {
        [QuantizationType.F32] = new(DType.Float32),
        [QuantizationType.F16] = new(DType.Float16),
        [QuantizationType.BF16] = new(DType.BFloat16),
        [QuantizationType.Q4_0] = new(DType.Q4_0),
        [QuantizationType.Q4_1] = new(DType.Q4_1),
        [QuantizationType.Q5_0] = new(DType.Q5_0),
        [QuantizationType.Q5_1] = new(DType.Q5_1),
        [QuantizationType.Q8_0] = new(DType.Q8_0),
        [QuantizationType.Q2_K] = new(DType.Q2_K)
        {
            Value = place => place.Sharing >= 4 ? DType.Q4_K : DType.Q3_K,
            AttentionOutput = _ => DType.Q3_K,
            Down = _ => DType.Q3_K,
            EightExpertsOutput = DType.Q5_K,
        },
        [QuantizationType.Q3_K_S] = new(DType.Q3_K) { EightExpertsOutput = DType.Q5_K },
        [QuantizationType.Q3_K_M] = new(DType.Q3_K)
        {
            Value = place => place.Index < 2 ? DType.Q5_K : DType.Q4_K,
            AttentionOutput = _ => DType.Q4_K,
            Down = place => place.IsInFirst(16) ? DType.Q5_K : DType.Q4_K,
            EightExpertsOutput = DType.Q5_K,
        },
        [QuantizationType.Q3_K_L] = new(DType.Q3_K) { Value = _ => DType.Q5_K, AttentionOutput = _ => DType.Q5_K, Down = _ => DType.Q5_K },
        [QuantizationType.Q4_K_S] = new(DType.Q4_K)
        {
            Value = place => place.Index < 4 ? DType.Q5_K : null,
            Down = MoreForFirstEighth,
            EightExpertsOutput = DType.Q5_K,
        },
        [QuantizationType.Q4_K_M] = new(DType.Q4_K) { Value = MoreForSensitive, Down = MoreForSensitive, EightExpertsOutput = DType.Q5_K },
        [QuantizationType.Q5_K_S] = new(DType.Q5_K),
        [QuantizationType.Q5_K_M] = new(DType.Q5_K) { Value = MoreForSensitive, Down = MoreForSensitive },
        [QuantizationType.Q6_K] = new(DType.Q6_K),
        [QuantizationType.IQ4_NL] = new(DType.IQ4_NL)
        {
            Value = place => place.Sharing >= 4 ? DType.Q5_K : null,
            Down = MoreForFirstEighth,
            EightExpertsOutput = DType.Q5_K,
        },
        [QuantizationType.IQ4_XS] = new(DType.IQ4_XS)
        {
            Value = place => place.Sharing >= 4 ? DType.Q5_K : null,
            Down = MoreForFirstEighth,
            EightExpertsOutput = DType.Q5_K,
        },
        [QuantizationType.MXFP4_MOE] = new(DType.MXFP4),
    };

    /// <summary>The projection to values, also when it is one with those to queries and keys.</summary>
    public Func<TensorPlace, DType?> Value { get; init; } = None;

    /// <summary>The projection out of attention.</summary>
    public Func<TensorPlace, DType?> AttentionOutput { get; init; } = None;

    /// <summary>The projection out of the feed-forward network.</summary>
    public Func<TensorPlace, DType?> Down { get; init; } = None;

    /// <summary>The projection out of attention where there are eight experts, beside which it is small.</summary>
    public DType? EightExpertsOutput { get; init; }

    /// <summary>The mix of a type.</summary>
    public static QuantizationMix Of(QuantizationType type) => Table[type];

    /// <summary>What rows have that no whole blocks of a format fit.</summary>
    public static DType? Fallback(DType type) => type switch
    {
        DType.IQ4_XS => DType.IQ4_NL,
        DType.Q2_K or DType.Q3_K => DType.Q4_0,
        DType.Q4_K => DType.Q5_0,
        DType.Q5_K => DType.Q5_1,
        DType.Q6_K => DType.Q8_0,
        _ => null,
    };
}
