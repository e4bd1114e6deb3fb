namespace Triptych.Generation.Processors;

/// <summary>Excludes the end of the sequence until it has a length (<c>MinLengthLogitsProcessor</c>, and
/// <c>MinNewTokensLengthLogitsProcessor</c> with the prompt counted in).</summary>
internal sealed class MinLength(int minLength, int[] eosTokenIds) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length < minLength)
            Exclude(eosTokenIds, scores);
    }
}

/// <summary>The first token after the decoder's start token (<c>ForcedBOSTokenLogitsProcessor</c>).</summary>
internal sealed class ForcedBosToken(int id) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length != 1)
            return;
        scores.Fill(float.NegativeInfinity);
        scores[id] = 0;
    }
}

/// <summary>The last token of a sequence of the greatest length (<c>ForcedEOSTokenLogitsProcessor</c>).</summary>
internal sealed class ForcedEosToken(int maxLength, int[] ids) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length != maxLength - 1)
            return;
        scores.Fill(float.NegativeInfinity);
        foreach (int id in ids)
            scores[id] = 0;
    }
}

/// <summary>Makes ending likelier with each token after a length (<c>ExponentialDecayLengthPenalty</c>).</summary>
internal sealed class ExponentialDecayLengthPenalty(int start, double factor, int[] eosTokenIds) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        if (tokens.Length <= start)
            return;
        float growth = (float)(Math.Pow(factor, tokens.Length - start) - 1);
        foreach (int id in eosTokenIds)
            scores[id] += MathF.Abs(scores[id]) * growth;
    }
}
