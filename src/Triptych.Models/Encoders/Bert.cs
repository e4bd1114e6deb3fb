using System.Text.Json.Serialization;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Encoders;

/// <summary>config.json of BERT, and of the models that share its layers.</summary>
public record BertConfig : ModelConfig
{
    /// <summary>The defaults of transformers.</summary>
    public BertConfig()
    {
        ModelType = "bert";
        VocabSize = 30522;
        PadTokenId = 0;
    }

    /// <summary>The width of the residual stream.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Layers.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    public int NumAttentionHeads { get; init; } = 12;

    /// <summary>The width between the two layers of the feed-forward network.</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>The activation of the feed-forward network.</summary>
    public string HiddenAct { get; init; } = "gelu";

    /// <summary>Dropout of embeddings and layers.</summary>
    public double HiddenDropoutProb { get; init; } = 0.1;

    /// <summary>Dropout of attention weights.</summary>
    public double AttentionProbsDropoutProb { get; init; } = 0.1;

    /// <summary>Dropout before a classification head; <see cref="HiddenDropoutProb"/> if absent.</summary>
    public double? ClassifierDropout { get; init; }

    /// <summary>The rows of the table of positions.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Segments.</summary>
    public int TypeVocabSize { get; init; } = 2;

    /// <summary>The standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Added to the variance in layer norms.</summary>
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Whether attention is causal; not supported.</summary>
    public bool IsDecoder { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions =>
        new(HiddenSize, NumHiddenLayers, NumAttentionHeads, NumAttentionHeads, MaxPositionEmbeddings, CachedLayers: 0);

    internal Init Init => Init.Normal((float)InitializerRange);

    internal double HeadDropout => ClassifierDropout ?? HiddenDropoutProb;

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems()
    {
        var problems = base.Problems().Concat(ActivationFunctions.Problems("hidden_act", HiddenAct));
        if (IsDecoder)
            problems = problems.Append(("is_decoder", $"{ModelType} as a decoder is not supported"));
        if (Extra?["position_embedding_type"]?.ToString() is { } type and not "absolute")
            problems = problems.Append(("position_embedding_type", $"'{type}' is not supported, only absolute positions"));
        return problems;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, int Value)> Positive() =>
    [
        ("hidden_size", HiddenSize), ("num_hidden_layers", NumHiddenLayers), ("num_attention_heads", NumAttentionHeads),
        ("intermediate_size", IntermediateSize), ("max_position_embeddings", MaxPositionEmbeddings), ("type_vocab_size", TypeVocabSize),
    ];
}

/// <summary>BERT (Devlin et al. 2018, arXiv 1810.04805): the encoder of the first Transformer, trained to fill in masked tokens.</summary>
public static class Bert
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "bert",
        ConfigType = typeof(BertConfig),
        Family = ModelFamily.EncoderOnly,
        BaseModelPrefix = "bert",
        Objective = "masked language modeling and next sentence prediction",
        Attention = "bidirectional",
        Norm = "LayerNorm after each residual (post-norm)",
        Positions = "learned absolute",
        Paper = "Devlin et al. 2018, arXiv 1810.04805",
        Classes =
        [
            ModelClass.Of<BertConfig>("BertModel", "feature-extraction", (c, w) => new BertModel(c, w, addPooler: w.Has("pooler.dense.weight")), isBase: true),
            ModelClass.Of<BertConfig>("BertForMaskedLM", "fill-mask", (c, w) => new BertForMaskedLM(c, w)),
            ModelClass.Of<BertConfig>("BertForPreTraining", null, (c, w) => new BertForPreTraining(c, w)),
            ModelClass.Of<BertConfig>("BertForNextSentencePrediction", "next-sentence-prediction", (c, w) => new BertForNextSentencePrediction(c, w)),
            ModelClass.Of<BertConfig>("BertForSequenceClassification", "text-classification", (c, w) => new BertForSequenceClassification(c, w)),
            ModelClass.Of<BertConfig>("BertForTokenClassification", "token-classification", (c, w) => new BertForTokenClassification(c, w)),
            ModelClass.Of<BertConfig>("BertForQuestionAnswering", "question-answering", (c, w) => new BertForQuestionAnswering(c, w)),
            ModelClass.Of<BertConfig>("BertForMultipleChoice", "multiple-choice", (c, w) => new BertForMultipleChoice(c, w)),
        ],
        HeadPrefixes = ["cls", "classifier", "qa_outputs", "pooler"],
        MapKey = (name, config) => ModernName(name) switch
        {
            "cls.predictions.decoder.weight" when config.TieWordEmbeddings => "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.bias" when config.TieWordEmbeddings => "cls.predictions.bias",
            var modern => modern,
        },
    };

    /// <summary>The checkpoints of 2018 have the norms' parameters under TensorFlow's names, and position numbers as a tensor.</summary>
    internal static string? ModernName(string name) =>
        name.EndsWith("embeddings.position_ids", StringComparison.Ordinal) ? null
        : name.EndsWith("LayerNorm.gamma", StringComparison.Ordinal) ? name[..^"gamma".Length] + "weight"
        : name.EndsWith("LayerNorm.beta", StringComparison.Ordinal) ? name[..^"beta".Length] + "bias"
        : name;
}

/// <summary>The self-attention of a layer.</summary>
internal sealed class BertSelfAttention(BertConfig config, Weights weights)
{
    private readonly Linear query = new(weights.Sub("query"), config.HiddenSize, config.HiddenSize, config.Init);
    private readonly Linear key = new(weights.Sub("key"), config.HiddenSize, config.HiddenSize, config.Init);
    private readonly Linear value = new(weights.Sub("value"), config.HiddenSize, config.HiddenSize, config.Init);
    private readonly Dropout dropout = new(weights, config.AttentionProbsDropoutProb);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask)
    {
        int heads = config.NumAttentionHeads;
        var (q, k, v) = query.ForwardWith(key, value, hiddenStates); // [batch, sequence, hidden]
        return ScaledDotProductAttention(
            q.SplitHeads(heads), // [batch, heads, sequence, headDim]
            k.SplitHeads(heads),
            v.SplitHeads(heads),
            new AttentionOptions { KeyPaddingMask = attentionMask, Dropout = dropout.Rate, Generator = dropout.Generator }).MergeHeads();
    }
}

/// <summary>What follows attention and feed-forward network alike: a linear layer, dropout, the residual and its norm.</summary>
internal sealed class BertOutput(BertConfig config, Weights weights, int inFeatures)
{
    private readonly Linear dense = new(weights.Sub("dense"), inFeatures, config.HiddenSize, config.Init);
    private readonly LayerNorm norm = new(weights.Sub("LayerNorm"), config.HiddenSize, config.LayerNormEps);
    private readonly Dropout dropout = new(weights, config.HiddenDropoutProb);

    public Tensor Forward(Tensor x, Tensor residual) => norm.Forward(dropout.Forward(dense.Forward(x)), residual);
}

/// <summary>Attention and feed-forward network.</summary>
internal sealed class BertLayer(BertConfig config, Weights weights)
{
    private readonly BertSelfAttention attention = new(config, weights.Sub("attention.self"));
    private readonly BertOutput attentionOutput = new(config, weights.Sub("attention.output"), config.HiddenSize);
    private readonly Linear intermediate = new(weights.Sub("intermediate.dense"), config.HiddenSize, config.IntermediateSize, config.Init);
    private readonly BertOutput output = new(config, weights.Sub("output"), config.IntermediateSize);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask)
    {
        using var scope = new TensorScope();
        var attended = attentionOutput.Forward(attention.Forward(hiddenStates, attentionMask), hiddenStates);
        return scope.Keep(output.Forward(intermediate.Forward(attended, config.HiddenAct), attended));
    }
}

/// <summary>The embeddings of tokens, positions and segments, summed and normalized.</summary>
internal sealed class BertEmbeddings(BertConfig config, Weights weights, int? paddingPosition = null)
{
    private readonly Embedding words = new(weights.Sub("word_embeddings"), config.VocabSize, config.HiddenSize, config.InitializerRange, config.PadTokenId);
    private readonly Embedding positions =
        new(weights.Sub("position_embeddings"), config.MaxPositionEmbeddings, config.HiddenSize, config.InitializerRange, paddingPosition);

    private readonly Embedding segments = new(weights.Sub("token_type_embeddings"), config.TypeVocabSize, config.HiddenSize, config.InitializerRange);
    private readonly LayerNorm norm = new(weights.Sub("LayerNorm"), config.HiddenSize, config.LayerNormEps);
    private readonly Dropout dropout = new(weights, config.HiddenDropoutProb);

    public Embedding Words => words;

    public Tensor Forward(Tensor inputIds, Tensor? tokenTypeIds, Tensor positionIds)
    {
        var segment = segments.Forward(tokenTypeIds ?? Tensor.Zeros([inputIds.Shape[1]], DType.Int64));
        return dropout.Forward(norm.Forward(words.Forward(inputIds) + positions.Forward(positionIds) + segment));
    }
}

/// <summary>The layers one after another.</summary>
internal sealed class BertEncoder(BertConfig config, Weights weights)
{
    private readonly BertLayer[] layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new BertLayer(config, weights.Sub("layer").Sub(i)))];

    public HiddenStates Forward(Tensor embedded, Tensor? attentionMask, bool collect)
    {
        var states = new HiddenStates(embedded, collect);
        foreach (var layer in layers)
            states.Add(layer.Forward(states.Current, attentionMask)); // [batch, sequence, hidden]
        return states;
    }
}

/// <summary>The first token's state through a linear layer and tanh.</summary>
internal sealed class BertPooler(BertConfig config, Weights weights)
{
    private readonly Linear dense = new(weights.Sub("dense"), config.HiddenSize, config.HiddenSize, config.Init);

    public Tensor Forward(Tensor hiddenStates) => dense.Forward(hiddenStates.Select(1, 0), "tanh");
}

/// <summary>BERT without a head.</summary>
public sealed class BertModel : PretrainedModel
{
    private readonly BertConfig config;
    private readonly BertEmbeddings embeddings;
    private readonly BertEncoder encoder;
    private readonly BertPooler? pooler;

    internal BertModel(BertConfig config, Weights weights, bool addPooler = true)
        : base(config, weights)
    {
        this.config = config;
        embeddings = new BertEmbeddings(config, weights.Sub("embeddings"));
        encoder = new BertEncoder(config, weights.Sub("encoder"));
        pooler = addPooler ? new BertPooler(config, weights.Sub("pooler")) : null;
    }

    internal Embedding Words => embeddings.Words;

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var ids = inputs.InputIds!; // [batch, sequence]
        InputChecks.CheckLength(ids.Shape[1], config.MaxPositionEmbeddings, "max_position_embeddings");
        var embedded = embeddings.Forward(ids, inputs.TokenTypeIds, inputs.PositionIds ?? Tensor.Arange(0, ids.Shape[1]));
        var states = encoder.Forward(embedded, inputs.AttentionMask, inputs.OutputHiddenStates);
        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All, PoolerOutput = pooler?.Forward(states.Current) };
    }
}

/// <summary>From hidden states to logits of the vocabulary, through one more layer; the output matrix is the word embedding.</summary>
internal sealed class BertMaskedHead
{
    private readonly Linear transform;
    private readonly LayerNorm norm;
    private readonly Linear decoder;
    private readonly string activation;

    public BertMaskedHead(BertConfig config, Weights weights, Embedding words)
    {
        activation = config.HiddenAct;
        var bias = weights.Get("bias", [config.VocabSize], Init.Zeros);
        transform = new Linear(weights.Sub("transform.dense"), config.HiddenSize, config.HiddenSize, config.Init);
        norm = new LayerNorm(weights.Sub("transform.LayerNorm"), config.HiddenSize, config.LayerNormEps);
        decoder = config.TieWordEmbeddings
            ? new Linear(words.Weight, bias)
            : new Linear(weights.Sub("decoder"), config.HiddenSize, config.VocabSize, config.Init);
    }

    public (Tensor? Logits, Tensor? Loss) Forward(Tensor hiddenStates, Tensor? labels, LossOnly? lossOnly) =>
        Losses.OfHead(decoder, norm.Forward(transform.Forward(hiddenStates, activation)), labels, lossOnly);
}

/// <summary>BERT that fills in masked tokens.</summary>
public sealed class BertForMaskedLM : PretrainedModel
{
    private readonly BertModel bert;
    private readonly BertMaskedHead predictions;

    internal BertForMaskedLM(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"), addPooler: false);
        predictions = new BertMaskedHead(config, weights.Sub("cls.predictions"), bert.Words);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var (logits, loss) = predictions.Forward(output.LastHiddenState!, inputs.Labels, inputs.LossOnly);
        return new ModelOutput { Loss = loss, Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT with both heads of its pre-training.</summary>
public sealed class BertForPreTraining : PretrainedModel
{
    private readonly BertModel bert;
    private readonly BertMaskedHead predictions;
    private readonly Linear nextSentence;

    internal BertForPreTraining(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"));
        predictions = new BertMaskedHead(config, weights.Sub("cls.predictions"), bert.Words);
        nextSentence = new Linear(weights.Sub("cls.seq_relationship"), config.HiddenSize, 2, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var labels = inputs.NextSentenceLabel is null ? null : inputs.Labels;
        var lossOnly = inputs.LossOnly?.Targets is null ? inputs.LossOnly : null; // targets don't say whether the next sentence follows
        var (logits, masked) = predictions.Forward(output.LastHiddenState!, labels, lossOnly);
        var relation = nextSentence.Forward(output.PoolerOutput!); // [batch, 2]
        var loss = masked is null ? null : masked + Losses.Rows(relation, inputs.NextSentenceLabel, "next_sentence_label")!;
        return new ModelOutput { Loss = loss, PredictionLogits = logits, SeqRelationshipLogits = relation, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT that tells whether one text follows another.</summary>
public sealed class BertForNextSentencePrediction : PretrainedModel
{
    private readonly BertModel bert;
    private readonly Linear nextSentence;

    internal BertForNextSentencePrediction(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"));
        nextSentence = new Linear(weights.Sub("cls.seq_relationship"), config.HiddenSize, 2, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var logits = nextSentence.Forward(output.PoolerOutput!); // [batch, 2]
        var loss = Losses.Rows(logits, inputs.Labels ?? inputs.NextSentenceLabel);
        return new ModelOutput { Loss = loss, Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT that classifies a text, or a pair.</summary>
public sealed class BertForSequenceClassification : PretrainedModel
{
    private readonly BertConfig config;
    private readonly BertModel bert;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal BertForSequenceClassification(BertConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        bert = new BertModel(config, weights.Sub("bert"));
        classifier = new Linear(weights.Sub("classifier"), config.HiddenSize, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.HeadDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var logits = classifier.Forward(dropout.Forward(output.PoolerOutput!)); // [batch, labels]
        return new ModelOutput { Loss = Losses.Sequence(logits, inputs.Labels, config), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT that labels each token.</summary>
public sealed class BertForTokenClassification : PretrainedModel
{
    private readonly BertModel bert;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal BertForTokenClassification(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"), addPooler: false);
        classifier = new Linear(weights.Sub("classifier"), config.HiddenSize, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.HeadDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var logits = classifier.Forward(dropout.Forward(output.LastHiddenState!)); // [batch, sequence, labels]
        return new ModelOutput { Loss = Losses.Tokens(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT that marks the answer to a question in a text.</summary>
public sealed class BertForQuestionAnswering : PretrainedModel
{
    private readonly BertModel bert;
    private readonly Linear spans;

    internal BertForQuestionAnswering(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"), addPooler: false);
        spans = new Linear(weights.Sub("qa_outputs"), config.HiddenSize, 2, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = bert.Run(inputs);
        var logits = spans.Forward(output.LastHiddenState!); // [batch, sequence, 2]
        var (start, end) = (logits.Select(2, 0), logits.Select(2, 1)); // [batch, sequence] each
        var loss = Losses.Span(start, end, inputs.StartPositions, inputs.EndPositions);
        return new ModelOutput { Loss = loss, StartLogits = start, EndLogits = end, HiddenStates = output.HiddenStates };
    }
}

/// <summary>BERT that chooses among several continuations.</summary>
public sealed class BertForMultipleChoice : PretrainedModel
{
    private readonly BertModel bert;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal BertForMultipleChoice(BertConfig config, Weights weights)
        : base(config, weights)
    {
        bert = new BertModel(config, weights.Sub("bert"));
        classifier = new Linear(weights.Sub("classifier"), config.HiddenSize, 1, config.Init);
        dropout = new Dropout(weights, config.HeadDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        int choices = Choices.Count(inputs);
        var output = bert.Run(Choices.Flatten(inputs)); // [batch * choices, sequence, hidden]
        var logits = classifier.Forward(dropout.Forward(output.PoolerOutput!)).Reshape(-1, choices); // [batch, choices]
        return new ModelOutput { Loss = Losses.Rows(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}
