using System.Runtime.CompilerServices;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>Options of text generation.</summary>
public sealed record TextGenerationOptions : PipelineOptions
{
    /// <summary>How to generate; what is null comes from generation_config.json, else it samples up to 256 tokens at temperature 0.7
    /// as Hugging Face's pipeline does.</summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>Whether results begin with the prompt.</summary>
    public bool ReturnFullText { get; init; } = true;
}

/// <summary>Writes texts on: <c>text-generation</c>.</summary>
/// <example><code>
/// using var generator = await TextGenerationPipeline.CreateAsync();
/// await foreach (string piece in generator.StreamAsync("Once upon a time"))
///     Console.Write(piece);
/// </code></example>
public sealed class TextGenerationPipeline : Pipeline<string, TextGenerationOptions, IReadOnlyList<TextGenerationResult>>
{
    private const string Name = "text-generation";

    private static readonly GenerationOptions PipelineDefaults = new() { MaxNewTokens = 256, DoSample = true, Temperature = 0.7 };

    private readonly TextGenerator generator;

    /// <summary>A pipeline of a loaded decoder with a language-model head; it is disposed with the pipeline.</summary>
    public TextGenerationPipeline(PretrainedModel model, Tokenizer tokenizer, TextGenerationOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
        generator = TaskGeneration.Create(model, tokenizer, Name, PipelineDefaults);
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<TextGenerationPipeline> CreateAsync(
        string? model = null, TextGenerationOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new TextGenerationPipeline(loaded, tokenizer, options);
    }

    /// <summary>Streams the text that continues a prompt, in pieces of whole characters, as soon as each is certain. Joined, they are
    /// what <see cref="Pipeline{TInput, TOptions, TResult}.Run(TInput, TOptions, CancellationToken)"/> gives without the prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="options">Options of this call; null for the pipeline's. One sequence, no beams.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The prompt or an option cannot be used.</exception>
    public async IAsyncEnumerable<string> StreamAsync(
        string prompt, TextGenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= Options;
        var decoder = Tokenizer.DecodeStream();
        await foreach (int id in generator.StreamAsync(Tokenizer.Encode(prompt, null, new EncodeOptions()).Ids, options.Generation, cancellationToken).ConfigureAwait(false))
        {
            if (decoder.Step(id) is { Length: > 0 } piece)
                yield return piece;
        }

        if (decoder.Flush() is { Length: > 0 } rest)
            yield return rest;
    }

    private protected override IReadOnlyList<TextGenerationResult>[] Process(
        IReadOnlyList<string> inputs, TextGenerationOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        var prompts = inputs.Select(input => Tokenizer.Encode(input, null, new EncodeOptions()).Ids).ToList();
        var results = new IReadOnlyList<TextGenerationResult>[inputs.Count];
        foreach (int[] batch in Enumerable.Range(0, inputs.Count).OrderBy(i => prompts[i].Length).Chunk(options.BatchSize))
        {
            var generated = generator.Generate([.. batch.Select(i => prompts[i])], options.Generation, cancellationToken);
            int copies = generated.Sequences.Count / batch.Length;
            for (int i = 0; i < batch.Length; i++)
            {
                string prefix = options.ReturnFullText ? inputs[batch[i]] : "";
                results[batch[i]] = [.. Enumerable.Range(i * copies, copies).Select(row =>
                    new TextGenerationResult(prefix + Tokenizer.Decode(generated.Generated(row).ToArray(), skipSpecialTokens: true, cleanUpTokenizationSpaces: false)))];
            }
        }

        return results;
    }
}
