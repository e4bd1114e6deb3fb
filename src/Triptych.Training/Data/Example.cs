namespace Triptych.Training;

/// <summary>A training example in token ids, before it is put into a batch.</summary>
/// <param name="InputIds">The tokens of the input, special tokens included.</param>
public sealed record Example(int[] InputIds)
{
    /// <summary>The segment of each input token; null for all 0.</summary>
    public int[]? TokenTypeIds { get; init; }

    /// <summary>The tokens of the target of a sequence-to-sequence example, special tokens included.</summary>
    public int[]? TargetIds { get; init; }

    /// <summary>The class of a classification example.</summary>
    public int? Label { get; init; }

    /// <summary>Where the input has special tokens, which are never masked; null for nowhere.</summary>
    public bool[]? SpecialTokens { get; init; }

    /// <summary>Which word each input token belongs to, to mask whole words; -1 for none.</summary>
    public int[]? WordIds { get; init; }

    /// <summary>What decides the cost of the example.</summary>
    internal int Length => InputIds.Length + (TargetIds?.Length ?? 0);

    /// <summary>Cuts a stream of documents into blocks of one length, each document ended by a token, as GPT-2 was trained.
    /// What is left at the end is dropped unless it is all there is.</summary>
    /// <param name="documents">The tokens of each document.</param>
    /// <param name="length">Tokens a block.</param>
    /// <param name="endToken">Put behind each document; null for nothing.</param>
    public static IEnumerable<Example> Pack(IEnumerable<int[]> documents, int length, int? endToken)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        return PackBlocks(documents, length, endToken);
    }

    private static IEnumerable<Example> PackBlocks(IEnumerable<int[]> documents, int length, int? endToken)
    {
        int[] block = new int[length];
        int filled = 0;
        bool any = false;
        foreach (int[] document in documents)
        {
            int tokens = document.Length + (endToken is null ? 0 : 1);
            for (int i = 0; i < tokens; i++)
            {
                block[filled++] = i < document.Length ? document[i] : endToken!.Value;
                if (filled < length)
                    continue;
                yield return new Example(block);
                any = true;
                block = new int[length];
                filled = 0;
            }
        }

        if (!any && filled > 1)
            yield return new Example(block[..filled]);
    }
}
