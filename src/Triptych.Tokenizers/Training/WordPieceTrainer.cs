using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers;

/// <summary>
/// Learns a WordPiece vocabulary, as BERT and DistilBERT have it. As in Hugging Face tokenizers the tokens are those of BPE
/// merges. There ties between equally frequent pairs are broken by chance, anew in each run; here words in order of code points
/// break them.
/// </summary>
public sealed class WordPieceTrainer : MergeTrainer
{
    private const string DefaultPrefix = "##";

    /// <summary>Creates a trainer with BERT's special tokens.</summary>
    public WordPieceTrainer()
        : this(SpecialTokens.Bert) => SpecialTokenList = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Creates a trainer for a pipeline with special tokens of its own.</summary>
    internal WordPieceTrainer(SpecialTokens special) => SpecialTokens = special;

    /// <summary>Whether texts are lowercased.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Whether accents are taken off; null for as <see cref="Lowercase"/> says.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>Whether each Chinese character is a word.</summary>
    public bool HandleChineseChars { get; init; } = true;

    private protected override string ModelType => "WordPiece";

    private protected override bool OrderMatters => true;

    private protected override byte[] DefaultPipeline(IReadOnlyList<string> special) => TokenizerJson.WordPiece(
        TrainingPipeline.Provisional(special), SpecialTokens, special, Lowercase, StripAccents, HandleChineseChars, Name);

    private protected override void LearnModel(
        TrainingPipeline pipeline,
        WordCounts words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        string prefix = ContinuingSubwordPrefix ?? pipeline.Option("continuing_subword_prefix") ?? DefaultPrefix;
        MergeLearner learner = LearnMerges(pipeline, words, prefix, EndOfWordSuffix ?? "", progress, cancellationToken);
        pipeline.Model["continuing_subword_prefix"] = prefix;
        pipeline.Model["vocab"] = ToJson(learner.Tokens, ids);
    }
}
