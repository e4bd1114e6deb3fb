using System.Text.Json;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>Mistral's tekken.json: special tokens have the first ids, tokens of bytes by rank the ids behind them.</summary>
internal static class TekkenFile
{
    public const string Name = "tekken.json";

    /// <summary>What files have that do not list their special tokens.</summary>
    private static readonly string[] OldSpecial =
    [
        "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]",
        "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
    ];

    /// <summary>Whether a JSON file is one: its first member is the configuration.</summary>
    public static bool IsOne(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName
                && (reader.ValueTextEquals("config"u8) || reader.ValueTextEquals("special_tokens"u8));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public static TokenizerFiles Load(string path, byte[] content)
    {
        using JsonDocument document = JsonValue.Parse(content, path);
        var root = new JsonValue(document.RootElement, path, "");
        JsonValue config = root.Required("config");
        int size = config.Required("default_vocab_size").AsId();
        int count = config.Required("default_num_special_tokens").AsId();
        if (count > size)
            throw config.Fail($"{count} special tokens do not fit into a vocabulary of {size}");
        (string Token, int Rank)[] tokens = [.. root.Required("vocab").Items().Select(ReadToken).Where(token => token.Rank < size - count)];
        (string, int)[] special = ReadSpecial(root, count);
        string? Role(string token) => special.Any(known => known.Item1 == token) ? token : null;
        var roles = new SpecialTokens { Bos = Role("<s>"), Eos = Role("</s>"), Unk = Role("<unk>"), Pad = Role("<pad>") };
        TokenizerParts parts = new RankedTokens(tokens, path).ToParts(ReadPattern(config.Required("pattern")), count, special);
        return new TokenizerFiles(path, parts, roles, [(Path.GetFileName(path), content)]);
    }

    private static Splitter ReadPattern(JsonValue json)
    {
        try
        {
            return TiktokenFile.SplitterOf(json.AsString());
        }
        catch (ArgumentException e)
        {
            throw json.Fail(e.Message);
        }
    }

    private static (string Token, int Rank) ReadToken(JsonValue json)
    {
        JsonValue bytes = json.Required("token_bytes");
        return (RankedTokens.TokenOf(bytes.AsString(), bytes.Fail), json.Required("rank").AsId());
    }

    private static (string Token, int Id)[] ReadSpecial(JsonValue root, int count)
    {
        if (count > Vocabulary.MaxId)
            throw root.Fail($"{count} special tokens are too many");
        var names = new string[count];
        for (int i = 0; i < count; i++)
            names[i] = $"<SPECIAL_{i}>";
        if (root.Member("special_tokens") is not JsonValue list)
        {
            OldSpecial.AsSpan(0, Math.Min(count, OldSpecial.Length)).CopyTo(names);
        }
        else
        {
            foreach (JsonValue token in list.Items())
            {
                int rank = token.Required("rank").AsId();
                names[rank < count ? rank : throw token.Fail($"rank {rank} is not one of {count} special tokens")] = token.Required("token_str").AsString();
            }
        }

        return [.. names.Select((name, id) => (name, id))];
    }
}
