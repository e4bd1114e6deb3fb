using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Picks one token of each row.</summary>
internal static class TokenSelection
{
    /// <summary>The state of one token a row.</summary>
    /// <param name="hiddenStates">[batch, sequence, hidden].</param>
    /// <param name="tokens">The token of each row.</param>
    /// <returns>[batch, hidden].</returns>
    public static Tensor SelectTokens(this Tensor hiddenStates, ReadOnlySpan<int> tokens)
    {
        int sequence = hiddenStates.Shape[1];
        var rows = new long[tokens.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = ((long)i * sequence) + tokens[i];
        return Functional.IndexSelect(hiddenStates.Reshape(-1, hiddenStates.Shape[2]), 0, Tensor.From(rows));
    }

    /// <summary>The last token of each row that is no padding, on whichever side the padding is: where a decoder has read the whole text.</summary>
    /// <param name="ids">[batch, sequence].</param>
    /// <param name="padTokenId">The padding token, needed for more than one row.</param>
    /// <exception cref="ArgumentException">Several rows, and no padding token.</exception>
    public static int[] EndOfText(Tensor ids, int? padTokenId)
    {
        if (padTokenId is { } pad)
            return [.. LastWhere(ids, id => id != pad).Select(token => Math.Max(token, 0))];
        return ids.Shape[0] == 1
            ? [ids.Shape[1] - 1]
            : throw new ArgumentException("a batch of several texts needs a pad_token_id in config.json to find their ends");
    }

    /// <summary>The last token of each row that satisfies a condition; -1 where none does.</summary>
    /// <param name="ids">[batch, sequence].</param>
    /// <param name="condition">Of a token id.</param>
    public static int[] LastWhere(Tensor ids, Func<long, bool> condition)
    {
        int sequence = ids.Shape[1];
        long[] flat = ids.ToArray<long>();
        var last = new int[ids.Shape[0]];
        for (int row = 0; row < last.Length; row++)
            last[row] = Array.FindLastIndex(flat, ((row + 1) * sequence) - 1, sequence, id => condition(id)) is var at and >= 0 ? at - (row * sequence) : -1;
        return last;
    }
}
