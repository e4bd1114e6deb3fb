using System.Text.Json.Serialization;
using Triptych.Formats;
using Triptych.Models.Layers;
using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Decoders;

/// <summary>config.json of LLaMA 1, 2 and 3.</summary>
public sealed record LlamaConfig : ModelConfig
{
    // Published models have 256 at most; a hostile file must not make us allocate frequencies for billions.
    private const int MaxHeadDim = 1 << 16;

    /// <summary>The defaults of transformers.</summary>
    public LlamaConfig()
    {
        ModelType = "llama";
        VocabSize = 32000;
        BosTokenId = 1;
        EosTokenId = 2;
        TieWordEmbeddings = false;
    }

    /// <summary>The width of the residual stream.</summary>
    public int HiddenSize { get; init; } = 4096;

    /// <summary>The width between the layers of the feed-forward network.</summary>
    public int IntermediateSize { get; init; } = 11008;

    /// <summary>Layers.</summary>
    public int NumHiddenLayers { get; init; } = 32;

    /// <summary>Heads of the queries.</summary>
    public int NumAttentionHeads { get; init; } = 32;

    /// <summary>Heads of the keys and values, each shared by a group of queries (Ainslie et al. 2023); as many as queries if absent.</summary>
    public int? NumKeyValueHeads { get; init; }

    /// <summary>The width of a head; <see cref="HiddenSize"/> / <see cref="NumAttentionHeads"/> if absent.</summary>
    public int? HeadDim { get; init; }

    /// <summary>The activation of the gate.</summary>
    public string HiddenAct { get; init; } = "silu";

    /// <summary>The context length. Positions are not in a table: longer sequences run, but were not trained.</summary>
    public int MaxPositionEmbeddings { get; init; } = 2048;

    /// <summary>Added to the mean square in norms.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>The standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Whether the projections of attention have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the feed-forward network has biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Dropout of attention weights.</summary>
    public double AttentionDropout { get; init; }

    /// <summary>Dropout before a token-classification head.</summary>
    public double? ClassifierDropout { get; init; }

    /// <summary>Rotary position embeddings, under <c>rope_parameters</c> or <c>rope_theta</c> and <c>rope_scaling</c>.</summary>
    /// <exception cref="CheckpointException">A value has the wrong kind.</exception>
    [JsonIgnore]
    public RopeParameters Rope
    {
        get => RopeParameters.Read(Extra ?? [], FileName);
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            value.Write(Extra ??= []);
        }
    }

    /// <inheritdoc/>
    [JsonIgnore]
    public override ModelDimensions Dimensions =>
        new(HiddenSize, NumHiddenLayers, NumAttentionHeads, KeyValueHeads, MaxPositionEmbeddings, CachedLayers: NumHiddenLayers)
        {
            HeadDim = HeadWidth,
            HasPositionTable = false,
        };

    internal int KeyValueHeads => NumKeyValueHeads ?? NumAttentionHeads;

    internal int HeadWidth => HeadDim ?? (HiddenSize / Math.Max(NumAttentionHeads, 1));

    /// <summary>Whether the pairs that rotary embeddings turn are neighbours, as in GGUF files, which store the rows of
    /// queries and keys in that order.</summary>
    internal bool RopeInterleaved => GgufArchitecture.IsInterleaved(this);

    internal Init Init => Init.Normal((float)InitializerRange);

    /// <inheritdoc/>
    protected internal override IEnumerable<(string Key, string Reason)> Problems()
    {
        foreach (var problem in base.Problems().Concat(ActivationFunctions.Problems("hidden_act", HiddenAct)))
            yield return problem;
        if (KeyValueHeads > 0 && NumAttentionHeads % KeyValueHeads != 0)
            yield return ("num_key_value_heads", $"{NumAttentionHeads} attention heads do not divide into {KeyValueHeads} groups");
        if (HeadWidth > MaxHeadDim)
            yield return ("head_dim", $"is {HeadWidth}, over the limit of {MaxHeadDim}");
        if ((long)NumAttentionHeads * HeadWidth > int.MaxValue)
            yield return ("num_attention_heads", $"{NumAttentionHeads} heads of {HeadWidth} are more than a tensor can be wide");
        foreach (var problem in RopeProblems())
            yield return problem;
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Key, int Value)> Positive() =>
    [
        ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", NumHiddenLayers),
        ("num_attention_heads", NumAttentionHeads), ("num_key_value_heads", KeyValueHeads), ("head_dim", HeadWidth),
        ("max_position_embeddings", MaxPositionEmbeddings),
    ];

    private IEnumerable<(string Key, string Reason)> RopeProblems()
    {
        try
        {
            return Layers.RotaryEmbedding.Problems(Rope, HeadWidth);
        }
        catch (CheckpointException error)
        {
            return [(error.Key!, error.Reason)];
        }
    }
}

/// <summary>LLaMA (Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models"): a decoder with RMS norms before
/// attention and feed-forward network, rotary position embeddings, gated feed-forward networks, and no biases.</summary>
public static class Llama
{
    /// <summary>The entry in <see cref="ModelRegistry"/>.</summary>
    public static Architecture Architecture { get; } = new()
    {
        ModelType = "llama",
        ConfigType = typeof(LlamaConfig),
        Family = ModelFamily.DecoderOnly,
        BaseModelPrefix = "model",
        Objective = "causal language modeling",
        Attention = "causal (each token sees itself and what comes before), key-value heads shared by groups of queries",
        Norm = "RMSNorm before attention and feed-forward (pre-norm), and a final one",
        Positions = "rotary (default, linear, dynamic, yarn, llama3, longrope)",
        Paper = "Touvron et al. 2023, LLaMA: Open and Efficient Foundation Language Models",
        Classes =
        [
            ModelClass.Of<LlamaConfig>("LlamaModel", "feature-extraction", (c, w) => new LlamaModel(c, w), isBase: true),
            ModelClass.Of<LlamaConfig>("LlamaForCausalLM", "text-generation", (c, w) => new DecoderForCausalLM(c, w, Body(c, w), c.Init)),
            ModelClass.Of<LlamaConfig>("LlamaForSequenceClassification", "text-classification", (c, w) => new DecoderForSequenceClassification(c, w, Body(c, w), c.Init)),
            ModelClass.Of<LlamaConfig>("LlamaForTokenClassification", "token-classification",
                (c, w) => new DecoderForTokenClassification(c, w, Body(c, w), c.Init, "score", c.ClassifierDropout ?? 0.1)),
            ModelClass.Of<LlamaConfig>("LlamaForQuestionAnswering", "question-answering", (c, w) => new DecoderForQuestionAnswering(c, w, new LlamaModel(c, w.Sub("transformer")), c.Init)) with { BasePrefix = "transformer" },
        ],
        Gguf = new LlamaGguf(),
        HeadPrefixes = ["lm_head", "score", "qa_outputs"],
        MapKey = (name, config) => name switch
        {
            "lm_head.weight" when config.TieWordEmbeddings => "model.embed_tokens.weight",
            // Frequencies that old checkpoints store as buffers.
            _ when name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) => null,
            _ when name.StartsWith("transformer.", StringComparison.Ordinal) => "model." + name["transformer.".Length..],
            _ => name,
        },
    };

    private static LlamaModel Body(LlamaConfig config, Weights weights) => new(config, weights.Sub("model"));
}

/// <summary>Causal self-attention with rotary positions and groups of queries that share keys and values.</summary>
internal sealed class LlamaAttention(LlamaConfig config, Weights weights)
{
    private readonly Linear query = new(weights.Sub("q_proj"), config.HiddenSize, config.NumAttentionHeads * config.HeadWidth, config.Init, config.AttentionBias);
    private readonly Linear key = new(weights.Sub("k_proj"), config.HiddenSize, config.KeyValueHeads * config.HeadWidth, config.Init, config.AttentionBias);
    private readonly Linear value = new(weights.Sub("v_proj"), config.HiddenSize, config.KeyValueHeads * config.HeadWidth, config.Init, config.AttentionBias);
    private readonly Linear output = new(weights.Sub("o_proj"), config.NumAttentionHeads * config.HeadWidth, config.HiddenSize, config.Init, config.AttentionBias);
    private readonly Dropout attentionDropout = new(weights, config.AttentionDropout);
    private readonly bool interleaved = config.RopeInterleaved;

    public Tensor Forward(Tensor hiddenStates, (Tensor Cos, Tensor Sin) angles, Tensor? attentionMask, LayerCache? cache)
    {
        using var scope = new TensorScope();
        var (queries, keys, values) = query.ForwardWith(key, value, hiddenStates);
        queries = RotaryEmbedding(queries.SplitHeads(config.NumAttentionHeads), angles.Cos, angles.Sin, interleaved); // [batch, heads, sequence, headDim]
        keys = RotaryEmbedding(keys.SplitHeads(config.KeyValueHeads), angles.Cos, angles.Sin, interleaved); // [batch, keyValueHeads, sequence, headDim]
        values = values.SplitHeads(config.KeyValueHeads);
        if (cache is not null)
            (keys, values) = cache.Update(keys, values);
        var context = ScaledDotProductAttention(queries, keys, values, new AttentionOptions
        {
            Causal = true,
            KeyPaddingMask = attentionMask,
            Dropout = attentionDropout.Rate,
            Generator = attentionDropout.Generator,
        });
        return scope.Keep(output.Forward(context.MergeHeads()));
    }
}

/// <summary>SwiGLU (Shazeer 2020, arXiv 2002.05202): down(act(gate(x)) * up(x)).</summary>
internal sealed class LlamaMlp(LlamaConfig config, Weights weights)
{
    private readonly Linear gate = new(weights.Sub("gate_proj"), config.HiddenSize, config.IntermediateSize, config.Init, config.MlpBias);
    private readonly Linear up = new(weights.Sub("up_proj"), config.HiddenSize, config.IntermediateSize, config.Init, config.MlpBias);
    private readonly Linear down = new(weights.Sub("down_proj"), config.IntermediateSize, config.HiddenSize, config.Init, config.MlpBias);

    public Tensor Forward(Tensor hiddenStates) => down.Forward(gate.ForwardGating(up, config.HiddenAct, hiddenStates));
}

/// <summary>x + attention(norm(x)), then x + mlp(norm(x)).</summary>
internal sealed class LlamaLayer(LlamaConfig config, Weights weights)
{
    private readonly LlamaAttention attention = new(config, weights.Sub("self_attn"));
    private readonly LlamaMlp mlp = new(config, weights.Sub("mlp"));
    private readonly RmsNorm attentionNorm = new(weights.Sub("input_layernorm"), config.HiddenSize, config.RmsNormEps);
    private readonly RmsNorm mlpNorm = new(weights.Sub("post_attention_layernorm"), config.HiddenSize, config.RmsNormEps);

    public Tensor Forward(Tensor hiddenStates, (Tensor Cos, Tensor Sin) angles, Tensor? attentionMask, LayerCache? cache)
    {
        using var scope = new TensorScope();
        hiddenStates += attention.Forward(attentionNorm.Forward(hiddenStates), angles, attentionMask, cache);
        return scope.Keep(TokenBlocks.Pays(hiddenStates) ? TokenBlocks.Run(hiddenStates, FeedForward) : FeedForward(hiddenStates));
    }

    private Tensor FeedForward(Tensor hiddenStates) => hiddenStates + mlp.Forward(mlpNorm.Forward(hiddenStates));
}

/// <summary>LLaMA without a head.</summary>
public sealed class LlamaModel : DecoderModel
{
    private readonly LlamaConfig config;
    private readonly RotaryEmbedding positions;
    private readonly LlamaLayer[] layers;
    private readonly RmsNorm finalNorm;

    internal LlamaModel(LlamaConfig config, Weights weights)
        : base(config, weights)
    {
        this.config = config;
        Words = new Embedding(weights.Sub("embed_tokens"), config.VocabSize, config.HiddenSize, config.InitializerRange, config.PadTokenId);
        layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new LlamaLayer(config, weights.Sub("layers").Sub(i)))];
        finalNorm = new RmsNorm(weights.Sub("norm"), config.HiddenSize, config.RmsNormEps);
        positions = new RotaryEmbedding(config.Rope, config.HeadWidth, config.MaxPositionEmbeddings);
    }

    internal override Embedding Words { get; }

    /// <inheritdoc/>
    protected internal override ModelOutput Run(ModelInputs inputs)
    {
        var ids = inputs.InputIds!; // [batch, sequence]
        int start = inputs.Cache?.Length ?? 0;
        var angles = positions.At(inputs.PositionIds ?? Tensor.Arange(start, start + ids.Shape[1]));
        var states = new HiddenStates(Words.Forward(ids), inputs.OutputHiddenStates);
        for (int i = 0; i < layers.Length; i++)
            states.Add(layers[i].Forward(states.Current, angles, inputs.AttentionMask, inputs.Cache?.Self(i))); // [batch, sequence, hidden]
        states.ReplaceLast(finalNorm.Forward(states.Current));
        return new ModelOutput { LastHiddenState = states.Current, HiddenStates = states.All };
    }
}
