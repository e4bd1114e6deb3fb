using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>How logits become scores.</summary>
public enum ScoreFunction
{
    /// <summary>What the model's config suggests: softmax for one label of several, sigmoid for several labels or a single one, none for regression.</summary>
    Auto,

    /// <summary>Probabilities that sum up to 1.</summary>
    Softmax,

    /// <summary>A probability for each label by itself.</summary>
    Sigmoid,

    /// <summary>The logits as they are.</summary>
    None,
}

/// <summary>Options of text classification.</summary>
public sealed record TextClassificationOptions : PipelineOptions
{
    /// <summary>How many labels to return, the best first; <see cref="int.MaxValue"/> for all.</summary>
    public int TopK { get; init; } = 1;

    /// <summary>How logits become scores.</summary>
    public ScoreFunction ScoreFunction { get; init; }
}

/// <summary>A text, or a pair of texts that are classified together.</summary>
/// <param name="Text">The text.</param>
/// <param name="TextPair">The second text, such as the hypothesis that the first may entail.</param>
public sealed record TextInput(string Text, string? TextPair = null)
{
    /// <summary>A single text.</summary>
    public static implicit operator TextInput(string text) => new(text);
}

/// <summary>Labels texts: <c>text-classification</c>, as sentiment, topic or entailment.</summary>
public sealed class TextClassificationPipeline : Pipeline<TextInput, TextClassificationOptions, IReadOnlyList<ClassificationResult>>
{
    private const string Name = "text-classification";

    /// <summary>A pipeline of a loaded model with a sequence-classification head; it is disposed with the pipeline.</summary>
    public TextClassificationPipeline(PretrainedModel model, Tokenizer tokenizer, TextClassificationOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<TextClassificationPipeline> CreateAsync(
        string? model = null, TextClassificationOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new TextClassificationPipeline(loaded, tokenizer, options);
    }

    /// <summary>Classifies texts without second texts.</summary>
    /// <inheritdoc cref="Pipeline{TInput, TOptions, TResult}.RunAsync(IReadOnlyList{TInput}, TOptions, CancellationToken)"/>
    public Task<IReadOnlyList<IReadOnlyList<ClassificationResult>>> RunAsync(
        IReadOnlyList<string> inputs, TextClassificationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return RunAsync([.. inputs.Select(text => new TextInput(text))], options, cancellationToken);
    }

    private protected override IReadOnlyList<ClassificationResult>[] Process(
        IReadOnlyList<TextInput> inputs, TextClassificationOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TopK, 1);
        var encodings = inputs.Select(input => Encode(input.Text ?? throw new ArgumentException("a text is null", nameof(inputs)), input.TextPair, options)).ToList();
        var results = new IReadOnlyList<ClassificationResult>[inputs.Count];
        Forward(encodings, options.BatchSize, (i, output, row) => results[i] = Label(Row(output.Logits, row), options), cancellationToken);
        return results;
    }

    private ClassificationResult[] Label(float[] scores, TextClassificationOptions options)
    {
        var function = options.ScoreFunction == ScoreFunction.Auto ? Suggested() : options.ScoreFunction;
        if (function == ScoreFunction.Softmax)
            Scores.Softmax(scores);
        else if (function == ScoreFunction.Sigmoid)
            Scores.Sigmoid(scores);
        return [.. scores.Index().OrderByDescending(pair => pair.Item).Take(options.TopK)
            .Select(pair => new ClassificationResult(Scores.LabelOf(Model.Config, pair.Index), pair.Item))];
    }

    private ScoreFunction Suggested() => Model.Config.ProblemType switch
    {
        "regression" => ScoreFunction.None,
        "multi_label_classification" => ScoreFunction.Sigmoid,
        _ => Model.Config.NumLabels == 1 ? ScoreFunction.Sigmoid : ScoreFunction.Softmax,
    };
}
