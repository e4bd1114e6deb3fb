using System.Text.Json.Serialization;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Encoders;

/// <summary>config.json of DistilBERT.</summary>
public sealed record DistilBertConfig : ModelConfig
{
    /// <summary>The defaults of transformers.</summary>
    public DistilBertConfig()
    {
        ModelType = "distilbert";
        VocabSize = 30522;
        PadTokenId = 0;
    }

    /// <summary>The longest sequence.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Whether positions are sines that are not trained.</summary>
    public bool SinusoidalPosEmbds { get; init; }

    /// <summary>Layers.</summary>
    public int NLayers { get; init; } = 6;

    /// <summary>Attention heads.</summary>
    public int NHeads { get; init; } = 12;

    /// <summary>The width of the residual stream.</summary>
    public int Dim { get; init; } = 768;

    /// <summary>The width between the two layers of the feed-forward network.</summary>
    public int HiddenDim { get; init; } = 3072;

    /// <summary>Dropout of embeddings and layers.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Dropout of attention weights.</summary>
    public double AttentionDropout { get; init; } = 0.1;

    /// <summary>The activation of the feed-forward network.</summary>
    public string Activation { get; init; } = "gelu";

    /// <summary>The standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Dropout before the question-answering head.</summary>
    public double QaDropout { get; init; } = 0.1;

    /// <summary>Dropout before the sequence-classification head.</summary>
    public double SeqClassifDropout { get; init; } = 0.2;

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions => new(Dim, NLayers, NHeads, NHeads, MaxPositionEmbeddings, CachedLayers: 0);

    internal Init Init => Init.Normal((float)InitializerRange);

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems() =>
        base.Problems().Concat(ActivationFunctions.Problems("activation", Activation));

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, int Value)> Positive() =>
        [("dim", Dim), ("hidden_dim", HiddenDim), ("n_layers", NLayers), ("n_heads", NHeads), ("max_position_embeddings", MaxPositionEmbeddings)];
}

/// <summary>DistilBERT (Sanh et al. 2019, arXiv 1910.01108): BERT with half of the layers and without segments and pooler.</summary>
public static class DistilBert
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "distilbert",
        ConfigType = typeof(DistilBertConfig),
        Family = ModelFamily.EncoderOnly,
        BaseModelPrefix = "distilbert",
        Objective = "masked language modeling, distilled from BERT",
        Attention = "bidirectional",
        Norm = "LayerNorm after each residual (post-norm)",
        Positions = "learned absolute",
        Paper = "Sanh et al. 2019, arXiv 1910.01108",
        Classes =
        [
            ModelClass.Of<DistilBertConfig>("DistilBertModel", "feature-extraction", (c, w) => new DistilBertModel(c, w), isBase: true),
            ModelClass.Of<DistilBertConfig>("DistilBertForMaskedLM", "fill-mask", (c, w) => new DistilBertForMaskedLM(c, w)),
            ModelClass.Of<DistilBertConfig>("DistilBertForSequenceClassification", "text-classification", (c, w) => new DistilBertForSequenceClassification(c, w)),
            ModelClass.Of<DistilBertConfig>("DistilBertForTokenClassification", "token-classification", (c, w) => new DistilBertForTokenClassification(c, w)),
            ModelClass.Of<DistilBertConfig>("DistilBertForQuestionAnswering", "question-answering", (c, w) => new DistilBertForQuestionAnswering(c, w)),
            ModelClass.Of<DistilBertConfig>("DistilBertForMultipleChoice", "multiple-choice", (c, w) => new DistilBertForMultipleChoice(c, w)),
        ],
        HeadPrefixes = ["vocab_transform", "vocab_layer_norm", "vocab_projector", "pre_classifier", "classifier", "qa_outputs"],
        MapKey = (name, config) => name switch
        {
            "vocab_projector.weight" when config.TieWordEmbeddings => "distilbert.embeddings.word_embeddings.weight",
            _ when name.EndsWith("embeddings.position_ids", StringComparison.Ordinal) => null,
            _ => name,
        },
    };
}

/// <summary>The self-attention of a layer.</summary>
internal sealed class DistilBertAttention(DistilBertConfig config, Weights weights)
{
    private readonly Linear query = new(weights.Sub("q_lin"), config.Dim, config.Dim, config.Init);
    private readonly Linear key = new(weights.Sub("k_lin"), config.Dim, config.Dim, config.Init);
    private readonly Linear value = new(weights.Sub("v_lin"), config.Dim, config.Dim, config.Init);
    private readonly Linear output = new(weights.Sub("out_lin"), config.Dim, config.Dim, config.Init);
    private readonly Dropout dropout = new(weights, config.AttentionDropout);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask)
    {
        var (q, k, v) = query.ForwardWith(key, value, hiddenStates);
        var context = ScaledDotProductAttention(
            q.SplitHeads(config.NHeads),
            k.SplitHeads(config.NHeads),
            v.SplitHeads(config.NHeads),
            new AttentionOptions { KeyPaddingMask = attentionMask, Dropout = dropout.Rate, Generator = dropout.Generator });
        return output.Forward(context.MergeHeads());
    }
}

/// <summary>Attention and feed-forward network, each followed by residual and norm.</summary>
internal sealed class DistilBertLayer(DistilBertConfig config, Weights weights)
{
    private readonly DistilBertAttention attention = new(config, weights.Sub("attention"));
    private readonly LayerNorm attentionNorm = new(weights.Sub("sa_layer_norm"), config.Dim, DistilBertModel.NormEpsilon);
    private readonly Linear up = new(weights.Sub("ffn.lin1"), config.Dim, config.HiddenDim, config.Init);
    private readonly Linear down = new(weights.Sub("ffn.lin2"), config.HiddenDim, config.Dim, config.Init);
    private readonly LayerNorm outputNorm = new(weights.Sub("output_layer_norm"), config.Dim, DistilBertModel.NormEpsilon);
    private readonly Dropout dropout = new(weights, config.Dropout);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask)
    {
        using var scope = new TensorScope();
        var attended = attentionNorm.Forward(attention.Forward(hiddenStates, attentionMask), hiddenStates);
        var transformed = dropout.Forward(down.Forward(up.Forward(attended, config.Activation)));
        return scope.Keep(outputNorm.Forward(transformed, attended));
    }
}

/// <summary>DistilBERT without a head.</summary>
public sealed class DistilBertModel : PretrainedModel
{
    internal const double NormEpsilon = 1e-12;

    private readonly DistilBertConfig config;
    private readonly Embedding positions;
    private readonly LayerNorm norm;
    private readonly Dropout dropout;
    private readonly DistilBertLayer[] layers;

    internal DistilBertModel(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        var embeddings = weights.Sub("embeddings");
        Words = new Embedding(embeddings.Sub("word_embeddings"), config.VocabSize, config.Dim, config.InitializerRange, config.PadTokenId);
        positions = new Embedding(embeddings.Sub("position_embeddings"), config.MaxPositionEmbeddings, config.Dim, config.InitializerRange);
        norm = new LayerNorm(embeddings.Sub("LayerNorm"), config.Dim, NormEpsilon);
        dropout = new Dropout(weights, config.Dropout);
        layers = [.. Enumerable.Range(0, config.NLayers).Select(i => new DistilBertLayer(config, weights.Sub("transformer.layer").Sub(i)))];
    }

    internal Embedding Words { get; }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var ids = inputs.InputIds!; // [batch, sequence]
        InputChecks.CheckLength(ids.Shape[1], config.MaxPositionEmbeddings, "max_position_embeddings");
        var positionIds = inputs.PositionIds ?? Tensor.Arange(0, ids.Shape[1]);
        var embedded = dropout.Forward(norm.Forward(Words.Forward(ids) + positions.Forward(positionIds)));
        var states = new HiddenStates(embedded, inputs.OutputHiddenStates);
        foreach (var layer in layers)
            states.Add(layer.Forward(states.Current, inputs.AttentionMask)); // [batch, sequence, dim]
        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All };
    }
}

/// <summary>DistilBERT that fills in masked tokens.</summary>
public sealed class DistilBertForMaskedLM : PretrainedModel
{
    private readonly DistilBertModel distilbert;
    private readonly Linear transform;
    private readonly LayerNorm norm;
    private readonly Linear projector;
    private readonly string activation;

    internal DistilBertForMaskedLM(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        distilbert = new DistilBertModel(config, weights.Sub("distilbert"));
        activation = config.Activation;
        transform = new Linear(weights.Sub("vocab_transform"), config.Dim, config.Dim, config.Init);
        norm = new LayerNorm(weights.Sub("vocab_layer_norm"), config.Dim, DistilBertModel.NormEpsilon);
        var output = weights.Sub("vocab_projector");
        projector = new Linear(
            config.TieWordEmbeddings ? distilbert.Words.Weight : output.Get("weight", [config.VocabSize, config.Dim], config.Init),
            output.Get("bias", [config.VocabSize], Init.Zeros));
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = distilbert.Run(inputs);
        var transformed = norm.Forward(transform.Forward(output.LastHiddenState!, activation));
        var (logits, loss) = Losses.OfHead(projector, transformed, inputs.Labels, inputs.LossOnly);
        return new ModelOutput { Loss = loss, Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>DistilBERT that classifies a text, or a pair.</summary>
public sealed class DistilBertForSequenceClassification : PretrainedModel
{
    private readonly DistilBertConfig config;
    private readonly DistilBertModel distilbert;
    private readonly Linear preClassifier;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal DistilBertForSequenceClassification(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        distilbert = new DistilBertModel(config, weights.Sub("distilbert"));
        preClassifier = new Linear(weights.Sub("pre_classifier"), config.Dim, config.Dim, config.Init);
        classifier = new Linear(weights.Sub("classifier"), config.Dim, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.SeqClassifDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = distilbert.Run(inputs);
        var pooled = dropout.Forward(Relu(preClassifier.Forward(output.LastHiddenState!.Select(1, 0)))); // [batch, dim]
        var logits = classifier.Forward(pooled); // [batch, labels]
        return new ModelOutput { Loss = Losses.Sequence(logits, inputs.Labels, config), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>DistilBERT that labels each token.</summary>
public sealed class DistilBertForTokenClassification : PretrainedModel
{
    private readonly DistilBertModel distilbert;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal DistilBertForTokenClassification(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        distilbert = new DistilBertModel(config, weights.Sub("distilbert"));
        classifier = new Linear(weights.Sub("classifier"), config.Dim, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.Dropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = distilbert.Run(inputs);
        var logits = classifier.Forward(dropout.Forward(output.LastHiddenState!)); // [batch, sequence, labels]
        return new ModelOutput { Loss = Losses.Tokens(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}

/// <summary>DistilBERT that marks the answer to a question in a text.</summary>
public sealed class DistilBertForQuestionAnswering : PretrainedModel
{
    private readonly DistilBertModel distilbert;
    private readonly Linear spans;
    private readonly Dropout dropout;

    internal DistilBertForQuestionAnswering(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        distilbert = new DistilBertModel(config, weights.Sub("distilbert"));
        spans = new Linear(weights.Sub("qa_outputs"), config.Dim, 2, config.Init);
        dropout = new Dropout(weights, config.QaDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = distilbert.Run(inputs);
        var logits = spans.Forward(dropout.Forward(output.LastHiddenState!)); // [batch, sequence, 2]
        var (start, end) = (logits.Select(2, 0), logits.Select(2, 1)); // [batch, sequence] each
        var loss = Losses.Span(start, end, inputs.StartPositions, inputs.EndPositions);
        return new ModelOutput { Loss = loss, StartLogits = start, EndLogits = end, HiddenStates = output.HiddenStates };
    }
}

/// <summary>DistilBERT that chooses among several continuations.</summary>
public sealed class DistilBertForMultipleChoice : PretrainedModel
{
    private readonly DistilBertModel distilbert;
    private readonly Linear preClassifier;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal DistilBertForMultipleChoice(DistilBertConfig config, Weights weights)
        : base(config, weights)
    {
        distilbert = new DistilBertModel(config, weights.Sub("distilbert"));
        preClassifier = new Linear(weights.Sub("pre_classifier"), config.Dim, config.Dim, config.Init);
        classifier = new Linear(weights.Sub("classifier"), config.Dim, 1, config.Init);
        dropout = new Dropout(weights, config.SeqClassifDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        int choices = Choices.Count(inputs);
        var output = distilbert.Run(Choices.Flatten(inputs)); // [batch * choices, sequence, dim]
        var pooled = dropout.Forward(Relu(preClassifier.Forward(output.LastHiddenState!.Select(1, 0))));
        var logits = classifier.Forward(pooled).Reshape(-1, choices); // [batch, choices]
        return new ModelOutput { Loss = Losses.Rows(logits, inputs.Labels), Logits = logits, HiddenStates = output.HiddenStates };
    }
}
