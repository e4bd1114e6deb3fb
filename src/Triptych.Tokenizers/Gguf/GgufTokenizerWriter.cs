using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Gguf;

/// <summary>Writes the tokenizer.json of a GGUF file's vocabulary.</summary>
internal sealed class GgufTokenizerWriter
{
    /// <summary>SentencePiece's own limit is 16 characters unless told otherwise; splits of longer ones would only cost time.</summary>
    private const int MaxPieceLength = 256;

    private const char Space = '\u2581';

    private readonly GgufVocabulary vocabulary;
    private readonly string path;
    private readonly bool isSentencePiece;
    private readonly GgufPre? pre;

    public GgufTokenizerWriter(GgufVocabulary vocabulary, string path)
    {
        this.vocabulary = vocabulary;
        this.path = path;
        isSentencePiece = vocabulary.Model == GgufVocabulary.SentencePiece;
        if (!isSentencePiece && vocabulary.Model != GgufVocabulary.ByteLevel)
            throw Fail("model", $"\"{vocabulary.Model}\" is not known; known are {GgufVocabulary.SentencePiece} and {GgufVocabulary.ByteLevel}");
        if (!isSentencePiece)
            pre = GgufPre.Find(vocabulary.Pre) ?? throw Fail("pre", $"\"{vocabulary.Pre}\" is not known; known are {GgufPre.Known}");
    }

    public TokenizerFiles Write()
    {
        CheckCounts();
        var special = new SpecialTokens
        {
            Bos = TokenOf(vocabulary.BosTokenId, "bos_token_id"),
            Eos = TokenOf(vocabulary.EosTokenId, "eos_token_id"),
            Unk = TokenOf(vocabulary.UnknownTokenId, "unknown_token_id"),
            Pad = TokenOf(vocabulary.PaddingTokenId, "padding_token_id"),
        };
        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false };
        if (vocabulary.ChatTemplate is not null)
            config["chat_template"] = vocabulary.ChatTemplate;
        foreach ((string role, string token) in special.Roles())
            config[role] = token;
        return new TokenizerFiles(path, ToJson(), config, special, isFolder: true);
    }

    private byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = TokenizerFiles.Indented.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAddedTokens(json);
            Write(json, "normalizer", isSentencePiece ? Normalizer() : null);
            Write(json, "pre_tokenizer", pre?.ToJson());
            Write(json, "post_processor", PostProcessor());
            Write(json, "decoder", isSentencePiece ? Decoder() : GgufPre.ByteLevel(useRegex: true));
            WriteModel(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string name, JsonNode? value)
    {
        json.WritePropertyName(name);
        if (value is null)
            json.WriteNullValue();
        else
            value.WriteTo(json);
    }

    private void WriteAddedTokens(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Tokens[id].Length == 0 || !IsAdded(id))
                continue;
            JsonObject token = TokenizerJson.AddedToken(id, vocabulary.Tokens[id], special: vocabulary.TypeOf(id) != GgufTokenType.UserDefined);
            // llama.cpp looks for all of them in the text as it is.
            token["normalized"] = false;
            token.WriteTo(json);
        }

        json.WriteEndArray();
    }

    private bool IsAdded(int id) => vocabulary.TypeOf(id) is GgufTokenType.Control or GgufTokenType.Unknown or GgufTokenType.UserDefined
        || vocabulary.TokenTypes is null && (id == vocabulary.BosTokenId || id == vocabulary.EosTokenId || id == vocabulary.UnknownTokenId);

    private JsonObject Normalizer()
    {
        var spaces = new JsonObject
        {
            ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = Space.ToString(),
        };
        return vocabulary.AddSpacePrefix is false ? spaces : new JsonObject
        {
            ["type"] = "Sequence",
            ["normalizers"] = new JsonArray(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space.ToString() }, spaces),
        };
    }

    private JsonObject Decoder()
    {
        var decoders = new JsonArray(
            new JsonObject
            {
                ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = Space.ToString() }, ["content"] = " ",
            },
            new JsonObject { ["type"] = "ByteFallback" },
            new JsonObject { ["type"] = "Fuse" });
        if (vocabulary.AddSpacePrefix is not false)
            decoders.Add((JsonNode)new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders };
    }

    private JsonObject? PostProcessor()
    {
        string? bos = vocabulary.AddBosToken ?? (isSentencePiece || pre!.IgnoreMerges) ? TokenOf(vocabulary.BosTokenId, "bos_token_id") : null;
        string? eos = vocabulary.AddEosToken is true ? TokenOf(vocabulary.EosTokenId, "eos_token_id") : null;
        JsonObject? template = bos is null && eos is null ? null : TokenizerJson.Template(bos, vocabulary.BosTokenId, eos, vocabulary.EosTokenId);
        if (isSentencePiece)
            return template;
        JsonObject bytes = GgufPre.ByteLevel(useRegex: true);
        return template is null ? bytes : new JsonObject { ["type"] = "Sequence", ["processors"] = new JsonArray(bytes, template) };
    }

    private void WriteModel(Utf8JsonWriter json)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", isSentencePiece ? TokenOf(vocabulary.UnknownTokenId, "unknown_token_id") : null);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", isSentencePiece);
        json.WriteBoolean("byte_fallback", isSentencePiece);
        json.WriteBoolean("ignore_merges", pre?.IgnoreMerges ?? false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
            json.WriteNumber(vocabulary.Tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in isSentencePiece ? MergesOfScores() : MergesOfFile())
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private IEnumerable<(string Left, string Right)> MergesOfFile()
    {
        foreach (string merge in vocabulary.Merges ?? throw Fail("merges", "is missing"))
        {
            int space = merge.IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == merge.Length - 1)
                throw Fail("merges", $"\"{merge}\" is not a pair of tokens");
            yield return (merge[..space], merge[(space + 1)..]);
        }
    }

    /// <summary>
    /// SentencePiece joins the neighbours whose token has the highest score: for each token every pair that makes it is a merge, in the
    /// order of the scores. Among the pairs of one score the order is that of transformers' conversion.
    /// </summary>
    private IEnumerable<(string Left, string Right)> MergesOfScores()
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
            ids.TryAdd(vocabulary.Tokens[id], id);
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(float Score, string Token, int Cut, int Left, int Right)>();
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
        {
            string token = vocabulary.Tokens[id];
            // llama.cpp joins whatever makes a token that is text, be it unused or one that is also looked for as a whole.
            if (vocabulary.TypeOf(id) is not (GgufTokenType.Normal or GgufTokenType.Undefined or GgufTokenType.UserDefined or GgufTokenType.Unused)
                || (IsAdded(id) && token.Length > MaxPieceLength))
                continue;
            if (token.Length > MaxPieceLength)
                throw Fail("tokens", $"token {id} has {token.Length} characters, over the limit of {MaxPieceLength}");
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.TryGetValue(token.AsSpan(0, cut), out int left) && lookup.TryGetValue(token.AsSpan(cut), out int right))
                    merges.Add((vocabulary.Scores![id], token, cut, left, right));
            }
        }

        return merges.OrderByDescending(merge => merge.Score).ThenByDescending(merge => merge.Cut)
            .ThenByDescending(merge => merge.Token.Length).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right)
            .Select(merge => (merge.Token[..merge.Cut], merge.Token[merge.Cut..]));
    }

    private void CheckCounts()
    {
        int count = vocabulary.Tokens.Count;
        if (isSentencePiece && vocabulary.Scores is null)
            throw Fail("scores", "is missing");
        if ((vocabulary.Scores?.Count ?? count) != count)
            throw Fail("scores", $"has {vocabulary.Scores!.Count} values for {count} tokens");
        if ((vocabulary.TokenTypes?.Count ?? count) != count)
            throw Fail("token_type", $"has {vocabulary.TokenTypes!.Count} values for {count} tokens");
    }

    private string? TokenOf(int? id, string key) => id is not { } index ? null
        : index >= 0 && index < vocabulary.Tokens.Count ? vocabulary.Tokens[index]
        : throw Fail(key, $"{index} lies outside of the {vocabulary.Tokens.Count} tokens");

    private TokenizerException Fail(string key, string reason) => new(path, $"tokenizer.ggml.{key}: {reason}");
}
