namespace Triptych.Generation.Processors;

/// <summary>Makes tokens that occurred less likely (<c>RepetitionPenaltyLogitsProcessor</c>; Keskar et al. 2019).</summary>
internal sealed class RepetitionPenalty(double penalty, int ignoredPrompt = 0) : LogitsProcessor
{
    private readonly OccurrencePenalty occurred = new((float)penalty);

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt) =>
        occurred.Apply(tokens[Math.Min(ignoredPrompt, tokens.Length)..], scores);
}

/// <summary>Makes tokens of the encoder's input likelier (<c>EncoderRepetitionPenaltyLogitsProcessor</c>).</summary>
internal sealed class EncoderRepetitionPenalty(double penalty, int[][] encoderTokens) : LogitsProcessor
{
    private readonly OccurrencePenalty occurred = new((float)(1 / penalty));

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt) =>
        occurred.Apply(encoderTokens[prompt], scores);
}

/// <summary>Divides the positive and multiplies the negative scores of a set of tokens, each once.</summary>
internal sealed class OccurrencePenalty(float penalty)
{
    private int[] lastCall = [];
    private int call;

    public void Apply(ReadOnlySpan<int> tokens, Span<float> scores)
    {
        if (lastCall.Length != scores.Length)
            (lastCall, call) = (new int[scores.Length], 0);
        call++;
        foreach (int id in tokens)
        {
            if ((uint)id >= (uint)scores.Length || lastCall[id] == call)
                continue;
            lastCall[id] = call;
            scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
        }
    }
}

/// <summary>Excludes tokens that would complete an n-gram a second time (<c>NoRepeatNGramLogitsProcessor</c>).</summary>
internal sealed class NoRepeatNgram(int size) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length + 1 >= size)
            Ngrams.ExcludeCompletions(tokens, tokens[^(size - 1)..], scores);
    }
}

/// <summary>Excludes n-grams of the encoder's input (<c>EncoderNoRepeatNGramLogitsProcessor</c>).</summary>
internal sealed class EncoderNoRepeatNgram(int size, int[][] encoderTokens) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length + 1 >= size)
            Ngrams.ExcludeCompletions(encoderTokens[prompt], tokens[^(size - 1)..], scores);
    }
}

internal static class Ngrams
{
    /// <summary>Excludes each token that follows the prefix somewhere in a text.</summary>
    public static void ExcludeCompletions(ReadOnlySpan<int> text, ReadOnlySpan<int> prefix, Span<float> scores)
    {
        for (int i = 0; i + prefix.Length < text.Length; i++)
        {
            if (text.Slice(i, prefix.Length).SequenceEqual(prefix) && (uint)text[i + prefix.Length] < (uint)scores.Length)
                scores[text[i + prefix.Length]] = float.NegativeInfinity;
        }
    }
}
