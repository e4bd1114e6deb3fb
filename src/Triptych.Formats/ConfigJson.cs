using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Triptych.Formats;

/// <summary>How config.json and generation_config.json map to records: snake_case names, whole numbers also as 32.0, nulls kept.</summary>
public static class ConfigJson
{
    /// <summary>The options for config records. Fields that a record lacks go to its <see cref="JsonExtensionDataAttribute"/> property.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>The weights' dtype as a config names it, such as <c>float32</c>: under <c>dtype</c> or <c>torch_dtype</c>; null where neither is.</summary>
    public static string? ReadDTypeName(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        JsonNode? node = config["dtype"] ?? config["torch_dtype"];
        return node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
    }

    /// <summary>Sets the weights' dtype under the key that the config uses already, <c>dtype</c> in a new one.</summary>
    public static void WriteDTypeName(JsonObject config, string name)
    {
        ArgumentNullException.ThrowIfNull(config);
        bool hub = !config.ContainsKey("dtype") && RopeParameters.SpellingOf(config) == ConfigSpelling.Hub;
        config[hub ? "torch_dtype" : "dtype"] = name;
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DictionaryKeyPolicy = null,
            AllowDuplicateProperties = false,
            RespectNullableAnnotations = false,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            WriteIndented = true,
            IndentSize = 2,
            NewLine = "\n",
            MaxDepth = 64,
        };
        options.Converters.Add(new WholeNumberConverter());
        options.Converters.Add(new FloatConverter());
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <summary>Python writes some whole numbers as floats (<c>32.0</c>, <c>1e3</c>); they are read as the integers that they are.</summary>
    private sealed class WholeNumberConverter : JsonConverter<int>
    {
        public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.Number)
                throw new JsonException($"expected a whole number, found {reader.TokenType}");
            if (reader.TryGetInt32(out int value))
                return value;
            double number = reader.GetDouble();
            return number == Math.Truncate(number) && number is >= int.MinValue and <= int.MaxValue
                ? (int)number
                : throw new JsonException($"{number} is not a whole number of 32 bits");
        }

        public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }

    /// <summary>Floats keep their point when they are whole: transformers refuses <c>0</c> where it expects <c>0.0</c>.</summary>
    private sealed class FloatConverter : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType switch
            {
                JsonTokenType.Number => reader.GetDouble(),
                JsonTokenType.String when reader.ValueTextEquals("Infinity"u8) => double.PositiveInfinity,
                JsonTokenType.String when reader.ValueTextEquals("-Infinity"u8) => double.NegativeInfinity,
                _ => throw new JsonException($"expected a number, found {reader.TokenType}"),
            };

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            string text = value.ToString("R", CultureInfo.InvariantCulture);
            if (!double.IsFinite(value))
                writer.WriteStringValue(text);
            else
                writer.WriteRawValue(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
        }
    }
}
