using System.Text;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers;

/// <summary>
/// Learns a Unigram vocabulary (Kudo, 2018), as T5, ALBERT and XLM-RoBERTa have it: pieces of words with their
/// log-probabilities. The steps are those of Hugging Face tokenizers, and so is the vocabulary, up to pieces whose use is
/// equal within rounding, which differ there from run to run.
/// </summary>
public sealed class UnigramTrainer : TokenizerTrainer
{
    private const int LongestPiece = 1024;

    // Measured, with what the collector has not taken back.
    private const int BytesPerWord = 16;
    private const int BytesPerLetter = 32;
    private const int BytesPerSeed = 256;
    private const int BytesPerPlace = 256;

    /// <summary>Creates a trainer for 8,000 pieces with <c>&lt;unk&gt;</c> for letters that the vocabulary lacks.</summary>
    public UnigramTrainer()
    {
        VocabSize = 8_000;
        SpecialTokens = new SpecialTokens { Unk = "<unk>" };
    }

    /// <summary>Characters that the vocabulary has even if the corpus lacks them.</summary>
    public string InitialAlphabet { get; init; } = "";

    /// <summary>The longest piece in characters, up to 1024.</summary>
    public int MaxPieceLength { get; init; } = 16;

    /// <summary>Rounds of estimation before each pruning.</summary>
    public int SubIterations { get; init; } = 2;

    /// <summary>The share of pieces that a pruning leaves, between 0 and 1.</summary>
    public double ShrinkingFactor { get; init; } = 0.75;

    /// <summary>The most substrings that training starts from.</summary>
    public int SeedSize { get; init; } = 1_000_000;

    private protected override string ModelType => "Unigram";

    // Sums of floating-point numbers depend on their order.
    private protected override bool OrderMatters => true;

    private protected override void Validate()
    {
        base.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPieceLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPieceLength, LongestPiece);
        ArgumentOutOfRangeException.ThrowIfLessThan(SubIterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(SeedSize, 1);
        if (!(ShrinkingFactor is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(ShrinkingFactor), ShrinkingFactor, "it has to be between 0 and 1");
    }

    private protected override byte[] DefaultPipeline(IReadOnlyList<string> special) => TrainingPipeline.Json(
        special, TrainingPipeline.Stage("NFKC"), TrainingPipeline.Metaspace(), TrainingPipeline.Metaspace(),
        new JsonObject { ["type"] = "Unigram", ["byte_fallback"] = false });

    private protected override void LearnModel(
        TrainingPipeline pipeline,
        WordCounts words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        string? unknown = SpecialTokens.Unk ?? pipeline.Option("unk_token");
        pipeline.Model.Remove("unk_token");
        List<string> special = [.. pipeline.SpecialTokens];
        if (unknown is not null && !special.Contains(unknown))
            special.Insert(0, unknown);
        var corpus = new UnigramCorpus(words, Measure(words, BytesPerWord, BytesPerLetter, SeedsAndLattices), Name);
        words.Dispose();
        Rune[] letters = [.. corpus.Letters.Union(InitialAlphabet.EnumerateRunes()).Order()];
        if (letters.Length + special.Count > VocabSize)
            throw TooSmall(letters.Length + special.Count);

        var learner = new UnigramLearner(corpus, cancellationToken)
        {
            VocabSize = VocabSize,
            MaxPieceLength = MaxPieceLength,
            SubIterations = SubIterations,
            ShrinkingFactor = ShrinkingFactor,
            SeedSize = SeedSize,
        };
        UnigramModel model = learner.Learn(progress);
        List<(string Token, double Score)> pieces =
            [.. special.Select(token => (token, 0.0)), .. learner.Finish(model, letters, VocabSize - special.Count, special)];
        for (int id = 0; id < pieces.Count; id++)
            ids[pieces[id].Token] = id;
        pipeline.Model["unk_id"] = unknown is null ? null : ids[unknown];
        pipeline.Model["vocab"] = new JsonArray([.. pieces.Select(piece => new JsonArray(piece.Token, piece.Score))]);
    }

    private long SeedsAndLattices(LearningSize size) => BytesPerSeed * Math.Min(SeedSize, size.Length)
        + BytesPerPlace * size.Longest * Math.Min(Environment.ProcessorCount, UnigramLearner.PartsOf(size.Words));
}
