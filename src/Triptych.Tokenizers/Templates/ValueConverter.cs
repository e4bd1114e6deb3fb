using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Templates;

/// <summary>Makes values of templates from JSON and from plain .NET objects.</summary>
internal static class ValueConverter
{
    private const int MaxDepth = 128;

    /// <exception cref="ArgumentException">The object is of a kind that templates do not know, or nested too deeply.</exception>
    public static object? ToValue(object? value, string name)
    {
        try
        {
            return Convert(value, name, 0);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException)
        {
            throw new ArgumentException($"{name} holds JSON that cannot be used: {e.Message}", name, e);
        }
    }

    private static object? Convert(object? value, string name, int depth)
    {
        if (depth > MaxDepth)
            throw new ArgumentException($"{name} is nested more than {MaxDepth} deep", name);
        return value switch
        {
            null => null,
            string text => text,
            bool flag => Numbers.Box(flag),
            long number => Numbers.Box(number),
            int number => Numbers.Box((long)number),
            JsonNode node => FromNode(node, name, depth),
            JsonElement element => FromElement(element, name, depth),
            JsonDocument document => FromElement(document.RootElement, name, depth),
            double or BigInteger or SequenceValue or DictValue or MarkupValue => value,
            ChatMessage message => message.ToValue(name),
            IReadOnlyDictionary<string, object?> map => FromPairs(map.Select(pair => (pair.Key, pair.Value)), name, depth),
            IDictionary map => FromPairs(Entries(map, name), name, depth),
            IEnumerable items => FromItems(items, name, depth),
            _ => FromPrimitive(value, name),
        };
    }

    private static object FromPrimitive(object value, string name) => value switch
    {
        sbyte or short or byte or ushort or uint => Numbers.Box(System.Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        ulong number => Numbers.Box(new BigInteger(number)),
        Int128 number => Numbers.Box((BigInteger)number),
        float number => (double)number,
        decimal number => (double)number,
        Half number => (double)number,
        char c => CodePoints.Single(c),
        _ => throw new ArgumentException(
            $"{name} holds a {value.GetType()}: templates take strings, numbers, truth values, lists, dictionaries and JSON", name),
    };

    private static IEnumerable<(string, object?)> Entries(IDictionary map, string name)
    {
        foreach (DictionaryEntry entry in map)
        {
            yield return (entry.Key as string
                ?? throw new ArgumentException($"{name} holds a dictionary with a key that is not a string", name), entry.Value);
        }
    }

    private static DictValue FromPairs(IEnumerable<(string Key, object? Value)> pairs, string name, int depth)
    {
        var dict = new DictValue();
        foreach ((string key, object? value) in pairs)
            dict.Set(key, Convert(value, name, depth + 1));
        return dict;
    }

    private static ListValue FromItems(IEnumerable items, string name, int depth)
    {
        var list = new List<object?>();
        foreach (object? item in items)
            list.Add(Convert(item, name, depth + 1));
        return new ListValue([.. list]);
    }

    private static object? FromNode(JsonNode node, string name, int depth)
    {
        if (node is JsonObject members)
        {
            var dict = new DictValue(members.Count);
            foreach ((string key, JsonNode? value) in members)
                dict.Set(key, Convert(value, name, depth + 1));
            return dict;
        }

        if (node is JsonArray array)
            return FromItems(array, name, depth);
        var scalar = (System.Text.Json.Nodes.JsonValue)node;
        return scalar.TryGetValue(out JsonElement element)
            ? FromElement(element, name, depth) : Convert(scalar.GetValue<object>(), name, depth + 1);
    }

    private static object? FromElement(JsonElement element, string name, int depth)
    {
        if (depth > MaxDepth)
            throw new ArgumentException($"{name} is nested more than {MaxDepth} deep", name);
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new DictValue();
                foreach (JsonProperty member in element.EnumerateObject())
                    dict.Set(member.Name, FromElement(member.Value, name, depth + 1));
                return dict;
            case JsonValueKind.Array:
                var items = new object?[element.GetArrayLength()];
                int i = 0;
                foreach (JsonElement item in element.EnumerateArray())
                    items[i++] = FromElement(item, name, depth + 1);
                return new ListValue(items);
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Number:
                return FromNumber(element, name);
            case JsonValueKind.True or JsonValueKind.False:
                return Numbers.Box(element.GetBoolean());
            default:
                return null;
        }
    }

    private static object FromNumber(JsonElement element, string name)
    {
        if (element.TryGetInt64(out long number) && !IsFloat(element.GetRawText()))
            return Numbers.Box(number);
        string text = element.GetRawText();
        if (IsFloat(text))
            return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (text.Length > Numbers.MaxDigits)
            throw new ArgumentException($"{name} holds an integer of {text.Length} digits", name);
        return Numbers.Box(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private static bool IsFloat(string text) => text.AsSpan().ContainsAny('.', 'e', 'E');
}
