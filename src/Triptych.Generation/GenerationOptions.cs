using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>
/// How to generate, under the names and with the meanings of Hugging Face's <c>generate()</c>. What is null comes from the
/// model's generation_config.json, else from the defaults of transformers 5: greedy search of 20 new tokens.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to generate. Wins over <see cref="MaxLength"/>.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The most tokens of a sequence, the prompt (or the decoder's start token) included.</summary>
    public int? MaxLength { get; init; }

    /// <summary>The fewest tokens to generate before an end-of-sequence token. Wins over <see cref="MinLength"/>.</summary>
    public int? MinNewTokens { get; init; }

    /// <summary>The fewest tokens of a sequence, the prompt (or the decoder's start token) included.</summary>
    public int? MinLength { get; init; }

    /// <summary>The longest time to generate for; the step under way still ends.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>Texts that end a sequence as soon as it contains one; needs a tokenizer.</summary>
    public IReadOnlyList<string>? StopStrings { get; init; }

    /// <summary>Whether to draw tokens by their probability rather than take the likeliest.</summary>
    public bool? DoSample { get; init; }

    /// <summary>Divides the logits before sampling: below 1 bolder, above 1 more random. Sampling only.</summary>
    public double? Temperature { get; init; }

    /// <summary>Samples from this many likeliest tokens; 0 from all, 50 by default. Sampling only.</summary>
    public int? TopK { get; init; }

    /// <summary>Samples from the likeliest tokens whose probabilities reach this sum (Holtzman et al. 2020). Sampling only.</summary>
    public double? TopP { get; init; }

    /// <summary>Samples from tokens of at least this share of the likeliest one's probability. Sampling only.</summary>
    public double? MinP { get; init; }

    /// <summary>Locally typical sampling of this mass (Meister et al. 2023). Sampling only.</summary>
    public double? TypicalP { get; init; }

    /// <summary>Samples from tokens above this probability (Hewitt et al. 2022). Sampling only.</summary>
    public double? EpsilonCutoff { get; init; }

    /// <summary>The eta of eta sampling (Hewitt et al. 2022). Sampling only.</summary>
    public double? EtaCutoff { get; init; }

    /// <summary>Top-H sampling: the share of entropy to keep. Sampling only.</summary>
    public double? TopH { get; init; }

    /// <summary>Makes the draws repeatable: each row has its own random sequence. Null draws anew each time.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Makes tokens that occurred before less likely where above 1 (Keskar et al. 2019).</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Makes tokens of the encoder's input more likely where above 1.</summary>
    public double? EncoderRepetitionPenalty { get; init; }

    /// <summary>No n-gram of this size occurs twice; 0 for no limit.</summary>
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>No n-gram of this size of the encoder's input occurs; 0 for no limit.</summary>
    public int? EncoderNoRepeatNgramSize { get; init; }

    /// <summary>Sequences of tokens that are never completed.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? BadWordsIds { get; init; }

    /// <summary>What is added to the score of a sequence's last token when the tokens before it are there.</summary>
    public IReadOnlyList<(IReadOnlyList<int> Ids, float Bias)>? SequenceBias { get; init; }

    /// <summary>Tokens that are never generated.</summary>
    public IReadOnlyList<int>? SuppressTokens { get; init; }

    /// <summary>Tokens that are not generated first.</summary>
    public IReadOnlyList<int>? BeginSuppressTokens { get; init; }

    /// <summary>From this many new tokens on, ending becomes likelier by this factor a token.</summary>
    public (int Start, double Factor)? ExponentialDecayLengthPenalty { get; init; }

    /// <summary>Replaces NaN and infinite scores by finite ones.</summary>
    public bool? RemoveInvalidValues { get; init; }

    /// <summary>Normalizes the scores after all processors.</summary>
    public bool? RenormalizeLogits { get; init; }

    /// <summary>Further processors, applied after the model's own and before those of sampling.</summary>
    public IReadOnlyList<LogitsProcessor>? LogitsProcessors { get; init; }

    /// <summary>The beams of beam search; 1 for none.</summary>
    public int? NumBeams { get; init; }

    /// <summary>A finished beam's score is divided by its length to this power: above 0 favours long sequences.</summary>
    public double? LengthPenalty { get; init; }

    /// <summary>When beam search stops.</summary>
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>How many sequences to return for each prompt; at most <see cref="NumBeams"/> in beam search.</summary>
    public int? NumReturnSequences { get; init; }

    /// <summary>The token that begins a text, for empty prompts.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The tokens that end a sequence; an empty list for none.</summary>
    public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>Fills up rows that have ended.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>What the decoder of an encoder-decoder begins with.</summary>
    public int? DecoderStartTokenId { get; init; }

    /// <summary>The first token after the decoder's start token.</summary>
    public int? ForcedBosTokenId { get; init; }

    /// <summary>The tokens one of which comes last when the greatest length is reached.</summary>
    public IReadOnlyList<int>? ForcedEosTokenIds { get; init; }

    /// <summary>Whether keys and values of earlier tokens are kept rather than computed anew each step; true by default.</summary>
    public bool? UseCache { get; init; }

    /// <summary>The type in which they are kept, one of <see cref="ModelCache.Types"/>: float32 for a model of float32 weights and float16
    /// for others by default. bfloat16 has float32's range; q8_0 takes half the memory of float16 and is a little less exact.</summary>
    public DType? CacheType { get; init; }

    /// <summary>Whether <see cref="GenerationResult.NewLogits"/> is filled.</summary>
    public bool OutputLogits { get; init; }

    /// <summary>The options that a generation_config.json sets.</summary>
    public static GenerationOptions From(GenerationConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new GenerationOptions
        {
            MaxNewTokens = config.MaxNewTokens,
            MaxLength = config.MaxLength,
            MinNewTokens = config.MinNewTokens,
            MinLength = config.MinLength,
            MaxTime = config.MaxTime is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            DoSample = config.DoSample,
            Temperature = config.Temperature,
            TopK = config.TopK,
            TopP = config.TopP,
            MinP = config.MinP,
            TypicalP = config.TypicalP,
            EpsilonCutoff = config.EpsilonCutoff,
            EtaCutoff = config.EtaCutoff,
            RepetitionPenalty = config.RepetitionPenalty,
            EncoderRepetitionPenalty = config.EncoderRepetitionPenalty,
            NoRepeatNgramSize = config.NoRepeatNgramSize,
            EncoderNoRepeatNgramSize = config.EncoderNoRepeatNgramSize,
            BadWordsIds = config.BadWordsIds,
            SuppressTokens = config.SuppressTokens,
            BeginSuppressTokens = config.BeginSuppressTokens,
            RenormalizeLogits = config.RenormalizeLogits,
            NumBeams = config.NumBeams,
            LengthPenalty = config.LengthPenalty,
            EarlyStopping = config.EarlyStopping,
            NumReturnSequences = config.NumReturnSequences,
            BosTokenId = config.BosTokenId?.First,
            EosTokenIds = config.EosTokenId?.Ids,
            PadTokenId = config.PadTokenId,
            DecoderStartTokenId = config.DecoderStartTokenId?.First,
            ForcedBosTokenId = config.ForcedBosTokenId,
            ForcedEosTokenIds = config.ForcedEosTokenId?.Ids,
            UseCache = config.UseCache,
        };
    }

    /// <summary>These options, with what is null taken from others.</summary>
    public GenerationOptions Or(GenerationOptions? fallback) => fallback is null ? this : new GenerationOptions
    {
        // The two spellings of a length are one setting: an explicit one hides both of the fallback's.
        MaxNewTokens = MaxNewTokens ?? (MaxLength is null ? fallback.MaxNewTokens : null),
        MaxLength = MaxLength ?? (MaxNewTokens is null ? fallback.MaxLength : null),
        MinNewTokens = MinNewTokens ?? (MinLength is null ? fallback.MinNewTokens : null),
        MinLength = MinLength ?? (MinNewTokens is null ? fallback.MinLength : null),
        MaxTime = MaxTime ?? fallback.MaxTime,
        StopStrings = StopStrings ?? fallback.StopStrings,
        DoSample = DoSample ?? fallback.DoSample,
        Temperature = Temperature ?? fallback.Temperature,
        TopK = TopK ?? fallback.TopK,
        TopP = TopP ?? fallback.TopP,
        MinP = MinP ?? fallback.MinP,
        TypicalP = TypicalP ?? fallback.TypicalP,
        EpsilonCutoff = EpsilonCutoff ?? fallback.EpsilonCutoff,
        EtaCutoff = EtaCutoff ?? fallback.EtaCutoff,
        TopH = TopH ?? fallback.TopH,
        Seed = Seed ?? fallback.Seed,
        RepetitionPenalty = RepetitionPenalty ?? fallback.RepetitionPenalty,
        EncoderRepetitionPenalty = EncoderRepetitionPenalty ?? fallback.EncoderRepetitionPenalty,
        NoRepeatNgramSize = NoRepeatNgramSize ?? fallback.NoRepeatNgramSize,
        EncoderNoRepeatNgramSize = EncoderNoRepeatNgramSize ?? fallback.EncoderNoRepeatNgramSize,
        BadWordsIds = BadWordsIds ?? fallback.BadWordsIds,
        SequenceBias = SequenceBias ?? fallback.SequenceBias,
        SuppressTokens = SuppressTokens ?? fallback.SuppressTokens,
        BeginSuppressTokens = BeginSuppressTokens ?? fallback.BeginSuppressTokens,
        ExponentialDecayLengthPenalty = ExponentialDecayLengthPenalty ?? fallback.ExponentialDecayLengthPenalty,
        RemoveInvalidValues = RemoveInvalidValues ?? fallback.RemoveInvalidValues,
        RenormalizeLogits = RenormalizeLogits ?? fallback.RenormalizeLogits,
        LogitsProcessors = LogitsProcessors ?? fallback.LogitsProcessors,
        NumBeams = NumBeams ?? fallback.NumBeams,
        LengthPenalty = LengthPenalty ?? fallback.LengthPenalty,
        EarlyStopping = EarlyStopping ?? fallback.EarlyStopping,
        NumReturnSequences = NumReturnSequences ?? fallback.NumReturnSequences,
        BosTokenId = BosTokenId ?? fallback.BosTokenId,
        EosTokenIds = EosTokenIds ?? fallback.EosTokenIds,
        PadTokenId = PadTokenId ?? fallback.PadTokenId,
        DecoderStartTokenId = DecoderStartTokenId ?? fallback.DecoderStartTokenId,
        ForcedBosTokenId = ForcedBosTokenId ?? fallback.ForcedBosTokenId,
        ForcedEosTokenIds = ForcedEosTokenIds ?? fallback.ForcedEosTokenIds,
        UseCache = UseCache ?? fallback.UseCache,
        CacheType = CacheType ?? fallback.CacheType,
        OutputLogits = OutputLogits || fallback.OutputLogits,
    };
}
