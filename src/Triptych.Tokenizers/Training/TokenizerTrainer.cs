using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <summary>How far the training of a tokenizer is.</summary>
/// <param name="Stage">What is being done: <c>count words</c> (of texts) or <c>learn merges</c> (of the vocabulary).</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is, or null where nobody knows.</param>
public readonly record struct TokenizerTrainingProgress(string Stage, long Done, long? Total);

/// <summary>
/// Learns a vocabulary from texts by joining the most frequent pair of neighbours again and again, as Hugging Face
/// tokenizers does: the same corpus and settings give the same vocabulary.
/// </summary>
public abstract class TokenizerTrainer
{
    private protected TokenizerTrainer()
    {
    }

    /// <summary>The size of the vocabulary, special tokens and alphabet included.</summary>
    public int VocabSize { get; init; } = 30_000;

    /// <summary>How often a pair must come to be joined.</summary>
    public int MinFrequency { get; init; }

    /// <summary>The special tokens by their role.</summary>
    public SpecialTokens SpecialTokens { get; init; } = new();

    /// <summary>Special tokens by id, from 0; those that only <see cref="SpecialTokens"/> names follow.</summary>
    public IReadOnlyList<string> SpecialTokenList { get; init; } = [];

    /// <summary>The most characters that the alphabet keeps, the most frequent ones; null for all.</summary>
    public int? LimitAlphabet { get; init; }

    /// <summary>The longest token in characters; null for no limit.</summary>
    public int? MaxTokenLength { get; init; }

    /// <summary>The most tokens that the model takes, written to tokenizer_config.json; null to say nothing.</summary>
    public int? ModelMaxLength { get; init; }

    private protected IReadOnlyList<string> SpecialList =>
        [.. SpecialTokenList.Concat(SpecialTokens.Roles().Select(role => role.Token)).Distinct(StringComparer.Ordinal)];

    private protected abstract Normalizer? Normalizer { get; }

    private protected abstract PreTokenizer PreTokenizer { get; }

    private protected virtual string Prefix => "";

    private protected virtual IEnumerable<char> InitialAlphabet => [];

    /// <summary>Learns a tokenizer. The texts are read once; memory grows with the number of different words.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="progress">Told from time to time how far it is.</param>
    /// <param name="cancellationToken">Stops the training.</param>
    public Tokenizer Train(
        IEnumerable<string> texts,
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfNegative(VocabSize);
        List<KeyValuePair<string, long>> words = WordCounter.Count(texts, Normalizer, PreTokenizer, progress, cancellationToken);
        var learner = new MergeLearner
        {
            VocabSize = VocabSize,
            MinFrequency = MinFrequency,
            SpecialTokens = SpecialList,
            InitialAlphabet = InitialAlphabet,
            LimitAlphabet = LimitAlphabet,
            MaxTokenLength = MaxTokenLength ?? int.MaxValue,
            Prefix = Prefix,
        };
        learner.Learn(words, progress, cancellationToken);

        var vocabulary = new JsonObject();
        for (int id = 0; id < learner.Tokens.Count; id++)
            vocabulary[learner.Tokens[id]] = id;
        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast" };
        if (ModelMaxLength is int length)
            config["model_max_length"] = length;
        return new Tokenizer(new TokenizerFiles("trained tokenizer", ToJson(vocabulary, learner), config, SpecialTokens));
    }

    private protected abstract byte[] ToJson(JsonObject vocabulary, MergeLearner learner);
}

/// <summary>Learns a byte-level BPE vocabulary, as GPT-2, RoBERTa and BART have it.</summary>
public sealed class BpeTrainer : TokenizerTrainer
{
    /// <summary>Whether a text is treated as if it began with a space.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Whether texts are put between <see cref="SpecialTokens.Cls"/> and <see cref="SpecialTokens.Sep"/>, as
    /// RoBERTa and BART do.</summary>
    public bool RobertaTemplate { get; init; }

    private protected override Normalizer? Normalizer => null;

    private protected override PreTokenizer PreTokenizer => new ByteLevelPreTokenizer(AddPrefixSpace, useRegex: true);

    private protected override IEnumerable<char> InitialAlphabet => ByteAlphabet.All;

    private protected override byte[] ToJson(JsonObject vocabulary, MergeLearner learner)
    {
        var merges = new JsonArray([.. learner.Merges.Select(merge =>
            new JsonArray(learner.Tokens[merge.Left], learner.Tokens[merge.Right]))]);
        return TokenizerJson.ByteLevelBpe(
            vocabulary, merges, SpecialTokens, SpecialList, AddPrefixSpace, RobertaTemplate, "trained tokenizer");
    }
}

/// <summary>Learns a WordPiece vocabulary, as BERT and DistilBERT have it.</summary>
public sealed class WordPieceTrainer : TokenizerTrainer
{
    /// <summary>Creates a trainer with BERT's special tokens.</summary>
    public WordPieceTrainer()
    {
        SpecialTokens = SpecialTokens.Bert;
        SpecialTokenList = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    }

    /// <summary>Whether texts are lowercased.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Whether accents are taken off; null for as <see cref="Lowercase"/> says.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>Whether each Chinese character is a word.</summary>
    public bool HandleChineseChars { get; init; } = true;

    private protected override Normalizer? Normalizer =>
        new BertNormalizer(cleanText: true, HandleChineseChars, StripAccents ?? Lowercase, Lowercase);

    private protected override PreTokenizer PreTokenizer => new BertPreTokenizer();

    private protected override string Prefix => "##";

    private protected override byte[] ToJson(JsonObject vocabulary, MergeLearner learner) => TokenizerJson.WordPiece(
        vocabulary, SpecialTokens, SpecialList, Lowercase, StripAccents, HandleChineseChars, "trained tokenizer");
}
