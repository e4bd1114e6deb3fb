using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>Greedy decoding for <see cref="ForwardRunner"/>.</summary>
public static class GreedyDecoder
{
    /// <summary>The new tokens of the reference outputs.</summary>
    public const int DefaultNewTokens = 16;

    /// <summary>Decodes up to a number of tokens, fewer where all rows end.</summary>
    /// <param name="model">A model that generates.</param>
    /// <param name="inputs">The prompt: ids, and the mask where there is padding.</param>
    /// <param name="newTokens">The most tokens to decode.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>All ids, <c>[batch, length]</c> Int64, and the logits of each new token before any processor, <c>[batch, new, vocabulary]</c>.</returns>
    /// <exception cref="ArgumentException">The inputs have no ids, or the model does not generate.</exception>
    public static (Tensor Sequences, Tensor NewLogits) Decode(
        PretrainedModel model, ModelInputs inputs, int newTokens = DefaultNewTokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var ids = inputs.InputIds ?? throw new ArgumentException("input_ids are missing", nameof(inputs));
        var options = new GenerationOptions { MaxNewTokens = newTokens, DoSample = false, NumBeams = 1, OutputLogits = true };
        var result = new TextGenerator(model).Generate(ids, inputs.AttentionMask, options, cancellationToken);
        long[] sequences = [.. result.Sequences.SelectMany(row => row.Select(id => (long)id))];
        return (Tensor.From(sequences, [result.Sequences.Count, result.Sequences[0].Length]), result.NewLogits!);
    }
}
