using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>
/// `tokenizers patterns CASES.jsonl OUTPUT.jsonl` finds the matches of the regular expressions that benchmarks/parity/patterns.py makes,
/// which then compares: a tokenizer whose pre-tokenizer leaves nothing but the matches has them as the offsets of its tokens.
/// </summary>
internal static class PatternParity
{
    public static int Run(string[] args)
    {
        if (args is not [_, string cases, string output])
        {
            Console.Error.WriteLine("usage: tokenizers patterns CASES.jsonl OUTPUT.jsonl");
            return 2;
        }

        using var writer = new StreamWriter(output);
        foreach (string line in File.ReadLines(cases))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            writer.WriteLine(Case(json.RootElement).ToJsonString());
        }

        return 0;
    }

    private static JsonNode Case(JsonElement json)
    {
        try
        {
            Tokenizer tokenizer = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(TokenizerOf(json.GetProperty("pattern").GetString()!).ToJsonString()));
            return new JsonArray([.. json.GetProperty("texts").EnumerateArray().Select(text => Matches(tokenizer, text.GetString()!))]);
        }
        catch (TokenizerException e)
        {
            return e.Message;
        }
    }

    private static JsonArray Matches(Tokenizer tokenizer, string text) => new(
        [.. tokenizer.Encode(text).ToCodePointOffsets(text).Select(range => (JsonNode)new JsonArray(range.Start, range.End))]);

    private static JsonObject TokenizerOf(string pattern) => new()
    {
        ["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = pattern },
            ["behavior"] = "Removed",
            ["invert"] = true,
        },
        ["model"] = new JsonObject { ["type"] = "WordLevel", ["vocab"] = new JsonObject { ["?"] = 0 }, ["unk_token"] = "?" },
    };
}
