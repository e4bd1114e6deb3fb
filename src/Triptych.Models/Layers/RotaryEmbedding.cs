using Triptych.Formats;
using Triptych.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Triptych.Models.Layers;

/// <summary>The angles of rotary position embeddings (Su et al. 2021, arXiv 2104.09864): pair i of a head turns by
/// position * theta^(-2 i / dim), with frequencies stretched for contexts longer than in pre-training. All layers share
/// what <see cref="At"/> gives for a forward pass.</summary>
internal sealed class RotaryEmbedding
{
    private readonly RopeParameters rope;
    private readonly int dim;
    private readonly int maxPositions;
    private readonly float[] frequencies;
    private readonly float amplitude;

    /// <param name="rope">The base and the kind of stretching.</param>
    /// <param name="headDim">The width of a head, of which <see cref="RopeParameters.PartialRotaryFactor"/> is turned.</param>
    /// <param name="maxPositions">max_position_embeddings.</param>
    public RotaryEmbedding(RopeParameters rope, int headDim, int maxPositions)
    {
        this.rope = rope;
        this.maxPositions = maxPositions;
        dim = RotaryDim(rope, headDim);
        frequencies = Frequencies(length: 0);
        amplitude = (float)(rope.RopeType switch
        {
            "yarn" => YarnAmplitude(),
            "longrope" => LongRopeAmplitude(),
            _ => 1,
        });
    }

    // Where the file does not say how long pre-training's context was, it was the model's.
    private int OriginalPositions => rope.OriginalMaxPositionEmbeddings ?? maxPositions;

    /// <summary>How many times longer the context has become; follows from the two lengths where the file does not say.</summary>
    private double Factor => rope.Factor ?? ((double)maxPositions / OriginalPositions);

    /// <summary>What is wrong with the parameters, if anything.</summary>
    public static IEnumerable<(string Key, string Reason)> Problems(RopeParameters rope, int headDim)
    {
        int dim = RotaryDim(rope, headDim);
        if (dim <= 0 || dim > headDim || dim % 2 != 0)
            yield return ("partial_rotary_factor", $"turns {dim} of {headDim} dimensions of a head, which are not pairs");
        if (!(rope.RopeTheta > 0) || !double.IsFinite(rope.RopeTheta))
            yield return ("rope_theta", $"is {rope.RopeTheta}, not a positive number");
        if (rope.Factor is { } factor && !(factor > 0))
            yield return ("rope_parameters.factor", $"is {factor}, not a positive number");
        if (rope.OriginalMaxPositionEmbeddings is <= 0)
            yield return ("original_max_position_embeddings", $"is {rope.OriginalMaxPositionEmbeddings}, not a positive number");
        switch (rope.RopeType)
        {
            case "default" or "yarn":
                break;
            case "linear" or "dynamic":
                if (rope.Factor is null)
                    yield return ("rope_parameters.factor", $"is missing for rope_type '{rope.RopeType}'");
                break;
            case "llama3":
                if (rope.Factor is null || rope.LowFreqFactor is not > 0 || rope.HighFreqFactor is not > 0)
                    yield return ("rope_parameters", "lacks a positive factor, low_freq_factor or high_freq_factor for rope_type 'llama3'");
                else if (rope.LowFreqFactor == rope.HighFreqFactor)
                    yield return ("rope_parameters.high_freq_factor", "equals low_freq_factor: there is nothing between them");
                break;
            case "longrope":
                if (rope.ShortFactor?.Count != dim / 2)
                    yield return ("rope_parameters.short_factor", $"has {rope.ShortFactor?.Count ?? 0} numbers for {dim / 2} pairs of dimensions");
                if (rope.LongFactor?.Count != dim / 2)
                    yield return ("rope_parameters.long_factor", $"has {rope.LongFactor?.Count ?? 0} numbers for {dim / 2} pairs of dimensions");
                break;
            default:
                yield return ("rope_type", $"'{rope.RopeType}' is not known; known are default, linear, dynamic, yarn, llama3, longrope");
                break;
        }
    }

    /// <summary>Cosines and sines for the tokens of a forward pass. As in transformers, dynamic and longrope choose
    /// their frequencies by the furthest position among them.</summary>
    /// <param name="positionIds">[sequence] or [batch, sequence] Int64.</param>
    /// <returns>[1 or batch, sequence, pairs] each.</returns>
    public (Tensor Cos, Tensor Sin) At(Tensor positionIds)
    {
        long[] positions = positionIds.ToArray<long>();
        float[] frequencies = FrequenciesFor(positions);
        Shape shape = [positionIds.Rank == 2 ? positionIds.Shape[0] : 1, positionIds.Shape[-1], dim / 2];
        Tensor cos = Tensor.Empty(shape), sin = Tensor.Empty(shape);
        Span<float> cosines = cos.AsSpan<float>(), sines = sin.AsSpan<float>();
        for (int i = 0; i < positions.Length; i++)
        {
            Span<float> c = cosines.Slice(i * frequencies.Length, frequencies.Length), s = sines.Slice(i * frequencies.Length, frequencies.Length);
            TensorPrimitives.Multiply(frequencies, (float)positions[i], s);
            TensorPrimitives.Cos(s, c);
            TensorPrimitives.Sin(s, s);
        }

        if (amplitude != 1)
        {
            TensorPrimitives.Multiply(cosines, amplitude, cosines);
            TensorPrimitives.Multiply(sines, amplitude, sines);
        }

        return (cos, sin);
    }

    private static int RotaryDim(RopeParameters rope, int headDim) => (int)(headDim * (rope.PartialRotaryFactor ?? 1));

    private float[] FrequenciesFor(long[] positions)
    {
        if (rope.RopeType is not ("dynamic" or "longrope"))
            return frequencies;
        long length = positions.Max() + 1;
        return length > (rope.RopeType == "dynamic" ? maxPositions : OriginalPositions) ? Frequencies(length) : frequencies;
    }

    /// <summary>Angles a token of each pair, for a sequence of the given length.</summary>
    private float[] Frequencies(long length) => rope.RopeType switch
    {
        "linear" => [.. Unscaled(rope.RopeTheta).Select(frequency => frequency / (float)Factor)],
        "dynamic" => Unscaled(DynamicTheta(length)),
        "yarn" => Yarn(),
        "llama3" => [.. Unscaled(rope.RopeTheta).Select(Llama3)],
        "longrope" => [.. Unscaled(rope.RopeTheta).Zip(length > OriginalPositions ? rope.LongFactor! : rope.ShortFactor!, (frequency, factor) => frequency / (float)factor)],
        _ => Unscaled(rope.RopeTheta),
    };

    private float[] Unscaled(double theta) => [.. Enumerable.Range(0, dim / 2).Select(i => 1 / (float)Math.Pow(theta, 2f * i / dim))];

    /// <summary>The base grows so that the slowest pair turns as far over the long context as it did over the original one, and the
    /// fastest hardly changes ("NTK-aware").</summary>
    private double DynamicTheta(long length) =>
        rope.RopeTheta * Math.Pow((Factor * Math.Max(length, maxPositions) / maxPositions) - (Factor - 1), dim / (dim - 2.0));

    /// <summary>Fast pairs stay, slow ones are divided by the factor, between them it goes over smoothly.</summary>
    private float Llama3(float frequency)
    {
        double low = rope.LowFreqFactor!.Value, high = rope.HighFreqFactor!.Value;
        float turns = (float)(OriginalPositions * frequency / (2 * Math.PI)); // over the original context
        float smooth = (float)Math.Clamp((turns - low) / (high - low), 0, 1);
        return ((1 - smooth) * frequency / (float)Factor) + (smooth * frequency);
    }

    /// <summary>As llama3, but the transition is linear in the number of the pair (Peng et al. 2023, arXiv 2309.00071).</summary>
    private float[] Yarn()
    {
        double low = PairWith(rope.BetaFast ?? 32), high = PairWith(rope.BetaSlow ?? 1);
        if (rope.Truncate ?? true)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dim - 1));
        if (low == high)
            high += 0.001;
        return [.. Unscaled(rope.RopeTheta).Select((frequency, i) =>
        {
            float slow = (float)Math.Clamp((i - low) / (high - low), 0, 1);
            return (frequency / (float)Factor * slow) + (frequency * (1 - slow));
        })];

        // The pair, as a fraction, that turns so often over the original context.
        double PairWith(double turns) => dim * Math.Log(OriginalPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(rope.RopeTheta));
    }

    private double YarnAmplitude()
    {
        return rope.AttentionFactor
            ?? (rope.Mscale is > 0 and { } mscale && rope.MscaleAllDim is > 0 and { } all ? Scale(mscale) / Scale(all) : Scale(1));

        double Scale(double weight) => Factor <= 1 ? 1 : (0.1 * weight * Math.Log(Factor)) + 1;
    }

    private double LongRopeAmplitude() =>
        rope.AttentionFactor ?? (Factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(Factor) / Math.Log(OriginalPositions))));
}
