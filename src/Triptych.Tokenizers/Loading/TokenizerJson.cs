using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>Writes tokenizer.json files of the two kinds that can be made here.</summary>
internal static class TokenizerJson
{
    public static byte[] WordPiece(
        JsonObject vocabulary, SpecialTokens special, IEnumerable<string> specialList,
        bool lowercase, bool? stripAccents, bool handleChineseChars, string path)
    {
        int cls = IdOf(vocabulary, special.Cls, path);
        int sep = IdOf(vocabulary, special.Sep, path);
        var template = new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Token(special.Cls!, 0), Sequence("A", 0), Token(special.Sep!, 0)),
            ["pair"] = new JsonArray(Token(special.Cls!, 0), Sequence("A", 0), Token(special.Sep!, 0), Sequence("B", 1), Token(special.Sep!, 1)),
            ["special_tokens"] = new JsonObject
            {
                [special.Cls!] = Describe(special.Cls!, cls),
                [special.Sep!] = Describe(special.Sep!, sep),
            },
        };
        return WordPiece(AddedTokens(vocabulary, specialList), vocabulary, special.Unk ?? "[UNK]", template, lowercase, stripAccents, handleChineseChars);
    }

    public static byte[] WordPiece(
        JsonArray added, JsonObject vocabulary, string unknown, JsonObject postProcessor, bool lowercase, bool? stripAccents, bool handleChineseChars) =>
        Write(added,
            new JsonObject
            {
                ["type"] = "BertNormalizer",
                ["clean_text"] = true,
                ["handle_chinese_chars"] = handleChineseChars,
                ["strip_accents"] = stripAccents,
                ["lowercase"] = lowercase,
            },
            new JsonObject { ["type"] = "BertPreTokenizer" },
            postProcessor,
            new JsonObject { ["type"] = "WordPiece", ["prefix"] = "##", ["cleanup"] = true },
            new JsonObject
            {
                ["type"] = "WordPiece",
                ["unk_token"] = unknown,
                ["continuing_subword_prefix"] = "##",
                ["max_input_chars_per_word"] = 100,
                ["vocab"] = vocabulary,
            });

    public static byte[] ByteLevelBpe(
        JsonObject vocabulary, JsonArray merges, SpecialTokens special, IEnumerable<string> specialList,
        bool addPrefixSpace, bool roberta, string path)
    {
        JsonObject postProcessor = roberta
            ? new JsonObject
            {
                ["type"] = "RobertaProcessing",
                ["sep"] = new JsonArray(special.Sep, IdOf(vocabulary, special.Sep, path)),
                ["cls"] = new JsonArray(special.Cls, IdOf(vocabulary, special.Cls, path)),
                ["trim_offsets"] = true,
                ["add_prefix_space"] = addPrefixSpace,
            }
            : ByteLevel(addPrefixSpace: true, trimOffsets: false);
        return Write(AddedTokens(vocabulary, specialList, roberta ? special.Mask : null), null,
            ByteLevel(addPrefixSpace, trimOffsets: true), postProcessor, ByteLevel(addPrefixSpace: true, trimOffsets: true),
            new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = merges,
            });
    }

    /// <summary>A template that begins and ends each text with a token, where there is one.</summary>
    public static JsonObject Template(string? bos, int? bosId, string? eos, int? eosId)
    {
        var single = new JsonArray();
        var pair = new JsonArray();
        var tokens = new JsonObject();
        for (int text = 0; text < 2; text++)
        {
            if (bos is not null)
                pair.Add((JsonNode)Token(bos, text));
            pair.Add((JsonNode)Sequence(text == 0 ? "A" : "B", text));
            if (eos is not null)
                pair.Add((JsonNode)Token(eos, text));
            if (text == 0)
                single = pair.DeepClone().AsArray();
        }

        if (bos is not null)
            tokens[bos] = Describe(bos, bosId!.Value);
        if (eos is not null)
            tokens[eos] = Describe(eos, eosId!.Value);
        return new JsonObject { ["type"] = "TemplateProcessing", ["single"] = single, ["pair"] = pair, ["special_tokens"] = tokens };
    }

    /// <summary>The special tokens as added tokens; those that the vocabulary lacks follow it.</summary>
    private static JsonArray AddedTokens(JsonObject vocabulary, IEnumerable<string> tokens, string? stripped = null)
    {
        int next = vocabulary.Count;
        var added = tokens.Distinct(StringComparer.Ordinal)
            .Select(token => (Token: token, Id: vocabulary[token]?.GetValue<int>() ?? next++))
            .OrderBy(token => token.Id);
        return [.. added.Select(token => AddedToken(token.Id, token.Token, special: true, lstrip: token.Token == stripped))];
    }

    public static JsonObject AddedToken(int id, string content, bool special, bool lstrip = false) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = lstrip,
        ["rstrip"] = false,
        ["normalized"] = !special,
        ["special"] = special,
    };

    private static JsonObject ByteLevel(bool addPrefixSpace, bool trimOffsets) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = addPrefixSpace,
        ["trim_offsets"] = trimOffsets,
        ["use_regex"] = true,
    };

    private static JsonObject Sequence(string id, int typeId) =>
        new() { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = typeId } };

    private static JsonObject Token(string id, int typeId) =>
        new() { ["SpecialToken"] = new JsonObject { ["id"] = id, ["type_id"] = typeId } };

    private static JsonObject Describe(string token, int id) =>
        new() { ["id"] = token, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(token) };

    private static int IdOf(JsonObject vocabulary, string? token, string path) =>
        token is not null && vocabulary[token] is JsonNode id ? id.GetValue<int>()
            : throw new TokenizerException(path, $"the special token \"{token}\" is not in the vocabulary");

    /// <summary>A file of these parts.</summary>
    public static byte[] Write(
        JsonArray added,
        JsonObject? normalizer,
        JsonObject preTokenizer,
        JsonObject? postProcessor,
        JsonObject decoder,
        JsonObject model) =>
        TokenizerFiles.ToBytes(new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = postProcessor,
            ["decoder"] = decoder,
            ["model"] = model,
        });
}
