using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers;

/// <summary>How far the training of a tokenizer is.</summary>
/// <param name="Stage">What is being done: <c>count words</c> (of texts, or of bytes where files are read), <c>learn merges</c>
/// (of the vocabulary), <c>find pieces</c> or <c>estimate pieces</c> (of the rounds).</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is, or null where nobody knows.</param>
public readonly record struct TokenizerTrainingProgress(string Stage, long Done, long? Total);

/// <summary>
/// Learns a vocabulary from texts as Hugging Face tokenizers does: the same corpus and settings give the same vocabulary.
/// The texts are read once, on all cores, and the result does not depend on how many there are. Memory grows with the
/// different words of the corpus, about 100 bytes each, never with its length; <see cref="MaxDistinctWords"/> bounds them.
/// </summary>
public abstract class TokenizerTrainer
{
    /// <summary>What errors call the tokenizer that is being trained.</summary>
    private protected const string Name = "trained tokenizer";

    private protected TokenizerTrainer()
    {
    }

    /// <summary>The size of the vocabulary, special tokens and alphabet included.</summary>
    public int VocabSize { get; init; } = 30_000;

    /// <summary>The special tokens by their role.</summary>
    public SpecialTokens SpecialTokens { get; init; } = new();

    /// <summary>Special tokens by id, from 0; those that only <see cref="SpecialTokens"/> names follow.</summary>
    public IReadOnlyList<string> SpecialTokenList { get; init; } = [];

    /// <summary>The most tokens that the model takes, written to tokenizer_config.json; null to say nothing.</summary>
    public int? ModelMaxLength { get; init; }

    /// <summary>
    /// Trains into this tokenizer: its normalizer, pre-tokenizer, post-processor, decoder and special tokens stay, in their
    /// order, those of the trainer follow, and its vocabulary is learned anew, as transformers'
    /// <c>train_new_from_iterator</c> does. Null for the trainer's own pipeline.
    /// </summary>
    public Tokenizer? Pipeline { get; init; }

    /// <summary>The most different words that a corpus may have; more are an error. Null for no limit.</summary>
    public int? MaxDistinctWords { get; init; }

    /// <summary>The most bytes that a line of a file may have; a longer one is an error.</summary>
    public int MaxLineBytes { get; init; } = 1 << 27;

    /// <summary>The name that tokenizer.json has for the model.</summary>
    private protected abstract string ModelType { get; }

    /// <summary>Whether the order of words can change the result, so that they have to be sorted.</summary>
    private protected abstract bool OrderMatters { get; }

    /// <summary>A trainer for the kind of model that a tokenizer has, to be trained into its pipeline.</summary>
    /// <param name="tokenizer">The tokenizer, for <see cref="Pipeline"/>.</param>
    /// <param name="vocabSize">The size of the new vocabulary.</param>
    /// <exception cref="ArgumentException">Its kind of model cannot be trained.</exception>
    public static TokenizerTrainer For(Tokenizer tokenizer, int vocabSize)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return TrainingPipeline.TypeOf(tokenizer) switch
        {
            "BPE" => new BpeTrainer { Pipeline = tokenizer, VocabSize = vocabSize },
            "WordPiece" => new WordPieceTrainer(tokenizer.SpecialTokens) { Pipeline = tokenizer, VocabSize = vocabSize },
            "Unigram" => new UnigramTrainer { Pipeline = tokenizer, VocabSize = vocabSize, SpecialTokens = tokenizer.SpecialTokens },
            "WordLevel" => new WordLevelTrainer { Pipeline = tokenizer, VocabSize = vocabSize, SpecialTokens = tokenizer.SpecialTokens },
            string type => throw new ArgumentException($"models of type \"{type}\" cannot be trained", nameof(tokenizer)),
        };
    }

    /// <summary>Learns a tokenizer from texts.</summary>
    /// <param name="texts">The texts; unpaired surrogates count as U+FFFD.</param>
    /// <param name="progress">Told from time to time how far it is.</param>
    /// <param name="cancellationToken">Stops the training.</param>
    /// <exception cref="TokenizerException">The corpus has no words, or more than allowed.</exception>
    /// <exception cref="ArgumentException">The settings don't fit each other or the corpus.</exception>
    public Tokenizer Train(
        IEnumerable<string> texts,
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return new Tokenizer(Learn(new TextCorpus(texts), progress, cancellationToken));
    }

    /// <summary>
    /// Learns a tokenizer from files of UTF-8 text. Each line is a text with its line ending, as in Hugging Face tokenizers.
    /// </summary>
    /// <param name="paths">The files.</param>
    /// <param name="progress">Told from time to time how far it is.</param>
    /// <param name="cancellationToken">Stops the training.</param>
    /// <exception cref="TokenizerException">A file cannot be read or is not UTF-8 (the message has the byte's position), or
    /// the corpus has no words, or more than allowed.</exception>
    /// <exception cref="ArgumentException">The settings don't fit each other or the corpus.</exception>
    public Tokenizer TrainFiles(
        IReadOnlyList<string> paths,
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return new Tokenizer(Learn(FileCorpus.Open(paths, MaxLineBytes), progress, cancellationToken));
    }

    /// <summary>Learns a tokenizer from a stream of UTF-8 text, each line a text; see <see cref="TrainFiles"/>.</summary>
    /// <param name="stream">The stream; it is read to its end and stays open.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="progress">Told from time to time how far it is.</param>
    /// <param name="cancellationToken">Stops the training.</param>
    /// <exception cref="TokenizerException">The stream cannot be read or is not UTF-8, or the corpus has no words, or more
    /// than allowed.</exception>
    /// <exception cref="ArgumentException">The settings don't fit each other or the corpus.</exception>
    public Tokenizer TrainStream(
        Stream stream,
        string name = "stream",
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new Tokenizer(Learn(FileCorpus.Of(stream, name, MaxLineBytes), progress, cancellationToken));
    }

    /// <summary>The files of the learned tokenizer.</summary>
    internal TokenizerFiles Learn(
        Corpus corpus, IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellationToken)
    {
        Validate();
        string[] special = [.. SpecialTokenList.Concat(SpecialTokens.Roles().Select(role => role.Token)).Distinct(StringComparer.Ordinal)];
        TrainingPipeline pipeline = Pipeline is null
            ? TrainingPipeline.Of(DefaultPipeline(special), Name, special)
            : TrainingPipeline.Of(Pipeline, ModelType, special);
        List<KeyValuePair<string, long>> words =
            new WordCounter(pipeline, MaxDistinctWords, OrderMatters).Count(corpus, progress, cancellationToken);
        if (words.Count == 0)
            throw new TokenizerException(corpus.Name, "there are no words to learn from");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        LearnModel(pipeline, words, ids, progress, cancellationToken);
        return pipeline.Finish(ids, SpecialTokens, ModelMaxLength);
    }

    /// <summary>A tokenizer.json for the trainer's own pipeline; the ids of special tokens are put right afterwards.</summary>
    private protected abstract byte[] DefaultPipeline(IReadOnlyList<string> special);

    /// <summary>Learns from the words and writes vocabulary and options to the pipeline's model.</summary>
    private protected abstract void LearnModel(
        TrainingPipeline pipeline,
        IReadOnlyList<KeyValuePair<string, long>> words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken);

    private protected virtual void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(VocabSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(VocabSize, Models.Vocabulary.MaxId);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxLineBytes);
        if (MaxDistinctWords is int limit)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, nameof(MaxDistinctWords));
        if (SpecialTokenList.Any(string.IsNullOrEmpty) || SpecialTokens.Roles().Any(role => role.Token.Length == 0))
            throw new ArgumentException("a special token is empty", nameof(SpecialTokenList));
    }

    private protected ArgumentException TooSmall(int least) =>
        new($"VocabSize {VocabSize} is too small: special tokens and alphabet alone are {least} tokens");

    private protected static JsonObject ToJson(IReadOnlyList<string> tokens, Dictionary<string, int> ids)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < tokens.Count; id++)
        {
            ids[tokens[id]] = id;
            vocabulary.Add(tokens[id], id);
        }

        return vocabulary;
    }
}
