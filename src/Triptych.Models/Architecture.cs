using Triptych.Formats;

namespace Triptych.Models;

/// <summary>The three panels that every Transformer language model belongs to.</summary>
public enum ModelFamily
{
    /// <summary>Reads a text in both directions: classification, tagging, embeddings.</summary>
    EncoderOnly,

    /// <summary>Writes a text on, left to right.</summary>
    DecoderOnly,

    /// <summary>Reads one text in both directions and writes another.</summary>
    EncoderDecoder,
}

/// <summary>A class of an architecture: the base model or the base model with a head.</summary>
/// <param name="Name">transformers' name, such as <c>BertForMaskedLM</c>.</param>
/// <param name="Task">The pipeline task that it serves, such as <c>fill-mask</c>; null for none.</param>
/// <param name="Create">Builds it from a configuration and weights.</param>
/// <param name="IsBase">Whether it is the base model, whose parameters have no prefix of their own.</param>
public sealed record ModelClass(string Name, string? Task, Func<ModelConfig, Weights, PretrainedModel> Create, bool IsBase = false)
{
    /// <summary>The attribute under which this class keeps the base model, where it differs from <see cref="Architecture.BaseModelPrefix"/>.</summary>
    public string? BasePrefix { get; init; }

    internal static ModelClass Of<TConfig>(string name, string? task, Func<TConfig, Weights, PretrainedModel> create, bool isBase = false)
        where TConfig : ModelConfig => new(name, task, (config, weights) => create((TConfig)config, weights), isBase);
}

/// <summary>Whether a model can do a task.</summary>
/// <param name="Task">The task's name, such as <c>text-generation</c>.</param>
/// <param name="ModelClass">The class that does it; null where none does.</param>
/// <param name="Reason">Why it can or cannot, in a sentence.</param>
public sealed record TaskSupport(string Task, string? ModelClass, string Reason)
{
    /// <summary>Whether it can.</summary>
    public bool IsSupported => ModelClass is not null;
}

/// <summary>What is known of an architecture: how to build it, how to read its checkpoints, what it is good for.</summary>
public sealed record Architecture
{
    /// <summary>config.json's <c>model_type</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>The record that config.json is read into.</summary>
    public required Type ConfigType { get; init; }

    /// <summary>Which kind of Transformer it is.</summary>
    public required ModelFamily Family { get; init; }

    /// <summary>The attribute under which a head keeps the base model: the first part of its parameters' names.</summary>
    public required string BaseModelPrefix { get; init; }

    /// <summary>What it was trained to do, in a few words.</summary>
    public required string Objective { get; init; }

    /// <summary>Which tokens a token attends to.</summary>
    public required string Attention { get; init; }

    /// <summary>The normalization and where it stands.</summary>
    public required string Norm { get; init; }

    /// <summary>How the order of tokens is told.</summary>
    public required string Positions { get; init; }

    /// <summary>The paper.</summary>
    public required string Paper { get; init; }

    /// <summary>The base model and its heads.</summary>
    public required IReadOnlyList<ModelClass> Classes { get; init; }

    /// <summary>First parts of the names of what only some classes have, which the others may ignore in a checkpoint: heads, poolers.</summary>
    public IReadOnlyList<string> HeadPrefixes { get; init; } = [];

    /// <summary>From a tensor's name in a checkpoint to the parameter's name today: old spellings, copies of tied weights; null to leave it out.</summary>
    public Func<string, ModelConfig, string?> MapKey { get; init; } = (name, _) => name;

    /// <summary>How GGUF files spell it; null where they are not read.</summary>
    public GgufArchitecture? Gguf { get; init; }

    /// <summary>The class of a name; null where the architecture has none such.</summary>
    public ModelClass? Find(string className) => Classes.FirstOrDefault(c => c.Name == className);

    /// <summary>The class that serves a task; null where none does.</summary>
    public ModelClass? ForTask(string task) => Classes.FirstOrDefault(c => c.Task == task);

    /// <summary>For each task of this library, whether the architecture can do it and why.</summary>
    /// <param name="saved">The class that a checkpoint was saved from, if one is asked about: its own tasks need no training.</param>
    public IReadOnlyList<TaskSupport> Tasks(string? saved = null) => [.. ModelRegistry.Tasks.Select(task => Support(task, saved))];

    /// <summary>The parameter that a tensor of a checkpoint is; null where it is none.</summary>
    /// <param name="stored">The tensor's name in the checkpoint.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="checkpoint">The checkpoint: GGUF files have names of their own.</param>
    public string? NameOf(string stored, ModelConfig config, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        string? name = checkpoint.Gguf is null || Gguf is null ? stored : Gguf.ToHuggingFace(stored);
        return name is null ? null : MapKey(name, config);
    }

    private TaskSupport Support(string task, string? saved)
    {
        if (ForTask(task) is not { } modelClass)
            return new TaskSupport(task, null, Refusal(task));
        string reason = modelClass.IsBase ? "needs no head"
            : saved is null ? $"as {modelClass.Name}"
            : saved == modelClass.Name ? "the checkpoint has this head"
            : $"the checkpoint has the head of {saved}; fine-tune it as {modelClass.Name}";
        return saved is null || saved == modelClass.Name || modelClass.IsBase
            ? new TaskSupport(task, modelClass.Name, reason)
            : new TaskSupport(task, null, reason);
    }

    private string Refusal(string task) => (Family, task) switch
    {
        (ModelFamily.EncoderOnly, "text-generation" or "summarization") =>
            "attends in both directions: it was never trained to predict the next token and has no decoder",
        (ModelFamily.DecoderOnly, "fill-mask") => "sees only what stands left of a token, so it cannot fill a gap from both sides",
        (ModelFamily.DecoderOnly, "summarization") => "has no encoder for the article; a prompt with text-generation is its way",
        (ModelFamily.EncoderDecoder, "text-generation") => "writes an answer to its encoder's input; it was not trained to continue a prompt",
        (ModelFamily.EncoderDecoder, "fill-mask") => "restores a masked text as a whole by generating it; the fill-mask pipeline reads an encoder's one prediction a mask",
        _ => "transformers defines no head of this architecture for it",
    };
}
