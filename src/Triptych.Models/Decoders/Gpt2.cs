using System.Text.Json.Serialization;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Decoders;

/// <summary>config.json of GPT-2.</summary>
public sealed record Gpt2Config : ModelConfig
{
    /// <summary>The defaults of transformers.</summary>
    public Gpt2Config()
    {
        ModelType = "gpt2";
        VocabSize = 50257;
        BosTokenId = 50256;
        EosTokenId = 50256;
    }

    /// <summary>The longest sequence.</summary>
    public int NPositions { get; init; } = 1024;

    /// <summary>The width of the residual stream.</summary>
    public int NEmbd { get; init; } = 768;

    /// <summary>Layers.</summary>
    public int NLayer { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    public int NHead { get; init; } = 12;

    /// <summary>The width between the two layers of the feed-forward network; four times <see cref="NEmbd"/> if absent.</summary>
    public int? NInner { get; init; }

    /// <summary>The activation of the feed-forward network.</summary>
    public string ActivationFunction { get; init; } = "gelu_new";

    /// <summary>Dropout of what layers add to the residual stream.</summary>
    public double ResidPdrop { get; init; } = 0.1;

    /// <summary>Dropout of embeddings.</summary>
    public double EmbdPdrop { get; init; } = 0.1;

    /// <summary>Dropout of attention weights.</summary>
    public double AttnPdrop { get; init; } = 0.1;

    /// <summary>Dropout before a token-classification head.</summary>
    public double? ClassifierDropout { get; init; }

    /// <summary>Added to the variance in layer norms.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>The standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Whether scores are divided by the root of the head's width.</summary>
    public bool ScaleAttnWeights { get; init; } = true;

    /// <summary>Whether scores are divided by the layer's number, counted from 1.</summary>
    public bool ScaleAttnByInverseLayerIdx { get; init; }

    /// <summary>Whether there is an encoder to attend to; not supported.</summary>
    public bool AddCrossAttention { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions => new(NEmbd, NLayer, NHead, NHead, NPositions, CachedLayers: NLayer);

    internal Init Init => Init.Normal((float)InitializerRange);

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems()
    {
        var problems = base.Problems().Concat(ActivationFunctions.Problems("activation_function", ActivationFunction));
        return AddCrossAttention ? problems.Append(("add_cross_attention", "GPT-2 with an encoder is not supported")) : problems;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, int Value)> Positive() =>
        [("n_embd", NEmbd), ("n_layer", NLayer), ("n_head", NHead), ("n_positions", NPositions), ("n_inner", NInner ?? 1)];
}

/// <summary>GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): a decoder with norms before
/// attention and feed-forward network, and a last one behind all layers.</summary>
public static class Gpt2
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "gpt2",
        ConfigType = typeof(Gpt2Config),
        Family = ModelFamily.DecoderOnly,
        BaseModelPrefix = "transformer",
        Objective = "causal language modeling",
        Attention = "causal (each token sees itself and what comes before)",
        Norm = "LayerNorm before attention and feed-forward (pre-norm), and a final one",
        Positions = "learned absolute",
        Paper = "Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
        Classes =
        [
            ModelClass.Of<Gpt2Config>("GPT2Model", "feature-extraction", (c, w) => new Gpt2Model(c, w), isBase: true),
            ModelClass.Of<Gpt2Config>("GPT2LMHeadModel", "text-generation", (c, w) => new DecoderForCausalLM(c, w, Body(c, w), c.Init)),
            ModelClass.Of<Gpt2Config>("GPT2ForSequenceClassification", "text-classification", (c, w) => new DecoderForSequenceClassification(c, w, Body(c, w), c.Init)),
            ModelClass.Of<Gpt2Config>("GPT2ForTokenClassification", "token-classification",
                (c, w) => new DecoderForTokenClassification(c, w, Body(c, w), c.Init, "classifier", c.ClassifierDropout ?? 0.1)),
            ModelClass.Of<Gpt2Config>("GPT2ForQuestionAnswering", "question-answering", (c, w) => new DecoderForQuestionAnswering(c, w, Body(c, w), c.Init)),
        ],
        HeadPrefixes = ["lm_head", "score", "classifier", "qa_outputs", "multiple_choice_head"],
        MapKey = (name, config) => name switch
        {
            "lm_head.weight" when config.TieWordEmbeddings => "transformer.wte.weight",
            // Causal masks that old checkpoints store as buffers.
            _ when name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal) => null,
            _ => name,
        },
    };

    private static Gpt2Model Body(Gpt2Config config, Weights weights) => new(config, weights.Sub("transformer"));
}

/// <summary>A linear layer whose weight is stored [in, out].</summary>
internal sealed class Conv1D(Weights weights, int inFeatures, int outFeatures, Init init)
{
    private readonly Tensor weight = weights.Get("weight", [inFeatures, outFeatures], init);
    private readonly Tensor bias = weights.Get("bias", [outFeatures], Init.Zeros);

    public Tensor Forward(Tensor x) => LinearTransposed(x, weight, bias);

    public Tensor Forward(Tensor x, string activation) => ActivationFunctions.Fused(activation) is { } fused
        ? LinearTransposed(x, weight, bias, fused)
        : ActivationFunctions.Named(activation)(Forward(x));
}

/// <summary>Causal self-attention, with query, key and value from one product.</summary>
internal sealed class Gpt2Attention(Gpt2Config config, Weights weights, int layer)
{
    private readonly Conv1D queryKeyValue = new(weights.Sub("c_attn"), config.NEmbd, 3 * config.NEmbd, config.Init);
    private readonly Conv1D output = new(weights.Sub("c_proj"), config.NEmbd, config.NEmbd, Gpt2Layer.ResidualInit(config));
    private readonly Dropout attentionDropout = new(weights, config.AttnPdrop);
    private readonly float scale = (config.ScaleAttnWeights ? 1 / MathF.Sqrt(config.NEmbd / config.NHead) : 1)
        / (config.ScaleAttnByInverseLayerIdx ? layer + 1 : 1);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask, LayerCache? cache)
    {
        int width = config.NEmbd;
        var parts = Split(queryKeyValue.Forward(hiddenStates), [width, width, width], axis: 2);
        var query = parts[0].SplitHeads(config.NHead); // [batch, heads, sequence, headDim]
        var key = parts[1].SplitHeads(config.NHead);
        var value = parts[2].SplitHeads(config.NHead);
        if (cache is not null)
            (key, value) = cache.Update(key, value);
        var context = ScaledDotProductAttention(query, key, value, new AttentionOptions
        {
            Causal = true,
            KeyPaddingMask = attentionMask,
            Scale = scale,
            Dropout = attentionDropout.Rate,
            Generator = attentionDropout.Generator,
        });
        return output.Forward(context.MergeHeads());
    }
}

/// <summary>x + attention(norm(x)), then x + mlp(norm(x)).</summary>
internal sealed class Gpt2Layer(Gpt2Config config, Weights weights, int index)
{
    private readonly LayerNorm attentionNorm = new(weights.Sub("ln_1"), config.NEmbd, config.LayerNormEpsilon);
    private readonly Gpt2Attention attention = new(config, weights.Sub("attn"), index);
    private readonly LayerNorm mlpNorm = new(weights.Sub("ln_2"), config.NEmbd, config.LayerNormEpsilon);
    private readonly Conv1D up = new(weights.Sub("mlp.c_fc"), config.NEmbd, config.NInner ?? (4 * config.NEmbd), config.Init);
    private readonly Conv1D down = new(weights.Sub("mlp.c_proj"), config.NInner ?? (4 * config.NEmbd), config.NEmbd, ResidualInit(config));
    private readonly Dropout dropout = new(weights, config.ResidPdrop);

    /// <summary>What is added to the residual stream starts smaller the more layers add to it.</summary>
    public static Init ResidualInit(Gpt2Config config) => Init.Normal((float)(config.InitializerRange / Math.Sqrt(2 * config.NLayer)));

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask, LayerCache? cache)
    {
        using var scope = new TensorScope();
        hiddenStates += dropout.Forward(attention.Forward(attentionNorm.Forward(hiddenStates), attentionMask, cache));
        hiddenStates += dropout.Forward(down.Forward(up.Forward(mlpNorm.Forward(hiddenStates), config.ActivationFunction)));
        return scope.Keep(hiddenStates);
    }
}

/// <summary>GPT-2 without a head.</summary>
public sealed class Gpt2Model : DecoderModel
{
    private readonly Gpt2Config config;
    private readonly Embedding positions;
    private readonly Dropout dropout;
    private readonly Gpt2Layer[] layers;
    private readonly LayerNorm finalNorm;

    internal Gpt2Model(Gpt2Config config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        Words = new Embedding(weights.Sub("wte"), config.VocabSize, config.NEmbd, config.InitializerRange);
        positions = new Embedding(weights.Sub("wpe"), config.NPositions, config.NEmbd, config.InitializerRange);
        dropout = new Dropout(weights, config.EmbdPdrop);
        layers = [.. Enumerable.Range(0, config.NLayer).Select(i => new Gpt2Layer(config, weights.Sub("h").Sub(i), i))];
        finalNorm = new LayerNorm(weights.Sub("ln_f"), config.NEmbd, config.LayerNormEpsilon);
    }

    internal override Embedding Words { get; }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var ids = inputs.InputIds!; // [batch, sequence]
        int start = inputs.Cache?.Length ?? 0;
        InputChecks.CheckLength(start + ids.Shape[1], config.NPositions, "n_positions");
        var positionIds = inputs.PositionIds ?? Tensor.Arange(start, start + ids.Shape[1]);
        var embedded = Words.Forward(ids) + positions.Forward(positionIds);
        if (inputs.TokenTypeIds is { } tokenTypeIds)
            embedded += Words.Forward(tokenTypeIds);
        var states = new HiddenStates(dropout.Forward(embedded), inputs.OutputHiddenStates);
        for (int i = 0; i < layers.Length; i++)
            states.Add(layers[i].Forward(states.Current, inputs.AttentionMask, inputs.Cache?.Self(i))); // [batch, sequence, embedding]
        states.ReplaceLast(finalNorm.Forward(states.Current));
        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All };
    }
}
