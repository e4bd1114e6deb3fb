using System.Text.Json;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>The files that make a tokenizer: tokenizer.json (read, or made from older files) and those beside it.</summary>
internal sealed class TokenizerFiles
{
    private const string ConfigName = "tokenizer_config.json";
    /// <summary>Bytes from which a file is long.</summary>
    private const int LongFile = 1 << 20;

    private const string SpecialTokensName = "special_tokens_map.json";

    internal static readonly JsonWriterOptions Indented =
        new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _specialTokensMap;
    private readonly IReadOnlyList<(string Name, byte[] Content)> _originals = [];
    private JsonObject _config;
    private JsonObject? _postProcessor;
    private readonly Lazy<TokenizerParts>? _target;

    public TokenizerFiles(
        string path,
        TokenizerDocument document,
        JsonObject? config = null,
        SpecialTokens? special = null,
        JsonObject? specialTokensMap = null,
        bool isFolder = false,
        ChatTemplateFiles? chatTemplates = null)
    {
        Path = path;
        Document = document;
        IsFolder = isFolder;
        SpecialTokens = special ?? new SpecialTokens();
        _config = config ?? [];
        _specialTokensMap = specialTokensMap ?? [];
        ChatTemplates = chatTemplates ?? ChatTemplateFiles.FromConfig(_config["chat_template"], path);
        PaddingSide = ReadSide("padding_side");
        TruncationSide = ReadSide("truncation_side");
        CleanUpTokenizationSpaces = Value(_config, "clean_up_tokenization_spaces") is true;
        ModelMaxLength = Value(_config, "model_max_length") is double length and >= 1 and <= int.MaxValue ? (int)length : null;
    }

    public TokenizerFiles(
        string path,
        ReadOnlyMemory<byte> json,
        JsonObject? config = null,
        SpecialTokens? special = null,
        JsonObject? specialTokensMap = null,
        bool isFolder = false,
        ChatTemplateFiles? chatTemplates = null)
        : this(path, new TokenizerDocument(json), config, special, specialTokensMap, isFolder, chatTemplates)
    {
    }

    /// <summary>Files that are used as they are, without being made a tokenizer.json.</summary>
    public TokenizerFiles(string path, TokenizerParts parts, SpecialTokens special, IReadOnlyList<(string Name, byte[] Content)> originals, JsonObject? config = null)
        : this(path, new TokenizerDocument(default), config, special: special, isFolder: config is not null) => (Parts, _originals) = (parts, originals);

    public string Path { get; }

    /// <summary>The tokenizer.json; empty where none describes the stages.</summary>
    public TokenizerDocument Document { get; }

    /// <summary>The stages, where no tokenizer.json describes them.</summary>
    public TokenizerParts? Parts { get; }

    /// <summary>Whether the tokenizer.json was made here: then its scores are exact, and not what the reference reads.</summary>
    public bool IsConverted { get; init; }

    /// <summary>Whether of ids that repeat only one is decoded, and none that pads.</summary>
    public bool GroupsRepeats { get; init; }

    /// <summary>How texts are marked with a language, or null.</summary>
    public LanguageRules? Languages { get; set; }

    /// <summary>The vocabularies of several languages, of which one is used; null where there is one for all.</summary>
    public LanguageVocabularies? Vocabularies { get; init; }

    /// <summary>The stages of target texts, where those are of other files; null where they are not.</summary>
    public TokenizerParts? TargetParts => _target?.Value;

    public Lazy<TokenizerParts>? Target
    {
        init => _target = value;
    }

    /// <exception cref="NotSupportedException">No tokenizer.json can say what the file says.</exception>
    public ReadOnlyMemory<byte> Json => Parts is null ? _postProcessor is null ? Document.Json : WithPostProcessor(_postProcessor)
        : throw new NotSupportedException($"{Path} is used as it is: no tokenizer.json works exactly as it does");

    public bool IsFolder { get; }

    public SpecialTokens SpecialTokens { get; }

    public Side PaddingSide { get; }

    public Side TruncationSide { get; }

    public bool CleanUpTokenizationSpaces { get; }

    /// <summary>How decoded text is tidied.</summary>
    public Func<string, string> CleanUp { get; init; } = Pipeline.WordPieceDecoder.CleanUp;

    public int? ModelMaxLength { get; }

    public JsonObject Config => _config;

    public ChatTemplateFiles ChatTemplates { get; }

    public string? ChatTemplate => ChatTemplates.Sources.GetValueOrDefault(ChatTemplateFiles.Default);

    /// <summary>Special tokens of a model's own, such as <c>image_token</c>, by name.</summary>
    public IEnumerable<(string Name, string Token)> ModelTokens()
    {
        JsonObject[] groups = [_config, _config["model_specific_special_tokens"] as JsonObject ?? [], _config["extra_special_tokens"] as JsonObject ?? []];
        return groups.SelectMany((group, i) => group
            .Where(pair => i > 0 || pair.Key.EndsWith("_token", StringComparison.Ordinal))
            .Select(pair => (pair.Key, Value(group, pair.Key) as string)))
            .Where(pair => pair.Item2 is not null)!;
    }

    public static TokenizerFiles Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (File.Exists(path))
            return SingleFile.Read(path, ReadBytes(path));
        if (!Directory.Exists(path))
            throw new TokenizerException(path, "no such file or folder");

        JsonObject config = ReadObject(path, ConfigName);
        JsonObject modelConfig = ReadObject(path, "config.json");
        JsonObject map = ReadObject(path, SpecialTokensName);
        string file = System.IO.Path.Combine(path, "tokenizer.json");
        var document = new Lazy<TokenizerDocument>(() => new TokenizerDocument(ReadBytes(file)));
        if (ClassFolder.TryRead(path, config, modelConfig, map, document) is TokenizerFiles converted)
            return converted;
        SpecialTokens special = ReadSpecialTokens(config, map);
        ConfigRules.Apply(document.Value, file, config, ReadObject(path, "added_tokens.json"), special, HasOwnClass(config, modelConfig));
        string? name = TokenizerClassNames.Find(config, modelConfig);
        bool groups = name is not null && TokenizerClass.Find(name) is { GroupsRepeats: true };
        if (groups)
            config.TryAdd("tokenizer_class", name);
        return new TokenizerFiles(file, document.Value, config, special, map, isFolder: true, ChatTemplateFiles.Read(path)) { GroupsRepeats = groups };
    }

    /// <summary>The same files for other languages: tokenizer_config.json names them, and the post-processor is theirs.</summary>
    public TokenizerFiles WithLanguages(LanguageRules languages, JsonObject postProcessor)
    {
        var copy = (TokenizerFiles)MemberwiseClone();
        copy._config = _config.DeepClone().AsObject();
        if (languages.Source.Length > 0)
            copy._config["src_lang"] = languages.Source;
        if (languages.Target is { Length: > 0 })
            copy._config["tgt_lang"] = languages.Target;
        copy._postProcessor = postProcessor;
        copy.Languages = languages;
        return copy;
    }

    public void Save(string folder, SpecialTokens special)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] content) in _originals)
            WriteAtomically(System.IO.Path.Combine(folder, name), content);
        if (Parts is not null)
        {
            if (IsFolder)
                WriteAtomically(System.IO.Path.Combine(folder, ConfigName), ToBytes(_config));
            return;
        }

        JsonObject config = _config.DeepClone().AsObject();
        JsonObject map = _specialTokensMap.DeepClone().AsObject();
        foreach ((string role, string token) in special.Roles())
        {
            config.TryAdd(role, token);
            map.TryAdd(role, token);
        }

        config.TryAdd("model_max_length", ModelMaxLength);
        config.TryAdd("tokenizer_class", "PreTrainedTokenizerFast");
        WriteAtomically(System.IO.Path.Combine(folder, "tokenizer.json"), Json);
        WriteAtomically(System.IO.Path.Combine(folder, ConfigName), ToBytes(config));
        WriteAtomically(System.IO.Path.Combine(folder, SpecialTokensName), ToBytes(map));
        ChatTemplates.Save(folder);
    }

    internal static byte[] ToBytes(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented))
            node.WriteTo(writer);
        return stream.ToArray();
    }

    internal static byte[] ReadBytes(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: >= LongFile and <= int.MaxValue } ? ReadHalves(path) : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(path, e.Message, e);
        }
    }

    /// <summary>Reads by two threads: what takes long is memory that is used for the first time.</summary>
    private static byte[] ReadHalves(string path)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
        int length = (int)Math.Min(RandomAccess.GetLength(file), int.MaxValue);
        byte[] bytes = LargeMemory.Allocate<byte>(length);
        bool Read(int from, int to)
        {
            while (from < to)
            {
                int read = RandomAccess.Read(file, bytes.AsSpan(from..to), from);
                if (read == 0)
                    throw new EndOfStreamException("the file became shorter while it was read");
                from += read;
            }

            return true;
        }

        var second = Worker<bool>.Start(() => Read(length / 2, length));
        Read(0, length / 2);
        second.Wait();
        return bytes;
    }

    /// <summary>A string (also the content of a token object), number or truth value of an object; else null.</summary>
    internal static object? Value(JsonObject json, string name)
    {
        JsonNode? node = json[name];
        if (node is JsonObject token)
            node = token["content"];
        return node?.GetValueKind() switch
        {
            JsonValueKind.String => node.GetValue<string>(),
            JsonValueKind.Number => double.Parse(node.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };
    }

    internal static JsonObject ReadObject(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        if (!File.Exists(path))
            return [];
        try
        {
            JsonNode? node = JsonNode.Parse(ReadBytes(path), null, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return node as JsonObject ?? throw new TokenizerException(path, "the file is not a JSON object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new TokenizerException(path, $"not valid JSON: {e.Message}", e);
        }
    }

    internal static void WriteAtomically(string path, ReadOnlyMemory<byte> content)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                stream.Write(content.Span);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Whether the tokenizer is written for a model, and its class is not the general one.</summary>
    private static bool HasOwnClass(JsonObject config, JsonObject modelConfig) => Value(config, "tokenizer_class") is string name
        ? !name.StartsWith("PreTrainedTokenizer", StringComparison.Ordinal) && name != "TokenizersBackend" : Value(modelConfig, "model_type") is string;

    private static SpecialTokens ReadSpecialTokens(JsonObject config, JsonObject map)
    {
        string? Find(string role) => Value(config, role) as string ?? Value(map, role) as string;
        return new SpecialTokens
        {
            Bos = Find("bos_token"),
            Eos = Find("eos_token"),
            Unk = Find("unk_token"),
            Sep = Find("sep_token"),
            Pad = Find("pad_token"),
            Cls = Find("cls_token"),
            Mask = Find("mask_token"),
        };
    }

    private byte[] WithPostProcessor(JsonObject postProcessor)
    {
        JsonObject json = JsonNode.Parse(Document.Json.Span)!.AsObject();
        json["post_processor"] = postProcessor.DeepClone();
        return ToBytes(json);
    }

    private Side ReadSide(string name) => (Value(_config, name) as string) switch
    {
        null or "right" => Side.Right,
        "left" => Side.Left,
        string side => throw new TokenizerException(Path, $"{ConfigName}: {name}: unknown side \"{side}\""),
    };
}
