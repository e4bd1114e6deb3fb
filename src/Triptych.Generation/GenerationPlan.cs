using Triptych.Formats;
using Triptych.Generation.Processors;

namespace Triptych.Generation;

/// <summary>What a plan depends on besides the options.</summary>
/// <param name="VocabSize">The model's vocabulary.</param>
/// <param name="PromptLength">Tokens of the prompt, or of the decoder's beginning.</param>
/// <param name="MaxPositions">The longest sequence that the model can read; null for no limit.</param>
/// <param name="InputTokens">The prompts, or the encoder's inputs.</param>
internal sealed record GenerationContext(int VocabSize, int PromptLength, int? MaxPositions, int[][] InputTokens);

/// <summary>Options with every default filled in, checked against each other and the model, as <c>generate()</c> does before it starts.</summary>
internal sealed class GenerationPlan
{
    private const int DefaultNewTokens = 20;
    private const int DefaultTopK = 50;

    public required int PromptLength { get; init; }

    /// <summary>The greatest length of a sequence, prompt included.</summary>
    public required int MaxLength { get; init; }

    public required int[] EosTokenIds { get; init; }

    public required int PadTokenId { get; init; }

    public required bool DoSample { get; init; }

    public required int NumBeams { get; init; }

    public required int NumReturnSequences { get; init; }

    public required double LengthPenalty { get; init; }

    public required EarlyStopping EarlyStopping { get; init; }

    public required bool OutputLogits { get; init; }

    public required ulong Seed { get; init; }

    public required LogitsProcessor[] Processors { get; init; }

    /// <summary>Rows for each prompt.</summary>
    public int Copies => Math.Max(NumBeams, NumReturnSequences);

    /// <param name="options">What the caller asks for.</param>
    /// <param name="defaults">What the model's file says.</param>
    /// <param name="context">The model and the input.</param>
    /// <exception cref="ArgumentException">The options cannot be met.</exception>
    public static GenerationPlan Create(GenerationOptions options, GenerationOptions? defaults, GenerationContext context)
    {
        var merged = options.Or(defaults);
        bool doSample = merged.DoSample ?? false;
        int numBeams = Checked(merged.NumBeams ?? 1, 1, nameof(merged.NumBeams));
        int numReturn = Checked(merged.NumReturnSequences ?? 1, 1, nameof(merged.NumReturnSequences));
        if (numReturn > 1 && !doSample && numReturn > numBeams)
        {
            throw new ArgumentException($"NumReturnSequences is {numReturn}, but greedy search has one result for a prompt and " +
                $"beam search as many as beams ({numBeams}); set DoSample or raise NumBeams");
        }

        if (numBeams > 1 && numReturn > numBeams)
            throw new ArgumentException($"NumReturnSequences ({numReturn}) is above NumBeams ({numBeams})");
        int[] eos = [.. merged.EosTokenIds ?? []];
        foreach (int id in eos)
            CheckedId(id, context, nameof(merged.EosTokenIds));
        int maxLength = ResolveMaxLength(options, merged, context);
        return new GenerationPlan
        {
            PromptLength = context.PromptLength,
            MaxLength = maxLength,
            EosTokenIds = eos,
            PadTokenId = merged.PadTokenId ?? (eos.Length > 0 ? eos[0] : 0),
            DoSample = doSample,
            NumBeams = numBeams,
            NumReturnSequences = numReturn,
            LengthPenalty = merged.LengthPenalty ?? 1,
            EarlyStopping = merged.EarlyStopping ?? EarlyStopping.Heuristic,
            OutputLogits = merged.OutputLogits,
            Seed = merged.Seed ?? (ulong)Random.Shared.NextInt64(),
            Processors = [.. CreateProcessors(options, merged, context, maxLength, eos)],
        };
    }

    private static int ResolveMaxLength(GenerationOptions options, GenerationOptions merged, GenerationContext context)
    {
        int prompt = context.PromptLength, limit = context.MaxPositions ?? int.MaxValue;
        if (prompt > limit)
            throw new ArgumentException($"the prompt has {prompt} tokens, the model reads {limit}");
        if (merged.MaxNewTokens is { } newTokens)
        {
            Checked(newTokens, 1, nameof(merged.MaxNewTokens));
            if (prompt + (long)newTokens <= limit)
                return prompt + newTokens;
            return options.MaxNewTokens is null && prompt < limit
                ? limit
                : throw new ArgumentException($"a prompt of {prompt} tokens and MaxNewTokens {newTokens} exceed the model's limit of {limit} positions");
        }

        if (merged.MaxLength is { } length)
        {
            if (length > limit && options.MaxLength is not null)
                throw new ArgumentException($"MaxLength {length} exceeds the model's limit of {limit} positions");
            length = Math.Min(length, limit);
            return prompt < length
                ? length
                : throw new ArgumentException($"the prompt has {prompt} tokens, but MaxLength is {length}; raise it, or set MaxNewTokens");
        }

        return prompt < limit
            ? Math.Min(prompt + DefaultNewTokens, limit)
            : throw new ArgumentException($"the prompt has {prompt} tokens and leaves no room: the model's limit is {limit} positions");
    }

    /// <summary>The processors in the order of transformers' <c>_get_logits_processor</c>.</summary>
    private static IEnumerable<LogitsProcessor> CreateProcessors(
        GenerationOptions explicitOptions, GenerationOptions options, GenerationContext context, int maxLength, int[] eos)
    {
        if (options.SequenceBias is { Count: > 0 } biases)
            yield return new SequenceBias(biases, context.VocabSize, nameof(options.SequenceBias));
        if (options.EncoderRepetitionPenalty is { } encoderPenalty and not 1)
            yield return new EncoderRepetitionPenalty(Positive(encoderPenalty, nameof(options.EncoderRepetitionPenalty)), context.InputTokens);
        if (options.RepetitionPenalty is { } penalty and not 1)
            yield return new RepetitionPenalty(Positive(penalty, nameof(options.RepetitionPenalty)));
        if (Checked(options.NoRepeatNgramSize ?? 0, 0, nameof(options.NoRepeatNgramSize)) is > 0 and var ngram)
            yield return new NoRepeatNgram(ngram);
        if (Checked(options.EncoderNoRepeatNgramSize ?? 0, 0, nameof(options.EncoderNoRepeatNgramSize)) is > 0 and var encoderNgram)
            yield return new EncoderNoRepeatNgram(encoderNgram, context.InputTokens);
        if (options.BadWordsIds is { Count: > 0 } badWords)
            yield return SequenceBias.Forbid(badWords, eos, context.VocabSize);
        int minLength = ResolveMinLength(explicitOptions, options, context.PromptLength, maxLength);
        if (minLength > 0 && eos.Length > 0)
            yield return new MinLength(minLength, eos);
        if (options.ForcedBosTokenId is { } forcedBos)
            yield return new ForcedBosToken(CheckedId(forcedBos, context, nameof(options.ForcedBosTokenId)));
        if (options.ForcedEosTokenIds is { Count: > 0 } forcedEos)
            yield return new ForcedEosToken(maxLength, [.. forcedEos.Select(id => CheckedId(id, context, nameof(options.ForcedEosTokenIds)))]);
        if (options.RemoveInvalidValues == true)
            yield return new InfNanRemove();
        if (options.ExponentialDecayLengthPenalty is var (start, factor))
            yield return new ExponentialDecayLengthPenalty(start + context.PromptLength, factor, eos);
        if (options.SuppressTokens is { Count: > 0 } suppress)
            yield return new SuppressTokens([.. suppress]);
        if (options.BeginSuppressTokens is { Count: > 0 } beginSuppress)
        {
            bool afterForcedBos = context.PromptLength <= 1 && options.ForcedBosTokenId is not null;
            yield return new SuppressTokens([.. beginSuppress], context.PromptLength + (afterForcedBos ? 1 : 0));
        }

        foreach (var processor in options.LogitsProcessors ?? [])
            yield return processor;
        if (options.DoSample == true)
        {
            foreach (var filter in CreateFilters(options, eos))
                yield return filter;
        }

        if (options.RenormalizeLogits == true)
            yield return new LogitNormalization();
    }

    private static IEnumerable<LogitsProcessor> CreateFilters(GenerationOptions options, int[] eos)
    {
        // Beams need a continuation that does not end.
        int keep = options.NumBeams > 1 ? (eos.Length > 0 ? eos.Length + 1 : 2) : 1;
        if (options.Temperature is { } temperature and not 1)
        {
            yield return new Temperature(temperature > 0 && double.IsFinite(temperature)
                ? temperature
                : throw new ArgumentException($"Temperature is {temperature}, not a positive number; DoSample = false takes the likeliest token"));
        }

        if (options.TopH is { } topH)
            yield return new TopH(Fraction(topH, nameof(options.TopH)));
        if (Checked(options.TopK ?? DefaultTopK, 0, nameof(options.TopK)) is > 0 and var topK)
            yield return new TopK(topK, keep);
        if (options.TopP is { } topP and not 1)
            yield return new TopP(Fraction(topP, nameof(options.TopP)), keep);
        if (options.MinP is { } minP)
            yield return new MinP(Fraction(minP, nameof(options.MinP)), keep);
        if (options.TypicalP is { } typical and not 1)
            yield return new Typical(Fraction(typical, nameof(options.TypicalP)), keep);
        if (options.EpsilonCutoff is { } epsilon and not 0)
            yield return new Epsilon(Fraction(epsilon, nameof(options.EpsilonCutoff)), keep);
        if (options.EtaCutoff is { } eta and not 0)
            yield return new Eta(Fraction(eta, nameof(options.EtaCutoff)), keep);
    }

    private static int ResolveMinLength(GenerationOptions explicitOptions, GenerationOptions options, int promptLength, int maxLength)
    {
        int minLength = options.MinNewTokens is { } newTokens
            ? promptLength + Checked(newTokens, 0, nameof(options.MinNewTokens))
            : Checked(options.MinLength ?? 0, 0, nameof(options.MinLength));
        if (minLength <= maxLength)
            return minLength;
        return explicitOptions.MinLength is null && explicitOptions.MinNewTokens is null
            ? maxLength
            : throw new ArgumentException($"the least length of {minLength} tokens is above the greatest of {maxLength}");
    }

    private static int Checked(int value, int least, string option) =>
        value >= least ? value : throw new ArgumentException($"{option} is {value}, below {least}");

    private static double Positive(double value, string option) =>
        value > 0 && double.IsFinite(value) ? value : throw new ArgumentException($"{option} is {value}, not a positive number");

    private static double Fraction(double value, string option) =>
        value is >= 0 and <= 1 ? value : throw new ArgumentException($"{option} is {value}, not between 0 and 1");

    private static int CheckedId(int id, GenerationContext context, string option) =>
        (uint)id < (uint)context.VocabSize ? id : throw new ArgumentException($"{option}: token id {id} is not in the vocabulary of {context.VocabSize}");
}
