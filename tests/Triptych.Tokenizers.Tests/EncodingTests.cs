using System.Text.Json;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>Truncation, padding, words, and texts at the limits.</summary>
public sealed class EncodingTests
{
    private static readonly Tokenizer Bert = Tokenizer.Load(Fixtures.Path("tokenizers/bert-uncased.json"));
    private static readonly Tokenizer Gpt2 = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));

    [Fact]
    public void TruncationAndOverflowMatchReference()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/truncation.json")));
        foreach (JsonElement golden in document.RootElement.EnumerateArray())
        {
            Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{golden.GetProperty("tokenizer").GetString()}.json"));
            string text = golden.GetProperty("text").GetString()!;
            string? pair = golden.GetProperty("pair").GetString();
            Encoding encoding = tokenizer.Encode(text, pair, new EncodeOptions
            {
                Truncation = new Truncation(golden.GetProperty("length").GetInt32())
                {
                    Stride = golden.GetProperty("stride").GetInt32(),
                    Side = golden.GetProperty("side").GetString() == "left" ? Side.Left : Side.Right,
                    Strategy = pair is null ? TruncationStrategy.LongestFirst : TruncationStrategy.OnlySecond,
                },
            });

            Assert.Equal(Ints(golden, "ids"), encoding.Ids);
            JsonElement[] overflowing = [.. golden.GetProperty("overflowing").EnumerateArray()];
            Assert.NotEmpty(overflowing);
            Assert.Equal(overflowing.Length, encoding.Overflowing.Count);
            for (int i = 0; i < overflowing.Length; i++)
            {
                Assert.Equal(Ints(overflowing[i], "ids"), encoding.Overflowing[i].Ids);
                Assert.Equal(
                    overflowing[i].GetProperty("sequences").EnumerateArray()
                        .Select(value => value.ValueKind == JsonValueKind.Null ? (int?)null : value.GetInt32()),
                    encoding.Overflowing[i].SequenceIds);
            }
        }
    }

    [Theory]
    [InlineData(20, 20, 12, 4, 5)]
    [InlineData(2, 20, 12, 2, 7)]
    [InlineData(20, 2, 12, 7, 2)]
    [InlineData(3, 3, 12, 3, 3)]
    public void LongestFirstSharesTheRoom(int first, int second, int maxLength, int keptFirst, int keptSecond)
    {
        Encoding encoding = Bert.Encode(Words(first), Words(second), new EncodeOptions { Truncation = new Truncation(maxLength) });
        Assert.Equal(keptFirst, encoding.SequenceIds.Count(id => id == 0));
        Assert.Equal(keptSecond, encoding.SequenceIds.Count(id => id == 1));
    }

    [Fact]
    public void TruncationWithoutRoomIsRefused()
    {
        var options = new EncodeOptions { Truncation = new Truncation(1) };
        Assert.Contains("no room", Assert.Throws<ArgumentException>(() => Bert.Encode("a b c", null, options)).Message);
        options = new EncodeOptions { Truncation = new Truncation(6) { Strategy = TruncationStrategy.OnlySecond } };
        Assert.Throws<ArgumentException>(() => Bert.Encode(Words(20), "a", options));
    }

    [Fact]
    public void PadsToTheLongestOfTheBatch()
    {
        Encoding[] batch = Bert.EncodeBatch(["a b c", "a"], null, new EncodeOptions { Padding = Padding.Longest });
        Assert.Equal([1, 1, 1, 1, 1], batch[0].AttentionMask);
        Assert.Equal([1, 1, 1, 0, 0], batch[1].AttentionMask);
        Assert.Equal([1, 0, 1, 1, 1], batch[1].SpecialTokensMask);
        Assert.Equal("[PAD]", batch[1].Tokens[^1]);
        Assert.Equal(Bert.PadTokenId, batch[1].Ids[^1]);

        batch = Bert.EncodeBatch(["a b c", "a"], null, new EncodeOptions { Padding = new Padding { MultipleOf = 8, Side = Side.Left } });
        Assert.All(batch, encoding => Assert.Equal(8, encoding.Length));
        Assert.Equal([0, 0, 0, 0, 0, 1, 1, 1], batch[1].AttentionMask);

        Assert.Equal(16, Bert.Encode("a", null, new EncodeOptions { Padding = new Padding { Length = 16 } }).Length);
        Assert.Throws<InvalidOperationException>(() => Gpt2.EncodeBatch(["a", "b"], null, new EncodeOptions { Padding = Padding.Longest }));
    }

    [Fact]
    public void WordsKeepTheirNumbers()
    {
        Encoding encoding = Bert.EncodeWords(["Hello", "wonderfully", "you"]);
        Assert.Null(encoding.WordIds[0]);
        Assert.Equal([0, 1, 2], encoding.WordIds.OfType<int>().Distinct());
        Assert.All(Enumerable.Range(0, encoding.Length).Where(i => encoding.WordIds[i] == 2), i => Assert.True(encoding.Offsets[i].End <= 3));
        Assert.Equal(Bert.Encode("Hello wonderfully you").Ids, encoding.Ids);
    }

    [Fact]
    public void UnpairedSurrogatesAreReplaced()
    {
        Encoding encoding = Gpt2.Encode("a\ud800b\udc00");
        Assert.Equal(Gpt2.Encode("a\ufffdb\ufffd").Ids, encoding.Ids);
        Assert.Equal("a\ufffdb\ufffd", Gpt2.Decode(encoding.Ids));
        Assert.Equal(4, encoding.Offsets[^1].End);
        Assert.Equal(Bert.Encode("ab").Ids, Bert.Encode("a\ud800b").Ids);
    }

    [Fact]
    public void EmptyTextHasOnlySpecialTokens()
    {
        Assert.Equal(["[CLS]", "[SEP]"], Bert.Encode("").Tokens);
        Assert.Equal(["[CLS]", "[SEP]", "[SEP]"], Bert.Encode("", "").Tokens);
        Assert.Empty(Gpt2.Encode("").Ids);
        Assert.Equal("", Gpt2.Decode([]));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void TenMegabytesWithAndWithoutSpaces()
    {
        string text = string.Concat(Enumerable.Repeat("the quick brown fox ", 524_288));
        foreach (string input in (string[])[text, text.Replace(" ", "", StringComparison.Ordinal)])
        {
            Encoding encoding = Gpt2.Encode(input);
            Assert.Equal(input, Gpt2.Decode(encoding.Ids));
            Assert.Equal(input.Length, encoding.Offsets[^1].End);
        }

        Assert.Equal(["[CLS]", "[UNK]", "[SEP]"], Bert.Encode(new string('x', 10 << 20)).Tokens);
    }

    [Fact]
    public void LongWordsAreMergedAsShortOnes()
    {
        // The queue (long words) and the scan (short words) must agree: merging is local, so a long word of letters that
        // are joined only within each half equals its halves.
        var random = new Random(3);
        for (int i = 0; i < 300; i++)
        {
            string word = string.Concat(Enumerable.Range(0, random.Next(41, 400)).Select(_ => "etaoinshrdlu"[random.Next(12)]));
            Assert.Equal(SlowMerge(word), Gpt2.Encode(word).Tokens);
            Assert.Equal(SlowMerge(word[..30]), Gpt2.Encode(word[..30]).Tokens);
        }
    }

    [Fact]
    public void CharToTokenFindsThePosition()
    {
        Encoding encoding = Bert.Encode("ab cd", "ef");
        int token = encoding.CharToToken(3)!.Value;
        Assert.Equal(3, encoding.Offsets[token].Start);
        Assert.Equal(1, encoding.SequenceIds[encoding.CharToToken(0, sequence: 1)!.Value]);
        Assert.Null(encoding.CharToToken(2));
    }

    private static readonly Lazy<Dictionary<(string, string), int>> Ranks = new(() =>
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/gpt2.json")));
        return document.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray()
            .Select((merge, rank) => (merge[0].GetString()!, merge[1].GetString()!, rank))
            .ToDictionary(merge => (merge.Item1, merge.Item2), merge => merge.rank);
    });

    private static List<string> SlowMerge(string word)
    {
        List<string> symbols = [.. word.Select(c => c.ToString())];
        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (Ranks.Value.TryGetValue((symbols[i], symbols[i + 1]), out int rank) && rank < bestRank)
                    (best, bestRank) = (i, rank);
            }

            if (best < 0)
                return symbols;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }

    private static string Words(int count) => string.Join(' ', Enumerable.Repeat("a", count));

    private static IEnumerable<int> Ints(JsonElement json, string name) =>
        json.GetProperty(name).EnumerateArray().Select(value => value.GetInt32());

    [Fact]
    public void ImpossiblePaddingIsRefused()
    {
        foreach (Padding padding in (Padding[])[new() { Length = -1 }, new() { MultipleOf = -8 }, new() { Length = int.MaxValue }, new() { Length = 1 << 30, MultipleOf = int.MaxValue }])
            Assert.Throws<ArgumentException>(() => Bert.Encode("a", null, new EncodeOptions { Padding = padding }));
    }

    [Fact]
    public void OffsetsOfAnotherTextAreRefused()
    {
        Encoding encoding = Bert.Encode("hello world", "hello");
        Assert.Equal("text", Assert.Throws<ArgumentException>(() => encoding.ToCodePointOffsets("hällo", "hello")).ParamName);
        Assert.Equal("pair", Assert.Throws<ArgumentException>(() => encoding.ToUtf8Offsets("hello world")).ParamName);
    }
}
