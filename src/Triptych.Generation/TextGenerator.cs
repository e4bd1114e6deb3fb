using System.Runtime.CompilerServices;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;

namespace Triptych.Generation;

/// <summary>
/// Generates tokens with a decoder or an encoder-decoder, as Hugging Face's <c>generate()</c> does: greedy search, sampling or
/// beam search by <see cref="GenerationOptions"/>. Safe to use from many threads; each call has its own cache.
/// </summary>
/// <example><code>
/// var generator = new TextGenerator(model);
/// var result = generator.Generate([[464, 2068, 7586]], new GenerationOptions { MaxNewTokens = 20 });
/// </code></example>
public sealed class TextGenerator
{
    /// <summary>New tokens that the cache makes room for before they come; most results end earlier.</summary>
    private const int MaxReservedTokens = 2048;

    private readonly PretrainedModel model;
    private readonly Tokenizer? tokenizer;
    private readonly bool isEncoderDecoder;

    /// <summary>Generates with a model.</summary>
    /// <param name="model">A model with a language-model head; it is not disposed here.</param>
    /// <param name="tokenizer">Needed for stop strings only.</param>
    /// <exception cref="ArgumentException">The model does not generate.</exception>
    public TextGenerator(PretrainedModel model, Tokenizer? tokenizer = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        this.tokenizer = tokenizer;
        isEncoderDecoder = model.Architecture.Family == ModelFamily.EncoderDecoder;
        if (!CanGenerate(model))
            throw new ArgumentException($"{model.ClassName} does not generate text: {Reason(model)}", nameof(model));
        Defaults = GenerationOptions.From(model.GenerationConfig ?? LegacyConfig(model.Config));
    }

    /// <summary>What the model's files set.</summary>
    public GenerationOptions Defaults { get; init; }

    /// <summary>Whether a model has what it takes to generate.</summary>
    public static bool CanGenerate(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Architecture.Family != ModelFamily.EncoderOnly
            && model.Architecture.Find(model.ClassName)?.Task is "text-generation" or "summarization";
    }

    /// <summary>Continues each prompt, or answers to it.</summary>
    /// <param name="inputIds">The prompts of a decoder, padded on the left, or the inputs of an encoder-decoder, padded on the right;
    /// <c>[batch, sequence]</c> Int64.</param>
    /// <param name="attentionMask">1 for tokens and 0 for padding, <c>[batch, sequence]</c>; by default padding is where the padding
    /// token is, unless that also ends sequences.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The input or an option cannot be used.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public GenerationResult Generate(
        Tensor inputIds, Tensor? attentionMask = null, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputIds);
        options ??= new GenerationOptions();
        var merged = options.Or(Defaults);
        return Run(InputBatch.From(inputIds, attentionMask, model.Config.VocabSize, merged.PadTokenId, merged.EosTokenIds ?? []), options, cancellationToken);
    }

    /// <summary>Continues each prompt, or answers to it; prompts of different length are padded as the model needs it.</summary>
    /// <param name="prompts">The token ids of each prompt; an empty one becomes the token that begins a text.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The input or an option cannot be used.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public GenerationResult Generate(
        IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new GenerationOptions();
        return Run(Batch(prompts, options.Or(Defaults)), options, cancellationToken);
    }

    /// <summary>Streams the tokens that continue one prompt, each as soon as it is known; the end-of-sequence token comes last.</summary>
    /// <param name="prompt">The token ids of the prompt.</param>
    /// <param name="options">How to generate; beams and several sequences do not stream.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The input or an option cannot be used.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async IAsyncEnumerable<int> StreamAsync(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new GenerationOptions();
        var (plan, session, search) = Start(Batch([prompt], options.Or(Defaults)), options);
        using (session)
        {
            if (search is not TokenSearch tokens || plan.NumReturnSequences > 1)
                throw new ArgumentException("streaming yields one sequence: NumBeams and NumReturnSequences are 1 for it", nameof(options));
            for (bool goesOn = true; goesOn;)
            {
                goesOn = await Task.Run(tokens.Step, cancellationToken).ConfigureAwait(false);
                yield return tokens.LastToken(0);
            }
        }
    }

    internal (GenerationPlan Plan, ModelSession Session, ISearch Search) Start(InputBatch inputs, GenerationOptions options)
    {
        var merged = options.Or(Defaults);
        int[][] inputTokens = inputs.Rows();
        var size = model.Config.Dimensions;
        int limit = size.HasPositionTable ? size.ContextLength : int.MaxValue;
        int[][] prompts = inputTokens;
        if (isEncoderDecoder)
        {
            if (inputs.Ids.Shape[1] > limit)
                throw new ArgumentException($"the input has {inputs.Ids.Shape[1]} tokens, the model reads {limit}");
            int start = merged.DecoderStartTokenId ?? merged.BosTokenId
                ?? throw new ArgumentException("the model's files name no decoder_start_token_id; set DecoderStartTokenId");
            prompts = [.. inputTokens.Select(_ => new[] { start })];
        }

        var context = new GenerationContext(model.Config.VocabSize, prompts[0].Length, limit, inputTokens);
        var plan = GenerationPlan.Create(options, Defaults, context);
        var stopping = new StoppingRules(plan, merged, tokenizer);
        int capacity = Math.Min(plan.MaxLength, prompts[0].Length + MaxReservedTokens);
        var cache = merged.UseCache ?? true ? model.CreateCache(merged.CacheType, capacity) : null;
        var session = new ModelSession(model, prompts, inputs, cache);
        return (plan, session, plan.NumBeams > 1
            ? new BeamSearch(session, plan, stopping, prompts)
            : new TokenSearch(session, plan, stopping, prompts));
    }

    private static string Reason(PretrainedModel model) =>
        model.Architecture.Family == ModelFamily.EncoderOnly ? $"{model.Config.ModelType} sees both sides of each token" : "it has no language-model head";

    /// <summary>Where there is no generation_config.json, config.json of older checkpoints has its fields.</summary>
    private static GenerationConfig LegacyConfig(ModelConfig config)
    {
        var json = config.ToJson();
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize<GenerationConfig>(json, ConfigJson.Options) ?? new GenerationConfig();
        }
        catch (System.Text.Json.JsonException error)
        {
            throw new ArgumentException($"config.json sets generation wrongly: {error.Message}", nameof(config), error);
        }
    }

    private InputBatch Batch(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions merged)
    {
        if (prompts.Count == 0)
            throw new ArgumentException("there is no prompt", nameof(prompts));
        IReadOnlyList<int> Filled(IReadOnlyList<int> prompt)
        {
            foreach (int id in prompt)
            {
                if ((uint)id >= (uint)model.Config.VocabSize)
                    throw new ArgumentException($"token id {id} is not in the vocabulary of {model.Config.VocabSize}", nameof(prompts));
            }

            if (prompt.Count > 0)
                return prompt;
            return [merged.BosTokenId ?? throw new ArgumentException("a prompt is empty and the model has no token that begins a text", nameof(prompts))];
        }

        return InputBatch.From([.. prompts.Select(Filled)], merged.PadTokenId ?? (merged.EosTokenIds is { Count: > 0 } eos ? eos[0] : 0), left: !isEncoderDecoder);
    }

    private GenerationResult Run(InputBatch inputs, GenerationOptions options, CancellationToken cancellationToken)
    {
        var (_, session, search) = Start(inputs, options);
        using (session)
        {
            do
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            while (search.Step());
            return search.Result();
        }
    }
}
