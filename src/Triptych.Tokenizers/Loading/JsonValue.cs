using System.Text.Json;

namespace Triptych.Tokenizers.Loading;

/// <summary>A value of a JSON file that knows where it stands, so that every error can say so.</summary>
internal readonly struct JsonValue(JsonElement element, string file, string key)
{
    public JsonElement Element { get; } = element;

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

    public TokenizerException Fail(string reason) => new(file, key.Length == 0 ? reason : $"{key}: {reason}");

    /// <summary>A member, or null where it is missing or null.</summary>
    public JsonValue? Member(string name)
    {
        if (!IsObject)
            throw Fail($"expected an object, found {Describe()}");
        return Element.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null
            ? new JsonValue(member, file, Join(name)) : null;
    }

    public JsonValue Required(string name) => Member(name) ?? throw Fail($"\"{name}\" is missing");

    public IEnumerable<JsonValue> Items()
    {
        if (!IsArray)
            throw Fail($"expected an array, found {Describe()}");
        int i = 0;
        foreach (JsonElement item in Element.EnumerateArray())
            yield return new JsonValue(item, file, $"{key}[{i++}]");
    }

    /// <summary>An item of this array, for those who go through a large one by its elements.</summary>
    public JsonValue Item(JsonElement item, int index) => new(item, file, $"{key}[{index}]");

    public IEnumerable<(string Name, JsonValue Value)> Members()
    {
        if (!IsObject)
            throw Fail($"expected an object, found {Describe()}");
        foreach (JsonProperty member in Element.EnumerateObject())
            yield return (Text(member), new JsonValue(member.Value, file, Join(member.Name)));
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

    private string Join(string name) => key.Length == 0 ? name : $"{key}.{name}";

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
