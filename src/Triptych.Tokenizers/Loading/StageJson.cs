using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>The stages of a tokenizer.json as JSON.</summary>
internal static class StageJson
{
    public const string Mark = "\u2581";

    public static JsonObject Of(string type) => new() { ["type"] = type };

    public static JsonObject Sequence(string parts, params JsonNode[] items) => new() { ["type"] = "Sequence", [parts] = new JsonArray(items) };

    public static JsonObject Normalizers(params JsonNode[] items) => Sequence("normalizers", items);

    public static JsonObject Replace(string pattern, string content, bool regex = false) => new()
    {
        ["type"] = "Replace", ["pattern"] = new JsonObject { [regex ? "Regex" : "String"] = pattern }, ["content"] = content,
    };

    public static JsonObject Prepend(string text) => new() { ["type"] = "Prepend", ["prepend"] = text };

    public static JsonObject Strip(bool left, bool right) => new() { ["type"] = "Strip", ["strip_left"] = left, ["strip_right"] = right };

    public static JsonObject Precompiled(string charsMap) => new() { ["type"] = "Precompiled", ["precompiled_charsmap"] = charsMap };

    public static JsonObject Metaspace(string scheme, bool split = true) => new()
    {
        ["type"] = "Metaspace", ["replacement"] = Mark, ["prepend_scheme"] = scheme, ["split"] = split,
    };

    public static JsonObject Words(string scheme) => Sequence("pretokenizers", Of("WhitespaceSplit"), Metaspace(scheme));

    public static JsonObject Split(JsonObject pattern, string behavior) => new()
    {
        ["type"] = "Split", ["pattern"] = pattern, ["behavior"] = behavior, ["invert"] = false,
    };

    public static JsonObject ByteLevel(bool addPrefixSpace, bool trimOffsets, bool useRegex) => new()
    {
        ["type"] = "ByteLevel", ["add_prefix_space"] = addPrefixSpace, ["trim_offsets"] = trimOffsets, ["use_regex"] = useRegex,
    };

    /// <summary>Marks become spaces and bytes characters; the space that was put before the text is taken away.</summary>
    public static JsonObject ByteFallbackDecoder(bool strips)
    {
        JsonObject decoder = Sequence("decoders", Replace(Mark, " "), Of("ByteFallback"), Of("Fuse"));
        if (strips)
            decoder["decoders"]!.AsArray().Add((JsonNode)new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return decoder;
    }

    /// <summary>A template such as <c>[CLS] $A [SEP] $B:1 [SEP]:1</c>.</summary>
    public static JsonObject Template(string single, string pair, Func<string, int> idOf)
    {
        var tokens = new JsonObject();
        JsonArray Read(string template)
        {
            var pieces = new JsonArray();
            foreach (string item in template.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                // A token may have a colon of its own.
                bool typed = item.Length > 2 && item[^2] == ':' && char.IsAsciiDigit(item[^1]);
                string name = typed ? item[..^2] : item;
                bool sequence = name is "$A" or "$B";
                string id = sequence ? name[1..] : name;
                pieces.Add((JsonNode)new JsonObject
                {
                    [sequence ? "Sequence" : "SpecialToken"] = new JsonObject { ["id"] = id, ["type_id"] = typed ? item[^1] - '0' : 0 },
                });
                if (!sequence)
                    tokens[id] ??= new JsonObject { ["id"] = id, ["ids"] = new JsonArray(idOf(id)), ["tokens"] = new JsonArray(id) };
            }

            return pieces;
        }

        return new JsonObject { ["type"] = "TemplateProcessing", ["single"] = Read(single), ["pair"] = Read(pair), ["special_tokens"] = tokens };
    }
}
