using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Triptych.Formats;

namespace Triptych.Models;

/// <summary>
/// config.json: what a checkpoint's network looks like. Properties have the file's names in PascalCase and transformers'
/// defaults; fields that a record doesn't know are kept in <see cref="Extra"/> and written back.
/// </summary>
public abstract record ModelConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "config.json";

    // The deepest published models have a few hundred; a hostile file must not make us allocate billions.
    private const int MaxLayers = 10_000;

    private HashSet<string> sourceKeys = [];

    /// <summary>The architecture, a key of <see cref="ModelRegistry"/>, such as <c>bert</c>.</summary>
    public string ModelType { get; init; } = "";

    /// <summary>The class that the weights were saved from, such as <c>BertForMaskedLM</c>.</summary>
    public IReadOnlyList<string>? Architectures { get; init; }

    /// <summary>The number of tokens in the vocabulary.</summary>
    public int VocabSize { get; init; }

    /// <summary>The names of the classes of a classification head.</summary>
    [JsonPropertyName("id2label")]
    public IReadOnlyDictionary<int, string>? Id2Label { get; init; }

    /// <summary>The classes by name.</summary>
    [JsonPropertyName("label2id")]
    public IReadOnlyDictionary<string, int>? Label2Id { get; init; }

    /// <summary>The loss of sequence classification: <c>regression</c>, <c>single_label_classification</c> or
    /// <c>multi_label_classification</c>; decided by the labels if absent.</summary>
    public string? ProblemType { get; init; }

    /// <summary>The token that fills up shorter rows of a batch.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>The token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The tokens that end a text.</summary>
    public TokenIds? EosTokenId { get; init; }

    /// <summary>Whether the output layer of a language-model head is the input embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>All other fields of the file.</summary>
    [JsonExtensionData]
    public JsonObject? Extra { get; set; }

    /// <summary>The size of the classification head: that of <see cref="Id2Label"/>, else <c>num_labels</c>, else the architecture's default.</summary>
    [JsonIgnore]
    public int NumLabels => Id2Label?.Count
        ?? (Extra?["num_labels"] is JsonValue value && value.TryGetValue(out int count) && count > 0 ? count : DefaultNumLabels);

    /// <summary>The dtype of the weights in the file, under <c>dtype</c> or the older <c>torch_dtype</c>; null where neither is.</summary>
    [JsonIgnore]
    public string? DTypeName => Extra is null ? null : ConfigJson.ReadDTypeName(Extra);

    /// <summary>Sizes by common names, whatever the file calls them.</summary>
    [JsonIgnore]
    public abstract ModelDimensions Dimensions { get; }

    /// <summary>Reads the config.json of a folder, or the metadata of a GGUF file as one.</summary>
    /// <exception cref="CheckpointException">There is none, it is invalid, or its model_type is unknown.</exception>
    public static ModelConfig Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (GgufFile.IsGguf(folder))
        {
            using var checkpoint = Checkpoint.Open(folder);
            return Parse(GgufArchitecture.ConfigOf(checkpoint), folder);
        }

        if (!Directory.Exists(folder))
            throw new CheckpointException(folder, null, File.Exists(folder) ? "is a file, but no GGUF file, and not a model folder" : "the model folder does not exist");
        string path = Path.Combine(folder, FileName);
        return Parse(JsonFile.ReadObject(path), path);
    }

    /// <summary>Reads the content of a config.json.</summary>
    /// <param name="json">The content.</param>
    /// <param name="path">What errors name as the file.</param>
    /// <exception cref="CheckpointException">The content is invalid, or its model_type is unknown.</exception>
    public static ModelConfig Parse(JsonObject json, string path = FileName)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (json["model_type"] is not JsonValue value || !value.TryGetValue(out string? modelType))
            throw new CheckpointException(path, "model_type", "is missing or not a string");
        if (!ModelRegistry.TryFind(modelType, out var architecture))
            throw new CheckpointException(path, "model_type", ModelRegistry.UnknownType(modelType));
        ModelConfig config;
        try
        {
            config = (ModelConfig)json.Deserialize(architecture.ConfigType, ConfigJson.Options)!;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or NotSupportedException)
        {
            throw new CheckpointException(path, (error as JsonException)?.Path, "is not valid: " + error.Message, error);
        }

        config.sourceKeys = [.. json.Select(pair => pair.Key)];
        foreach (var (key, reason) in config.Problems())
            throw new CheckpointException(path, key, reason);
        return config;
    }

    /// <summary>Writes config.json into a folder.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string folder) => JsonFile.Write(Path.Combine(folder, FileName), ToJson());

    /// <summary>The content of config.json: every known field, those that are null only where the file had them, and all unknown ones.</summary>
    public JsonObject ToJson()
    {
        // The serializer writes a JsonObject of extension data as a nested object without a name: it is added by hand.
        var json = JsonSerializer.SerializeToNode(this with { Extra = null }, GetType(), ConfigJson.Options)!.AsObject();
        foreach (string key in json.Where(pair => pair.Value is null && !sourceKeys.Contains(pair.Key)).Select(pair => pair.Key).ToList())
            json.Remove(key);
        foreach (var (key, value) in Extra ?? [])
            json.Add(key, value?.DeepClone());
        return json;
    }

    /// <summary>A copy for a classification head with the given classes.</summary>
    public ModelConfig WithLabels(params IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var copy = this with
        {
            Id2Label = labels.Index().ToDictionary(pair => pair.Index, pair => pair.Item),
            Label2Id = labels.Index().ToDictionary(pair => pair.Item, pair => pair.Index),
            Extra = Extra?.DeepClone().AsObject(),
        };
        copy.Extra?.Remove("num_labels");
        return copy;
    }

    /// <summary>A copy that names another dtype of the weights, under the key that the file uses.</summary>
    public ModelConfig WithDType(string name)
    {
        var copy = this with { Extra = Extra?.DeepClone().AsObject() ?? [] };
        ConfigJson.WriteDTypeName(copy.Extra!, name);
        return copy;
    }

    /// <summary>The classes of a head when the file says nothing.</summary>
    protected virtual int DefaultNumLabels => 2;

    /// <summary>What makes the configuration impossible: keys of the file and reasons.</summary>
    protected internal virtual IEnumerable<(string Key, string Reason)> Problems()
    {
        var size = Dimensions;
        foreach (var (key, value) in Positive().Prepend(("vocab_size", VocabSize)))
        {
            if (value <= 0)
                yield return (key, $"is {value}, not a positive number");
            if (value > MaxLayers && key.Contains("layer", StringComparison.Ordinal))
                yield return (key, $"is {value}, over the limit of {MaxLayers}");
        }

        if (size.Heads > 0 && size.HiddenSize % size.Heads != 0)
            yield return ("hidden_size", $"{size.HiddenSize} does not divide into {size.Heads} attention heads");
        if (PadTokenId is { } pad && (pad < 0 || pad >= VocabSize))
            yield return ("pad_token_id", $"{pad} lies outside of the vocabulary of {VocabSize}");
    }

    /// <summary>Sizes that have to be positive, by their keys in the file.</summary>
    protected abstract IEnumerable<(string Key, int Value)> Positive();
}

/// <summary>The sizes of a network under one name each, for display and for planning memory.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="Layers">Layers, encoder and decoder together.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="KeyValueHeads">Heads of the keys and values; fewer than <paramref name="Heads"/> in grouped attention.</param>
/// <param name="ContextLength">The longest sequence, in tokens.</param>
/// <param name="CachedLayers">Layers that keep keys and values of earlier tokens when generating; 0 for encoders.</param>
public sealed record ModelDimensions(int HiddenSize, int Layers, int Heads, int KeyValueHeads, int ContextLength, int CachedLayers)
{
    private readonly int? headDim;

    /// <summary>The width of a head: <see cref="HiddenSize"/> / <see cref="Heads"/> unless a configuration says otherwise.</summary>
    public int HeadDim
    {
        get => headDim ?? (HiddenSize / Heads);
        init => headDim = value;
    }

    /// <summary>Whether positions are rows of a table, so that nothing over <see cref="ContextLength"/> can be read. Otherwise longer
    /// sequences run, though the model may not have been trained on them.</summary>
    public bool HasPositionTable { get; init; } = true;

    /// <summary>Bytes of float32 keys and values that each generated token adds to the cache.</summary>
    public long CacheBytesPerToken => 2L * CachedLayers * KeyValueHeads * HeadDim * sizeof(float);
}
