using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>How GGUF files spell an architecture: its name, its tensors, its sizes.</summary>
public abstract class GgufArchitecture
{
    /// <summary>config.json's key that says that rows of queries and keys are stored for rotary embeddings of neighbouring pairs.</summary>
    internal const string InterleavedKey = "rope_interleaved";

    private const string NameKey = "general.architecture";

    private Dictionary<string, string>? toHuggingFace, toGguf;

    /// <summary>What <c>general.architecture</c> says.</summary>
    public abstract string Name { get; }

    /// <summary>Names of tensors without <c>.weight</c> and <c>.bias</c>, a star for the number of a layer.</summary>
    protected abstract IReadOnlyList<(string Gguf, string HuggingFace)> Names { get; }

    /// <summary>The name in transformers of a tensor; the name itself where it is not known, null where the tensor is no parameter.</summary>
    public virtual string? ToHuggingFace(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Translate(name, toHuggingFace ??= Names.ToDictionary(pair => pair.Gguf, pair => pair.HuggingFace)) ?? name;
    }

    /// <summary>The name in GGUF files of a parameter; null where there is none.</summary>
    public string? ToGguf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Translate(name, toGguf ??= Names.ToDictionary(pair => pair.HuggingFace, pair => pair.Gguf));
    }

    /// <summary>The heads of a parameter whose rows GGUF files store in another order than transformers, for rotary embeddings of
    /// neighbouring pairs; null for all others.</summary>
    public virtual int? RotaryHeads(string huggingFaceName, ModelConfig config) => null;

    /// <summary>Tensors that a GGUF file has beside the parameters.</summary>
    public virtual IEnumerable<(string Name, Tensor Tensor)> ExtraTensors(ModelConfig config) => [];

    /// <summary>Adds the sizes of a model to the metadata of its file.</summary>
    protected abstract void WriteSizes(ModelConfig config, GgufMetadata metadata);

    /// <summary>config.json as the metadata and tensors of a file say it.</summary>
    /// <exception cref="CheckpointException">A value is missing, of the wrong type, or asks for what the architecture does not have here.</exception>
    protected abstract JsonObject ReadConfig(Checkpoint checkpoint, GgufMetadata metadata);

    /// <summary>config.json of a GGUF file of any known architecture.</summary>
    /// <exception cref="CheckpointException">The architecture is unknown, or the metadata cannot be used.</exception>
    internal static JsonObject ConfigOf(Checkpoint checkpoint)
    {
        GgufMetadata metadata = checkpoint.Gguf!;
        string name = metadata.Require(NameKey, metadata.GetString(NameKey));
        var known = ModelRegistry.Architectures.Select(a => a.Gguf).OfType<GgufArchitecture>().ToList();
        return known.Find(gguf => gguf.Name == name)?.ReadConfig(checkpoint, metadata)
            ?? throw new CheckpointException(checkpoint.Path, NameKey, $"'{CheckpointException.Printable(name)}' is not known; known are {string.Join(", ", known.Select(gguf => gguf.Name))}");
    }

    /// <summary>From the order of transformers, where a head's first half turns with its second, to that of neighbouring pairs.</summary>
    internal static Tensor Interleave(Tensor weight, int heads) => Reorder(weight, heads, 2, weight.Shape[0] / heads / 2);

    /// <summary>The way back.</summary>
    internal static Tensor Deinterleave(Tensor weight, int heads) => Reorder(weight, heads, weight.Shape[0] / heads / 2, 2);

    /// <summary>Describes a model in the metadata of its file.</summary>
    internal void WriteMetadata(ModelConfig config, string modelName, GgufMetadata metadata)
    {
        metadata[NameKey] = Name;
        metadata["general.name"] = modelName;
        WriteSizes(config, metadata);
    }

    /// <summary>Whether rows of queries and keys lie in GGUF's order.</summary>
    internal static bool IsInterleaved(ModelConfig config) => config.Extra?[InterleavedKey] is JsonValue value && value.TryGetValue(out bool interleaved) && interleaved;

    /// <summary>The configuration of weights that were brought to the order of transformers.</summary>
    internal static ModelConfig WithoutInterleaving(ModelConfig config)
    {
        var copy = config with { Extra = config.Extra?.DeepClone().AsObject() };
        copy.Extra?.Remove(InterleavedKey);
        return copy;
    }

    private static Tensor Reorder(Tensor weight, int heads, int outer, int inner)
    {
        int columns = weight.Rank == 2 ? weight.Shape[1] : 1;
        return weight.Reshape([heads, outer, inner, columns]).Transpose(1, 2).Contiguous().Reshape(weight.Shape);
    }

    private static string? Translate(string name, Dictionary<string, string> names)
    {
        string suffix = name.EndsWith(".weight", StringComparison.Ordinal) ? ".weight" : name.EndsWith(".bias", StringComparison.Ordinal) ? ".bias" : "";
        string[] parts = name[..^suffix.Length].Split('.');
        int layer = Array.FindIndex(parts, part => part.Length > 0 && part.All(char.IsAsciiDigit));
        string number = layer < 0 ? "" : parts[layer];
        if (layer >= 0)
            parts[layer] = "*";
        return names.TryGetValue(string.Join('.', parts), out string? translated)
            ? translated.Replace("*", number, StringComparison.Ordinal) + suffix
            : null;
    }
}
