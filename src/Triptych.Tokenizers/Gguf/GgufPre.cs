using System.Text.Json.Nodes;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Gguf;

/// <summary>A way to cut words that <c>tokenizer.ggml.pre</c> names, and its tokenizer.json.</summary>
/// <param name="Names">Its names: the first is written.</param>
/// <param name="Pattern">The pattern of a split before the byte level; null where the byte level cuts by GPT-2's itself.</param>
/// <param name="SingleDigits">Whether digits stand alone.</param>
/// <param name="IgnoreMerges">Whether a word that is a token is taken whole, and texts begin with the bos token unless told otherwise.</param>
internal sealed record GgufPre(string[] Names, string? Pattern = null, bool SingleDigits = false, bool IgnoreMerges = false)
{
    private static readonly GgufPre[] All =
    [
        new(["gpt-2", "default", "phi-2", "olmo", "mpt"]),
        new(["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"], SingleDigits: true),
        new(["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"], SplitPatterns.Llama3, IgnoreMerges: true),
        new(["dbrx", "smaug-bpe"], SplitPatterns.Llama3),
        new(["qwen2", "deepseek-r1-qwen", "stablelm2", "megrez"], SplitPatterns.Qwen2),
    ];

    /// <summary>All names that are known.</summary>
    public static string Known => string.Join(", ", All.SelectMany(pre => pre.Names));

    /// <summary>The way of a name; GPT-2's for old files that have none.</summary>
    public static GgufPre? Find(string? name) => Array.Find(All, pre => pre.Names.Contains(name ?? "default"));

    /// <summary>The way of a tokenizer.json.</summary>
    public static GgufPre? Find(JsonNode? preTokenizer, bool ignoreMerges) => Array.Find(All, pre => pre.IgnoreMerges == ignoreMerges && pre.Matches(preTokenizer));

    /// <summary>The pre-tokenizer of a tokenizer.json.</summary>
    public JsonObject ToJson()
    {
        JsonObject? first = Pattern is not null
            ? new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Pattern }, ["behavior"] = "Isolated", ["invert"] = false }
            : SingleDigits ? new JsonObject { ["type"] = "Digits", ["individual_digits"] = true } : null;
        JsonObject bytes = ByteLevel(useRegex: Pattern is null);
        return first is null ? bytes : new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(first, bytes) };
    }

    /// <summary>The stage of that name in tokenizer.json.</summary>
    public static JsonObject ByteLevel(bool useRegex) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    private bool Matches(JsonNode? preTokenizer)
    {
        JsonObject[] parts = preTokenizer?["pretokenizers"] is JsonArray sequence ? [.. sequence.OfType<JsonObject>()] : preTokenizer is JsonObject single ? [single] : [];
        int expected = Pattern is null && !SingleDigits ? 1 : 2;
        return parts.Length == expected && Text(parts[^1], "type") == "ByteLevel"
            && parts[^1]["use_regex"]?.GetValue<bool>() is not false == Pattern is null
            && parts[^1]["add_prefix_space"]?.GetValue<bool>() is false
            && (Pattern is null || Text(parts[0], "type") == "Split" && parts[0]["pattern"]?["Regex"]?.GetValue<string>() == Pattern)
            && (!SingleDigits || Text(parts[0], "type") == "Digits" && parts[0]["individual_digits"]?.GetValue<bool>() is true);
    }

    private static string? Text(JsonObject json, string name) => json[name]?.GetValue<string>();
}
