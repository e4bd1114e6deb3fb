using System.Globalization;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Decides the format of each tensor of a file by its name, shape and place, as llama.cpp decides it.</summary>
internal sealed class QuantizationPlan
{
    private const string OutputName = "output.weight";

    // Small tensors that decide much: names that contain one of these stay as they are.
    private static readonly string[] Kept =
    [
        "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj", "ssm_conv1d",
        "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first.weight", "time_mix_w0.weight",
        "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight",
        "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight", "time_mix_decay_w1.weight",
        "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", "attn_rel_b.weight", ".position_embd", "sam.pos_embd", "sam.neck.",
        "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
    ];

    private readonly GgufMetadata metadata;
    private readonly QuantizationType type;
    private readonly QuantizationMix mix;
    private readonly bool pure;
    private readonly string architecture;
    private readonly int layers, experts, sharing, values;
    private readonly bool tied;
    private int valuesSeen, downsSeen;

    private QuantizationPlan(GgufMetadata metadata, IReadOnlyCollection<TensorSource> tensors, QuantizationType type, bool pure)
    {
        this.metadata = metadata;
        this.type = type;
        this.pure = pure;
        mix = QuantizationMix.Of(type);
        architecture = metadata.Require("general.architecture", metadata.GetString("general.architecture"));
        layers = Number("block_count") ?? 0;
        experts = Number("expert_count") ?? 0;
        int heads = Number("attention.head_count") ?? 0, keyValueHeads = Number("attention.head_count_kv") ?? heads;
        sharing = keyValueHeads == 0 ? 0 : heads / keyValueHeads;
        values = tensors.Count(tensor => IsValue(tensor.Name));
        tied = tensors.All(tensor => tensor.Name != OutputName);
    }

    // In this model of llama's family, values are small beside queries.
    private bool IsOf70Billion => layers == 80 && (architecture == "qwen2" || (architecture == "llama" && sharing > 1));

    /// <summary>The tensors in the order of a quantized file, layer by layer, each with its format.</summary>
    /// <exception cref="CheckpointException">A tensor's rows have no whole blocks of the format, and it has no replacement.</exception>
    public static IReadOnlyList<(TensorSource Tensor, DType Target)> Make(
        GgufMetadata metadata, IReadOnlyCollection<TensorSource> tensors, QuantizationType type, bool pure)
    {
        var plan = new QuantizationPlan(metadata, tensors, type, pure);
        return [.. tensors.OrderBy(tensor => Layer(tensor.Name) ?? -1).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)
            .Select(tensor => (tensor, plan.Decide(tensor)))];
    }

    private DType Decide(TensorSource tensor)
    {
        if (!IsQuantizable(tensor))
            return tensor.DType;
        if (!mix.Default.IsQuantized())
            return mix.Default;
        DType chosen = pure ? mix.Default : Mixed(tensor);
        int columns = tensor.Shape[-1];
        if (columns % chosen.BlockSize() == 0)
            return chosen;
        DType fallback = QuantizationMix.Fallback(chosen) ?? throw new CheckpointException(metadata.Path, tensor.Name,
            $"has rows of {columns} numbers, which are no whole blocks of {chosen.Name()} ({chosen.BlockSize()} numbers)");
        return columns % fallback.BlockSize() == 0 ? fallback : DType.Float16;
    }

    private DType Mixed(TensorSource tensor)
    {
        string name = tensor.Name;
        bool embedding = name is "token_embd.weight" or "per_layer_token_embd.weight";
        if (name == OutputName || (tied && embedding))
        {
            return type == QuantizationType.MXFP4_MOE || mix.Default == DType.Q8_0 || tensor.Shape[-1] % mix.Default.BlockSize() != 0
                ? DType.Q8_0
                : DType.Q6_K;
        }

        if (type == QuantizationType.MXFP4_MOE)
            return tensor.Shape.Rank > 2 && tensor.Shape[-3] > 1 ? DType.MXFP4 : DType.Q8_0;
        if (embedding)
            return mix.Default;
        if (IsValue(name))
        {
            DType chosen = mix.Value(new TensorPlace(valuesSeen++, values, sharing)) ?? mix.Default;
            return experts == 8 ? DType.Q8_0 : IsOf70Billion && chosen is DType.Q3_K or DType.Q4_K ? DType.Q5_K : chosen;
        }

        if (Has(name, "attn_k.weight"))
            return experts == 8 ? DType.Q8_0 : mix.Default;
        if (Has(name, "attn_output.weight"))
            return (experts == 8 ? mix.EightExpertsOutput : mix.AttentionOutput(default)) ?? mix.Default;
        if (!Has(name, "ffn_down"))
            return mix.Default;
        int layer = experts > 1
            ? Layer(name) ?? throw new CheckpointException(metadata.Path, name, "has no number of a layer in its name")
            : downsSeen++;
        return mix.Down(new TensorPlace(layer, layers, sharing)) ?? mix.Default;
    }

    private static bool IsQuantizable(TensorSource tensor) =>
        tensor.Name.EndsWith("weight", StringComparison.Ordinal)
        && tensor.Shape.Rank >= 2 && tensor.Shape.Count > tensor.Shape[-1]
        && tensor.Name is not ("position_embd.weight" or "token_types.weight")
        && !Kept.Any(part => Has(tensor.Name, part));

    private static bool IsValue(string name) => Has(name, "attn_v.weight") || Has(name, "attn_qkv.weight") || Has(name, "attn_kv_b.weight");

    private static bool Has(string name, string part) => name.Contains(part, StringComparison.Ordinal);

    /// <summary>The number in <c>blk.7.attn_q.weight</c>.</summary>
    private static int? Layer(string name)
    {
        const string Prefix = "blk.";
        int end = name.IndexOf('.', Math.Min(Prefix.Length, name.Length));
        return end > 0 && name.StartsWith(Prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(Prefix.Length..end), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) ? layer : null;
    }

    // Some architectures have a number for each layer; the first one counts.
    private int? Number(string key)
    {
        key = $"{architecture}.{key}";
        return metadata.Entries.TryGetValue(key, out GgufValue? value) && value.Type == GgufValueType.Array
            ? (int?)metadata.GetInt64s(key)?.FirstOrDefault()
            : metadata.GetInt32(key);
    }
}
