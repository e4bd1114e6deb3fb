using System.Diagnostics.CodeAnalysis;
using Triptych.Formats;

namespace Triptych.Models;

/// <summary>The architectures that this library knows, one line each, and how to make models of them.</summary>
public static class ModelRegistry
{
    private const int SuggestionsShown = 3;

    /// <summary>All architectures.</summary>
    public static IReadOnlyList<Architecture> Architectures { get; } =
    [
        Encoders.Bert.Architecture,
        Encoders.DistilBert.Architecture,
        Encoders.Roberta.Architecture,
        Decoders.Gpt2.Architecture,
        Decoders.Llama.Architecture,
        EncoderDecoders.Bart.Architecture,
    ];

    /// <summary>The tasks that this library has pipelines for.</summary>
    public static IReadOnlyList<string> Tasks { get; } =
    [
        "text-classification", "fill-mask", "token-classification", "question-answering", "feature-extraction",
        "text-generation", "summarization",
    ];

    /// <summary>Finds an architecture by config.json's <c>model_type</c>.</summary>
    public static bool TryFind(string modelType, [NotNullWhen(true)] out Architecture? architecture)
    {
        architecture = Architectures.FirstOrDefault(a => a.ModelType == modelType);
        return architecture is not null;
    }

    /// <summary>The architecture of a configuration.</summary>
    /// <exception cref="ArgumentException">Its model_type is unknown.</exception>
    public static Architecture Find(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return TryFind(config.ModelType, out var found) ? found : throw new ArgumentException(UnknownType(config.ModelType), nameof(config));
    }

    /// <summary>Loads a model from a folder with config.json and weights, or from a GGUF file.</summary>
    /// <param name="folder">The folder or file.</param>
    /// <param name="className">The class to load it as, such as <c>BertForMaskedLM</c>; by default the one that the weights were saved from.</param>
    /// <param name="options">How to load.</param>
    /// <exception cref="CheckpointException">A file is missing or damaged, or the weights don't fit the class.</exception>
    public static PretrainedModel Load(string folder, string? className = null, LoadOptions? options = null)
    {
        var config = ModelConfig.Load(folder);
        var architecture = Find(config);
        className ??= SavedClass(config, architecture, folder);
        return Load(folder, config, className, options);
    }

    /// <summary>Loads a model with a configuration that may differ from the folder's, such as other labels.</summary>
    /// <inheritdoc cref="Load(string, string, LoadOptions)"/>
    public static PretrainedModel Load(string folder, ModelConfig config, string className, LoadOptions? options = null)
    {
        using var checkpoint = Checkpoint.Open(folder);
        var model = Build(config, className, checkpoint, options ?? new LoadOptions());
        model.GenerationConfig = GenerationConfig.Load(folder);
        return model;
    }

    /// <summary>Makes a model with random weights.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="className">Its class.</param>
    /// <param name="seed">The seed of the weights and of dropout.</param>
    /// <exception cref="ArgumentException">The configuration is impossible, or the architecture has no such class.</exception>
    public static PretrainedModel Create(ModelConfig config, string className, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        foreach (var (key, reason) in config.Problems())
            throw new ArgumentException($"{key}: {reason}", nameof(config));
        return Build(config, className, null, new LoadOptions { Seed = seed, Trainable = true });
    }

    /// <summary>What to say of a model_type that is not known.</summary>
    internal static string UnknownType(string modelType)
    {
        string shown = modelType.Length <= 64 ? modelType : modelType[..64] + "…";
        var nearest = Architectures.Select(a => a.ModelType).OrderBy(known => Distance(known, shown)).Take(SuggestionsShown);
        return $"'{shown}' is not a known model type; the nearest known ones are {string.Join(", ", nearest)}";
    }

    private static string SavedClass(ModelConfig config, Architecture architecture, string folder)
    {
        string? saved = config.Architectures is [var first, ..] ? first : null;
        if (saved is null)
            return architecture.Classes.First(c => c.IsBase).Name;
        return architecture.Find(saved) is not null
            ? saved
            : throw new CheckpointException(Path.Combine(folder, ModelConfig.FileName), "architectures", NoSuchClass(architecture, saved));
    }

    private static string NoSuchClass(Architecture architecture, string className) =>
        $"{architecture.ModelType} has no class '{className}' here; it has {string.Join(", ", architecture.Classes.Select(c => c.Name))}";

    private static PretrainedModel Build(ModelConfig config, string className, Checkpoint? checkpoint, LoadOptions options)
    {
        var architecture = Find(config);
        var modelClass = architecture.Find(className) ?? throw new ArgumentException(NoSuchClass(architecture, className), nameof(className));
        var source = new WeightSource(architecture, modelClass, config, checkpoint, options);
        PretrainedModel model;
        try
        {
            model = modelClass.Create(config, new Weights(source));
        }
        catch (OverflowException error) when (checkpoint is not null)
        {
            throw new CheckpointException(checkpoint.Path, ModelConfig.FileName, "asks for a weight of over 2^63 elements", error);
        }

        source.Finish();
        model.RequiresGrad = options.Trainable;
        return model;
    }

    // Levenshtein's edit distance.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitution, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
