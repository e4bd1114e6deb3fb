using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Triptych.Formats;

/// <summary>Which of the two spellings a config.json uses for rotary position embeddings and the weights' dtype.</summary>
public enum ConfigSpelling
{
    /// <summary>transformers 4 and the files on the Hub: <c>rope_theta</c> with <c>rope_scaling</c>, <c>torch_dtype</c>.</summary>
    Hub,

    /// <summary>transformers 5: one <c>rope_parameters</c> object, <c>dtype</c>.</summary>
    Unified,
}

/// <summary>
/// Parameters of rotary position embeddings (RoFormer, <see href="https://arxiv.org/abs/2104.09864"/>) and of their extensions to
/// long contexts (linear, dynamic NTK, YaRN <see href="https://arxiv.org/abs/2309.00071"/>, LongRoPE
/// <see href="https://arxiv.org/abs/2402.13753"/>, Llama 3). A null property is absent from the file.
/// </summary>
public sealed record RopeParameters
{
    /// <summary>transformers' default base of the frequencies.</summary>
    public const double DefaultTheta = 10_000;

    /// <summary><c>default</c>, <c>linear</c>, <c>dynamic</c>, <c>yarn</c>, <c>longrope</c>, <c>llama3</c>, ...</summary>
    public string RopeType { get; init; } = "default";

    /// <summary>The base of the frequencies.</summary>
    public double RopeTheta { get; init; } = DefaultTheta;

    /// <summary>How many times longer the context is than in pre-training.</summary>
    public double? Factor { get; init; }

    /// <summary>llama3: wavelengths over original length / this are scaled in full.</summary>
    public double? LowFreqFactor { get; init; }

    /// <summary>llama3: wavelengths below original length / this are not scaled.</summary>
    public double? HighFreqFactor { get; init; }

    /// <summary>The context length of pre-training, in tokens.</summary>
    public int? OriginalMaxPositionEmbeddings { get; init; }

    /// <summary>yarn: rotations over the original length from which on frequencies are not scaled.</summary>
    public double? BetaFast { get; init; }

    /// <summary>yarn: rotations over the original length up to which frequencies are scaled in full.</summary>
    public double? BetaSlow { get; init; }

    /// <summary>yarn and longrope: the factor on cos and sin; computed from <see cref="Factor"/> if absent.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>yarn in DeepSeek: numerator of the attention factor.</summary>
    public double? Mscale { get; init; }

    /// <summary>yarn in DeepSeek: denominator of the attention factor.</summary>
    public double? MscaleAllDim { get; init; }

    /// <summary>yarn: whether the correction range is rounded to whole dimensions; true if absent.</summary>
    public bool? Truncate { get; init; }

    /// <summary>longrope: the factor of each frequency within the original length.</summary>
    public IReadOnlyList<double>? ShortFactor { get; init; }

    /// <summary>longrope: the factor of each frequency beyond the original length.</summary>
    public IReadOnlyList<double>? LongFactor { get; init; }

    /// <summary>The share of a head's dimensions that is rotated.</summary>
    public double? PartialRotaryFactor { get; init; }

    /// <summary>Qwen-VL: how the frequencies are divided between time, height and width.</summary>
    public IReadOnlyList<int>? MropeSection { get; init; }

    /// <summary>
    /// Reads the parameters of a config in either spelling. Both at once is no conflict: <c>rope_parameters</c> wins,
    /// and what it lacks is taken from the top level, as transformers does.
    /// </summary>
    /// <param name="config">The content of config.json, or of its <c>text_config</c>.</param>
    /// <param name="path">The file, for errors.</param>
    /// <param name="layerType">For models with parameters by layer type (Gemma 3): <c>full_attention</c>, <c>sliding_attention</c>.</param>
    /// <exception cref="CheckpointException">A value has the wrong kind.</exception>
    public static RopeParameters Read(JsonObject config, string path, string? layerType = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        var top = new Fields(config, path, "");
        Fields inner = top.Object("rope_parameters") ?? top.Object("rope_scaling") ?? new Fields([], path, "rope_scaling");
        bool nested = config["rope_parameters"] is JsonObject;
        bool local = layerType == "sliding_attention";
        if (layerType is not null && inner.Object(layerType) is { } ofLayer)
        {
            (inner, nested) = (ofLayer, true);
        }
        else if (local && !nested && top.Number("rope_local_base_freq") is { } localTheta)
        {
            // Gemma 3 in the Hub's spelling: local layers have a base of their own and are never scaled.
            return new RopeParameters { RopeTheta = localTheta, PartialRotaryFactor = top.Number("partial_rotary_factor") };
        }

        return new RopeParameters
        {
            RopeType = TypeName(inner.Text("rope_type") ?? inner.Text("type") ?? "default"),
            RopeTheta = inner.Number("rope_theta") ?? top.Number("rope_theta") ?? DefaultTheta,
            Factor = inner.Number("factor"),
            LowFreqFactor = inner.Number("low_freq_factor"),
            HighFreqFactor = inner.Number("high_freq_factor"),
            OriginalMaxPositionEmbeddings =
                top.Whole("original_max_position_embeddings") ?? inner.Whole("original_max_position_embeddings"),
            BetaFast = inner.Number("beta_fast"),
            BetaSlow = inner.Number("beta_slow"),
            AttentionFactor = inner.Number("attention_factor"),
            Mscale = inner.Number("mscale"),
            MscaleAllDim = inner.Number("mscale_all_dim"),
            Truncate = inner.Flag("truncate"),
            ShortFactor = inner.Numbers("short_factor"),
            LongFactor = inner.Numbers("long_factor"),
            PartialRotaryFactor = inner.Number("partial_rotary_factor") ?? top.Number("partial_rotary_factor"),
            MropeSection = inner.Numbers("mrope_section")?.Select(size => checked((int)size)).ToArray(),
        };
    }

    /// <summary>The spelling of a config; <see cref="ConfigSpelling.Unified"/> where neither is used.</summary>
    public static ConfigSpelling SpellingOf(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        bool unified = config.ContainsKey("rope_parameters") || config.ContainsKey("dtype");
        bool hub = config.ContainsKey("rope_scaling") || config.ContainsKey("rope_theta") || config.ContainsKey("torch_dtype");
        return hub && !unified ? ConfigSpelling.Hub : ConfigSpelling.Unified;
    }

    /// <summary>
    /// Sets these parameters in a config, in the spelling that it has. Fields that this record does not know stay in place.
    /// </summary>
    public void Write(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        bool unified = SpellingOf(config) == ConfigSpelling.Unified;
        string key = unified ? "rope_parameters" : "rope_scaling";
        JsonObject inner = config[key] as JsonObject ?? [];

        string typeKey = inner.ContainsKey("type") && !inner.ContainsKey("rope_type") ? "type" : "rope_type";
        if (!inner.ContainsKey(typeKey) || TypeName(inner[typeKey]!.GetValue<string>()) != RopeType)
            inner[typeKey] = RopeType;
        Set(inner, "factor", Factor);
        Set(inner, "low_freq_factor", LowFreqFactor);
        Set(inner, "high_freq_factor", HighFreqFactor);
        Set(config.ContainsKey("original_max_position_embeddings") ? config : inner, "original_max_position_embeddings", OriginalMaxPositionEmbeddings);
        Set(inner, "beta_fast", BetaFast);
        Set(inner, "beta_slow", BetaSlow);
        Set(inner, "attention_factor", AttentionFactor);
        Set(inner, "mscale", Mscale);
        Set(inner, "mscale_all_dim", MscaleAllDim);
        Set(inner, "truncate", Truncate);
        Set(inner, "short_factor", ShortFactor);
        Set(inner, "long_factor", LongFactor);
        Set(inner, "mrope_section", MropeSection);
        bool onTop = !inner.ContainsKey("partial_rotary_factor") && (config.ContainsKey("partial_rotary_factor") || !unified);
        Set(onTop ? config : inner, "partial_rotary_factor", PartialRotaryFactor);
        Set(unified ? inner : config, "rope_theta", RopeTheta);

        // In the Hub's spelling "no scaling" is null, not an object.
        config[key] = !unified && RopeType == "default" && inner.Count == 1 ? null : inner.DeepClone();
    }

    /// <inheritdoc/>
    public bool Equals(RopeParameters? other) =>
        other is not null && JsonNode.DeepEquals(JsonSerializer.SerializeToNode(this), JsonSerializer.SerializeToNode(other));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(RopeType, RopeTheta, Factor, OriginalMaxPositionEmbeddings);

    /// <summary>Older names of the same methods.</summary>
    private static string TypeName(string name) => name switch
    {
        "su" => "longrope",
        "mrope" => "default",
        _ => name,
    };

    private static void Set<T>(JsonObject target, string key, T? value)
    {
        if (value is null)
            return;
        JsonNode node = JsonSerializer.SerializeToNode(value, ConfigJson.Options)!;
        if (!JsonNode.DeepEquals(target[key], node))
            target[key] = node;
    }

    /// <summary>Typed access to one JSON object, with errors that name the file and the field.</summary>
    private sealed class Fields(JsonObject values, string path, string prefix)
    {
        public Fields? Object(string name) => values[name] switch
        {
            null => null,
            JsonObject inner => new Fields(inner, path, Full(name)),
            _ => throw Wrong(name, "an object"),
        };

        public string? Text(string name) => Value(name, JsonValueKind.String, "a string")?.GetValue<string>();

        public double? Number(string name) => Value(name, JsonValueKind.Number, "a number") is { } node ? ToDouble(node) : null;

        public int? Whole(string name) => Number(name) switch
        {
            null => null,
            { } number when number == Math.Truncate(number) && Math.Abs(number) <= int.MaxValue => (int)number,
            _ => throw Wrong(name, "a whole number"),
        };

        public bool? Flag(string name) => values[name]?.GetValueKind() switch
        {
            null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(name, "true or false"),
        };

        public double[]? Numbers(string name) => values[name] switch
        {
            null => null,
            JsonArray list when list.All(item => item?.GetValueKind() == JsonValueKind.Number) => [.. list.Select(item => ToDouble(item!))],
            _ => throw Wrong(name, "a list of numbers"),
        };

        /// <summary>A node made in code holds an int or a float, which GetValue does not widen.</summary>
        private static double ToDouble(JsonNode node) => double.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

        private JsonNode? Value(string name, JsonValueKind kind, string expected) =>
            values[name] is not { } node ? null : node.GetValueKind() == kind ? node : throw Wrong(name, expected);

        private CheckpointException Wrong(string name, string expected) => new(path, Full(name), $"is not {expected}");

        private string Full(string name) => prefix.Length == 0 ? name : $"{prefix}.{name}";
    }
}
