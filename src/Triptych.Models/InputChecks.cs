using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>Turns wrong inputs into errors that name the input, before a kernel meets them.</summary>
internal static class InputChecks
{
    public static void Check(ModelInputs inputs, ModelConfig config)
    {
        if (inputs.InputIds is null && inputs.EncoderOutput is null)
            throw new ArgumentException("input_ids are missing", nameof(inputs));
        CheckIds(inputs.InputIds, "input_ids", config);
        CheckIds(inputs.DecoderInputIds, "decoder_input_ids", config);
        CheckInteger(inputs.PositionIds, "position_ids");
        CheckInteger(inputs.TokenTypeIds, "token_type_ids");
        CheckMask(inputs.AttentionMask, "attention_mask", inputs.InputIds);
        CheckMask(inputs.DecoderAttentionMask, "decoder_attention_mask", inputs.DecoderInputIds);
        CheckLikeIds(inputs.TokenTypeIds, "token_type_ids", inputs.InputIds);
    }

    /// <summary>The table of positions has to reach as far as the sequence.</summary>
    /// <exception cref="ArgumentException">The sequence is too long.</exception>
    public static void CheckLength(int length, int limit, string key)
    {
        if (length > limit)
            throw new ArgumentException($"a sequence of {length} tokens is longer than the model's limit of {limit} ({key})");
    }

    private static void CheckIds(Tensor? ids, string name, ModelConfig config)
    {
        if (ids is null)
            return;
        CheckInteger(ids, name);
        if (ids.Rank is not (2 or 3))
            throw new ArgumentException($"{name} has shape {ids.Shape}, not [batch, sequence]");
        if (ids.Count == 0)
            throw new ArgumentException($"{name} is empty: its shape is {ids.Shape}");
        var flat = ids.Contiguous().AsSpan<long>();
        for (int i = 0; i < flat.Length; i++)
        {
            if ((ulong)flat[i] >= (ulong)config.VocabSize)
                throw new ArgumentException($"{name} holds {flat[i]} at token {i % ids.Shape[-1]} of row {i / ids.Shape[-1]}, outside of the vocabulary of {config.VocabSize}");
        }
    }

    private static void CheckInteger(Tensor? tensor, string name)
    {
        if (tensor is not null && tensor.DType != DType.Int64)
            throw new ArgumentException($"{name} is {tensor.DType.Name()}, not int64");
    }

    private static void CheckMask(Tensor? mask, string name, Tensor? ids)
    {
        if (mask is null)
            return;
        if (mask.DType is not (DType.Int64 or DType.Bool))
            throw new ArgumentException($"{name} is {mask.DType.Name()}, not int64 or bool");
        if (ids is not null && (mask.Rank != ids.Rank || mask.Shape[0] != ids.Shape[0] || mask.Shape[-1] < ids.Shape[-1]))
            throw new ArgumentException($"{name} has shape {mask.Shape}, which does not fit ids of shape {ids.Shape}");
    }

    private static void CheckLikeIds(Tensor? tensor, string name, Tensor? ids)
    {
        if (tensor is not null && ids is not null && tensor.Shape != ids.Shape)
            throw new ArgumentException($"{name} has shape {tensor.Shape}, which does not fit ids of shape {ids.Shape}");
    }
}
