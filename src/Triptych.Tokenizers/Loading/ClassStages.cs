using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>Puts the stages of a class into a tokenizer.json whose vocabulary and merges stay as they are.</summary>
internal sealed class ClassStages(TokenizerClass kind, ClassContext context)
{
    /// <summary>Changes the file without its lists; false where it was the class's already.</summary>
    public bool Apply(JsonObject root, Func<ClassContext, JsonNode?, JsonNode> processor)
    {
        bool changed = Set(root, "added_tokens", new JsonArray([.. context.Added.Values]));
        changed |= Set(root, "post_processor", processor(context, root["post_processor"]));
        if (kind.KeepsStages)
            return changed;
        changed |= Set(root, "normalizer", kind.Normalizer(context)) | Set(root, "pre_tokenizer", kind.PreTokenizer(context)) | Set(root, "decoder", kind.Decoder(context));
        JsonObject model = root["model"]!.AsObject();
        foreach ((string name, JsonNode? value) in ModelOptions())
            changed |= Set(model, name, value);
        return kind.Files == VocabularyFiles.Words ? model.Remove("merges") | changed : changed;
    }

    /// <summary>The members of the model but for its lists.</summary>
    public IEnumerable<(string Name, JsonNode? Value)> ModelOptions()
    {
        if (kind.Files == VocabularyFiles.Words)
            return [("type", "WordPiece"), ("unk_token", context.Role("unk_token", "[UNK]")), ("continuing_subword_prefix", "##"), ("max_input_chars_per_word", 100)];
        BpeOptions options = kind.Bpe(context);
        return
        [
            ("type", "BPE"), ("dropout", null), ("unk_token", options.UnknownToken), ("continuing_subword_prefix", options.ContinuingSubwordPrefix),
            ("end_of_word_suffix", options.EndOfWordSuffix), ("fuse_unk", options.FuseUnknown), ("byte_fallback", options.ByteFallback),
            ("ignore_merges", options.IgnoreMerges),
        ];
    }

    private static bool Set(JsonObject parent, string name, JsonNode? value)
    {
        JsonNode? before = parent[name];
        if (JsonNode.DeepEquals(before, value) || IsUnset(before) && IsUnset(value))
            return false;
        parent[name] = value;
        return true;
    }

    /// <summary>Whether it says what is so without it.</summary>
    private static bool IsUnset(JsonNode? node) => node is null || node.GetValueKind() == JsonValueKind.False
        || node.GetValueKind() == JsonValueKind.String && node.GetValue<string>().Length == 0;
}
