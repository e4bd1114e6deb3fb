using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Triptych.Training;

/// <summary>
/// A training recipe: a JSON file (comments allowed) that says all that is needed to make a model: the data, the tokenizer, the
/// network and the stages of training. Field names are those of the properties in snake_case; an unknown field is an error.
/// </summary>
/// <example><code>
/// {
///   "name": "gpt2-stories",
///   "seed": 1,
///   "dtype": "float16",
///   "tokenizer": { "kind": "gpt2", "vocab_size": 4096 },
///   "model": { "model_type": "gpt2", "n_layer": 4, "n_head": 4, "n_embd": 256, "n_positions": 256 },
///   "stages": [ {
///     "objective": "clm", "max_length": 256,
///     "data": { "train": [ { "path": "stories.txt.gz", "format": "lines" } ], "validation_share": 0.01 },
///     "training": { "max_steps": 2000, "batch_size": 16, "learning_rate": 1e-3, "schedule": "cosine", "warmup_steps": 100 }
///   } ]
/// }
/// </code></example>
public sealed record Recipe
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>What the model is for.</summary>
    public string? Description { get; init; }

    /// <summary>The seed of weights, data order, masks and dropout.</summary>
    public ulong Seed { get; init; }

    /// <summary>The dtype of the saved weights: <c>float32</c>, <c>float16</c> or <c>bfloat16</c>.</summary>
    [JsonPropertyName("dtype")]
    public string DType { get; init; } = "float32";

    /// <summary>A model folder to start from, relative to the recipe; null for random weights.</summary>
    public string? From { get; init; }

    /// <summary>The tokenizer; null for that of <see cref="From"/>.</summary>
    public TokenizerRecipe? Tokenizer { get; init; }

    /// <summary>config.json's fields, <c>model_type</c> among them; with <see cref="From"/>, what differs from its config.
    /// The size of the vocabulary and the ids of special tokens are filled in from the tokenizer.</summary>
    public JsonObject? Model { get; init; }

    /// <summary>The classes of a classifier, in the order of their indices.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>generation_config.json's fields.</summary>
    public JsonObject? Generation { get; init; }

    /// <summary>What is trained, one after the other; each goes on with the weights of the one before.</summary>
    public required IReadOnlyList<StageRecipe> Stages { get; init; }

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="TrainingException">The file is missing or no valid recipe; the message names the line and the field.</exception>
    public static Recipe Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Recipe recipe;
        try
        {
            recipe = JsonSerializer.Deserialize<Recipe>(File.ReadAllBytes(path), Json)
                ?? throw new TrainingException($"{path}: is empty");
        }
        catch (JsonException error)
        {
            string field = error.Path is null or "$" ? "" : error.Path + ": ";
            string line = error.LineNumber is { } number ? $", line {number + 1}" : "";
            throw new TrainingException($"{path}{line}: {field}{FirstSentence(error.Message)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"{path}: cannot be read: {error.Message}", error);
        }

        recipe.Validate(path);
        return recipe;
    }

    // System.Text.Json appends the path and the line, which stand at the front already.
    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return end > 0 ? message[..end] : message;
    }

    private void Validate(string path)
    {
        if (Stages.Count == 0)
            throw new TrainingException($"{path}: stages: there is none");
        if (From is null && Model is null)
            throw new TrainingException($"{path}: model: is missing, and there is no 'from' to start from");
        if (From is null && Model?["model_type"] is null)
            throw new TrainingException($"{path}: model.model_type: is missing");
        if (From is null && Tokenizer is null)
            throw new TrainingException($"{path}: tokenizer: is missing, and there is no 'from' that has one");
        if (DType is not ("float32" or "float16" or "bfloat16"))
            throw new TrainingException($"{path}: dtype: '{DType}' is not float32, float16 or bfloat16");
        for (int i = 0; i < Stages.Count; i++)
            Stages[i].Validate($"{path}: stages[{i}]", Labels);
        var names = Stages.Select((stage, i) => stage.Label(i)).ToList();
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count)
            throw new TrainingException($"{path}: stages: two have the same name");
    }
}

/// <summary>Which vocabulary a tokenizer has and how it treats text.</summary>
public enum TokenizerKind
{
    /// <summary>WordPiece between [CLS] and [SEP], as BERT and DistilBERT.</summary>
    Bert,

    /// <summary>Byte-level BPE with &lt;|endoftext|&gt;, as GPT-2.</summary>
    Gpt2,

    /// <summary>Byte-level BPE between &lt;s&gt; and &lt;/s&gt;, as RoBERTa and BART.</summary>
    Roberta,
}

/// <summary>How a recipe comes to its tokenizer: it is trained, or taken from a folder.</summary>
public sealed record TokenizerRecipe
{
    /// <summary>A folder or tokenizer.json, relative to the recipe; null to train one.</summary>
    public string? From { get; init; }

    /// <summary>What is trained.</summary>
    public TokenizerKind Kind { get; init; }

    /// <summary>The size of the vocabulary, special tokens and alphabet included.</summary>
    public int VocabSize { get; init; } = 8192;

    /// <summary>How often a pair must come to be joined.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Whether a <see cref="TokenizerKind.Bert"/> tokenizer lowercases.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>The most tokens that the model takes, for tokenizer_config.json.</summary>
    public int? MaxLength { get; init; }

    /// <summary>What it learns from; null for the training data of all stages.</summary>
    public IReadOnlyList<DataSource>? Data { get; init; }
}

/// <summary>What a model learns to do.</summary>
public enum Objective
{
    /// <summary>Causal language modelling: predict the next token.</summary>
    Clm,

    /// <summary>Masked language modelling: predict hidden tokens.</summary>
    Mlm,

    /// <summary>Sequence classification.</summary>
    Classification,

    /// <summary>One text into another.</summary>
    [JsonStringEnumMemberName("seq2seq")]
    SequenceToSequence,

    /// <summary>BART's text infilling: restore a text from a corrupted one.</summary>
    Denoising,
}

/// <summary>A stage of training.</summary>
public sealed record StageRecipe
{
    /// <summary>Its name in reports and folders; null for the objective's.</summary>
    public string? Name { get; init; }

    /// <summary>What is learned.</summary>
    public required Objective Objective { get; init; }

    /// <summary>The most tokens of an input; longer texts are cut off, or go on in the next example where the objective allows.</summary>
    public int MaxLength { get; init; } = 128;

    /// <summary>The most tokens of a target.</summary>
    public int MaxTargetLength { get; init; } = 128;

    /// <summary>Settings of masked language modelling.</summary>
    public MaskingOptions Masking { get; init; } = new();

    /// <summary>Settings of denoising.</summary>
    public InfillingOptions Infilling { get; init; } = new();

    /// <summary>The data.</summary>
    public required DataRecipe Data { get; init; }

    /// <summary>The settings of the trainer. The recipe's seed counts, not this one's.</summary>
    public required TrainingOptions Training { get; init; }

    internal string Label(int index) => Name ?? $"{index + 1}-{JsonNamingPolicy.SnakeCaseLower.ConvertName(Objective.ToString())}";

    internal void Validate(string where, IReadOnlyList<string>? labels)
    {
        if (Data.Train.Count == 0)
            throw new TrainingException($"{where}.data.train: there is no source");
        if (Objective == Objective.Classification && labels is not { Count: > 1 })
            throw new TrainingException($"{where}: classification needs two or more 'labels' at the top of the recipe");
        if (MaxLength < 3)
            throw new TrainingException($"{where}.max_length: is {MaxLength}, it has to be 3 or more");
        if (MaxTargetLength < 3)
            throw new TrainingException($"{where}.max_target_length: is {MaxTargetLength}, it has to be 3 or more");
        if (Data.ValidationShare is < 0 or >= 1)
            throw new TrainingException($"{where}.data.validation_share: is {Data.ValidationShare}, it has to be at least 0 and below 1");
        if (Name is not null && !Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw new TrainingException($"{where}.name: '{Name}' has other characters than letters, digits, - and _");
        try
        {
            Training.Validate();
        }
        catch (ArgumentException error)
        {
            string field = JsonNamingPolicy.SnakeCaseLower.ConvertName(error.ParamName!);
            throw new TrainingException($"{where}.training.{field}: {error.Message}", error);
        }
    }
}

/// <summary>The data of a stage.</summary>
public sealed record DataRecipe
{
    /// <summary>What is learned from.</summary>
    public required IReadOnlyList<DataSource> Train { get; init; }

    /// <summary>What training is evaluated on.</summary>
    public IReadOnlyList<DataSource>? Validation { get; init; }

    /// <summary>The share of the training texts that is held out for validation where no source is given; evenly spread, before any
    /// is repeated.</summary>
    public double ValidationShare { get; init; }

    /// <summary>What the trained model is measured on once at the end.</summary>
    public IReadOnlyList<DataSource>? Test { get; init; }
}
