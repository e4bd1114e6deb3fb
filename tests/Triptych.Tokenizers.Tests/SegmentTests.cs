using System.Text;
using System.Text.Json.Nodes;
using Triptych.TestSupport;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers.Tests;

/// <summary>Texts that are cut into segments have the tokens that they have as a whole.</summary>
public sealed class SegmentTests
{
    private const int Texts = 3000;

    /// <summary>What normalizers, splitters and segments treat differently, besides letters.</summary>
    private static readonly string[] s_pieces =
    [
        " ", " ", " ", "  ", "\n", "\r\n", "\t", "\u00A0", "\u2003", "\u3000", "\u0085", "\u200B", "\u200D", "\uFEFF", "\u00AD", "\0", "\u0007", "\u007F", "\u0301", "\u0308\u0301",
        "\u0344", "\u093E", "\u0E33", "\u1161", "\u11A8", "\uAC00", "\u3164", "\u2581", "\u2581a", "''", "``", "'s", "'LL", "don't", ".", ",", "!?", "\u00BF", "(", "\u2026",
        "1", "23", "4567", "\u00BD", "\u0661", "\u4E2D", "\u6587", "\u3042", "\uF900", "\u00E9", "e\u0301", "\u00DF", "\u0130", "\u017F", "\u01C5", "\u03A3", "\uFB01", "\u00A8", "\u2126",
        "\uD83D\uDE00", "\uD83D\uDC68\u200D\uD83D\uDC69", "\uD842\uDFB7", "\uD835\uDC00", "\uD800", "\uDC00", "the", "The", "house", "internationalization", "xyzzy", "a", "I", "<s>", "[MASK]", "<|endoftext|>", "</s>",
    ];

    [Theory]
    [InlineData("bert-uncased")]
    [InlineData("gpt2")]
    [InlineData("roberta-added")]
    [InlineData("metaspace")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    public void CuttingChangesNothing(string name)
    {
        CutsWithoutChange(Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json")));
    }

    /// <summary>LLaMA 2's own vocabulary has no token that ends with a mark; the fixture's, which is small, has some.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CuttingChangesNothingWithoutPreTokenizer(bool addedTokensAreNormalized)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/llama2.json")))!.AsObject();
        JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
        foreach (string token in vocabulary.Select(pair => pair.Key).Where(token => token.TrimStart('\u2581').Contains('\u2581')).ToList())
            vocabulary.Remove(token);
        var merges = new JsonArray();
        foreach (JsonNode? merge in json["model"]!["merges"]!.AsArray())
        {
            string[] pair = merge is JsonArray array ? [.. array.Select(part => part!.GetValue<string>())] : merge!.GetValue<string>().Split(' ');
            if (vocabulary.ContainsKey(pair[0]) && vocabulary.ContainsKey(pair[1]) && vocabulary.ContainsKey(pair[0] + pair[1]))
                merges.Add(merge!.DeepClone());
        }

        json["model"]!["merges"] = merges;
        json["added_tokens"]!.AsArray().RemoveAt(3);
        foreach (JsonNode? token in json["added_tokens"]!.AsArray())
            token!["normalized"] = addedTokensAreNormalized;
        CutsWithoutChange(Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString())));
    }

    /// <summary>The fixture has tokens with a mark behind letters: texts are cut where no token reaches across.</summary>
    [Theory]
    [InlineData("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\u2581\"}]}", null)]
    [InlineData("{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\u2581\"}", "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\",\"invert\":false}")]
    [InlineData(null, "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"first\",\"split\":false}")]
    [InlineData(null, "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"always\",\"split\":false}")]
    [InlineData(null, "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"never\",\"split\":false}")]
    [InlineData(null, null)]
    public void CuttingBetweenPairsChangesNothing(string? normalizer, string? preTokenizer)
    {
        foreach (bool fallsBack in (bool[])[true, false])
        {
            JsonObject json = JsonNode.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/llama2.json")))!.AsObject();
            json["normalizer"] = normalizer is null ? null : JsonNode.Parse(normalizer);
            json["pre_tokenizer"] = preTokenizer is null ? null : JsonNode.Parse(preTokenizer);
            json["model"]!["byte_fallback"] = fallsBack;
            CutsWithoutChange(Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString())));
        }
    }

    /// <summary>
    /// A word longer than what is worked on at a time, of characters of one to four bytes. At first its pairs are merged one by one; after
    /// more text in linear time.
    /// </summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("llama2")]
    public void LongWordsAreMergedPartByPart(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json"));
        string[] letters = ["the", "The", "house", "internationalization", "xyzzy", "a", "\u00E9", "\u00DF", "\u4E2D", "\u6587", "\u3042", "\uD835\uDC00", "\uD842\uDFB7"];
        Random random = new(5);
        string ascii = LongWord(letters[..6], random), mixed = LongWord(letters, random);
        TokenSink[] before = [Encode(tokenizer, ascii, whole: true), Encode(tokenizer, mixed, whole: true)];
        for (int i = 0; i < 5; i++)
            Encode(tokenizer, ascii);
        TokenSink[] after = [Encode(tokenizer, ascii), Encode(tokenizer, mixed)];
        foreach ((TokenSink expected, TokenSink actual) in before.Zip(after))
        {
            Assert.True(expected.Ids.SequenceEqual(actual.Ids));
            Assert.True(expected.Offsets.SequenceEqual(actual.Offsets));
            Assert.True(expected.Words.SequenceEqual(actual.Words));
        }
    }

    /// <summary>A large text, whose beginning is looked at first; a surrogate pair stands where that look ends.</summary>
    [Theory]
    [InlineData("llama3")]
    [InlineData("bert-uncased")]
    [InlineData("metaspace")]
    public void LargeTextsAreCutWithoutChange(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizers/{name}.json"));
        string part = new string('a', (1 << 16) - 1) + "\uD83D\uDE00 The house, 1234 internationalizations. ";
        string text = string.Concat(Enumerable.Repeat(part, 17));
        TokenSink cut = Encode(tokenizer, text), whole = Encode(tokenizer, text, whole: true);
        Assert.True(whole.Ids.SequenceEqual(cut.Ids));
        Assert.True(whole.Offsets.SequenceEqual(cut.Offsets));
        Assert.True(whole.Words.SequenceEqual(cut.Words));
    }

    /// <summary>With ignore_merges a word that is a token stays whole, even where its bytes are not merged to it.</summary>
    [Fact]
    public void WordsThatAreTokensStayWhole()
    {
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/llama3.json")))!.AsObject();
        JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
        Assert.True(json["model"]!["ignore_merges"]!.GetValue<bool>());
        // The second is that of \u00E9\u00E9.
        string[] unmerged = ["\u0120plugh", "\u00C3\u00A9\u00C3\u00A9"];
        for (int i = 0; i < unmerged.Length; i++)
            vocabulary[unmerged[i]] = 5000 + i;
        Tokenizer tokenizer = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()));
        string longWord = LongWord(["the", "house"], new Random(2));
        for (int i = 0; i < 5; i++)
            Encode(tokenizer, longWord);
        int[] ids = tokenizer.EncodeToIds("a plugh\n\u00E9\u00E9, plughs", addSpecialTokens: false);
        Assert.Equal([5000, 5001], ids.Where(id => id >= 5000));
        CutsWithoutChange(tokenizer);
    }

    private static string LongWord(string[] letters, Random random)
    {
        var text = new StringBuilder();
        while (text.Length < 30_000)
            text.Append(letters[random.Next(letters.Length)]);
        return text.ToString();
    }

    private static TokenSink Encode(Tokenizer tokenizer, string text, bool whole = false)
    {
        TokenSink sink = new();
        tokenizer.Segments.Encode(text, sink, whole);
        return sink;
    }

    private static void CutsWithoutChange(Tokenizer tokenizer)
    {
        Assert.True(tokenizer.Segments.CutsTexts);
        Random random = new(7);
        for (int i = 0; i < Texts; i++)
        {
            string text = RandomText(random);
            // Twice: once remembered, once not, as far as there is room.
            for (int again = 0; again < 2; again++)
            {
                TokenSink cut = Encode(tokenizer, text), whole = Encode(tokenizer, text, whole: true);
                Assert.True(whole.Ids.SequenceEqual(cut.Ids), text);
                Assert.True(whole.Offsets.SequenceEqual(cut.Offsets), text);
                Assert.True(whole.Words.SequenceEqual(cut.Words), text);
            }
        }
    }

    private static string RandomText(Random random)
    {
        var text = new StringBuilder();
        int count = random.Next(1, 30);
        bool isPlain = random.Next(3) == 0;
        for (int i = 0; i < count; i++)
        {
            if (isPlain || random.Next(2) == 0)
                text.Append((char)random.Next('a', 'z' + 1), random.Next(1, 3)).Append(random.Next(3) == 0 ? " " : "");
            else if (random.Next(12) == 0)
                text.Append(new Rune(random.Next(0xE000, 0x110000)));
            else if (random.Next(12) == 0)
                text.Append((char)random.Next(0x10000));
            else
                text.Append(s_pieces[random.Next(s_pieces.Length)]);
        }

        return text.ToString();
    }
}
