using System.Text;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>Makes a tokenizer.json of vocab.txt, or of vocab.json and merges.txt, as transformers converts them.</summary>
internal static class LegacyFiles
{
    /// <summary>The special tokens that a kind of model has unless its files name others; null for kinds unknown here.</summary>
    public static SpecialTokens? DefaultTokens(string kind) => kind switch
    {
        "bert" or "distilbert" => SpecialTokens.Bert,
        "roberta" or "bart" => SpecialTokens.Roberta,
        "gpt2" => SpecialTokens.Gpt2,
        _ => null,
    };

    /// <summary>The kind of tokenizer that a folder without a tokenizer.json holds.</summary>
    public static string Family(string kind, string folder) => DefaultTokens(kind) is not null ? kind
        : File.Exists(Path.Combine(folder, "vocab.txt")) ? "bert" : "gpt2";

    public static (byte[] Json, string Path) Build(string folder, string family, JsonObject config, SpecialTokens special)
    {
        string words = Path.Combine(folder, "vocab.txt");
        string vocabulary = Path.Combine(folder, "vocab.json");
        string merges = Path.Combine(folder, "merges.txt");
        if (family is "bert" or "distilbert")
        {
            return File.Exists(words) ? (FromWords(words, config, special), words)
                : throw new TokenizerException(folder, $"there is no tokenizer.json and no vocab.txt for \"{family}\"");
        }

        return File.Exists(vocabulary) && File.Exists(merges)
            ? (FromMerges(vocabulary, merges, config, special, family is "roberta" or "bart"), vocabulary)
            : throw new TokenizerException(
                folder, $"there is no tokenizer.json and no vocab.json with merges.txt for \"{family}\"");
    }

    private static byte[] FromWords(string path, JsonObject config, SpecialTokens special)
    {
        var vocabulary = new JsonObject();
        int id = 0;
        foreach (string line in ReadLines(path))
            vocabulary[line.TrimEnd()] = id++;
        bool Flag(string name, bool otherwise) => TokenizerFiles.Value(config, name) as bool? ?? otherwise;
        return TokenizerJson.WordPiece(
            vocabulary, special, special.Roles().Select(role => role.Token), Flag("do_lower_case", true),
            TokenizerFiles.Value(config, "strip_accents") as bool?, Flag("tokenize_chinese_chars", true), path);
    }

    private static byte[] FromMerges(
        string vocabularyPath, string mergesPath, JsonObject config, SpecialTokens special, bool roberta)
    {
        JsonObject vocabulary =
            TokenizerFiles.ReadObject(Path.GetDirectoryName(vocabularyPath)!, Path.GetFileName(vocabularyPath));
        var merges = new JsonArray();
        foreach (string line in ReadLines(mergesPath))
        {
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))
                merges.Add((JsonNode)line);
        }

        bool addPrefixSpace = TokenizerFiles.Value(config, "add_prefix_space") is true;
        return TokenizerJson.ByteLevelBpe(vocabulary, merges, special, special.Roles().Select(role => role.Token),
            addPrefixSpace, roberta, vocabularyPath);
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(TokenizerFiles.ReadBytes(path));
            string[] lines = text.TrimStart('\uFEFF').Split('\n');
            return [.. (lines[^1].Length == 0 ? lines[..^1] : lines).Select(line => line.TrimEnd('\r'))];
        }
        catch (DecoderFallbackException e)
        {
            throw new TokenizerException(path, $"invalid UTF-8: {e.Message}", e);
        }
    }
}
