using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Triptych.Benchmarks;

/// <summary>The tokenizers of Microsoft.ML.Tokenizers that do the same work as a file of ours: byte-level BPE, WordPiece and tiktoken.</summary>
internal static partial class MicrosoftTokenizers
{
    /// <summary>What gives the ids of a text without special tokens, or null where that library has nothing for the file.</summary>
    public static Func<string, IReadOnlyList<int>>? TryCreate(string path)
    {
        if (path.EndsWith(".tiktoken", StringComparison.Ordinal))
            return FromRanks(path);
        if (Path.GetExtension(path) != ".json" || !File.Exists(path))
            return null;
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement root = file.RootElement, model = root.GetProperty("model");
        return (model.TryGetProperty("type", out JsonElement type) ? type.GetString() : model.TryGetProperty("merges", out _) ? "BPE" : "WordPiece") switch
        {
            "WordPiece" => FromWords(root, model),
            "BPE" => FromMerges(root, model),
            _ => null,
        };
    }

    private static Func<string, IReadOnlyList<int>> FromRanks(string path)
    {
        bool gpt2 = File.ReadLines(path).Count() < 60_000;
        TiktokenTokenizer tokenizer = TiktokenTokenizer.Create(path, new RegexPreTokenizer(gpt2 ? Gpt2() : Cl100k(), null), null);
        return text => tokenizer.EncodeToIds(text);
    }

    private static Func<string, IReadOnlyList<int>>? FromWords(JsonElement root, JsonElement model)
    {
        if (root.GetProperty("normalizer") is not { ValueKind: JsonValueKind.Object } normalizer || normalizer.GetProperty("type").GetString() != "BertNormalizer")
            return null;
        IEnumerable<string> words = model.GetProperty("vocab").EnumerateObject().OrderBy(word => word.Value.GetInt32()).Select(word => word.Name);
        bool lowercase = normalizer.GetProperty("lowercase").GetBoolean();
        using var vocabulary = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', words)));
        BertTokenizer tokenizer = BertTokenizer.Create(vocabulary, new BertOptions { LowerCaseBeforeTokenization = lowercase, RemoveNonSpacingMarks = lowercase });
        return text => tokenizer.EncodeToIds(text, addSpecialTokens: false);
    }

    private static Func<string, IReadOnlyList<int>>? FromMerges(JsonElement root, JsonElement model)
    {
        // Normalizers and tokens of their own for the ends of words would be other work there.
        bool isPlain = root.GetProperty("normalizer").ValueKind == JsonValueKind.Null || root.GetProperty("normalizer").GetProperty("type").GetString() == "NFC";
        if (!isPlain || (model.TryGetProperty("end_of_word_suffix", out JsonElement suffix) && suffix.GetString() is { Length: > 0 }))
            return null;
        // Only GPT-2's way to cut is told apart here; a Split with a pattern of its own comes before others.
        if (root.GetProperty("pre_tokenizer") is not { ValueKind: JsonValueKind.Object } cut || cut.GetProperty("type").GetString() is not ("ByteLevel" or "Sequence"))
            return null;
        Regex pattern = cut.GetProperty("type").GetString() == "ByteLevel" ? Gpt2()
            : cut.GetProperty("pretokenizers")[0] is var first && first.TryGetProperty("pattern", out JsonElement split) && split.TryGetProperty("Regex", out JsonElement regex)
                ? new Regex(regex.GetString()!, RegexOptions.Compiled) : Gpt2();
        var tokenizer = BpeTokenizer.Create(new BpeOptions(model.GetProperty("vocab").EnumerateObject().Select(token => KeyValuePair.Create(token.Name, token.Value.GetInt32())))
        {
            Merges = [.. model.GetProperty("merges").EnumerateArray().Select(merge => merge.ValueKind == JsonValueKind.String ? merge.GetString()! : $"{merge[0].GetString()} {merge[1].GetString()}")],
            PreTokenizer = new RegexPreTokenizer(pattern, null),
            ByteLevel = true,
        });
        return text => tokenizer.EncodeToIds(text);
    }

    [GeneratedRegex(@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Gpt2();

    [GeneratedRegex(@"'(?i:[sdmt]|ll|ve|re)|(?>[^\r\n\p{L}\p{N}]?)\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s")]
    private static partial Regex Cl100k();
}
