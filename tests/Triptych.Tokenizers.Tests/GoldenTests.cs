using System.IO.Compression;
using System.Text.Json;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>Everything that Hugging Face tokenizers gives for the texts of the fixtures, for single texts and pairs.</summary>
public sealed class GoldenTests
{
    [Theory]
    [InlineData("bert-uncased")]
    [InlineData("bert-cased-added")]
    [InlineData("gpt2")]
    [InlineData("roberta-added")]
    [InlineData("bpe-options")]
    [InlineData("wordpiece-nfc")]
    [InlineData("wordpiece-nfkd")]
    [InlineData("llama2")]
    [InlineData("metaspace")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    public void MatchesReference(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json"));
        int cases = 0;
        foreach (JsonElement golden in Golden(name))
        {
            string text = golden.GetProperty("text").GetString()!;
            Encoding encoding = tokenizer.Encode(text, golden.GetProperty("pair").GetString());

            Assert.Equal(Ints(golden, "ids"), encoding.Ids);
            Assert.Equal(golden.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!), encoding.Tokens);
            Assert.Equal(
                golden.GetProperty("offsets").EnumerateArray().Select(pair => new TextRange(pair[0].GetInt32(), pair[1].GetInt32())),
                encoding.Offsets);
            Assert.Equal(Ints(golden, "types"), encoding.TypeIds);
            Assert.Equal(Ints(golden, "special"), encoding.SpecialTokensMask);
            Assert.Equal(NullableInts(golden, "words"), encoding.WordIds);
            Assert.Equal(NullableInts(golden, "sequences"), encoding.SequenceIds);
            Assert.All(encoding.AttentionMask, one => Assert.Equal(1, one));
            Assert.Equal(golden.GetProperty("decoded").GetString(), tokenizer.Decode(encoding.Ids));
            cases++;
        }

        Assert.True(cases > 200);
    }

    [Fact]
    public void BatchEqualsSingleTexts()
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        string[] texts = [.. Golden("gpt2").Select(golden => golden.GetProperty("text").GetString()!)];
        Encoding[] batch = tokenizer.EncodeBatch(texts);
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal(tokenizer.Encode(texts[i]).Ids, batch[i].Ids);
    }

    internal static IEnumerable<JsonElement> Golden(string name)
    {
        using var stream = new GZipStream(File.OpenRead(Fixtures.Path($"tokenizers/{name}.golden.jsonl.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is string line)
            yield return JsonDocument.Parse(line).RootElement;
    }

    private static IEnumerable<int> Ints(JsonElement json, string name) =>
        json.GetProperty(name).EnumerateArray().Select(value => value.GetInt32());

    private static IEnumerable<int?> NullableInts(JsonElement json, string name) =>
        json.GetProperty(name).EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Null ? (int?)null : value.GetInt32());
}
