using System.Diagnostics;
using Triptych.Tokenizers;

namespace Triptych.Generation;

/// <summary>When a sequence ends: an end-of-sequence token, a stop string, the greatest length, the time.</summary>
internal sealed class StoppingRules
{
    private readonly int[] eosTokenIds;
    private readonly int promptLength;
    private readonly int maxLength;
    private readonly long deadline;
    private readonly string[] stopStrings;
    private readonly Tokenizer? tokenizer;

    public StoppingRules(GenerationPlan plan, GenerationOptions options, Tokenizer? tokenizer)
    {
        eosTokenIds = plan.EosTokenIds;
        promptLength = plan.PromptLength;
        maxLength = plan.MaxLength;
        stopStrings = [.. options.StopStrings ?? []];
        this.tokenizer = tokenizer;
        if (stopStrings.Length > 0 && tokenizer is null)
            throw new ArgumentException("StopStrings need a tokenizer");
        if (stopStrings.Any(string.IsNullOrEmpty))
            throw new ArgumentException("StopStrings: a text is empty");
        deadline = options.MaxTime is { } time
            ? Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency)
            : long.MaxValue;
    }

    public bool OutOfTime => deadline != long.MaxValue && Stopwatch.GetTimestamp() > deadline;

    /// <summary>Whether a sequence ends with its last token.</summary>
    /// <param name="tokens">The tokens before it.</param>
    /// <param name="last">The last one.</param>
    public bool Ends(ReadOnlySpan<int> tokens, int last) =>
        tokens.Length + 1 >= maxLength || eosTokenIds.AsSpan().Contains(last) || (stopStrings.Length > 0 && HitsStopString(tokens, last));

    private bool HitsStopString(ReadOnlySpan<int> tokens, int last)
    {
        // A stop string has at most one token for each of its UTF-8 bytes, and one more at either end.
        int window = 2 + stopStrings.Max(System.Text.Encoding.UTF8.GetByteCount);
        var recent = tokens[Math.Max(promptLength, tokens.Length - window)..];
        string text = tokenizer!.Decode([.. recent, last], skipSpecialTokens: false, cleanUpTokenizationSpaces: false);
        foreach (string stop in stopStrings)
        {
            if (text.Contains(stop, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
