using System.Text.Json;

namespace Triptych.Tokenizers.Loading;

/// <summary>A value of a JSON file that knows where it stands, so that every error can say so.</summary>
internal readonly struct JsonValue
{
    private readonly string _file, _parent;
    private readonly string? _name;
    private readonly int _index;

    /// <param name="element">The value.</param>
    /// <param name="file">The file, for errors.</param>
    /// <param name="key">Where it stands in the file.</param>
    public JsonValue(JsonElement element, string file, string key)
        : this(element, file, key, null, -1)
    {
    }

    // The key is put together when an error needs it: there are values by the hundred thousand.
    private JsonValue(JsonElement element, string file, string parent, string? name, int index)
    {
        Element = element;
        _file = file;
        _parent = parent;
        _name = name;
        _index = index;
    }

    public JsonElement Element { get; }

    public bool IsString => Element.ValueKind == JsonValueKind.String;

    public bool IsObject => Element.ValueKind == JsonValueKind.Object;

    public bool IsArray => Element.ValueKind == JsonValueKind.Array;

    /// <summary>Parses a file's bytes; a byte order mark is allowed, comments and trailing commas are not.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            if (json.Span.StartsWith("\uFEFF"u8))
                json = json[3..];
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new TokenizerException(file, $"not valid JSON: {e.Message}", e);
        }
    }

    public TokenizerException Fail(string reason) => new(_file, Key.Length == 0 ? reason : $"{Key}: {reason}");

    /// <summary>A member, or null where it is missing or null.</summary>
    public JsonValue? Member(string name)
    {
        if (!IsObject)
            throw Fail($"expected an object, found {Describe()}");
        return Element.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null
            ? new JsonValue(member, _file, Key, name, -1) : null;
    }

    public JsonValue Required(string name) => Member(name) ?? throw Fail($"\"{name}\" is missing");

    public IEnumerable<JsonValue> Items()
    {
        if (!IsArray)
            throw Fail($"expected an array, found {Describe()}");
        int i = 0;
        string key = Key;
        foreach (JsonElement item in Element.EnumerateArray())
            yield return new JsonValue(item, _file, key, null, i++);
    }

    public IEnumerable<(string Name, JsonValue Value)> Members()
    {
        if (!IsObject)
            throw Fail($"expected an object, found {Describe()}");
        string key = Key;
        foreach (JsonProperty member in Element.EnumerateObject())
        {
            string name = Text(member);
            yield return (name, new JsonValue(member.Value, _file, key, name, -1));
        }
    }

    public string AsString()
    {
        if (!IsString)
            throw Fail($"expected a string, found {Describe()}");
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Fail($"invalid text: {e.Message}");
        }
    }

    public bool AsBool() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fail($"expected true or false, found {Describe()}"),
    };

    public int AsInt() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value)
        ? value : throw Fail($"expected an integer, found {Describe()}");

    public int AsId() => AsInt() is >= 0 and < Models.Vocabulary.MaxId and int id
        ? id : throw Fail($"id {Element.GetRawText()} is out of range");

    public string? OptionalString(string name) => Member(name)?.AsString();

    public bool Bool(string name, bool otherwise) => Member(name)?.AsBool() ?? otherwise;

    public int Int(string name, int otherwise) => Member(name)?.AsInt() ?? otherwise;

    private string Key => _index >= 0 ? $"{_parent}[{_index}]"
        : _name is null ? _parent : _parent.Length == 0 ? _name : $"{_parent}.{_name}";

    private string Describe()
    {
        string text = Element.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "...";
    }

    private string Text(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw Fail($"invalid text in a member name: {e.Message}");
        }
    }
}
