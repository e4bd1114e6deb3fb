using System.Globalization;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers;

/// <summary>How far the training of a tokenizer is.</summary>
/// <param name="Stage">What is being done: <c>count words</c> (of texts, or of bytes where files are read), <c>merge words</c> (of
/// those in temporary files), <c>learn merges</c> (of the vocabulary), <c>find pieces</c> or <c>estimate pieces</c> (of the rounds).</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is, or null where nobody knows.</param>
public readonly record struct TokenizerTrainingProgress(string Stage, long Done, long? Total);

/// <summary>
/// Learns a vocabulary from texts as Hugging Face tokenizers does: the same corpus and settings give the same vocabulary.
/// The texts are read once, on all cores, and the result does not depend on how many there are. Memory does not grow with the
/// length of the corpus, and <see cref="MaxMemory"/> bounds what its different words take: counts go to temporary files first.
/// </summary>
public abstract class TokenizerTrainer
{
    /// <summary>What errors call the tokenizer that is being trained.</summary>
    private protected const string Name = "trained tokenizer";

    private const long LeastMemory = 1 << 24;

    private protected TokenizerTrainer()
    {
    }

    /// <summary>The size of the vocabulary, special tokens and alphabet included.</summary>
    public int VocabSize { get; init; } = 30_000;

    /// <summary>The special tokens by their role.</summary>
    public SpecialTokens SpecialTokens { get; init; } = new();

    /// <summary>
    /// Special tokens by id, from 0; those that only <see cref="SpecialTokens"/> names follow. A text is a plain special token, an
    /// <see cref="AddedToken"/> one with attributes (its own id does not count, and it is always special). Of tokens with the same
    /// text the last one with attributes counts, and one without keeps those that the pipeline gives it.
    /// </summary>
    public IReadOnlyList<AddedToken> SpecialTokenList { get; init; } = [];

    /// <summary>The most tokens that the model takes, written to tokenizer_config.json; null to say nothing.</summary>
    public int? ModelMaxLength { get; init; }

    /// <summary>
    /// Trains into this tokenizer: its normalizer, pre-tokenizer, post-processor, decoder and special tokens stay, in their
    /// order, those of the trainer follow, and its vocabulary is learned anew, as transformers'
    /// <c>train_new_from_iterator</c> does. Null for the trainer's own pipeline.
    /// </summary>
    public Tokenizer? Pipeline { get; init; }

    /// <summary>How often a word must come to be learned from; rarer ones are as if they were not there. 1 keeps all, as
    /// Hugging Face tokenizers does.</summary>
    public int MinWordCount { get; init; } = 1;

    /// <summary>The most different words that may be left to learn from; more are an error. Null for no limit.</summary>
    public int? MaxDistinctWords { get; init; }

    /// <summary>
    /// The memory in bytes that training may take, roughly, beside what the process takes anyway; null for half of what there
    /// is. Counts of words beyond half of it go to a temporary file. Learning needs its words in memory: where they do
    /// not fit, that is an error, and <see cref="MinWordCount"/> a way out.
    /// </summary>
    public long? MaxMemory { get; init; }

    /// <summary>Where temporary files are; null for the system's folder. They go when training ends, whichever way.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>The memory that counts of words may take before they go to a file, where it is not half of <see cref="MaxMemory"/>.</summary>
    internal long? CountingMemory { get; init; }

    /// <summary>The most bytes that a line of a file may have; a longer one is an error.</summary>
    public int MaxLineBytes { get; init; } = 1 << 27;

    /// <summary>The name that tokenizer.json has for the model.</summary>
    private protected abstract string ModelType { get; }

    /// <summary>Whether the order of words can change the result, so that they have to be sorted.</summary>
    private protected abstract bool OrderMatters { get; }

    private long Memory => MaxMemory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

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
        AddedToken[] special = [.. SpecialTokenList, .. SpecialTokens.Roles().Select(role => (AddedToken)role.Token)];
        TrainingPipeline pipeline = Pipeline is null
            ? TrainingPipeline.Of(DefaultPipeline([.. special.Select(token => token.Content).Distinct(StringComparer.Ordinal)]), Name, special)
            : TrainingPipeline.Of(Pipeline, ModelType, special);
        var limits = new WordLimits(CountingMemory ?? Memory / 2, TemporaryFolder ?? Path.GetTempPath(), MinWordCount, MaxDistinctWords);
        using var counter = new WordCounter(pipeline, limits, OrderMatters);
        using WordCounts words = counter.Count(corpus, progress, cancellationToken);
        if (words.Count == 0)
            throw new TokenizerException(corpus.Name, MinWordCount > 1
                ? $"there are no words to learn from that come {MinWordCount} times (MinWordCount)" : "there are no words to learn from");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        LearnModel(pipeline, words, ids, progress, cancellationToken);
        return pipeline.Finish(ids, SpecialTokens, ModelMaxLength);
    }

    /// <summary>A tokenizer.json for the trainer's own pipeline; the ids of special tokens are put right afterwards.</summary>
    private protected abstract byte[] DefaultPipeline(IReadOnlyList<string> special);

    /// <summary>Learns from the words and writes vocabulary and options to the pipeline's model.</summary>
    private protected abstract void LearnModel(
        TrainingPipeline pipeline,
        WordCounts words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken);

    private protected virtual void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(VocabSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(VocabSize, Models.Vocabulary.MaxId);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxLineBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(MinWordCount, 1);
        if (MaxDistinctWords is int limit)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, nameof(MaxDistinctWords));
        if (MaxMemory is long memory)
            ArgumentOutOfRangeException.ThrowIfLessThan(memory, LeastMemory, nameof(MaxMemory));
        if (TemporaryFolder is not null && !Directory.Exists(TemporaryFolder))
            throw new ArgumentException($"there is no folder {TemporaryFolder}", nameof(TemporaryFolder));
        if (SpecialTokenList.Any(token => string.IsNullOrEmpty(token?.Content)) || SpecialTokens.Roles().Any(role => role.Token.Length == 0))
            throw new ArgumentException("a special token is empty", nameof(SpecialTokenList));
    }

    /// <summary>Counts the letters of the words.</summary>
    /// <param name="words">The words.</param>
    /// <param name="bytesPerWord">The memory that learning takes for each word,</param>
    /// <param name="bytesPerLetter">for each of its letters,</param>
    /// <param name="more">and beside that.</param>
    /// <exception cref="TokenizerException">To learn from them takes more memory than allowed.</exception>
    private protected LearningSize Measure(WordCounts words, int bytesPerWord, int bytesPerLetter, Func<LearningSize, long>? more = null)
    {
        LearningSize size = LearningSize.Of(words);
        long bytes = bytesPerWord * size.Words + bytesPerLetter * size.Length + (more?.Invoke(size) ?? 0);
        if (bytes > Memory || size.Words + size.Length > Array.MaxLength)
        {
            throw new TokenizerException(Name, string.Create(CultureInfo.InvariantCulture,
                $"to learn from {size.Words:N0} different words with {size.Length:N0} letters takes about {bytes >> 20:N0} MB, more than there may be ({Memory >> 20:N0} MB, MaxMemory): leave out rare words (MinWordCount) or let the pre-tokenizer cut smaller ones"));
        }

        return size;
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
