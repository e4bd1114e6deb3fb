using Triptych.Models.Layers;

namespace Triptych.Models.Decoders;

/// <summary>A decoder without a head.</summary>
public abstract class DecoderModel : PretrainedModel
{
    private protected DecoderModel(ModelConfig config, Weights weights)
        : base(config, weights)
    {
    }

    /// <summary>The table of token embeddings, which a language-model head may share.</summary>
    internal abstract Embedding Words { get; }
}

/// <summary>A decoder that predicts the next token.</summary>
public sealed class DecoderForCausalLM : PretrainedModel
{
    private readonly DecoderModel model;
    private readonly Linear head;

    internal DecoderForCausalLM(ModelConfig config, Weights weights, DecoderModel model, Init init)
        : base(config, weights)
    {
        this.model = model;
        head = config.TieWordEmbeddings
            ? new Linear(model.Words.Weight, bias: null)
            : new Linear(weights.Sub("lm_head"), config.Dimensions.HiddenSize, config.VocabSize, init, bias: false);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = model.Run(inputs);
        var hiddenStates = output.LastHiddenState!;
        if (inputs.LastLogitsOnly)
            hiddenStates = hiddenStates.Slice(1, hiddenStates.Shape[1] - 1, 1);
        var labels = Losses.OfNextToken(inputs.Labels, hiddenStates);
        var (logits, loss) = Losses.OfHead(head, hiddenStates, labels, inputs.LossOnly);
        return new ModelOutput { Loss = loss, Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>A decoder that classifies a text by its last token.</summary>
public sealed class DecoderForSequenceClassification : PretrainedModel
{
    private readonly DecoderModel model;
    private readonly Linear score;

    internal DecoderForSequenceClassification(ModelConfig config, Weights weights, DecoderModel model, Init init)
        : base(config, weights)
    {
        this.model = model;
        score = new Linear(weights.Sub("score"), config.Dimensions.HiddenSize, config.NumLabels, init, bias: false);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        int[] last = TokenSelection.EndOfText(inputs.InputIds!, Config.PadTokenId);
        var output = model.Run(inputs);
        var logits = score.Forward(output.LastHiddenState!.SelectTokens(last)); // [batch, labels]
        return new ModelOutput { Loss = Losses.Sequence(logits, inputs.Labels, Config), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>A decoder that labels each token.</summary>
public sealed class DecoderForTokenClassification : PretrainedModel
{
    private readonly DecoderModel model;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    /// <param name="config">The configuration.</param>
    /// <param name="weights">Those of the model with its head.</param>
    /// <param name="model">The decoder.</param>
    /// <param name="init">How the head starts.</param>
    /// <param name="name">The head's name in the checkpoint.</param>
    /// <param name="dropout">Before the head.</param>
    internal DecoderForTokenClassification(ModelConfig config, Weights weights, DecoderModel model, Init init, string name, double dropout)
        : base(config, weights)
    {
        this.model = model;
        classifier = new Linear(weights.Sub(name), config.Dimensions.HiddenSize, config.NumLabels, init);
        this.dropout = new Dropout(weights, dropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = model.Run(inputs);
        var logits = classifier.Forward(dropout.Forward(output.LastHiddenState!)); // [batch, sequence, labels]
        return new ModelOutput { Loss = Losses.Tokens(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>A decoder that marks the answer to a question in a text.</summary>
public sealed class DecoderForQuestionAnswering : PretrainedModel
{
    private readonly DecoderModel model;
    private readonly Linear spans;

    internal DecoderForQuestionAnswering(ModelConfig config, Weights weights, DecoderModel model, Init init)
        : base(config, weights)
    {
        this.model = model;
        spans = new Linear(weights.Sub("qa_outputs"), config.Dimensions.HiddenSize, 2, init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = model.Run(inputs);
        var logits = spans.Forward(output.LastHiddenState!); // [batch, sequence, 2]
        var (start, end) = (logits.Select(2, 0), logits.Select(2, 1)); // [batch, sequence] each
        var loss = Losses.Span(start, end, inputs.StartPositions, inputs.EndPositions);
        return new ModelOutput { Loss = loss, StartLogits = start, EndLogits = end, HiddenStates = output.HiddenStates };
    }
}
