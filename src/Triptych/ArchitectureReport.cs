using System.Text.Json.Serialization;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych;

/// <summary>What a checkpoint is and can do, read from its configuration and the headers of its files; no weight is loaded.</summary>
public sealed record ArchitectureReport
{
    /// <summary>The model folder.</summary>
    [JsonPropertyName("folder")]
    public required string Folder { get; init; }

    /// <summary>config.json's <c>model_type</c>.</summary>
    [JsonPropertyName("model_type")]
    public required string ModelType { get; init; }

    /// <summary>config.json's <c>architectures</c>.</summary>
    [JsonPropertyName("architectures")]
    public required IReadOnlyList<string> Architectures { get; init; }

    /// <summary><c>encoder-only</c>, <c>decoder-only</c> or <c>encoder-decoder</c>.</summary>
    [JsonPropertyName("family")]
    public required string Family { get; init; }

    /// <summary>Numbers that were trained.</summary>
    [JsonPropertyName("parameters")]
    public required long Parameters { get; init; }

    /// <summary>Those that one token's way through the model uses: all of them but where experts are chosen among.</summary>
    [JsonPropertyName("active_parameters")]
    public required long ActiveParameters { get; init; }

    /// <summary>Which tokens a token attends to.</summary>
    [JsonPropertyName("attention")]
    public required string Attention { get; init; }

    /// <summary>What it was trained to do.</summary>
    [JsonPropertyName("objective")]
    public required string Objective { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    [JsonPropertyName("context_length")]
    public required int ContextLength { get; init; }

    /// <summary>The width of the residual stream.</summary>
    [JsonPropertyName("hidden_size")]
    public required int HiddenSize { get; init; }

    /// <summary>Layers, encoder and decoder together.</summary>
    [JsonPropertyName("layers")]
    public required int Layers { get; init; }

    /// <summary>Attention heads.</summary>
    [JsonPropertyName("heads")]
    public required int Heads { get; init; }

    /// <summary>Heads of keys and values.</summary>
    [JsonPropertyName("key_value_heads")]
    public required int KeyValueHeads { get; init; }

    /// <summary>The width of a head.</summary>
    [JsonPropertyName("head_dim")]
    public required int HeadDim { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    [JsonPropertyName("vocab_size")]
    public required int VocabSize { get; init; }

    /// <summary>The normalization and where it stands.</summary>
    [JsonPropertyName("norm")]
    public required string Norm { get; init; }

    /// <summary>How the order of tokens is told.</summary>
    [JsonPropertyName("positions")]
    public required string Positions { get; init; }

    /// <summary>The paper.</summary>
    [JsonPropertyName("paper")]
    public required string Paper { get; init; }

    /// <summary>Bytes of all weights.</summary>
    [JsonPropertyName("weight_bytes")]
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of weights by dtype, such as <c>float32</c>.</summary>
    [JsonPropertyName("weight_bytes_by_dtype")]
    public required IReadOnlyDictionary<string, long> WeightBytesByDType { get; init; }

    /// <summary>Bytes of float32 self-attention cache that a token of the text that is written takes; 0 for encoders, which keep none.</summary>
    [JsonPropertyName("kv_cache_bytes_per_token")]
    public required long CacheBytesPerToken { get; init; }

    /// <summary>Bytes of float32 cross-attention cache that a token of the encoder's input takes, once for all that is written; 0 without cross attention.</summary>
    [JsonPropertyName("cross_cache_bytes_per_input_token")]
    public required long CrossCacheBytesPerInputToken { get; init; }

    /// <summary>The tasks, whether it can do each, and why.</summary>
    [JsonPropertyName("tasks")]
    public required IReadOnlyList<TaskSupport> Tasks { get; init; }

    /// <summary>Reports on a model.</summary>
    /// <param name="model">A model folder, or the name of an embedded model.</param>
    /// <exception cref="CheckpointException">There is no such model, or its files cannot be read.</exception>
    public static ArchitectureReport Of(string model)
    {
        string folder = EmbeddedModels.Resolve(model);
        var config = ModelConfig.Load(folder);
        var architecture = ModelRegistry.Find(config);
        var size = config.Dimensions;
        using var checkpoint = Checkpoint.Open(folder);
        var entries = checkpoint.Names.Where(name => architecture.NameOf(name, config, checkpoint) is not null).Select(checkpoint.Entry).ToList();
        // Copies of tied weights count once.
        long parameters = entries.GroupBy(entry => architecture.NameOf(entry.Name, config, checkpoint)!)
            .Sum(group => group.First().Shape.Aggregate(1L, (product, extent) => product * extent));
        return new ArchitectureReport
        {
            Folder = folder,
            ModelType = config.ModelType,
            Architectures = config.Architectures ?? [],
            Family = architecture.Family switch
            {
                ModelFamily.EncoderOnly => "encoder-only",
                ModelFamily.DecoderOnly => "decoder-only",
                _ => "encoder-decoder",
            },
            Parameters = parameters,
            ActiveParameters = parameters,
            Attention = architecture.Attention,
            Objective = architecture.Objective,
            ContextLength = size.ContextLength,
            HiddenSize = size.HiddenSize,
            Layers = size.Layers,
            Heads = size.Heads,
            KeyValueHeads = size.KeyValueHeads,
            HeadDim = size.HeadDim,
            VocabSize = config.VocabSize,
            Norm = architecture.Norm,
            Positions = architecture.Positions,
            Paper = architecture.Paper,
            WeightBytes = entries.Sum(entry => entry.Length),
            WeightBytesByDType = entries.GroupBy(entry => entry.ElementType?.Name() ?? entry.TypeName)
                .ToDictionary(group => group.Key, group => group.Sum(entry => entry.Length)),
            CacheBytesPerToken = size.CacheBytesPerToken,
            CrossCacheBytesPerInputToken = architecture.Family == ModelFamily.EncoderDecoder ? size.CacheBytesPerToken : 0,
            Tasks = architecture.Tasks(config.Architectures is { Count: > 0 } saved ? saved[0] : null),
        };
    }
}
