using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>What a search needs of a model: logits of the next token, step after step, for rows that it may copy and exchange.
/// Called inside a tensor scope; logits live until its end.</summary>
internal interface IStepModel : IDisposable
{
    int VocabSize { get; }

    /// <summary>Reads the prompts.</summary>
    /// <returns>Logits after each prompt's last token, <c>[prompts, vocabulary]</c>.</returns>
    Tensor Prefill();

    /// <summary>Makes each row several: row i becomes rows i * copies ... (i + 1) * copies - 1.</summary>
    void Expand(int copies);

    /// <summary>Reads the last token of each row.</summary>
    /// <returns>Logits of the next one, <c>[rows, vocabulary]</c>.</returns>
    Tensor Decode(TokenBuffer tokens);

    /// <summary>Makes row i what row rows[i] was; rows stay with their prompt.</summary>
    void Reorder(ReadOnlySpan<int> rows);
}
