using System.Text.Json.Nodes;

namespace Triptych.Tokenizers;

/// <summary>Learns a vocabulary of whole words, the most frequent ones; among equals those that come first by code points.</summary>
public sealed class WordLevelTrainer : TokenizerTrainer
{
    /// <summary>Creates a trainer with <c>&lt;unk&gt;</c> for words that the vocabulary lacks.</summary>
    public WordLevelTrainer() => SpecialTokens = new SpecialTokens { Unk = "<unk>" };

    /// <summary>How often a word must come to be in the vocabulary.</summary>
    public int MinFrequency { get; init; }

    private protected override string ModelType => "WordLevel";

    // Words are sorted by frequency anyway.
    private protected override bool OrderMatters => false;

    private protected override void Validate()
    {
        base.Validate();
        ArgumentOutOfRangeException.ThrowIfNegative(MinFrequency);
    }

    private protected override byte[] DefaultPipeline(IReadOnlyList<string> special) => TrainingPipeline.Json(
        special, null, TrainingPipeline.Stage("Whitespace"), null,
        new JsonObject { ["type"] = "WordLevel", ["unk_token"] = SpecialTokens.Unk });

    private protected override void LearnModel(
        TrainingPipeline pipeline,
        WordCounts words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (pipeline.SpecialTokens.Count > VocabSize)
            throw TooSmall(pipeline.SpecialTokens.Count);
        IReadOnlyList<string> special = pipeline.SpecialTokens;
        pipeline.Model["vocab"] = ToJson([.. special, .. Best(words, VocabSize - special.Count, special, cancellationToken)], ids);
    }

    /// <summary>The most frequent words, best first. Only as many are kept as there is room for.</summary>
    private List<string> Best(WordCounts words, int room, IEnumerable<string> special, CancellationToken cancellationToken)
    {
        HashSet<string> taken = new(special, StringComparer.Ordinal);
        var best = new PriorityQueue<Candidate, Candidate>();
        WordReader reader = words.Read();
        while (room > 0 && reader.Read(out ReadOnlySpan<byte> word, out long count))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (count < MinFrequency || best.Count == room && best.Peek().IsBetterThan(word, count) || taken.Contains(System.Text.Encoding.UTF8.GetString(word)))
                continue;
            if (best.Count == room)
                best.Dequeue();
            var candidate = new Candidate(word.ToArray(), count);
            best.Enqueue(candidate, candidate);
        }

        var ordered = new List<string>(best.Count);
        while (best.TryDequeue(out Candidate worst, out _))
            ordered.Add(System.Text.Encoding.UTF8.GetString(worst.Word));
        ordered.Reverse();
        return ordered;
    }

    private readonly record struct Candidate(byte[] Word, long Count) : IComparable<Candidate>
    {
        /// <summary>The worst first.</summary>
        public int CompareTo(Candidate other) => IsBetterThan(other.Word, other.Count) ? 1 : -1;

        public bool IsBetterThan(ReadOnlySpan<byte> word, long count) =>
            Count != count ? Count > count : Word.AsSpan().SequenceCompareTo(word) < 0;
    }
}
