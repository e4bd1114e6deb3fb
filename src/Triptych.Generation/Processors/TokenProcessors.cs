using System.Numerics.Tensors;

namespace Triptych.Generation.Processors;

/// <summary>Adds to the last token of sequences whose beginning is there (<c>SequenceBiasLogitsProcessor</c>).</summary>
internal sealed class SequenceBias : LogitsProcessor
{
    private readonly (int[] Ids, float Bias)[] biases;

    public SequenceBias(IEnumerable<(IReadOnlyList<int> Ids, float Bias)> biases, int vocabSize, string option)
    {
        this.biases = [.. biases.Select(b => (b.Ids.ToArray(), b.Bias))];
        foreach ((int[] ids, _) in this.biases)
        {
            if (ids.Length == 0)
                throw new ArgumentException($"{option}: a sequence is empty");
            foreach (int id in ids)
            {
                if ((uint)id >= (uint)vocabSize)
                    throw new ArgumentException($"{option}: token id {id} is not in the vocabulary of {vocabSize}");
            }
        }
    }

    /// <summary>Bad words are sequences with an infinite malus; an end-of-sequence token alone is not one (<c>NoBadWordsLogitsProcessor</c>).</summary>
    public static SequenceBias Forbid(IEnumerable<IReadOnlyList<int>> badWords, int[] eosTokenIds, int vocabSize) => new(
        badWords.Where(word => word.Count != 1 || !eosTokenIds.Contains(word[0])).Select(word => (word, float.NegativeInfinity)),
        vocabSize, nameof(GenerationOptions.BadWordsIds));

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        foreach ((int[] ids, float bias) in biases)
        {
            // A sequence as long as the context is not looked at yet, one of a single token always is.
            if (ids.Length == 1 || (ids.Length <= tokens.Length && tokens.EndsWith(ids.AsSpan(..^1))))
                scores[ids[^1]] += bias;
        }
    }
}

/// <summary>Excludes tokens always (<c>SuppressTokensLogitsProcessor</c>), or at one length (<c>SuppressTokensAtBeginLogitsProcessor</c>).</summary>
internal sealed class SuppressTokens(int[] ids, int? onlyAtLength = null) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (onlyAtLength is null || tokens.Length == onlyAtLength)
            Exclude(ids, scores);
    }
}

/// <summary>Makes NaN 0 and infinities the greatest finite numbers (<c>InfNanRemoveLogitsProcessor</c>).</summary>
internal sealed class InfNanRemove : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        foreach (ref float score in scores)
            score = float.IsNaN(score) ? 0 : Math.Clamp(score, float.MinValue, float.MaxValue);
    }
}

/// <summary>Makes the scores log-probabilities (<c>LogitNormalization</c>).</summary>
internal sealed class LogitNormalization : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt) => Distribution.LogSoftmax(scores);
}

/// <summary>Softmax over rows of scores in which excluded tokens are negative infinity.</summary>
internal static class Distribution
{
    /// <summary>Log-probabilities in place.</summary>
    public static void LogSoftmax(Span<float> scores)
    {
        float max = TensorPrimitives.Max(scores);
        double sum = 0;
        foreach (float score in scores)
            sum += Math.Exp(score - max);
        TensorPrimitives.Subtract(scores, (float)(max + Math.Log(sum)), scores);
    }

    /// <summary>Probabilities in place.</summary>
    public static void Softmax(Span<float> scores)
    {
        float max = TensorPrimitives.Max(scores);
        TensorPrimitives.Subtract(scores, max, scores);
        TensorPrimitives.Exp(scores, scores);
        TensorPrimitives.Divide(scores, TensorPrimitives.Sum(scores), scores);
    }
}
