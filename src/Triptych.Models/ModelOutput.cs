using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>What a model returns, under transformers' names; null is absent.</summary>
public sealed record ModelOutput
{
    /// <summary>The loss against the labels that were given, a scalar.</summary>
    public Tensor? Loss { get; init; }

    /// <summary>[batch, sequence, vocabulary] of language models, [batch, labels], [batch, sequence, labels] or [batch, choices] of classifiers.</summary>
    public Tensor? Logits { get; init; }

    /// <summary>The last layer's states, [batch, sequence, hidden]; of the decoder where there are two stacks.</summary>
    public Tensor? LastHiddenState { get; init; }

    /// <summary>The first token's state after the pooler, [batch, hidden].</summary>
    public Tensor? PoolerOutput { get; init; }

    /// <summary>The embeddings' and each layer's states, [batch, sequence, hidden].</summary>
    public IReadOnlyList<Tensor>? HiddenStates { get; init; }

    /// <summary>How likely an answer starts at each token, [batch, sequence].</summary>
    public Tensor? StartLogits { get; init; }

    /// <summary>How likely an answer ends at each token, [batch, sequence].</summary>
    public Tensor? EndLogits { get; init; }

    /// <summary>Pre-training: logits of the masked tokens, [batch, sequence, vocabulary].</summary>
    public Tensor? PredictionLogits { get; init; }

    /// <summary>Pre-training: logits of whether the second segment follows, [batch, 2].</summary>
    public Tensor? SeqRelationshipLogits { get; init; }

    /// <summary>The encoder's last states, [batch, sequence, hidden].</summary>
    public Tensor? EncoderLastHiddenState { get; init; }

    /// <summary>The states of the encoder's embeddings and layers.</summary>
    public IReadOnlyList<Tensor>? EncoderHiddenStates { get; init; }

    /// <summary>The states of the decoder's embeddings and layers.</summary>
    public IReadOnlyList<Tensor>? DecoderHiddenStates { get; init; }

    /// <summary>All tensors by their transformers names, such as <c>hidden_states.0</c>.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Fields()
    {
        (string Name, Tensor? Tensor)[] single =
        [
            ("loss", Loss), ("logits", Logits), ("last_hidden_state", LastHiddenState), ("pooler_output", PoolerOutput),
            ("start_logits", StartLogits), ("end_logits", EndLogits), ("prediction_logits", PredictionLogits),
            ("seq_relationship_logits", SeqRelationshipLogits), ("encoder_last_hidden_state", EncoderLastHiddenState),
        ];
        foreach (var (name, tensor) in single)
        {
            if (tensor is not null)
                yield return (name, tensor);
        }

        (string Name, IReadOnlyList<Tensor>? Tensors)[] lists =
        [
            ("hidden_states", HiddenStates), ("encoder_hidden_states", EncoderHiddenStates), ("decoder_hidden_states", DecoderHiddenStates),
        ];
        foreach (var (name, tensors) in lists)
        {
            for (int i = 0; i < tensors?.Count; i++)
                yield return ($"{name}.{i}", tensors[i]);
        }
    }

    /// <summary>Takes the tensors out of a scope.</summary>
    internal ModelOutput KeepIn(TensorScope scope)
    {
        foreach (var (_, tensor) in Fields())
            scope.Keep(tensor);
        return this;
    }
}
