namespace Triptych.Generation;

/// <summary>Changes the scores of the next token before one is chosen. An instance serves one generation at a time.</summary>
public abstract class LogitsProcessor
{
    /// <summary>Changes one row's scores in place; negative infinity excludes a token.</summary>
    /// <param name="tokens">The row's tokens so far, prompt and padding included, <c>[sequence]</c>.</param>
    /// <param name="scores">Logits, or log-probabilities in beam search, <c>[vocabulary]</c>.</param>
    /// <param name="prompt">Which prompt of the batch the row continues.</param>
    public abstract void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt);

    /// <summary>Excludes tokens.</summary>
    private protected static void Exclude(ReadOnlySpan<int> ids, Span<float> scores)
    {
        foreach (int id in ids)
        {
            if ((uint)id < (uint)scores.Length)
                scores[id] = float.NegativeInfinity;
        }
    }
}
