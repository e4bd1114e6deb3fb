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

    private static readonly string[] s_models = [GgufVocabulary.SentencePiece, GgufVocabulary.ByteLevel, GgufVocabulary.WordPiece, GgufVocabulary.Unigram];

    private readonly GgufVocabulary vocabulary;
    private readonly string path;
    private readonly bool isSentencePiece;
    private readonly GgufPre? pre;

    public GgufTokenizerWriter(GgufVocabulary vocabulary, string path)
    {
        this.vocabulary = vocabulary;
        this.path = path;
        isSentencePiece = vocabulary.Model == GgufVocabulary.SentencePiece;
        if (Array.IndexOf(s_models, vocabulary.Model) < 0)
            throw Fail("model", $"\"{vocabulary.Model}\" is not known; known are {string.Join(", ", s_models)}");
        if (vocabulary.Model == GgufVocabulary.ByteLevel)
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
            Cls = TokenOf(vocabulary.ClassifierTokenId, "cls_token_id"),
            Sep = TokenOf(vocabulary.SeparatorTokenId, "seperator_token_id"),
            Mask = TokenOf(vocabulary.MaskTokenId, "mask_token_id"),
        };
        var config = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false };
        if (vocabulary.ChatTemplate is not null)
            config["chat_template"] = vocabulary.ChatTemplate;
        foreach ((string role, string token) in special.Roles())
            config[role] = token;
        byte[] json = vocabulary.Model switch
        {
            GgufVocabulary.WordPiece => WordPieceJson(),
            GgufVocabulary.Unigram => UnigramJson(),
            _ => ToJson(),
        };
        return new TokenizerFiles(path, json, config, special, isFolder: true);
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
            Write(json, "added_tokens", AddedTokens());
            Write(json, "normalizer", isSentencePiece ? Normalizer() : null);
            Write(json, "pre_tokenizer", pre?.ToJson());
            Write(json, "post_processor", PostProcessor());
            Write(json, "decoder", isSentencePiece ? StageJson.ByteFallbackDecoder(strips: vocabulary.AddSpacePrefix is not false) : GgufPre.ByteLevel(useRegex: true));
            WriteModel(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>BERT's. In the file a mark begins words and nothing a piece that goes on; tokens in brackets may lack the mark.</summary>
    private byte[] WordPieceJson()
    {
        string unknown = TokenOf(vocabulary.UnknownTokenId, "unknown_token_id") ?? throw Fail("unknown_token_id", "is missing");
        var ids = new JsonObject();
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
        {
            string token = vocabulary.Tokens[id];
            bool whole = IsAdded(id) || id == vocabulary.UnknownTokenId || token is ['[', .., ']'];
            token = token is [Space, ..] && !whole ? token[1..] : whole ? token : "##" + token;
            if (!ids.TryAdd(token, id))
                throw Fail("tokens", $"token {id}: \"{token}\" comes twice");
        }

        int? first = vocabulary.ClassifierTokenId ?? vocabulary.BosTokenId, last = vocabulary.SeparatorTokenId ?? vocabulary.EosTokenId;
        string? cls = vocabulary.AddBosToken is false ? null : TokenOf(first, "cls_token_id");
        string? sep = vocabulary.AddSepToken is false ? null : TokenOf(last, "seperator_token_id");
        string frame = $"{cls} $A {sep}";
        return TokenizerJson.WordPiece(
            AddedTokens(), ids, unknown, StageJson.Template(frame, $"{frame} $B:1 {(sep is null ? null : sep + ":1")}", token => token == cls ? first!.Value : last!.Value),
            vocabulary.Lowercase ?? true, vocabulary.StripAccents, handleChineseChars: true);
    }

    /// <summary>T5's and XLM-R's; the rules for white space are SentencePiece's.</summary>
    private byte[] UnigramJson()
    {
        int unknown = vocabulary.UnknownTokenId ?? throw Fail("unknown_token_id", "is missing");
        var pieces = new JsonArray();
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
        {
            double score = vocabulary.Scores![id];
            pieces.Add((JsonNode)new JsonArray(vocabulary.Tokens[id], double.IsFinite(score) ? score : throw Fail("scores", $"value {id} is not a finite number")));
        }

        var normalizers = new List<JsonNode>();
        if (vocabulary.PrecompiledCharsMap is { Length: > 0 } map)
            normalizers.Add(StageJson.Precompiled(Convert.ToBase64String(map)));
        bool prefix = vocabulary.AddSpacePrefix is not false, removes = vocabulary.RemoveExtraWhitespaces is true;
        if (removes)
            normalizers.AddRange([StageJson.Strip(left: true, right: true), StageJson.Replace(" {2,}", " ", regex: true)]);
        else if (prefix)
            normalizers.Add(StageJson.Prepend(" "));
        // "always" puts no mark before one that is there, as one is only where spaces are kept.
        string scheme = prefix && removes ? "always" : "never";
        string? bos = vocabulary.AddBosToken is true ? TokenOf(vocabulary.BosTokenId, "bos_token_id") : null;
        string? eos = vocabulary.AddEosToken is false ? null : TokenOf(vocabulary.EosTokenId, "eos_token_id");
        return TokenizerJson.Write(
            AddedTokens(), normalizers.Count == 0 ? null : StageJson.Normalizers([.. normalizers]), StageJson.Metaspace(scheme),
            bos is null && eos is null ? null : TokenizerJson.Template(bos, vocabulary.BosTokenId, eos, vocabulary.EosTokenId), StageJson.Metaspace(prefix ? "always" : "never"),
            new JsonObject { ["type"] = "Unigram", ["unk_id"] = unknown, ["vocab"] = pieces, ["byte_fallback"] = false });
    }

    private static void Write(Utf8JsonWriter json, string name, JsonNode? value)
    {
        json.WritePropertyName(name);
        if (value is null)
            json.WriteNullValue();
        else
            value.WriteTo(json);
    }

    private JsonArray AddedTokens()
    {
        var tokens = new JsonArray();
        for (int id = 0; id < vocabulary.Tokens.Count; id++)
        {
            if (vocabulary.Tokens[id].Length == 0 || !IsAdded(id))
                continue;
            JsonObject token = TokenizerJson.AddedToken(id, vocabulary.Tokens[id], special: vocabulary.TypeOf(id) != GgufTokenType.UserDefined);
            // llama.cpp looks for all of them in the text as it is.
            token["normalized"] = false;
            tokens.Add((JsonNode)token);
        }

        return tokens;
    }

    private bool IsAdded(int id) => vocabulary.TypeOf(id) is GgufTokenType.Control or GgufTokenType.Unknown or GgufTokenType.UserDefined
        || vocabulary.TokenTypes is null && (id == vocabulary.BosTokenId || id == vocabulary.EosTokenId || id == vocabulary.UnknownTokenId
            || id == vocabulary.ClassifierTokenId || id == vocabulary.SeparatorTokenId);

    private JsonObject Normalizer()
    {
        JsonObject spaces = StageJson.Replace(" ", StageJson.Mark);
        return vocabulary.AddSpacePrefix is false ? spaces : StageJson.Normalizers(StageJson.Prepend(StageJson.Mark), spaces);
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
        if ((isSentencePiece || vocabulary.Model == GgufVocabulary.Unigram) && vocabulary.Scores is null)
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
