using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.Tests;

/// <summary>The quick reading of a tokenizer.json's lists finds what a JSON document has, and takes nothing that is not JSON.</summary>
public sealed class ModelScanTests
{
    private static readonly string[] Pieces =
        ["a", "Ġ", "\"", "\\", "/", "\n", "\t", "\u0001", "é", "世", "\U0001F600", "merges", "\"merges\": [", "{", "]", ",", " ", new string('x', 300)];

    [Fact]
    public void FindsTheTokensOfTheDocument()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            string[] tokens = [.. Enumerable.Range(0, random.Next(40)).Select(_ => Token(random)).Distinct()];
            int[] ids = [.. Enumerable.Range(0, tokens.Length)];
            if (round % 2 == 0)
                random.Shuffle(ids);
            var vocabulary = new JsonObject(tokens.Zip(ids).Select(pair => KeyValuePair.Create(pair.First, (JsonNode?)pair.Second)));
            byte[] json = Write(new JsonObject { ["added_tokens"] = new JsonArray("[", "\"merges\":["), ["model"] = new JsonObject { ["vocab"] = vocabulary } }, random);
            ModelScan scan = ModelScan.TryRead(json)!;
            Assert.Equal(tokens, Texts(scan.Vocabulary!));
            Assert.Equal(ids, Enumerable.Range(0, tokens.Length).Select(scan.Vocabulary!.Id));
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(scan.Rest.Span)!["added_tokens"], JsonNode.Parse(json)!["added_tokens"]));
        }
    }

    [Fact]
    public void FindsPiecesAndScores()
    {
        var random = new Random(8);
        for (int round = 0; round < 100; round++)
        {
            (string Piece, double Score)[] pieces = [.. Enumerable.Range(0, random.Next(30)).Select(_ => (Token(random), (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-30, 30))))];
            var vocabulary = new JsonArray([.. pieces.Select(piece => new JsonArray(piece.Piece, piece.Score))]);
            ModelScan scan = ModelScan.TryRead(Write(new JsonObject { ["model"] = new JsonObject { ["vocab"] = vocabulary } }, random))!;
            Assert.Equal(pieces.Select(piece => piece.Piece), Texts(scan.Vocabulary!));
            Assert.Equal(pieces.Select(piece => piece.Score), scan.Scores!.Select(score => double.Parse(scan[score], provider: System.Globalization.CultureInfo.InvariantCulture)));
        }
    }

    [Fact]
    public void FindsMerges()
    {
        var random = new Random(9);
        for (int round = 0; round < 100; round++)
        {
            string[] parts = [.. Enumerable.Range(0, 8).Select(_ => Token(random).Replace(' ', '_')).Where(part => part.Length < 400).Append("b").Distinct()];
            (string Left, string Right)[] pairs = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => (parts[random.Next(parts.Length)], parts[random.Next(parts.Length)]))];
            string[] tokens = [.. parts.Concat(pairs.Select(pair => pair.Left + pair.Right)).Distinct()];
            var vocabulary = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));
            var merges = new JsonArray([.. pairs.Select(pair => round % 2 == 0 ? (JsonNode)$"{pair.Left} {pair.Right}" : new JsonArray(pair.Left, pair.Right))]);
            ModelScan scan = ModelScan.TryRead(Write(new JsonObject { ["model"] = new JsonObject { ["merges"] = merges, ["vocab"] = vocabulary } }, random))!;
            var table = new Vocabulary(scan.Vocabulary!, reason => new InvalidOperationException(reason));
            Merge[] found = scan.Merges!.BeginResolve(new Lazy<Vocabulary>(table), "")()!;
            Assert.Equal(pairs.Select(pair => (pair.Left, pair.Right, pair.Left + pair.Right)), found.Select(merge => (table.TokenOf(merge.Left)!, table.TokenOf(merge.Right)!, table.TokenOf(merge.Id)!)));
        }
    }

    /// <summary>A file with one byte changed is refused, or is JSON still.</summary>
    [Fact]
    public void TakesNothingThatIsNotJson()
    {
        byte[] json = """{"model":{"type":"BPE","vocab":{"a":0,"\u00e9\ud83d\ude00":12,"é😀":3},"merges":["a a",["\u0061","é"]]}}"""u8.ToArray();
        int taken = 0;
        for (int at = 0; at < json.Length; at++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = [.. json];
                changed[at] = (byte)value;
                if (ModelScan.TryRead(changed) is not ModelScan scan)
                    continue;
                bool isRest = IsJson(scan.Rest);
                // Strings of merges are looked at when they are resolved.
                bool isAll = isRest && (scan.Merges is null || AreMerges(scan));
                taken += isAll ? 1 : 0;
                Assert.True(!isAll || IsJson(changed), System.Text.Encoding.Latin1.GetString(changed));
            }
        }

        Assert.True(taken > 100);
    }

    private static bool AreMerges(ModelScan scan)
    {
        try
        {
            return scan.Merges!.BeginResolve(new Lazy<Vocabulary>(() => new Vocabulary(scan.Vocabulary!, reason => new InvalidOperationException(reason))), "")() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonNode.Parse(json.Span)!.ToJsonString();
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Texts(TokenList tokens) => Enumerable.Range(0, tokens.Count).Select(i => tokens[i].ToString());

    private static string Token(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static byte[] Write(JsonObject json, Random random) => System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(new JsonSerializerOptions
    {
        WriteIndented = random.Next(2) == 0,
        Encoder = random.Next(2) == 0 ? JavaScriptEncoder.Default : JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    }));
}
