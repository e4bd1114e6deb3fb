using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>
/// `train-tokenizer parity CASES.jsonl OUTPUT.jsonl` trains the cases that benchmarks/parity/training.py makes, which then compares what
/// was learned with what Hugging Face tokenizers learns.
/// </summary>
internal static class TrainTokenizerParity
{
    public static int Run(string[] args)
    {
        if (args is not [_, string cases, string output])
        {
            Console.Error.WriteLine("usage: train-tokenizer parity CASES.jsonl OUTPUT.jsonl");
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

    private static JsonObject Case(JsonElement json)
    {
        try
        {
            Tokenizer trained = TrainerOf(json).TrainFiles(Strings(json.GetProperty("files")));
            return Describe(JsonNode.Parse(Saved(trained))!["model"]!);
        }
        catch (Exception e) when (e is ArgumentException or TokenizerException)
        {
            return new JsonObject { ["error"] = e.Message };
        }
    }

    private static string Saved(Tokenizer tokenizer)
    {
        string folder = Directory.CreateTempSubdirectory("triptych").FullName;
        try
        {
            tokenizer.Save(folder);
            return File.ReadAllText(Path.Combine(folder, "tokenizer.json"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static JsonObject Describe(JsonNode model) => model["vocab"] is JsonArray pieces
        ? new JsonObject
        {
            ["tokens"] = new JsonArray([.. pieces.Select(piece => piece![0]!.DeepClone())]),
            ["scores"] = new JsonArray([.. pieces.Select(piece => piece![1]!.DeepClone())]),
        }
        : new JsonObject
        {
            ["tokens"] = new JsonArray([.. model["vocab"]!.AsObject().OrderBy(token => token.Value!.GetValue<int>()).Select(token => (JsonNode)token.Key)]),
            ["merges"] = model["merges"]?.DeepClone(),
        };

    private static TokenizerTrainer TrainerOf(JsonElement json)
    {
        JsonElement options = json.GetProperty("options");
        Tokenizer pipeline = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json.GetProperty("pipeline").GetRawText()));
        AddedToken[] special = [.. Strings(json.GetProperty("special")).Select(token => (AddedToken)token)];
        int size = options.GetProperty("vocab_size").GetInt32(), frequency = Number(options, "min_frequency") ?? 0;
        int? limit = Number(options, "limit_alphabet"), longest = Number(options, "max_token_length");
        string? prefix = Text(options, "continuing_subword_prefix"), suffix = Text(options, "end_of_word_suffix");
        string alphabet = Text(options, "initial_alphabet") ?? "";
        return json.GetProperty("kind").GetString() switch
        {
            "bpe" => new BpeTrainer
            {
                Pipeline = pipeline, SpecialTokenList = special, VocabSize = size, MinFrequency = frequency, LimitAlphabet = limit,
                MaxTokenLength = longest, InitialAlphabet = alphabet, ContinuingSubwordPrefix = prefix, EndOfWordSuffix = suffix,
            },
            "wordpiece" => new WordPieceTrainer
            {
                Pipeline = pipeline, SpecialTokenList = special, VocabSize = size, MinFrequency = frequency, LimitAlphabet = limit,
                MaxTokenLength = longest, InitialAlphabet = alphabet, ContinuingSubwordPrefix = prefix, EndOfWordSuffix = suffix,
            },
            "wordlevel" => new WordLevelTrainer
            {
                Pipeline = pipeline, SpecialTokenList = special, VocabSize = size, MinFrequency = frequency,
                SpecialTokens = new SpecialTokens { Unk = "[UNK]" },
            },
            _ => new UnigramTrainer
            {
                Pipeline = pipeline, SpecialTokenList = special, VocabSize = size, InitialAlphabet = alphabet,
                SpecialTokens = new SpecialTokens { Unk = "[UNK]" },
            },
        };
    }

    private static string[] Strings(JsonElement json) => [.. json.EnumerateArray().Select(text => text.GetString()!)];

    private static int? Number(JsonElement options, string name) => options.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : null;

    private static string? Text(JsonElement options, string name) => options.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
