using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>What transformers changes about a tokenizer.json because of the files beside it.</summary>
internal static class ConfigRules
{
    // A tokenizer whose class is the general one takes tokenizer.json as it is, save for further tokens.
    public static void Apply(
        TokenizerDocument document, string file, JsonObject config, JsonObject addedTokens, SpecialTokens special, bool hasOwnClass)
    {
        if (config.Count == 0 && addedTokens.Count == 0 && !special.Roles().Any())
            return;
        try
        {
            if (JsonNode.Parse(document.Rest.Span) is not JsonObject root)
                return;
            Vocabulary? vocabulary = document.FindVocabulary(reason => new TokenizerException(file, $"model.vocab: {reason}"));
            bool changed = AddTokens(root, vocabulary, config, addedTokens, special);
            if (hasOwnClass)
                changed |= ApplyNormalizer(root, config) | ApplyPrefixSpace(root, config);
            if (changed)
                document.Change(root);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new TokenizerException(file, $"not a usable tokenizer.json: {e.Message}", e);
        }
    }

    private static bool ApplyNormalizer(JsonObject root, JsonObject config)
    {
        if (root["normalizer"] is not JsonObject normalizer
            || TokenizerFiles.Value(normalizer, "type") as string != "BertNormalizer")
            return false;
        bool changed = false;
        (string, string)[] flags =
        [
            ("do_lower_case", "lowercase"),
            ("tokenize_chinese_chars", "handle_chinese_chars"),
            ("strip_accents", "strip_accents"),
        ];
        foreach ((string name, string target) in flags)
        {
            if (TokenizerFiles.Value(config, name) is not bool flag
                || TokenizerFiles.Value(normalizer, target) as bool? == flag)
                continue;
            normalizer[target] = flag;
            changed = true;
        }

        return changed;
    }

    private static bool ApplyPrefixSpace(JsonObject root, JsonObject config)
    {
        if (TokenizerFiles.Value(config, "add_prefix_space") is not bool flag)
            return false;
        bool changed = false;
        foreach (string stage in (string[])["pre_tokenizer", "post_processor"])
        {
            if (root[stage] is JsonObject component && stage + "/" + TokenizerFiles.Value(component, "type") is
                    "pre_tokenizer/ByteLevel" or "post_processor/RobertaProcessing"
                && TokenizerFiles.Value(component, "add_prefix_space") as bool? != flag)
            {
                component["add_prefix_space"] = flag;
                changed = true;
            }
        }

        return changed;
    }

    private static bool AddTokens(JsonObject root, Vocabulary? vocabulary, JsonObject config, JsonObject addedTokens, SpecialTokens special)
    {
        JsonObject? written = root["model"]?["vocab"] as JsonObject;
        JsonArray added = root["added_tokens"] as JsonArray ?? [];
        var known = new HashSet<string>(StringComparer.Ordinal);
        int next = vocabulary?.Count ?? written?.Count ?? 0;
        foreach (JsonNode? token in added)
        {
            known.Add(token!["content"]!.GetValue<string>());
            next = Math.Max(next, token["id"]!.GetValue<int>() + 1);
        }

        var tokens = new List<(int Id, JsonObject Token)>();
        if (config["added_tokens_decoder"] is JsonObject decoder)
        {
            foreach ((string id, JsonNode? token) in decoder)
            {
                JsonObject copy = token!.DeepClone().AsObject();
                copy["id"] = int.Parse(id);
                tokens.Add((int.Parse(id), copy));
            }
        }

        foreach ((string content, JsonNode? id) in addedTokens)
            tokens.Add((id!.GetValue<int>(), TokenizerJson.AddedToken(id.GetValue<int>(), content, special: false)));
        tokens.Sort((a, b) => a.Id.CompareTo(b.Id));
        IEnumerable<string> additional = (config["additional_special_tokens"] ?? config["extra_special_tokens"]) is JsonArray list
            ? list.Select(token => token is JsonObject described
                ? TokenizerFiles.Value(described, "content") as string : token?.GetValue<string>()).OfType<string>()
            : [];
        foreach (string content in special.Roles().Select(role => role.Token).Concat(additional))
        {
            int id = vocabulary?.IdOf(content) ?? written?[content]?.GetValue<int>() ?? -1;
            tokens.Add((id, TokenizerJson.AddedToken(id, content, special: true)));
        }

        bool changed = false;
        foreach ((int id, JsonObject token) in tokens)
        {
            if (!known.Add(token["content"]!.GetValue<string>()))
                continue;
            if (id < 0)
                token["id"] = next++;
            else
                next = Math.Max(next, id + 1);
            token["special"] ??= false;
            added.Add(token);
            changed = true;
        }

        if (changed)
        {
            root["added_tokens"] = new JsonArray(
                [.. added.Select(token => token!.DeepClone()).OrderBy(token => token["id"]!.GetValue<int>())]);
        }

        return changed;
    }
}
