using System.Globalization;
using Triptych.Formats;

namespace Triptych.Models;

/// <summary>
/// Rotary position embeddings in GGUF files. Linear and YaRN scaling are metadata; what llama3 and longrope do to each frequency is a
/// tensor of divisors.
/// </summary>
internal static class GgufRope
{
    private const double Tolerance = 1e-5;

    /// <summary>The parameters that a file means.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="prefix">The architecture's part of the keys, such as <c>llama.</c>.</param>
    /// <param name="headDim">The width of a head.</param>
    /// <param name="factors">The divisors of the frequencies, if the file has some.</param>
    /// <exception cref="CheckpointException">The scaling is unknown.</exception>
    public static RopeParameters Read(GgufMetadata metadata, string prefix, int headDim, float[]? factors)
    {
        double? Number(string key) => metadata.GetDouble(prefix + key) is { } value ? Shortest(value) : null;
        double theta = Number("rope.freq_base") ?? RopeParameters.DefaultTheta;
        if (factors is not null)
            return Llama3(theta, headDim, factors) ?? Stretched(theta, factors);
        string scaling = metadata.GetString(prefix + "rope.scaling.type") ?? "none";
        double? factor = Number("rope.scaling.factor") ?? Number("rope.scale_linear");
        int? original = metadata.GetInt32(prefix + "rope.scaling.original_context_length");
        return scaling switch
        {
            "none" when factor is null or 0 or 1 => new RopeParameters { RopeTheta = theta },
            "none" or "linear" => new RopeParameters { RopeType = "linear", RopeTheta = theta, Factor = factor ?? 1 },
            "yarn" => new RopeParameters { RopeType = "yarn", RopeTheta = theta, Factor = factor, OriginalMaxPositionEmbeddings = original },
            _ => throw new CheckpointException(metadata.Path, prefix + "rope.scaling.type", $"'{CheckpointException.Printable(scaling)}' is not known; known are none, linear, yarn"),
        };
    }

    /// <summary>Adds the parameters to a file's metadata.</summary>
    /// <exception cref="NotSupportedException">GGUF has no such scaling.</exception>
    public static void Write(RopeParameters rope, string prefix, GgufMetadata metadata)
    {
        metadata[prefix + "rope.freq_base"] = (float)rope.RopeTheta;
        switch (rope.RopeType)
        {
            case "default" or "llama3":
                break;
            case "longrope" when rope.AttentionFactor == 1:
                break;
            case "linear" or "yarn":
                metadata[prefix + "rope.scaling.type"] = rope.RopeType;
                metadata[prefix + "rope.scaling.factor"] = (float)(rope.Factor ?? 1);
                if (rope.OriginalMaxPositionEmbeddings is { } original)
                    metadata[prefix + "rope.scaling.original_context_length"] = (uint)original;
                break;
            default:
                throw new NotSupportedException($"GGUF has no place for rotary embeddings of type '{rope.RopeType}'");
        }
    }

    /// <summary>The divisors of the frequencies; null where they are not scaled one by one.</summary>
    public static float[]? Factors(RopeParameters rope, int headDim) => rope.RopeType switch
    {
        "llama3" => [.. Enumerable.Range(0, headDim / 2).Select(pair => (float)Llama3Factor(rope, Frequency(rope.RopeTheta, pair, headDim)))],
        "longrope" => [.. rope.ShortFactor!.Select(factor => (float)factor)],
        _ => null,
    };

    private static double Frequency(double theta, int pair, int headDim) => Math.Pow(theta, -2.0 * pair / headDim);

    private static double Llama3Factor(RopeParameters rope, double frequency)
    {
        double low = rope.LowFreqFactor!.Value, high = rope.HighFreqFactor!.Value, factor = rope.Factor!.Value;
        double turns = rope.OriginalMaxPositionEmbeddings!.Value * frequency / (2 * Math.PI);
        double smooth = Math.Clamp((turns - low) / (high - low), 0, 1);
        return 1 / (((1 - smooth) / factor) + smooth);
    }

    /// <summary>
    /// The parameters that the divisors were made of. Between 1 and the factor, <c>smooth</c> is a line over the frequency: two points of it
    /// give original / (high - low) and low / (high - low). Scaling all three alike changes nothing, so low may be 1, as in every
    /// published model. Null where other divisors would come out.
    /// </summary>
    private static RopeParameters? Llama3(double theta, int headDim, float[] factors)
    {
        double factor = Shortest(factors.Max());
        if (factors.Length != headDim / 2 || !(factor > 1) || !double.IsFinite(factor))
            return null;
        var line = factors.Index().Where(pair => pair.Item > 1.001 && pair.Item < factor * 0.999)
            .Select(pair => (Frequency: Frequency(theta, pair.Index, headDim), Smooth: ((1 / (double)pair.Item) - (1 / factor)) / (1 - (1 / factor)))).ToList();
        if (line.Count < 2)
            return null;
        double slope = (line[0].Smooth - line[^1].Smooth) / (line[0].Frequency - line[^1].Frequency);
        double offset = (slope * line[0].Frequency) - line[0].Smooth;
        var rope = new RopeParameters
        {
            RopeType = "llama3",
            RopeTheta = theta,
            Factor = factor,
            LowFreqFactor = 1,
            HighFreqFactor = Math.Round(1 + (1 / offset), 3),
            OriginalMaxPositionEmbeddings = Math.Abs(slope / offset) < 1 << 24 ? (int)Math.Round(slope / offset * 2 * Math.PI) : null,
        };
        return rope.OriginalMaxPositionEmbeddings > 0 && rope.HighFreqFactor > 1
            && Factors(rope, headDim)!.Zip(factors).All(pair => Math.Abs(pair.First - pair.Second) <= Tolerance * pair.Second) ? rope : null;
    }

    /// <summary>Any divisors, in the form of LongRoPE with one set for all lengths.</summary>
    private static RopeParameters Stretched(double theta, float[] factors)
    {
        double[] divisors = [.. factors.Select(factor => (double)factor)];
        return new RopeParameters { RopeType = "longrope", RopeTheta = theta, AttentionFactor = 1, ShortFactor = divisors, LongFactor = divisors };
    }

    /// <summary>The decimal number that a config.json had before it was rounded to single precision.</summary>
    public static double Shortest(double value) =>
        double.Parse(((float)value).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
