using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Tests;

/// <summary>Many added tokens, and those that would take long to look for.</summary>
public sealed class AddedTokenTests
{
    [Fact]
    public void ThousandsOfTokensAreFoundLongestFirst()
    {
        string[] contents = [.. Enumerable.Range(0, 5_000).Select(i => $"<extra_{i}>"), "<extra_1", "extra_12>x"];
        Tokenizer tokenizer = Make(contents);
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"<extra_{i % 6_000}>x"));
        Stopwatch watch = Stopwatch.StartNew();
        Encoding encoding = tokenizer.Encode(text);
        Assert.True(watch.Elapsed.TotalSeconds < 20, $"{watch.Elapsed}");
        Assert.Equal(["<extra_0>", "<unk>", "<extra_1>", "<unk>"], encoding.Tokens[..4]);
        Assert.Equal(tokenizer.TokenToId("<extra_4999>"), encoding.Ids.Max(id => id));
    }

    [Fact]
    public void LongTokensTakeLinearTime()
    {
        Tokenizer tokenizer = Make(["a", new string('a', 20_000) + "b", "aaa"]);
        Stopwatch watch = Stopwatch.StartNew();
        Encoding encoding = tokenizer.Encode(new string('a', 500_000));
        Assert.True(watch.Elapsed.TotalSeconds < 20, $"{watch.Elapsed}");
        Assert.Equal((500_000 + 2) / 3 + 1, encoding.Length);
        Assert.All(encoding.Tokens[..^2], token => Assert.Equal("aaa", token));
    }

    [Fact]
    public void BothWaysToSearchAgree()
    {
        var random = new Random(2);
        for (int round = 0; round < 300; round++)
        {
            string[] contents = [.. Enumerable.Range(0, 6).Select(_ => Word(random, 1, 6)).Distinct(), new string('a', 3_000) + "c"];
            Tokenizer tokenizer = Make(contents);
            string text = Word(random, 1, 60);
            // Behind the long run of one letter the text is searched from the right.
            Encoding first = tokenizer.Encode(text);
            Encoding second = tokenizer.Encode("c" + new string('a', 2_900) + "c" + text);
            int shared = Array.FindLastIndex(second.Offsets, offset => offset.Start < 2_902) + 1;
            if (second.Offsets[shared - 1].End == 2_902)
                Assert.Equal(first.Ids, second.Ids[shared..]);
        }
    }

    [Fact]
    public void DropoutIsReproducibleWithASeed()
    {
        string letters = string.Join(',', "abcdefgh".Select((c, i) => $"\"{c}\":{i}"));
        string json = $$$"""{"model":{"type":"BPE","dropout":0.5,"vocab":{{{{letters}}},"ab":10,"cd":11,"abcd":12,"ef":13},"merges":["a b","c d","ab cd","e f"]}}""";
        Tokenizer tokenizer = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json));
        const string Text = "abcdefgh";
        var options = new EncodeOptions { DropoutSeed = 5 };
        Assert.Equal(tokenizer.Encode(Text, null, options).Ids, tokenizer.Encode(Text, null, options).Ids);
        Assert.All(tokenizer.EncodeBatch([Text, Text, Text], null, options), encoding => Assert.Equal(tokenizer.Encode(Text, null, options).Ids, encoding.Ids));

        var lengths = Enumerable.Range(0, 2_000).Select(seed => tokenizer.Encode(Text, null, new EncodeOptions { DropoutSeed = seed }).Length).ToList();
        Assert.Contains(4, lengths);
        Assert.Contains(8, lengths);
        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(Text, string.Concat(tokenizer.Encode(Text).Tokens)));

        // A seed is for one call.
        int[] counts = [.. Enumerable.Range(0, 100).Select(_ => tokenizer.Encode(Text, null, options).Length).Select(_ => tokenizer.CountTokens(Text))];
        Assert.True(counts.Distinct().Count() > 1);
    }

    /// <summary>As tokenizers 0.23 has it: white space that a token has swallowed is no token again where that one looks to its left too.</summary>
    [Theory]
    [InlineData(false, false, "0-1 1-2 2-3 3-4 4-5")]
    [InlineData(false, true, "0-1 1-4 2-4 3-4 4-5")]
    [InlineData(true, false, "0-1 1-2 2-3 3-4 4-5")]
    [InlineData(true, true, "0-1 1-4 4-5")]
    public void ATokenOfWhiteSpaceMaySwallowItsLike(bool left, bool right, string expected)
    {
        var json = new JsonObject
        {
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["unk_token"] = "<unk>", ["vocab"] = new JsonObject { ["<unk>"] = 0 } },
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 1, ["content"] = " ", ["lstrip"] = left, ["rstrip"] = right }),
        };
        Encoding encoding = Tokenizer.FromJson(JsonSerializer.SerializeToUtf8Bytes(json)).Encode("a   b");
        Assert.Equal(expected, string.Join(' ', encoding.Offsets.Select(range => $"{range.Start}-{range.End}")));
    }

    private static string Word(Random random, int least, int most) =>
        string.Concat(Enumerable.Range(0, random.Next(least, most)).Select(_ => "abc"[random.Next(3)]));

    private static Tokenizer Make(IEnumerable<string> contents)
    {
        var json = new JsonObject
        {
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["unk_token"] = "<unk>", ["vocab"] = new JsonObject { ["<unk>"] = 0 } },
            ["added_tokens"] = new JsonArray([.. contents.Select((content, i) => (JsonNode)new JsonObject { ["id"] = i + 1, ["content"] = content, ["normalized"] = false })]),
        };
        return Tokenizer.FromJson(JsonSerializer.SerializeToUtf8Bytes(json));
    }
}
