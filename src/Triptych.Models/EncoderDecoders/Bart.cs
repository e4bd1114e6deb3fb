using System.Text.Json.Serialization;
using Triptych.Formats;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.EncoderDecoders;

/// <summary>config.json of BART.</summary>
public sealed record BartConfig : ModelConfig
{
    /// <summary>The defaults of transformers.</summary>
    public BartConfig()
    {
        ModelType = "bart";
        VocabSize = 50265;
        PadTokenId = 1;
        BosTokenId = 0;
        EosTokenId = 2;
    }

    /// <summary>The width of the residual streams.</summary>
    public int DModel { get; init; } = 1024;

    /// <summary>Layers of the encoder.</summary>
    public int EncoderLayers { get; init; } = 12;

    /// <summary>The width between the two layers of the encoder's feed-forward networks.</summary>
    public int EncoderFfnDim { get; init; } = 4096;

    /// <summary>Attention heads of the encoder.</summary>
    public int EncoderAttentionHeads { get; init; } = 16;

    /// <summary>The probability with which a layer of the encoder is skipped in training.</summary>
    public double EncoderLayerdrop { get; init; }

    /// <summary>Layers of the decoder.</summary>
    public int DecoderLayers { get; init; } = 12;

    /// <summary>The width between the two layers of the decoder's feed-forward networks.</summary>
    public int DecoderFfnDim { get; init; } = 4096;

    /// <summary>Attention heads of the decoder.</summary>
    public int DecoderAttentionHeads { get; init; } = 16;

    /// <summary>The probability with which a layer of the decoder is skipped in training.</summary>
    public double DecoderLayerdrop { get; init; }

    /// <summary>The activation of the feed-forward networks.</summary>
    public string ActivationFunction { get; init; } = "gelu";

    /// <summary>Dropout of embeddings and of what layers add.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Dropout of attention weights.</summary>
    public double AttentionDropout { get; init; }

    /// <summary>Dropout inside of the feed-forward networks.</summary>
    public double ActivationDropout { get; init; }

    /// <summary>Dropout of the classification head.</summary>
    public double ClassifierDropout { get; init; }

    /// <summary>The standard deviation of new weights.</summary>
    public double InitStd { get; init; } = 0.02;

    /// <summary>The longest sequence of encoder and decoder each.</summary>
    public int MaxPositionEmbeddings { get; init; } = 1024;

    /// <summary>Whether token embeddings are multiplied by the root of their width.</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Whether there are both stacks.</summary>
    public bool IsEncoderDecoder { get; init; } = true;

    /// <summary>The token that the decoder begins with.</summary>
    public int? DecoderStartTokenId { get; init; } = 2;

    /// <summary>The tokens, one of which ends a text that reaches its maximal length.</summary>
    public TokenIds? ForcedEosTokenId { get; init; } = 2;

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions =>
        new(DModel, EncoderLayers + DecoderLayers, DecoderAttentionHeads, DecoderAttentionHeads, MaxPositionEmbeddings, CachedLayers: DecoderLayers);

    /// <inheritdoc/>
    protected override int DefaultNumLabels => 3;

    internal Init Init => Init.Normal((float)InitStd);

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems()
    {
        var problems = base.Problems().Concat(ActivationFunctions.Problems("activation_function", ActivationFunction));
        return EncoderAttentionHeads > 0 && DModel % EncoderAttentionHeads != 0
            ? problems.Append(("d_model", $"{DModel} does not divide into {EncoderAttentionHeads} attention heads of the encoder"))
            : problems;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, int Value)> Positive() =>
    [
        ("d_model", DModel), ("encoder_layers", EncoderLayers), ("encoder_ffn_dim", EncoderFfnDim),
        ("encoder_attention_heads", EncoderAttentionHeads), ("decoder_layers", DecoderLayers), ("decoder_ffn_dim", DecoderFfnDim),
        ("decoder_attention_heads", DecoderAttentionHeads), ("max_position_embeddings", MaxPositionEmbeddings),
    ];
}

/// <summary>BART (Lewis et al. 2019, arXiv 1910.13461): the encoder-decoder of the first Transformer, trained to restore damaged texts.</summary>
public static class Bart
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "bart",
        ConfigType = typeof(BartConfig),
        Family = ModelFamily.EncoderDecoder,
        BaseModelPrefix = "model",
        Objective = "denoising: restore a text from a damaged one",
        Attention = "encoder bidirectional, decoder causal with cross-attention to the encoder",
        Norm = "LayerNorm after each residual (post-norm), and on the embeddings",
        Positions = "learned absolute, shifted by 2",
        Paper = "Lewis et al. 2019, arXiv 1910.13461",
        Classes =
        [
            ModelClass.Of<BartConfig>("BartModel", "feature-extraction", (c, w) => new BartModel(c, w), isBase: true),
            ModelClass.Of<BartConfig>("BartForConditionalGeneration", "summarization", (c, w) => new BartForConditionalGeneration(c, w)),
            ModelClass.Of<BartConfig>("BartForSequenceClassification", "text-classification", (c, w) => new BartForSequenceClassification(c, w)),
            ModelClass.Of<BartConfig>("BartForQuestionAnswering", "question-answering", (c, w) => new BartForQuestionAnswering(c, w)),
        ],
        HeadPrefixes = ["lm_head", "final_logits_bias", "classification_head", "qa_outputs"],
        MapKey = (name, config) => name switch
        {
            "lm_head.weight" when config.TieWordEmbeddings => "model.shared.weight",
            "model.encoder.embed_tokens.weight" or "model.decoder.embed_tokens.weight" when config.TieWordEmbeddings => "model.shared.weight",
            "encoder.embed_tokens.weight" or "decoder.embed_tokens.weight" when config.TieWordEmbeddings => "shared.weight",
            _ when name.EndsWith("encoder.version", StringComparison.Ordinal) || name.EndsWith("decoder.version", StringComparison.Ordinal) => null,
            _ => name,
        },
    };

    /// <summary>What the decoder reads to predict the given ids: the start token and all but the last of them.</summary>
    /// <param name="ids">[batch, sequence] Int64; ids of -100 become padding.</param>
    /// <param name="config">Names the start and padding tokens.</param>
    /// <exception cref="ArgumentException">config.json lacks one of the two.</exception>
    internal static Tensor ShiftRight(Tensor ids, BartConfig config)
    {
        if (config is not { DecoderStartTokenId: { } start, PadTokenId: { } pad })
            throw new ArgumentException("decoder_input_ids are missing, and config.json has no decoder_start_token_id or no pad_token_id to make them");
        int sequence = ids.Shape[1];
        long[] from = ids.ToArray<long>(), to = new long[from.Length];
        for (int i = 0; i < to.Length; i++)
            to[i] = i % sequence == 0 ? start : from[i - 1] == -100 ? pad : from[i - 1];
        return Tensor.From(to, ids.Shape);
    }
}

/// <summary>Multi-head attention, to the stack's own states or to the encoder's.</summary>
internal sealed class BartAttention(BartConfig config, Weights weights, int heads)
{
    private readonly Linear key = new(weights.Sub("k_proj"), config.DModel, config.DModel, config.Init);
    private readonly Linear value = new(weights.Sub("v_proj"), config.DModel, config.DModel, config.Init);
    private readonly Linear query = new(weights.Sub("q_proj"), config.DModel, config.DModel, config.Init);
    private readonly Linear output = new(weights.Sub("out_proj"), config.DModel, config.DModel, config.Init);
    private readonly Dropout dropout = new(weights, config.AttentionDropout);

    /// <summary>Attention to the states themselves; causal with a cache or without.</summary>
    public Tensor AttendToSelf(Tensor hiddenStates, Tensor? attentionMask, bool causal, LayerCache? cache = null)
    {
        var (q, k, v) = query.ForwardWith(key, value, hiddenStates); // [batch, sequence, model]
        var (keys, values) = (k.SplitHeads(heads), v.SplitHeads(heads));
        if (cache is not null)
            (keys, values) = cache.Update(keys, values);
        return Attend(q, keys, values, attentionMask, causal);
    }

    /// <summary>Attention to the encoder's output, whose keys and values are computed once if there is a cache for them.</summary>
    public Tensor AttendToEncoder(Tensor hiddenStates, Tensor encoded, Tensor? encoderMask, LayerCache? cache)
    {
        var (keys, values) = cache switch
        {
            null => KeysAndValues(encoded),
            { Length: 0 } => Fill(cache, encoded),
            _ => cache.Current,
        };
        return Attend(query.Forward(hiddenStates), keys, values, encoderMask, causal: false);
    }

    private (Tensor Keys, Tensor Values) Fill(LayerCache cache, Tensor encoded)
    {
        var (keys, values) = KeysAndValues(encoded);
        return cache.Update(keys, values);
    }

    // [batch, heads, sequence, headDim] each.
    private (Tensor Keys, Tensor Values) KeysAndValues(Tensor states) =>
        (key.Forward(states).SplitHeads(heads), value.Forward(states).SplitHeads(heads));

    private Tensor Attend(Tensor queries, Tensor keys, Tensor values, Tensor? mask, bool causal)
    {
        var context = ScaledDotProductAttention(queries.SplitHeads(heads), keys, values, new AttentionOptions
        {
            Causal = causal,
            KeyPaddingMask = mask,
            Dropout = dropout.Rate,
            Generator = dropout.Generator,
        });
        return output.Forward(context.MergeHeads());
    }
}

/// <summary>The feed-forward network with its residual and norm.</summary>
internal sealed class BartFeedForward(BartConfig config, Weights weights, int width)
{
    private readonly Linear up = new(weights.Sub("fc1"), config.DModel, width, config.Init);
    private readonly Linear down = new(weights.Sub("fc2"), width, config.DModel, config.Init);
    private readonly LayerNorm norm = new(weights.Sub("final_layer_norm"), config.DModel, BartStack.NormEpsilon);
    private readonly Dropout activationDropout = new(weights, config.ActivationDropout);
    private readonly Dropout dropout = new(weights, config.Dropout);

    public Tensor Forward(Tensor hiddenStates)
    {
        var transformed = down.Forward(activationDropout.Forward(up.Forward(hiddenStates, config.ActivationFunction)));
        return norm.Forward(dropout.Forward(transformed), hiddenStates);
    }
}

/// <summary>Self-attention and feed-forward network.</summary>
internal sealed class BartEncoderLayer(BartConfig config, Weights weights)
{
    private readonly BartAttention attention = new(config, weights.Sub("self_attn"), config.EncoderAttentionHeads);
    private readonly LayerNorm attentionNorm = new(weights.Sub("self_attn_layer_norm"), config.DModel, BartStack.NormEpsilon);
    private readonly BartFeedForward feedForward = new(config, weights, config.EncoderFfnDim);
    private readonly Dropout dropout = new(weights, config.Dropout);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask)
    {
        using var scope = new TensorScope();
        var attended = dropout.Forward(attention.AttendToSelf(hiddenStates, attentionMask, causal: false));
        return scope.Keep(feedForward.Forward(attentionNorm.Forward(attended, hiddenStates)));
    }
}

/// <summary>Causal self-attention, attention to the encoder, feed-forward network.</summary>
internal sealed class BartDecoderLayer(BartConfig config, Weights weights)
{
    private readonly BartAttention selfAttention = new(config, weights.Sub("self_attn"), config.DecoderAttentionHeads);
    private readonly LayerNorm selfNorm = new(weights.Sub("self_attn_layer_norm"), config.DModel, BartStack.NormEpsilon);
    private readonly BartAttention crossAttention = new(config, weights.Sub("encoder_attn"), config.DecoderAttentionHeads);
    private readonly LayerNorm crossNorm = new(weights.Sub("encoder_attn_layer_norm"), config.DModel, BartStack.NormEpsilon);
    private readonly BartFeedForward feedForward = new(config, weights, config.DecoderFfnDim);
    private readonly Dropout dropout = new(weights, config.Dropout);

    public Tensor Forward(Tensor hiddenStates, Tensor? attentionMask, Tensor encoded, Tensor? encoderMask, ModelCache? cache, int layer)
    {
        using var scope = new TensorScope();
        var attended = dropout.Forward(selfAttention.AttendToSelf(hiddenStates, attentionMask, causal: true, cache?.Self(layer)));
        hiddenStates = selfNorm.Forward(attended, hiddenStates);
        var crossed = dropout.Forward(crossAttention.AttendToEncoder(hiddenStates, encoded, encoderMask, cache?.Cross(layer)));
        return scope.Keep(feedForward.Forward(crossNorm.Forward(crossed, hiddenStates)));
    }
}

/// <summary>What encoder and decoder begin with: tokens plus positions, normalized.</summary>
internal sealed class BartStack(BartConfig config, Weights weights, Embedding words)
{
    public const double NormEpsilon = 1e-5;

    // The first two rows of the table of positions were meant for padding and are never used.
    private const int PositionOffset = 2;

    private readonly Embedding positions =
        new(weights.Sub("embed_positions"), config.MaxPositionEmbeddings + PositionOffset, config.DModel, config.InitStd);

    private readonly LayerNorm norm = new(weights.Sub("layernorm_embedding"), config.DModel, NormEpsilon);
    private readonly Dropout dropout = new(weights, config.Dropout);
    private readonly float scale = config.ScaleEmbedding ? MathF.Sqrt(config.DModel) : 1;

    public Tensor Embed(Tensor ids, int start)
    {
        int end = start + ids.Shape[1];
        InputChecks.CheckLength(end, config.MaxPositionEmbeddings, "max_position_embeddings");
        var tokens = words.Forward(ids);
        if (config.ScaleEmbedding)
            tokens *= scale;
        return dropout.Forward(norm.Forward(tokens + positions.Forward(Tensor.Arange(start + PositionOffset, end + PositionOffset))));
    }
}

/// <summary>BART without a head.</summary>
public sealed class BartModel : PretrainedModel
{
    private readonly BartConfig config;
    private readonly BartStack encoderInput;
    private readonly BartEncoderLayer[] encoder;
    private readonly BartStack decoderInput;
    private readonly BartDecoderLayer[] decoder;
    private readonly LayerDrop encoderDrop;
    private readonly LayerDrop decoderDrop;

    internal BartModel(BartConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        var (encoderWeights, decoderWeights) = (weights.Sub("encoder"), weights.Sub("decoder"));
        Words = CreateWords(config, weights.Sub("shared"));
        encoderInput = new BartStack(config, encoderWeights, config.TieWordEmbeddings ? Words : CreateWords(config, encoderWeights.Sub("embed_tokens")));
        encoder = [.. Enumerable.Range(0, config.EncoderLayers).Select(i => new BartEncoderLayer(config, encoderWeights.Sub("layers").Sub(i)))];
        decoderInput = new BartStack(config, decoderWeights, config.TieWordEmbeddings ? Words : CreateWords(config, decoderWeights.Sub("embed_tokens")));
        decoder = [.. Enumerable.Range(0, config.DecoderLayers).Select(i => new BartDecoderLayer(config, decoderWeights.Sub("layers").Sub(i)))];
        encoderDrop = new LayerDrop(weights, config.EncoderLayerdrop);
        decoderDrop = new LayerDrop(weights, config.DecoderLayerdrop);
    }

    // Of both stacks and of the output layer, unless the configuration unties them.
    internal Embedding Words { get; }

    /// <inheritdoc/>
    protected internal override ModelOutput RunEncoder(ModelInputs inputs)
    {
        if (inputs.InputIds is not { } ids)
            throw new ArgumentException("input_ids are missing", nameof(inputs));
        var states = new HiddenStates(encoderInput.Embed(ids, start: 0), inputs.OutputHiddenStates);
        foreach (var layer in encoder)
        {
            if (!encoderDrop.Skips())
                states.Add(layer.Forward(states.Current, inputs.AttentionMask)); // [batch, source, hidden]
        }

        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All };
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var decoderIds = inputs.DecoderInputIds
            ?? (inputs.InputIds is { } source ? Bart.ShiftRight(source, config) : throw new ArgumentException("decoder_input_ids are missing", nameof(inputs)));
        var encoderOutput = inputs.EncoderOutput ?? RunEncoder(inputs);
        var encoded = encoderOutput.LastHiddenState ?? throw new ArgumentException("the encoder output has no last_hidden_state", nameof(inputs));
        var states = new HiddenStates(decoderInput.Embed(decoderIds, inputs.Cache?.Length ?? 0), inputs.OutputHiddenStates);
        for (int i = 0; i < decoder.Length; i++)
        {
            if (!decoderDrop.Skips())
                states.Add(decoder[i].Forward(states.Current, inputs.DecoderAttentionMask, encoded, inputs.AttentionMask, inputs.Cache, i)); // [batch, target, hidden]
        }

        return new ModelOutput
        {
            LastHiddenState = states.Current,
            DecoderHiddenStates = states.All,
            EncoderLastHiddenState = encoded,
            EncoderHiddenStates = encoderOutput.HiddenStates,
        };
    }

    private static Embedding CreateWords(BartConfig config, Weights weights) =>
        new(weights, config.VocabSize, config.DModel, config.InitStd, config.PadTokenId);
}

/// <summary>BART that writes a text: summarization, translation.</summary>
public sealed class BartForConditionalGeneration : PretrainedModel
{
    private readonly BartConfig config;
    private readonly BartModel model;
    private readonly Linear head;

    internal BartForConditionalGeneration(BartConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        model = new BartModel(config, weights.Sub("model"));
        var bias = weights.GetBuffer("final_logits_bias", [1, config.VocabSize], Init.Zeros).Reshape(config.VocabSize);
        var weight = config.TieWordEmbeddings
            ? model.Words.Weight
            : weights.Sub("lm_head").Get("weight", [config.VocabSize, config.DModel], config.Init);
        head = new Linear(weight, bias);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput RunEncoder(ModelInputs inputs) => model.RunEncoder(inputs);

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        if (inputs is { Labels: { } labels, DecoderInputIds: null })
            inputs = inputs with { DecoderInputIds = Bart.ShiftRight(labels, config) };
        var output = model.Run(inputs);
        var hiddenStates = output.LastHiddenState!;
        if (inputs.LastLogitsOnly)
            hiddenStates = hiddenStates.Slice(1, hiddenStates.Shape[1] - 1, 1);
        var (logits, loss) = Losses.OfHead(head, hiddenStates, inputs.Labels, inputs.LossOnly);
        return output with { LastHiddenState = null, Loss = loss, Logits = logits };
    }
}

/// <summary>BART that classifies a text, or a pair, by the decoder's state at the last end-of-text token.</summary>
public sealed class BartForSequenceClassification : PretrainedModel
{
    private readonly BartConfig config;
    private readonly BartModel model;
    private readonly Linear dense;
    private readonly Linear classifier;
    private readonly Dropout dropout;

    internal BartForSequenceClassification(BartConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        model = new BartModel(config, weights.Sub("model"));
        dense = new Linear(weights.Sub("classification_head.dense"), config.DModel, config.DModel, config.Init);
        classifier = new Linear(weights.Sub("classification_head.out_proj"), config.DModel, config.NumLabels, config.Init);
        dropout = new Dropout(weights, config.ClassifierDropout);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        if (inputs.InputIds is not { } ids)
            throw new ArgumentException("input_ids are missing", nameof(inputs));
        int[] ends = TokenSelection.LastWhere(ids, id => config.EosTokenId?.Ids.Contains((int)id) ?? false);
        if (Array.IndexOf(ends, -1) is var row and >= 0)
            throw new ArgumentException($"row {row} of input_ids has no end-of-text token (eos_token_id), by which BART classifies");
        var output = model.Run(inputs);
        var sentence = output.LastHiddenState!.SelectTokens(ends); // [batch, hidden]
        var logits = classifier.Forward(dropout.Forward(Tanh(dense.Forward(dropout.Forward(sentence))))); // [batch, labels]
        return output with { LastHiddenState = null, Loss = Losses.Sequence(logits, inputs.Labels, config), Logits = logits };
    }
}

/// <summary>BART that marks the answer to a question in a text.</summary>
public sealed class BartForQuestionAnswering : PretrainedModel
{
    private readonly BartModel model;
    private readonly Linear spans;

    internal BartForQuestionAnswering(BartConfig config, Weights weights)
        : base(config, weights)
    {
        model = new BartModel(config, weights.Sub("model"));
        spans = new Linear(weights.Sub("qa_outputs"), config.DModel, 2, config.Init);
    }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var output = model.Run(inputs);
        var logits = spans.Forward(output.LastHiddenState!); // [batch, target, 2]
        var (start, end) = (logits.Select(2, 0), logits.Select(2, 1)); // [batch, target] each
        var loss = Losses.Span(start, end, inputs.StartPositions, inputs.EndPositions);
        return output with { LastHiddenState = null, Loss = loss, StartLogits = start, EndLogits = end };
    }
}
