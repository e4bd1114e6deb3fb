using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>Greedy decoding for <see cref="ForwardRunner"/>.</summary>
public static class GreedyDecoder
{
    /// <summary>The new tokens of the reference outputs.</summary>
    private const int NewTokens = 16;

    /// <summary>Decodes 16 tokens, fewer where all rows end.</summary>
    /// <param name="model">A model that generates.</param>
    /// <param name="inputs">The prompt: ids, and the mask where there is padding.</param>
    /// <returns>All ids, <c>[batch, length]</c> Int64, and the logits of each new token before any processor, <c>[batch, new, vocabulary]</c>.</returns>
    /// <exception cref="ArgumentException">The inputs have no ids, or the model does not generate.</exception>
    public static (Tensor Sequences, Tensor NewLogits) Decode(PretrainedModel model, ModelInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var ids = inputs.InputIds ?? throw new ArgumentException("input_ids are missing", nameof(inputs));
        var options = new GenerationOptions { MaxNewTokens = NewTokens, DoSample = false, NumBeams = 1, OutputLogits = true };
        var result = new TextGenerator(model).Generate(ids, inputs.AttentionMask, options);
        long[] sequences = [.. result.Sequences.SelectMany(row => row.Select(id => (long)id))];
        return (Tensor.From(sequences, [result.Sequences.Count, result.Sequences[0].Length]), result.NewLogits!);
    }
}
