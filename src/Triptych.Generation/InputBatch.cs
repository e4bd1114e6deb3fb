using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>Token ids of several rows and where they are padding.</summary>
/// <param name="Ids"><c>[rows, sequence]</c> Int64.</param>
/// <param name="Mask">1 for tokens and 0 for padding, <c>[rows, sequence]</c> Int64; null where there is no padding.</param>
internal sealed record InputBatch(Tensor Ids, Tensor? Mask)
{
    /// <summary>Checks and copies what a caller gives; a missing mask is inferred from the padding token as transformers does.</summary>
    /// <exception cref="ArgumentException">The shapes, types or ids do not fit.</exception>
    public static InputBatch From(Tensor ids, Tensor? mask, int vocabSize, int? padTokenId, IReadOnlyList<int> eosTokenIds)
    {
        if (ids.Rank != 2 || ids.DType != DType.Int64 || ids.Count == 0)
            throw new ArgumentException($"inputIds is {ids.DType.Name()}{ids.Shape}, not int64 [batch, sequence]", nameof(ids));
        if (mask is not null && mask.Shape != ids.Shape)
            throw new ArgumentException($"the attention mask has shape {mask.Shape}, the ids {ids.Shape}", nameof(mask));
        long[] values = ids.ToArray<long>();
        foreach (long id in values)
        {
            if ((ulong)id >= (ulong)vocabSize)
                throw new ArgumentException($"token id {id} is not in the vocabulary of {vocabSize}", nameof(ids));
        }

        bool inferred = mask is null && padTokenId is { } pad && !eosTokenIds.Contains(pad) && values.Contains(pad);
        long[]? real = mask is not null ? mask.To(DType.Int64).ToArray<long>()
            : inferred ? [.. values.Select(id => id == padTokenId ? 0L : 1L)] : null;
        bool padded = real?.Contains(0) == true;
        return new InputBatch(Tensor.From(values, ids.Shape), padded ? Tensor.From(real!, ids.Shape) : null);
    }

    /// <summary>Rows of different length, padded on the left for decoders and on the right for encoders.</summary>
    public static InputBatch From(IReadOnlyList<IReadOnlyList<int>> rows, int padTokenId, bool left)
    {
        int length = rows.Max(row => row.Count);
        long[] ids = new long[rows.Count * length], mask = new long[rows.Count * length];
        Array.Fill(ids, padTokenId);
        for (int row = 0; row < rows.Count; row++)
        {
            int start = (row * length) + (left ? length - rows[row].Count : 0);
            for (int i = 0; i < rows[row].Count; i++)
                (ids[start + i], mask[start + i]) = (rows[row][i], 1);
        }

        return new InputBatch(
            Tensor.From(ids, [rows.Count, length]),
            rows.All(row => row.Count == length) ? null : Tensor.From(mask, [rows.Count, length]));
    }

    /// <summary>The ids as rows.</summary>
    public int[][] Rows()
    {
        var ids = Ids.AsSpan<long>();
        int length = Ids.Shape[1];
        var rows = new int[Ids.Shape[0]][];
        for (int row = 0; row < rows.Length; row++)
        {
            rows[row] = new int[length];
            for (int i = 0; i < length; i++)
                rows[row][i] = (int)ids[(row * length) + i];
        }

        return rows;
    }
}
