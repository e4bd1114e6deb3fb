using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>
/// `tokenizers parity TOKENIZER CASES.jsonl OUTPUT.jsonl` encodes and decodes the cases that benchmarks/parity/parity.py makes with Hugging
/// Face tokenizers, which then compares.
/// </summary>
internal static class TokenizerParity
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static int Run(string[] args)
    {
        if (args is not ["parity", string path, string cases, string output])
        {
            Console.Error.WriteLine("usage: tokenizers parity TOKENIZER CASES.jsonl OUTPUT.jsonl");
            return 2;
        }

        Tokenizer tokenizer = Tokenizer.Load(path);
        using var writer = new StreamWriter(output);
        foreach (string line in File.ReadLines(cases))
            writer.WriteLine(Case(tokenizer, JsonDocument.Parse(line).RootElement));
        return 0;
    }

    private static string Case(Tokenizer tokenizer, JsonElement json)
    {
        try
        {
            EncodeOptions options = Options(json);
            Encoding encoding;
            if (json.TryGetProperty("languages", out JsonElement languages))
                tokenizer = InLanguages(tokenizer, Strings(languages), json.GetProperty("target").GetBoolean());
            if (json.TryGetProperty("words", out JsonElement words))
            {
                encoding = tokenizer.EncodeWords(Strings(words), json.TryGetProperty("pair_words", out JsonElement more) ? Strings(more) : null, options);
                return Describe(encoding, null, null).ToJsonString(Relaxed);
            }

            string text = json.GetProperty("text").GetString()!;
            string? pair = json.TryGetProperty("pair", out JsonElement second) ? second.GetString() : null;
            encoding = tokenizer.Encode(text, pair, options);
            JsonObject described = Describe(encoding, text, pair);
            described["decoded"] = tokenizer.Decode(encoding.Ids, skipSpecialTokens: true, cleanUpTokenizationSpaces: false);
            described["all"] = tokenizer.Decode(encoding.Ids, skipSpecialTokens: false, cleanUpTokenizationSpaces: false);
            DecodeStream stream = tokenizer.DecodeStream();
            described["stream"] = new JsonArray([.. encoding.Ids.Select(id => (JsonNode?)stream.Step(id))]);
            return described.ToJsonString(Relaxed);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or TokenizerException)
        {
            return new JsonObject { ["error"] = e.Message }.ToJsonString(Relaxed);
        }
    }

    // Marian has a model for target texts, and no languages to choose.
    private static Tokenizer InLanguages(Tokenizer tokenizer, string[] languages, bool isTarget)
    {
        tokenizer = tokenizer.SourceLanguage is null && tokenizer.LanguageTokenId(languages[0]) is null ? tokenizer : tokenizer.WithLanguages(languages[0], languages[1]);
        return isTarget ? tokenizer.Target : tokenizer;
    }

    private static EncodeOptions Options(JsonElement json)
    {
        var options = new EncodeOptions();
        if (json.TryGetProperty("special", out JsonElement special))
            options = options with { AddSpecialTokens = special.GetBoolean() };
        if (json.TryGetProperty("truncation", out JsonElement truncation))
        {
            options = options with
            {
                Truncation = new Truncation(truncation.GetProperty("max_length").GetInt32())
                {
                    Stride = truncation.GetProperty("stride").GetInt32(),
                    Side = Sides(truncation),
                    Strategy = truncation.GetProperty("strategy").GetString() switch
                    {
                        "only_first" => TruncationStrategy.OnlyFirst,
                        "only_second" => TruncationStrategy.OnlySecond,
                        _ => TruncationStrategy.LongestFirst,
                    },
                },
            };
        }

        if (json.TryGetProperty("padding", out JsonElement padding))
        {
            options = options with
            {
                Padding = new Padding
                {
                    Length = padding.TryGetProperty("length", out JsonElement length) ? length.GetInt32() : null,
                    MultipleOf = padding.TryGetProperty("pad_to_multiple_of", out JsonElement multiple) ? multiple.GetInt32() : null,
                    Side = Sides(padding),
                    Token = padding.GetProperty("pad_token").GetString(),
                    Id = padding.GetProperty("pad_id").GetInt32(),
                    TypeId = padding.GetProperty("pad_type_id").GetInt32(),
                },
            };
        }

        return options;
    }

    private static Side Sides(JsonElement json) => json.GetProperty("direction").GetString() == "left" ? Side.Left : Side.Right;

    private static string[] Strings(JsonElement json) => [.. json.EnumerateArray().Select(word => word.GetString()!)];

    private static JsonObject Describe(Encoding encoding, string? text, string? pair)
    {
        IEnumerable<TextRange> offsets = text is null ? encoding.Offsets : encoding.ToCodePointOffsets(text, pair);
        return new JsonObject
        {
            ["ids"] = Array(encoding.Ids, id => id),
            ["tokens"] = Array(encoding.Tokens, token => token),
            ["offsets"] = Array(offsets, range => new JsonArray(range.Start, range.End)),
            ["types"] = Array(encoding.TypeIds, id => id),
            ["mask"] = Array(encoding.AttentionMask, id => id),
            ["special"] = Array(encoding.SpecialTokensMask, id => id),
            ["words"] = Array(encoding.WordIds, id => id),
            ["sequences"] = Array(encoding.SequenceIds, id => id),
            ["overflowing"] = Array(encoding.Overflowing, part => Describe(part, text, pair)),
        };
    }

    private static JsonArray Array<T>(IEnumerable<T> values, Func<T, JsonNode?> convert) => new([.. values.Select(convert)]);
}
