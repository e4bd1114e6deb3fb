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

    // They are sorted by frequency anyway.
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
        IReadOnlyList<KeyValuePair<string, long>> words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (pipeline.SpecialTokens.Count > VocabSize)
            throw TooSmall(pipeline.SpecialTokens.Count);
        var special = new HashSet<string>(pipeline.SpecialTokens, StringComparer.Ordinal);
        KeyValuePair<string, long>[] ordered = [.. words.Where(word => word.Value >= MinFrequency && !special.Contains(word.Key))];
        Array.Sort(ordered, static (a, b) => a.Value != b.Value ? b.Value.CompareTo(a.Value) : CompareCodePoints(a.Key, b.Key));
        pipeline.Model["vocab"] = ToJson([.. pipeline.SpecialTokens, .. ordered.Select(word => word.Key).Take(VocabSize - special.Count)], ids);
    }

    /// <summary>The order of UTF-8, which differs from that of UTF-16 where one text has a surrogate pair.</summary>
    private static int CompareCodePoints(string a, string b)
    {
        int common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
            return a.Length - b.Length;
        bool pairA = char.IsSurrogate(a[common]);
        return pairA == char.IsSurrogate(b[common]) ? a[common] - b[common] : pairA ? 1 : -1;
    }
}
