using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>
/// Runs what works on each token by itself over blocks of tokens, so that what a wide layer makes in between is never there for
/// all of a long prompt at once.
/// </summary>
internal static class TokenBlocks
{
    /// <summary>Enough rows for products at full speed.</summary>
    private const int MaxTokens = 1024;

    /// <summary>Whether there are more tokens than a block has, and nothing is kept for a backward pass.</summary>
    public static bool Pays(Tensor x) => x.Count / x.Shape[x.Rank - 1] > MaxTokens && !Autograd.IsEnabled;

    /// <param name="x"><c>[batch, sequence, hidden]</c>.</param>
    /// <param name="step">From <c>[tokens, hidden]</c> to the same shape.</param>
    /// <returns><c>[batch, sequence, hidden]</c>.</returns>
    public static Tensor Run(Tensor x, Func<Tensor, Tensor> step)
    {
        int width = x.Shape[x.Rank - 1], tokens = checked((int)(x.Count / width));
        var rows = x.Contiguous().Reshape(tokens, width);
        var result = Tensor.Empty(rows.Shape, x.DType);
        for (int start = 0; start < tokens; start += MaxTokens)
        {
            int count = Math.Min(MaxTokens, tokens - start);
            using var scope = new TensorScope();
            result.Slice(0, start, count).CopyFrom(step(rows.Slice(0, start, count)));
        }

        return result.Reshape(x.Shape);
    }
}
