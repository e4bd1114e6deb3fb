using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.TestSupport;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Tests;

/// <summary>A small tokenizer for every component of tokenizer.json, against what Hugging Face tokenizers makes of the same texts.</summary>
public sealed class ComponentTests
{
    public static TheoryData<string> Names => [.. Lines.Value.Keys];

    private static readonly Lazy<Dictionary<string, JsonObject>> Lines = new(() =>
    {
        using var stream = new GZipStream(File.OpenRead(Fixtures.Path("tokenizers/components.jsonl.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        var lines = new Dictionary<string, JsonObject>();
        while (reader.ReadLine() is string line)
        {
            JsonObject json = JsonNode.Parse(line)!.AsObject();
            lines.Add(json["name"]!.GetValue<string>(), json);
        }

        return lines;
    });

    [Theory]
    [MemberData(nameof(Names))]
    public void MatchesReference(string name)
    {
        JsonObject line = Lines.Value[name];
        var tokenizer = Tokenizer.FromJson(JsonSerializer.SerializeToUtf8Bytes(line["tokenizer"]));
        foreach (JsonArray? golden in line["cases"]!.AsArray().Select(node => node!.AsArray()))
        {
            string text = golden[0]!.GetValue<string>();
            string? pair = golden[1]?.GetValue<string>();
            Encoding encoding = tokenizer.Encode(text, pair);
            Assert.Equal(Values<int>(golden[2]), encoding.Ids);
            Assert.Equal(Values<string>(golden[3]), encoding.Tokens);
            Assert.Equal(
                golden[4]!.AsArray().Select(range => new TextRange(range![0]!.GetValue<int>(), range[1]!.GetValue<int>())),
                encoding.ToCodePointOffsets(text, pair));
            Assert.Equal(Values<int>(golden[5]), encoding.TypeIds);
            Assert.Equal(Values<int>(golden[6]), encoding.SpecialTokensMask);
            Assert.Equal(golden[7]!.AsArray().Select(id => id?.GetValue<int>()), encoding.WordIds);
            Assert.Equal(golden[8]!.AsArray().Select(id => id?.GetValue<int>()), encoding.SequenceIds);
        }

        foreach (JsonArray? golden in line["decodings"]!.AsArray().Select(node => node!.AsArray()))
        {
            int[] ids = [.. Values<int>(golden[0])];
            Assert.Equal(golden[1]!.GetValue<string>(), tokenizer.Decode(ids, skipSpecialTokens: true));
            Assert.Equal(golden[2]!.GetValue<string>(), tokenizer.Decode(ids, skipSpecialTokens: false));
            if (golden[3] is not JsonArray pieces)
                continue;
            DecodeStream stream = tokenizer.DecodeStream();
            Assert.Equal(pieces.Select(piece => piece?.GetValue<string>()), ids.Select(stream.Step));
        }
    }

    private static IEnumerable<T> Values<T>(JsonNode? json) => json!.AsArray().Select(value => value!.GetValue<T>());

    [Fact]
    public void NoDecompositionOfOneCharacterHasToBeSorted()
    {
        var parts = new List<int>();
        int[] source = new int[1];
        for (int codePoint = 0; codePoint <= 0x10FFFF; codePoint++)
        {
            parts.Clear();
            source[0] = codePoint;
            UnicodeData.Decompose(codePoint, compatible: false, parts);
            Assert.Equal(Normalization.Decompose(source, compatible: false).Select(change => change.CodePoint), parts);
        }
    }
}
