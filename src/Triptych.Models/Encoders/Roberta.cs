using System.Text.Json.Serialization;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Encoders;

/// <summary>config.json of RoBERTa.</summary>
public sealed record RobertaConfig : BertConfig
{
    /// <summary>The defaults of transformers.</summary>
    public RobertaConfig()
    {
        ModelType = "roberta";
        VocabSize = 50265;
        PadTokenId = 1;
        BosTokenId = 0;
        EosTokenId = 2;
    }

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions => base.Dimensions with { ContextLength = MaxPositionEmbeddings - FirstPosition };

    /// <summary>Positions count from behind the padding token's id, which is the position of padding.</summary>
    internal int FirstPosition => PaddingId + 1;

    internal int PaddingId => PadTokenId ?? 1;

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems() => Dimensions.ContextLength > 0
        ? base.Problems()
        : base.Problems().Append(("max_position_embeddings", $"{MaxPositionEmbeddings} leaves no position behind the padding's ({PaddingId})"));
}

/// <summary>RoBERTa (Liu et al. 2019, arXiv 1907.11692): BERT's network, trained longer and without next sentence prediction.
/// It differs in positions, which skip padding, and in the heads.</summary>
public static class Roberta
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "roberta",
        ConfigType = typeof(RobertaConfig),
        Family = ModelFamily.EncoderOnly,
        BaseModelPrefix = "roberta",
        Objective = "masked language modeling",
        Attention = "bidirectional",
        Norm = "LayerNorm after each residual (post-norm)",
        Positions = "learned absolute, counted without padding",
        Paper = "Liu et al. 2019, arXiv 1907.11692",
        Classes =
        [
            ModelClass.Of<RobertaConfig>("RobertaModel", "feature-extraction", (c, w) => new RobertaModel(c, w, addPooler: w.Has("pooler.dense.weight")), isBase: true),
            ModelClass.Of<RobertaConfig>("RobertaForMaskedLM", "fill-mask", (c, w) => new RobertaForMaskedLM(c, w)),
            ModelClass.Of<RobertaConfig>("RobertaForSequenceClassification", "text-classification", (c, w) => new RobertaForSequenceClassification(c, w)),
            ModelClass.Of<RobertaConfig>("RobertaForTokenClassification", "token-classification", (c, w) => new RobertaForTokenClassification(c, w)),
            ModelClass.Of<RobertaConfig>("RobertaForQuestionAnswering", "question-answering", (c, w) => new RobertaForQuestionAnswering(c, w)),
            ModelClass.Of<RobertaConfig>("RobertaForMultipleChoice", "multiple-choice", (c, w) => new RobertaForMultipleChoice(c, w)),
        ],
        HeadPrefixes = ["lm_head", "classifier", "qa_outputs", "pooler"],
        MapKey = (name, config) => Bert.ModernName(name) switch
        {
            "lm_head.decoder.weight" when config.TieWordEmbeddings => "roberta.embeddings.word_embeddings.weight",
            "lm_head.decoder.bias" when config.TieWordEmbeddings => "lm_head.bias",
            var modern => modern,
        },
    };
}

/// <summary>RoBERTa without a head.</summary>
public sealed class RobertaModel : PretrainedModel
{
    private readonly RobertaConfig config;
    private readonly BertEmbeddings embeddings;
    private readonly BertEncoder encoder;
    private readonly BertPooler? pooler;

    internal RobertaModel(RobertaConfig config, Weights weights, bool addPooler = true)
        : base(config, weights)
    {
        this.config = config;
        embeddings = new BertEmbeddings(config, weights.Sub("embeddings"), config.PaddingId);
        encoder = new BertEncoder(config, weights.Sub("encoder"));
        pooler = addPooler ? new BertPooler(config, weights.Sub("pooler")) : null;
    }

    internal Embedding Words => embeddings.Words;

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var ids = inputs.InputIds!; // [batch, sequence]
        var embedded = embeddings.Forward(ids, inputs.TokenTypeIds, inputs.PositionIds ?? Positions(ids));
        var states = encoder.Forward(embedded, inputs.AttentionMask, inputs.OutputHiddenStates);
        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All, PoolerOutput = pooler?.Forward(states.Current) };
    }

    // Tokens are numbered from behind the padding id, padding itself stays there.
    private Tensor Positions(Tensor ids)
    {
        long[] positions = ids.ToArray<long>();
        int sequence = ids.Shape[1], padding = config.PaddingId, longest = 0;
        for (int row = 0; row < ids.Shape[0]; row++)
        {
            int seen = 0;
            foreach (ref long id in positions.AsSpan(row * sequence, sequence))
                id = id == padding ? padding : padding + ++seen;
            longest = Math.Max(longest, seen);
        }

        InputChecks.CheckLength(longest, config.Dimensions.ContextLength, $"max_position_embeddings - {config.FirstPosition}");
        return Tensor.From(positions, ids.Shape);
    }
}

/// <summary>RoBERTa that fills in masked tokens.</summary>
public sealed class RobertaForMaskedLM : PretrainedModel
{
    private readonly RobertaModel roberta;
    private readonly Linear dense;
    private readonly LayerNorm norm;
    private readonly Linear decoder;

    internal RobertaForMaskedLM(RobertaConfig config, Weights weights)
        : base(config, weights)
    {
        roberta = new RobertaModel(config, weights.Sub("roberta"), addPooler: false);
        var head = weights.Sub("lm_head");
        var bias = head.Get("bias", [config.VocabSize], Init.Zeros);
        dense = new Linear(head.Sub("dense"), config.HiddenSize, config.HiddenSize, config.Init);
        norm = new LayerNorm(head.Sub("layer_norm"), config.HiddenSize, config.LayerNormEps);
        decoder = config.TieWordEmbeddings
            ? new Linear(roberta.Words.Weight, bias)
            : new Linear(head.Sub("decoder"), config.HiddenSize, config.VocabSize, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = roberta.Run(inputs);
        var transformed = norm.Forward(dense.Forward(output.LastHiddenState!, "gelu"));
        var (logits, loss) = Losses.OfHead(decoder, transformed, inputs.Labels, inputs.LossOnly);
        return new ModelOutput { Loss = loss, Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>RoBERTa that classifies a text, or a pair: two layers on the first token instead of a pooler.</summary>
public sealed class RobertaForSequenceClassification : PretrainedModel
{
    private readonly RobertaConfig config;
    private readonly RobertaModel roberta;
    private readonly Linear dense;
    private readonly Linear output;
    private readonly Dropout dropout;

    internal RobertaForSequenceClassification(RobertaConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        roberta = new RobertaModel(config, weights.Sub("roberta"), addPooler: false);
        dense = new Linear(weights.Sub("classifier.dense"), config.HiddenSize, config.HiddenSize, config.Init);
        output = new Linear(weights.Sub("classifier.out_proj"), config.HiddenSize, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.HeadDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var encoded = roberta.Run(inputs);
        var first = dropout.Forward(encoded.LastHiddenState!.Select(1, 0)); // [batch, hidden]
        var logits = output.Forward(dropout.Forward(Tanh(dense.Forward(first)))); // [batch, labels]
        return new ModelOutput { Loss = Losses.Sequence(logits, inputs.Labels, config), Logits = logits, HiddenStates = encoded.HiddenStates };
    }
}

/// <summary>RoBERTa that labels each token.</summary>
public sealed class RobertaForTokenClassification : PretrainedModel
{
    private readonly RobertaModel roberta;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal RobertaForTokenClassification(RobertaConfig config, Weights weights)
        : base(config, weights)
    {
        roberta = new RobertaModel(config, weights.Sub("roberta"), addPooler: false);
        classifier = new Linear(weights.Sub("classifier"), config.HiddenSize, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.HeadDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = roberta.Run(inputs);
        var logits = classifier.Forward(dropout.Forward(output.LastHiddenState!)); // [batch, sequence, labels]
        return new ModelOutput { Loss = Losses.Tokens(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>RoBERTa that marks the answer to a question in a text.</summary>
public sealed class RobertaForQuestionAnswering : PretrainedModel
{
    private readonly RobertaModel roberta;
    private readonly Linear spans;

    internal RobertaForQuestionAnswering(RobertaConfig config, Weights weights)
        : base(config, weights)
    {
        roberta = new RobertaModel(config, weights.Sub("roberta"), addPooler: false);
        spans = new Linear(weights.Sub("qa_outputs"), config.HiddenSize, 2, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = roberta.Run(inputs);
        var logits = spans.Forward(output.LastHiddenState!); // [batch, sequence, 2]
        var (start, end) = (logits.Select(2, 0), logits.Select(2, 1)); // [batch, sequence] each
        var loss = Losses.Span(start, end, inputs.StartPositions, inputs.EndPositions);
        return new ModelOutput { Loss = loss, StartLogits = start, EndLogits = end, HiddenStates = output.HiddenStates };
    }
}

/// <summary>RoBERTa that chooses among several continuations.</summary>
public sealed class RobertaForMultipleChoice : PretrainedModel
{
    private readonly RobertaModel roberta;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal RobertaForMultipleChoice(RobertaConfig config, Weights weights)
        : base(config, weights)
    {
        roberta = new RobertaModel(config, weights.Sub("roberta"));
        classifier = new Linear(weights.Sub("classifier"), config.HiddenSize, 1, config.Init);
        dropout = new Dropout(weights, config.HiddenDropoutProb);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        int choices = Choices.Count(inputs);
        var output = roberta.Run(Choices.Flatten(inputs)); // [batch * choices, sequence, hidden]
        var logits = classifier.Forward(dropout.Forward(output.PoolerOutput!)).Reshape(-1, choices); // [batch, choices]
        return new ModelOutput { Loss = Losses.Rows(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}
