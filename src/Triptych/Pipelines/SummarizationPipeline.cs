using Triptych.Generation;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>Options of summarization.</summary>
public sealed record SummarizationOptions : PipelineOptions
{
    /// <summary>How to generate; what is null comes from the model's files (<c>task_specific_params.summarization</c> of config.json, then
    /// generation_config.json), else four beams write up to 256 tokens. MaxLength and MinLength count the summary's tokens.</summary>
    public GenerationOptions Generation { get; init; } = new();
}

/// <summary>Summarizes texts with an encoder-decoder: <c>summarization</c>.</summary>
public sealed class SummarizationPipeline : Pipeline<string, SummarizationOptions, IReadOnlyList<SummarizationResult>>
{
    private const string Name = "summarization";

    private static readonly GenerationOptions PipelineDefaults = new() { MaxNewTokens = 256, NumBeams = 4 };

    private readonly TextGenerator generator;
    private readonly string prefix;

    /// <summary>A pipeline of a loaded encoder-decoder with a language-model head; it is disposed with the pipeline.</summary>
    public SummarizationPipeline(PretrainedModel model, Tokenizer tokenizer, SummarizationOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
        generator = TaskGeneration.Create(model, tokenizer, Name, PipelineDefaults);
        prefix = TaskGeneration.Prefix(model.Config, Name);
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<SummarizationPipeline> CreateAsync(
        string? model = null, SummarizationOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new SummarizationPipeline(loaded, tokenizer, options);
    }

    private protected override IReadOnlyList<SummarizationResult>[] Process(
        IReadOnlyList<string> inputs, SummarizationOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        var encodings = inputs.Select(input => string.IsNullOrWhiteSpace(input)
            ? throw new ArgumentException("the text to summarize is empty", nameof(inputs))
            : Encode(prefix + input, null, options)).ToList();
        var results = new IReadOnlyList<SummarizationResult>[inputs.Count];
        foreach (int[] batch in Enumerable.Range(0, inputs.Count).OrderBy(i => encodings[i].Length).Chunk(options.BatchSize))
        {
            var generated = generator.Generate([.. batch.Select(i => encodings[i].Ids)], options.Generation, cancellationToken);
            int copies = generated.Sequences.Count / batch.Length;
            for (int i = 0; i < batch.Length; i++)
            {
                results[batch[i]] = [.. Enumerable.Range(i * copies, copies).Select(row =>
                    new SummarizationResult(Tokenizer.Decode(generated.Sequences[row], skipSpecialTokens: true, cleanUpTokenizationSpaces: false)))];
            }
        }

        return results;
    }
}
