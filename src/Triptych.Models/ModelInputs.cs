using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>The arguments of a model, under transformers' names. Each model takes those that it knows; null is absent.</summary>
public sealed record ModelInputs
{
    /// <summary>Token ids, [batch, sequence] Int64 ([batch, choices, sequence] for multiple choice).</summary>
    public Tensor? InputIds { get; init; }

    /// <summary>1 for tokens, 0 for padding, [batch, sequence] Int64; with a cache [batch, cached + sequence]. All tokens if absent.</summary>
    public Tensor? AttentionMask { get; init; }

    /// <summary>The segment of each token, like <see cref="InputIds"/>.</summary>
    public Tensor? TokenTypeIds { get; init; }

    /// <summary>The position of each token, like <see cref="InputIds"/>.</summary>
    public Tensor? PositionIds { get; init; }

    /// <summary>Token ids of the decoder, [batch, target] Int64.</summary>
    public Tensor? DecoderInputIds { get; init; }

    /// <summary>1 for tokens, 0 for padding of the decoder, [batch, target] Int64; with a cache [batch, cached + target].</summary>
    public Tensor? DecoderAttentionMask { get; init; }

    /// <summary>What the loss is computed against; -100 is ignored. [batch, sequence] Int64 for language models and token classification,
    /// [batch] Int64 for sequence classification and multiple choice ([batch, labels] or [batch] Float32 for several labels and regression).</summary>
    public Tensor? Labels { get; init; }

    /// <summary>0 where the second segment follows the first, 1 where it does not, [batch] Int64.</summary>
    public Tensor? NextSentenceLabel { get; init; }

    /// <summary>The first token of each answer, [batch] Int64.</summary>
    public Tensor? StartPositions { get; init; }

    /// <summary>The last token of each answer, [batch] Int64.</summary>
    public Tensor? EndPositions { get; init; }

    /// <summary>What the encoder gave earlier for the same input, so that it isn't run again at each decoding step.</summary>
    public ModelOutput? EncoderOutput { get; init; }

    /// <summary>Keys and values of earlier tokens, to which this call adds its own.</summary>
    public ModelCache? Cache { get; init; }

    /// <summary>Whether to return the hidden states of every layer.</summary>
    public bool OutputHiddenStates { get; init; }

    /// <summary>Computes the logits of the last token only: [batch, 1, vocabulary]. A decoder with a cache then reads a long prompt in pieces.</summary>
    public bool LastLogitsOnly { get; init; }

    /// <summary>Asks a language model for its loss alone: it then makes no logits. Other models take no notice.</summary>
    internal LossOnly? LossOnly { get; init; }

    /// <summary>Sets an argument by its transformers name, such as <c>input_ids</c>.</summary>
    /// <exception cref="ArgumentException">There is no such argument.</exception>
    public ModelInputs With(string name, Tensor value) => name switch
    {
        "input_ids" => this with { InputIds = value },
        "attention_mask" => this with { AttentionMask = value },
        "token_type_ids" => this with { TokenTypeIds = value },
        "position_ids" => this with { PositionIds = value },
        "decoder_input_ids" => this with { DecoderInputIds = value },
        "decoder_attention_mask" => this with { DecoderAttentionMask = value },
        "labels" => this with { Labels = value },
        "next_sentence_label" => this with { NextSentenceLabel = value },
        "start_positions" => this with { StartPositions = value },
        "end_positions" => this with { EndPositions = value },
        _ => throw new ArgumentException($"no model input is named '{name}'", nameof(name)),
    };
}

/// <summary>Which loss is wanted.</summary>
/// <param name="Targets">The class of each row of logits, [batch, sequence] Int64; -100 is ignored. Null for the model's own loss of
/// <see cref="ModelInputs.Labels"/>.</param>
/// <param name="LabelSmoothing">The share of the target that is spread over all classes.</param>
internal sealed record LossOnly(Tensor? Targets = null, float LabelSmoothing = 0);
