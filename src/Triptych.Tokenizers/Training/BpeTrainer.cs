using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers;

/// <summary>
/// Learns a BPE vocabulary (Sennrich et al., 2016): byte-level, as GPT-2, RoBERTa and BART have it, or of characters.
/// </summary>
public sealed class BpeTrainer : MergeTrainer
{
    /// <summary>
    /// Whether letters are bytes (Radford et al., 2019). Else they are characters: words begin with U+2581, as in
    /// SentencePiece, or end with <see cref="MergeTrainer.EndOfWordSuffix"/> where that is given.
    /// </summary>
    public bool ByteLevel { get; init; } = true;

    /// <summary>Whether a text is treated as if it began with a space; for the byte-level kind.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Whether texts are put between <see cref="SpecialTokens.Cls"/> and <see cref="SpecialTokens.Sep"/>, as
    /// RoBERTa and BART do; for the byte-level kind.</summary>
    public bool RobertaTemplate { get; init; }

    private protected override string ModelType => "BPE";

    // The ids of letters with a prefix or suffix follow the order of words, and ties between pairs follow ids.
    private protected override bool OrderMatters =>
        Pipeline is not null || ContinuingSubwordPrefix is { Length: > 0 } || EndOfWordSuffix is { Length: > 0 };

    private protected override byte[] DefaultPipeline(IReadOnlyList<string> special)
    {
        if (ByteLevel)
        {
            return TokenizerJson.ByteLevelBpe(TrainingPipeline.Provisional(special), [], SpecialTokens, special,
                AddPrefixSpace, RobertaTemplate, Name);
        }

        var model = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = SpecialTokens.Unk,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
        };
        return EndOfWordSuffix is { Length: > 0 }
            ? TrainingPipeline.Json(special, null, TrainingPipeline.Stage("WhitespaceSplit"),
                new JsonObject { ["type"] = "BPEDecoder", ["suffix"] = EndOfWordSuffix }, model)
            : TrainingPipeline.Json(special, null, TrainingPipeline.Metaspace(), TrainingPipeline.Metaspace(), model);
    }

    private protected override void LearnModel(
        TrainingPipeline pipeline,
        WordCounts words,
        Dictionary<string, int> ids,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        string? prefix = ContinuingSubwordPrefix ?? pipeline.Option("continuing_subword_prefix");
        string? suffix = EndOfWordSuffix ?? pipeline.Option("end_of_word_suffix");
        MergeLearner learner = LearnMerges(pipeline, words, prefix ?? "", suffix ?? "", progress, cancellationToken);
        pipeline.Model["continuing_subword_prefix"] = prefix;
        pipeline.Model["end_of_word_suffix"] = suffix;
        pipeline.Model["vocab"] = ToJson(learner.Tokens, ids);
        pipeline.Model["merges"] = new JsonArray([.. learner.Merges.Select(merge =>
            new JsonArray(learner.Tokens[merge.Left], learner.Tokens[merge.Right]))]);
    }
}
