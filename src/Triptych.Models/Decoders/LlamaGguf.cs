using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Models.Decoders;

/// <summary>LLaMA as llama.cpp writes it, which TinyLlama, SmolLM and other descendants share.</summary>
internal sealed class LlamaGguf : GgufArchitecture
{
    private const string Prefix = "llama.";
    private const string RopeFactors = "rope_freqs.weight";

    /// <inheritdoc/>
    public override string Name => "llama";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Gguf, string HuggingFace)> Names { get; } =
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output", "lm_head"),
        ("blk.*.attn_norm", "model.layers.*.input_layernorm"),
        ("blk.*.attn_q", "model.layers.*.self_attn.q_proj"),
        ("blk.*.attn_k", "model.layers.*.self_attn.k_proj"),
        ("blk.*.attn_v", "model.layers.*.self_attn.v_proj"),
        ("blk.*.attn_output", "model.layers.*.self_attn.o_proj"),
        ("blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"),
        ("blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"),
        ("blk.*.ffn_up", "model.layers.*.mlp.up_proj"),
        ("blk.*.ffn_down", "model.layers.*.mlp.down_proj"),
    ];

    /// <inheritdoc/>
    public override string? ToHuggingFace(string name) => name switch
    {
        // Factors on the frequencies, which the configuration has; frequencies that old files store.
        RopeFactors => null,
        _ when name.EndsWith(".attn_rot_embd", StringComparison.Ordinal) || name.EndsWith(".attn_rot_embd.weight", StringComparison.Ordinal) => null,
        _ => base.ToHuggingFace(name),
    };

    /// <inheritdoc/>
    public override int? RotaryHeads(string huggingFaceName, ModelConfig config) => config is not LlamaConfig llama ? null
        : huggingFaceName.Contains(".q_proj.", StringComparison.Ordinal) ? llama.NumAttentionHeads
        : huggingFaceName.Contains(".k_proj.", StringComparison.Ordinal) ? llama.KeyValueHeads
        : null;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Tensor)> ExtraTensors(ModelConfig config)
    {
        var llama = (LlamaConfig)config;
        if (GgufRope.Factors(llama.Rope, llama.HeadWidth) is { } factors)
            yield return (RopeFactors, Tensor.From(factors, [factors.Length]));
    }

    /// <inheritdoc/>
    protected override void WriteSizes(ModelConfig config, GgufMetadata metadata)
    {
        var llama = (LlamaConfig)config;
        if (llama.HiddenAct != "silu")
            throw new NotSupportedException($"GGUF's llama has no other activation than silu, and the model has {llama.HiddenAct}");
        metadata[Prefix + "vocab_size"] = (uint)llama.VocabSize;
        metadata[Prefix + "context_length"] = (uint)llama.MaxPositionEmbeddings;
        metadata[Prefix + "embedding_length"] = (uint)llama.HiddenSize;
        metadata[Prefix + "block_count"] = (uint)llama.NumHiddenLayers;
        metadata[Prefix + "feed_forward_length"] = (uint)llama.IntermediateSize;
        metadata[Prefix + "attention.head_count"] = (uint)llama.NumAttentionHeads;
        metadata[Prefix + "attention.head_count_kv"] = (uint)llama.KeyValueHeads;
        metadata[Prefix + "attention.key_length"] = (uint)llama.HeadWidth;
        metadata[Prefix + "attention.value_length"] = (uint)llama.HeadWidth;
        metadata[Prefix + "attention.layer_norm_rms_epsilon"] = (float)llama.RmsNormEps;
        metadata[Prefix + "rope.dimension_count"] = (uint)llama.HeadWidth;
        GgufRope.Write(llama.Rope, Prefix, metadata);
    }

    /// <inheritdoc/>
    protected override JsonObject ReadConfig(Checkpoint checkpoint, GgufMetadata metadata)
    {
        int Size(string key) => metadata.Require(Prefix + key, metadata.GetInt32(Prefix + key));
        if (metadata.GetInt32(Prefix + "expert_count") is > 0 and { } experts)
            throw new CheckpointException(checkpoint.Path, Prefix + "expert_count", $"is {experts}: mixtures of experts are not known here");
        int hidden = Size("embedding_length"), heads = Size("attention.head_count");
        int headDim = metadata.GetInt32(Prefix + "attention.key_length") ?? (hidden / Math.Max(heads, 1));
        if ((metadata.GetInt32(Prefix + "attention.value_length") ?? headDim) != headDim)
            throw new CheckpointException(checkpoint.Path, Prefix + "attention.value_length", $"differs from the {headDim} of keys");
        if ((metadata.GetInt32(Prefix + "rope.dimension_count") ?? headDim) != headDim)
            throw new CheckpointException(checkpoint.Path, Prefix + "rope.dimension_count", $"differs from the width of a head, {headDim}");

        var config = new JsonObject
        {
            ["model_type"] = "llama",
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["vocab_size"] = checked((int)checkpoint.Entry("token_embd.weight").Shape[0]),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Size("feed_forward_length"),
            ["num_hidden_layers"] = Size("block_count"),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = metadata.GetInt32(Prefix + "attention.head_count_kv") ?? heads,
            ["head_dim"] = headDim,
            ["hidden_act"] = "silu",
            ["max_position_embeddings"] = Size("context_length"),
            ["rms_norm_eps"] = GgufRope.Shortest(metadata.Require(Prefix + "attention.layer_norm_rms_epsilon", metadata.GetDouble(Prefix + "attention.layer_norm_rms_epsilon"))),
            ["attention_bias"] = checkpoint.Contains("blk.0.attn_q.bias"),
            ["mlp_bias"] = checkpoint.Contains("blk.0.ffn_down.bias"),
            ["tie_word_embeddings"] = !checkpoint.Contains("output.weight"),
            ["bos_token_id"] = metadata.GetTokenId("bos"),
            ["eos_token_id"] = metadata.GetTokenId("eos"),
            ["pad_token_id"] = metadata.GetTokenId("padding"),
            [InterleavedKey] = true,
        };
        float[]? factors = checkpoint.Contains(RopeFactors) ? checkpoint.Load(RopeFactors).ToFloats() : null;
        GgufRope.Read(metadata, Prefix, headDim, factors).Write(config);
        return config;
    }
}
