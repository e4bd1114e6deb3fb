namespace Triptych.Tokenizers;

/// <summary>
/// Learns a vocabulary by joining the most frequent pair of neighbours again and again (Sennrich et al., 2016). Among pairs
/// that are equally frequent the one with the lower ids comes first, as in Hugging Face tokenizers.
/// </summary>
public abstract class MergeTrainer : TokenizerTrainer
{
    // Measured, with the words of pairs and what the collector has not taken back.
    private const int BytesPerWord = 16;
    private const int BytesPerLetter = 24;

    private protected MergeTrainer()
    {
    }

    /// <summary>How often a pair must come to be joined.</summary>
    public int MinFrequency { get; init; }

    /// <summary>The most characters that the alphabet keeps, the most frequent ones; null for all.</summary>
    public int? LimitAlphabet { get; init; }

    /// <summary>Characters that the alphabet has even if the corpus lacks them.</summary>
    public string InitialAlphabet { get; init; } = "";

    /// <summary>The longest token in characters; null for no limit. Two characters may be joined even where it is 1.</summary>
    public int? MaxTokenLength { get; init; }

    /// <summary>What tokens begin with that continue a word; null for what the kind of model has.</summary>
    public string? ContinuingSubwordPrefix { get; init; }

    /// <summary>What tokens end with that end a word; null for none.</summary>
    public string? EndOfWordSuffix { get; init; }

    private protected override void Validate()
    {
        base.Validate();
        ArgumentOutOfRangeException.ThrowIfNegative(MinFrequency);
        if (LimitAlphabet is int limit)
            ArgumentOutOfRangeException.ThrowIfNegative(limit, nameof(LimitAlphabet));
        if (MaxTokenLength is int length)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof(MaxTokenLength));
    }

    private protected MergeLearner LearnMerges(
        TrainingPipeline pipeline,
        WordCounts words,
        string prefix,
        string suffix,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        LearningSize size = Measure(words, BytesPerWord, MaxTokenLength is null ? BytesPerLetter : BytesPerLetter + sizeof(int));
        IEnumerable<System.Text.Rune> alphabet = InitialAlphabet.EnumerateRunes();
        if (pipeline.IsByteLevel)
            alphabet = alphabet.Concat(Tokenizers.Pipeline.ByteAlphabet.All.Select(letter => new System.Text.Rune(letter)));
        var learner = new MergeLearner
        {
            VocabSize = VocabSize,
            MinFrequency = MinFrequency,
            SpecialTokens = pipeline.SpecialTokens,
            InitialAlphabet = alphabet,
            LimitAlphabet = LimitAlphabet,
            MaxTokenLength = MaxTokenLength ?? int.MaxValue,
            Prefix = prefix,
            Suffix = suffix,
        };
        learner.ReadWords(words, size);
        words.Dispose();
        if (learner.Tokens.Count > VocabSize)
            throw TooSmall(learner.Tokens.Count);
        learner.Learn(progress, cancellationToken);
        return learner;
    }
}
