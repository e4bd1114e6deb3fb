using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Loading;

/// <summary>What a tokenizer class of transformers is made from: the files' settings, vocabulary and special tokens.</summary>
internal sealed class ClassContext
{
    public static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly Dictionary<string, JsonObject> _named = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly JsonNode? _additionalOfMap;

    public ClassContext(TokenizerClass kind, JsonObject config, JsonObject specialTokensMap, string path)
    {
        Kind = kind;
        Path = path;
        Config = config.DeepClone().AsObject();
        // The map is a thing of old: it counts where the configuration does not describe the tokens itself.
        if (Config["added_tokens_decoder"] is not JsonObject)
        {
            foreach ((string key, JsonNode? value) in specialTokensMap)
            {
                if (key == "additional_special_tokens")
                    _additionalOfMap = value;
                else
                    Config[key] = value?.DeepClone();
            }
        }
    }

    public TokenizerClass Kind { get; }

    public JsonObject Config { get; }

    /// <summary>The file that the vocabulary comes from.</summary>
    public string Path { get; }

    /// <summary>Pieces and scores in the order of their ids.</summary>
    public List<(string Piece, double Score)> Vocabulary { get; set; } = [];

    /// <summary>The vocabulary of a tokenizer.json where that is kept as it is, and <see cref="Vocabulary"/> is empty.</summary>
    public Vocabulary? Kept { get; init; }

    /// <summary>The ids of the pieces; null where they count from 0.</summary>
    public int[]? Ids { get; set; }

    public IReadOnlyList<(string Left, string Right)> Merges { get; set; } = [];

    /// <summary>SentencePiece's rules in base64, or null.</summary>
    public string? CharsMap { get; set; }

    /// <summary>Whether the vocabulary comes from a SentencePiece model.</summary>
    public bool FromModel { get; set; }

    public int UnknownId { get; set; }

    /// <summary>Whether the SentencePiece model has tokens for bytes.</summary>
    public bool HasBytes { get; set; }

    /// <summary>Control and user-defined symbols of a SentencePiece model, or what the class has besides the named tokens.</summary>
    public List<JsonObject> Additional { get; } = [];

    /// <summary>The added tokens by id.</summary>
    public SortedDictionary<int, JsonObject> Added { get; } = [];

    public bool Flag(string name, bool otherwise) => TokenizerFiles.Value(Config, name) as bool? ?? otherwise;

    public string? Text(string name) => TokenizerFiles.Value(Config, name) as string;

    /// <summary>A named special token: the files' own, else the class's; null where neither has one.</summary>
    public string? Role(string name) => Config.ContainsKey(name) ? Text(name)
        : Kind.Defaults.Roles().Concat(Kind.OwnRoles).FirstOrDefault(role => role.Role == name).Token;

    /// <summary>The special tokens of all roles.</summary>
    public SpecialTokens SpecialTokens => new()
    {
        Bos = Role("bos_token"),
        Eos = Role("eos_token"),
        Unk = Role("unk_token"),
        Sep = Role("sep_token"),
        Pad = Role("pad_token"),
        Cls = Role("cls_token"),
        Mask = Role("mask_token"),
    };

    /// <summary>The names of special tokens: those that all classes know, those of this one, and what else the files call so.</summary>
    public IEnumerable<string> AllRoles => Roles.Concat(Kind.OwnRoles.Select(role => role.Role))
        .Concat(Config.Select(member => member.Key).Where(key => key.EndsWith("_token", StringComparison.Ordinal))).Distinct(StringComparer.Ordinal);

    public string Role(string name, string otherwise) => Role(name) ?? otherwise;

    /// <summary>The id of a token, that of the unknown where it is none.</summary>
    public int IdOf(string token) => Find(token) is >= 0 and int id ? id
        : Role("unk_token") is string unknown && Find(unknown) is >= 0 and int other ? other
        : throw new TokenizerException(Path, $"the special token \"{token}\" is not in the vocabulary");

    public int IdAt(int place) => Ids is null ? place : Ids[place];

    public int Find(string token) => _ids.TryGetValue(token, out int id) ? id : Kept?.IdOf(token) ?? -1;

    /// <summary>A token by itself; those that are special are not looked for in normalized text.</summary>
    public static JsonObject Token(string content, bool special = true, bool normalized = false, bool lstrip = false) => new()
    {
        ["content"] = content, ["single_word"] = false, ["lstrip"] = lstrip, ["rstrip"] = false, ["normalized"] = normalized, ["special"] = special,
    };

    /// <summary>Adds the tokens that the files describe, the named and the further ones, in the order of transformers.</summary>
    public void AddTokens(JsonObject addedTokens, IEnumerable<JsonObject> fromJson)
    {
        for (int id = 0; id < Vocabulary.Count; id++)
            _ids[Vocabulary[id].Piece] = IdAt(id);
        var described = Described(addedTokens, fromJson);
        foreach (JsonObject token in described.Values)
            _named[token["content"]!.GetValue<string>()] = token;
        JsonObject[] named = [.. NamedTokens()];
        HashSet<string> names = [.. named.Select(token => token["content"]!.GetValue<string>())];
        foreach (JsonObject token in described.Values)
        {
            token["special"] = token["special"]!.GetValue<bool>() || names.Contains(token["content"]!.GetValue<string>());
            Add(token);
        }

        HashSet<string> known = [.. described.Values.Select(token => token["content"]!.GetValue<string>())];
        foreach (JsonObject token in named.Concat(FurtherTokens()))
        {
            token["special"] = token["special"]!.GetValue<bool>() || Kind.AllAreSpecial;
            if (!known.Contains(token["content"]!.GetValue<string>()))
                Add(token);
        }
    }

    /// <summary>The tokens that the files give an id.</summary>
    public SortedDictionary<int, JsonObject> Described(JsonObject addedTokens, IEnumerable<JsonObject> fromJson)
    {
        var described = new SortedDictionary<int, JsonObject>();
        if (Config["added_tokens_decoder"] is JsonObject decoder)
        {
            foreach ((string id, JsonNode? token) in decoder)
                described[ParseId(id)] = Complete(token as JsonObject ?? throw Fail($"added_tokens_decoder.{id}: expected an object"), special: false);
            return described;
        }

        HashSet<string> special = [.. NamedTokens().Select(token => token["content"]!.GetValue<string>())];
        foreach ((string content, JsonNode? id) in addedTokens)
            described[ParseId(id?.ToJsonString() ?? "")] = Token(content, special.Contains(content), !special.Contains(content));
        foreach (JsonObject token in fromJson)
            described[ParseId(token["id"]?.ToJsonString() ?? "")] = Complete(token, special: false);
        return described;
    }

    private IEnumerable<JsonObject> NamedTokens()
    {
        foreach (string role in AllRoles)
        {
            if (Role(role) is not string content)
                continue;
            if (_named.TryGetValue(content, out JsonObject? described))
                yield return described;
            else if (Config[role] is JsonObject token)
                yield return Complete(token, special: true);
            else
                yield return Token(content, lstrip: role == "mask_token" && Kind.MaskTakesSpace, normalized: role == "mask_token" && Kind.MaskIsNormalized);
        }
    }

    /// <summary>Whether the files list tokens besides the named ones.</summary>
    public bool ListsFurther => Listed is JsonArray or JsonObject;

    // What a SentencePiece model lists takes the place of what the map of special tokens does.
    private JsonNode? Listed => Config["extra_special_tokens"] ?? Config["additional_special_tokens"] ?? (FromModel ? null : _additionalOfMap);

    /// <summary>The tokens besides the named ones.</summary>
    public IEnumerable<JsonObject> FurtherTokens()
    {
        JsonObject[] first = [.. ListedTokens()];
        HashSet<string> known = [.. first.Select(token => token["content"]!.GetValue<string>())];
        return first.Concat(Kind.Last(this).Where(known.Add).Select(token => Token(token)));
    }

    private IEnumerable<JsonObject> ListedTokens()
    {
        JsonNode? listed = Listed;
        if (listed is JsonArray list)
            return list.Select(token => token is JsonObject described ? Complete(described, special: true) : Token(token?.GetValue<string>() ?? ""));
        return listed is JsonObject byName ? byName.Select(member => Token(member.Value?.GetValue<string>() ?? ""))
            : (Kind.ListsAll ? [] : Additional).Concat(Kind.Further(this).Select(token => Token(token)));
    }

    /// <summary>A token of a file with all its members; those of an object that names a token are as it says.</summary>
    private static JsonObject Complete(JsonObject token, bool special)
    {
        bool Member(string name, bool otherwise) => TokenizerFiles.Value(token, name) as bool? ?? otherwise;
        string content = token["content"]?.GetValue<string>() ?? throw new FormatException("a token has no \"content\"");
        bool isSpecial = special || Member("special", false);
        return new JsonObject
        {
            ["content"] = content,
            ["single_word"] = Member("single_word", false),
            ["lstrip"] = Member("lstrip", false),
            ["rstrip"] = Member("rstrip", false),
            ["normalized"] = Member("normalized", !isSpecial),
            ["special"] = isSpecial,
        };
    }

    private void Add(JsonObject token)
    {
        string content = token["content"]!.GetValue<string>();
        if (content.Length == 0)
            return;
        if (Find(content) is not (>= 0 and int id))
        {
            id = Math.Max(Kept?.Count ?? Vocabulary.Count, Added.Count == 0 ? 0 : Added.Keys.Max() + 1);
            _ids[content] = id;
        }

        bool special = token["special"]!.GetValue<bool>() || (Added.TryGetValue(id, out JsonObject? before) && before["special"]!.GetValue<bool>());
        JsonObject copy = token.DeepClone().AsObject();
        copy["special"] = special;
        copy["id"] = id;
        Added[id] = copy;
    }

    private int ParseId(string text) => int.TryParse(text, out int id) && id is >= 0 and < Models.Vocabulary.MaxId
        ? id : throw Fail($"id {text} of an added token is out of range");

    private TokenizerException Fail(string reason) => new(Path, reason);
}
