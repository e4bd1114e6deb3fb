using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers;

/// <summary>The tokenizer.json that training fills in: its stages cut texts into words, its model gets the vocabulary.</summary>
internal sealed class TrainingPipeline
{
    private readonly JsonObject _root;
    private readonly JsonObject _config;
    private readonly SpecialTokens _roles;
    private readonly List<JsonObject> _added;
    private readonly string _name;
    private readonly bool _isFolder;
    private readonly TokenizerParts _parts;

    private TrainingPipeline(
        JsonObject root, string name, JsonObject config, SpecialTokens roles, List<JsonObject> added, bool isFolder)
    {
        (_root, _name, _config, _roles, _added, _isFolder) = (root, name, config, roles, added, isFolder);
        Model = root["model"]!.AsObject();
        IsByteLevel = HasByteLevel(root["pre_tokenizer"]);
        var stages = new JsonObject
        {
            ["normalizer"] = root["normalizer"]?.DeepClone(),
            ["pre_tokenizer"] = root["pre_tokenizer"]?.DeepClone(),
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = new JsonObject(), ["merges"] = new JsonArray() },
        };
        _parts = TokenizerReader.Read(TokenizerFiles.ToBytes(stages), name);
        Segmenter = Segmenter.Find(_parts) is { OneWord: false } segmenter ? segmenter : null;
    }

    /// <summary>The quick way to cut texts into segments that are worked on independently, or null.</summary>
    public Segmenter? Segmenter { get; }

    /// <summary>The model's part of the file: type and options, and in the end the vocabulary.</summary>
    public JsonObject Model { get; }

    /// <summary>Whether words are made of the 256 letters that stand for bytes.</summary>
    public bool IsByteLevel { get; }

    /// <summary>The special tokens, in the order of their ids.</summary>
    public IReadOnlyList<string> SpecialTokens => [.. _added.Select(ContentOf)];

    /// <summary>A trainer's own pipeline.</summary>
    public static TrainingPipeline Of(byte[] json, string name, IReadOnlyList<AddedToken> special)
    {
        JsonObject root = JsonNode.Parse(json)!.AsObject();
        List<JsonObject> added = TakeAdded(root, _ => true);
        AddSpecial(added, special);
        return new TrainingPipeline(root, name, [], new SpecialTokens(), added, isFolder: false);
    }

    /// <summary>The pipeline of a tokenizer, without its vocabulary.</summary>
    public static TrainingPipeline Of(Tokenizer tokenizer, string modelType, IReadOnlyList<AddedToken> special)
    {
        string type = TypeOf(tokenizer);
        if (type != modelType)
            throw new ArgumentException($"a trainer for {modelType} cannot train the {type} model of the pipeline", nameof(tokenizer));
        TokenizerFiles files = tokenizer.Files;
        JsonObject root = Parse(files);
        JsonObject model = root["model"]!.AsObject();
        model["type"] = type;
        if (type == "Unigram")
            KeepUnknown(model);
        model.Remove("vocab");
        model.Remove("merges");

        // Unigram keeps all added tokens, as transformers does: SentencePiece models declare theirs so.
        List<JsonObject> added = TakeAdded(root, token => type == "Unigram" || token["special"]?.GetValue<bool>() == true);
        AddSpecial(added, special);
        JsonObject config = files.Config.DeepClone().AsObject();
        config.Remove("added_tokens_decoder");
        return new TrainingPipeline(root, files.Path, config, tokenizer.SpecialTokens, added, files.IsFolder);
    }

    /// <summary>The type of a tokenizer's model; old files don't name it.</summary>
    public static string TypeOf(Tokenizer tokenizer)
    {
        JsonObject model = Parse(tokenizer.Files)["model"]!.AsObject();
        return model["type"]?.GetValue<string>() ?? (model.ContainsKey("merges") ? "BPE" : "WordPiece");
    }

    /// <summary>A text option of the model, or null.</summary>
    public string? Option(string name) => Model[name]?.GetValue<string>();

    /// <summary>Cuts a text into words.</summary>
    public void Cut(PreTokenizedString work, ReadOnlySpan<char> text) => Cut(work, text, _parts.Normalizer, _parts.PreTokenizer);

    /// <summary>Cuts a segment of a text into words.</summary>
    public void CutSegment(PreTokenizedString work, ReadOnlySpan<char> segment, bool first) =>
        Cut(work, segment, Segmenter!.NormalizerOf(first), Segmenter.PreTokenizerOf(first));

    /// <summary>The files of the tokenizer, once <see cref="Model"/> has its vocabulary.</summary>
    public TokenizerFiles Finish(IReadOnlyDictionary<string, int> ids, SpecialTokens special, int? modelMaxLength)
    {
        int next = ids.Count == 0 ? 0 : ids.Values.Max() + 1;
        var known = new Dictionary<string, int>(ids, StringComparer.Ordinal);
        foreach (JsonObject token in _added)
        {
            if (!known.TryGetValue(ContentOf(token), out int id))
                known[ContentOf(token)] = id = next++;
            token["id"] = id;
            token["special"] = true;
        }

        _root["added_tokens"] = new JsonArray([.. _added.OrderBy(token => token["id"]!.GetValue<int>())]);
        Renumber(_root["post_processor"], known);
        if (_root["padding"] is JsonObject padding && padding["pad_token"]?.GetValue<string>() is string pad && known.TryGetValue(pad, out int padId))
            padding["pad_id"] = padId;
        _config.TryAdd("tokenizer_class", "PreTrainedTokenizerFast");
        if (modelMaxLength is int length)
            _config["model_max_length"] = length;
        SpecialTokens roles = special.Or(_roles, known.ContainsKey);
        return new TokenizerFiles(_name, TokenizerFiles.ToBytes(_root), _config, roles, isFolder: _isFolder);
    }

    /// <summary>Special tokens by their place in the list, until the vocabulary is there.</summary>
    public static JsonObject Provisional(IReadOnlyList<string> special) =>
        new(special.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));

    /// <summary>A tokenizer.json whose texts get no special tokens.</summary>
    public static byte[] Json(
        IReadOnlyList<string> special, JsonObject? normalizer, JsonObject preTokenizer, JsonObject? decoder, JsonObject model) =>
        TokenizerFiles.ToBytes(new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. special.Select((token, id) => TokenizerJson.AddedToken(id, token, special: true))]),
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = null,
            ["decoder"] = decoder,
            ["model"] = model,
        });

    /// <summary>A stage without options.</summary>
    public static JsonObject Stage(string type) => new() { ["type"] = type };

    /// <summary>SentencePiece's words, as pre-tokenizer and as decoder.</summary>
    public static JsonObject Metaspace() => new()
    {
        ["type"] = "Metaspace",
        ["replacement"] = "\u2581",
        ["prepend_scheme"] = "always",
        ["split"] = true,
    };

    private static void Cut(PreTokenizedString work, ReadOnlySpan<char> text, Normalizer? normalizer, PreTokenizer? preTokenizer)
    {
        work.Load(text);
        if (normalizer is not null)
            work.Normalize(normalizer);
        preTokenizer?.PreTokenize(work);
    }

    private static JsonObject Parse(TokenizerFiles files)
    {
        ReadOnlySpan<byte> json = files.Json.Span;
        return JsonNode.Parse(json.StartsWith("\uFEFF"u8) ? json[3..] : json)!.AsObject();
    }

    private static string ContentOf(JsonObject token) => token["content"]!.GetValue<string>();

    private static List<JsonObject> TakeAdded(JsonObject root, Predicate<JsonObject> keep)
    {
        JsonObject[] added = [.. (root["added_tokens"] as JsonArray ?? []).OfType<JsonObject>()];
        (root["added_tokens"] as JsonArray)?.Clear();
        return [.. added.Where(token => keep(token)).DistinctBy(ContentOf)];
    }

    private static void AddSpecial(List<JsonObject> added, IEnumerable<AddedToken> special)
    {
        foreach (AddedToken token in special)
        {
            JsonObject? known = added.Find(known => ContentOf(known) == token.Content);
            if (known is null)
                added.Add(known = TokenizerJson.AddedToken(0, token.Content, special: true));
            if (!token.HasAttributes)
                continue;
            known["single_word"] = token.SingleWord;
            known["lstrip"] = token.LStrip;
            known["rstrip"] = token.RStrip;
            known["normalized"] = token.Normalized;
        }
    }

    /// <summary>Unigram models name the unknown token by id; it has to be found again when the vocabulary is another.</summary>
    private static void KeepUnknown(JsonObject model)
    {
        int? id = model["unk_id"]?.GetValue<int>();
        model["unk_token"] = id is int at ? model["vocab"]![at]![0]!.GetValue<string>() : null;
    }

    private static bool HasByteLevel(JsonNode? preTokenizer) => preTokenizer is JsonObject stage
        && (stage["type"]?.GetValue<string>() == "ByteLevel" || (stage["pretokenizers"] as JsonArray ?? []).Any(HasByteLevel));

    /// <summary>Gives the tokens of templates the ids that they have in the new vocabulary.</summary>
    private void Renumber(JsonNode? stage, Dictionary<string, int> ids)
    {
        if (stage is not JsonObject processor)
            return;
        int IdOf(string token) => ids.TryGetValue(token, out int id) ? id
            : throw new TokenizerException(_name, $"the post-processor's token \"{token}\" is not in the new vocabulary: make it a special token");

        foreach (JsonNode? part in processor["processors"] as JsonArray ?? [])
            Renumber(part, ids);
        foreach ((string _, JsonNode? token) in processor["special_tokens"] as JsonObject ?? [])
            token!["ids"] = new JsonArray([.. token["tokens"]!.AsArray().Select(content => (JsonNode?)IdOf(content!.GetValue<string>()))]);

        foreach (string role in (string[])["cls", "sep"])
        {
            if (processor[role] is JsonArray pair)
                pair[1] = IdOf(pair[0]!.GetValue<string>());
        }
    }
}
