using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>What a generation gave. Rows are in the order of the prompts, those of one prompt next to each other, the best first.</summary>
public sealed record GenerationResult
{
    /// <summary>The tokens of each row, the prompt (or the decoder's start token) included, <c>[rows, sequence]</c>; rows that
    /// ended early are filled up with the padding token.</summary>
    public required IReadOnlyList<int[]> Sequences { get; init; }

    /// <summary>How many tokens of each row are prompt.</summary>
    public required int PromptLength { get; init; }

    /// <summary>How many tokens of each row were generated, the end-of-sequence token included and padding not.</summary>
    public required IReadOnlyList<int> NewTokens { get; init; }

    /// <summary>Beam search: the sum of each row's log-probabilities over its length to the power of the length penalty.</summary>
    public IReadOnlyList<float>? SequencesScores { get; init; }

    /// <summary>Beam search: which row each token's beam continued, <c>[rows, new tokens]</c>; -1 after the end.</summary>
    public IReadOnlyList<int[]>? BeamIndices { get; init; }

    /// <summary>The logits of each new token before any processor, <c>[rows, new tokens, vocabulary]</c>, when
    /// <see cref="GenerationOptions.OutputLogits"/> asks for them; without beams only.</summary>
    public Tensor? NewLogits { get; init; }

    /// <summary>The generated tokens of a row, without the prompt and without padding.</summary>
    public ReadOnlySpan<int> Generated(int row) => Sequences[row].AsSpan(PromptLength, NewTokens[row]);
}
