using System.Text.Json.Nodes;
using Triptych.Tokenizers.Patterns;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Tests;

/// <summary>tiktoken files, tekken.json, and the splitters of their patterns.</summary>
public sealed class TiktokenTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(SplitPatterns.O200k)]
    [InlineData(SplitPatterns.Tekken)]
    public void SplittersCutAsTheirPatternsDo(string pattern)
    {
        Splitter splitter = SplitPatterns.Find(pattern)!;
        var engine = new Pattern(pattern);
        string[] parts =
        [
            "A", "b", "É", "ß", "ǅ", "ʰ", "中", "\u0301", "\u0903", " ", "  ", "\t", "'s", "'LL", "'ſ", "1", "23", "٣", "Ⅷ", ".", "/", "\n", "\r\n", "-", "_", "\u00A0", "😀",
            "\U0001D400", "\U00010428", "Ａ", "ａ", "ა", "Ა", "\uFFFD", "\u200D", "<|x|>",
        ];
        var random = new Random(8);
        for (int i = 0; i < 3000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => parts[random.Next(parts.Length)]));
            var splits = new List<Split>();
            splitter(text, 0, splits);
            var matches = new List<TextRange>();
            engine.FindAll(text, matches);
            Assert.Equal(matches, splits.Select(split => new TextRange(split.Start, split.End)));
        }
    }

    [Fact]
    public void PublishedEncodingsAreKnownByNameAndSpecialTokensAreForDecodingOnly()
    {
        string path = Copy("cl100k_base-part.tiktoken");
        Tokenizer tokenizer = Tokenizer.Load(path);
        Assert.Equal(100257, tokenizer.EosTokenId);
        Assert.DoesNotContain(100257, tokenizer.Encode("<|endoftext|>").Ids);
        Assert.Equal("war<|endoftext|>", tokenizer.Decode([.. tokenizer.Encode("war").Ids, 100257], skipSpecialTokens: false));
        Assert.Equal(50258, Tokenizer.Load(Copy("multilingual.tiktoken")).TokenToId("<|startoftranscript|>"));
        Assert.Equal(50364, Tokenizer.Load(Copy("multilingual.tiktoken")).TokenToId("<|0.00|>"));
        Assert.Equal(128009, Tokenizer.Load(Copy("llama3.tiktoken")).TokenToId("<|eot_id|>"));
        Assert.Contains("give its pattern to Tokenizer.LoadTiktoken", Assert.Throws<TokenizerException>(() => Tokenizer.Load(Copy("mine.tiktoken"))).Message);
        Assert.Throws<ArgumentException>(() => Tokenizer.LoadTiktoken(path, "("));
    }

    [Fact]
    public void TekkenHasItsSpecialTokensFirst()
    {
        string[] lines = File.ReadAllLines(SentencePieceTests.PathOf("small.tiktoken"));
        var vocabulary = new JsonArray([.. lines.Select(line => line.Split(' ')).Select(parts =>
            (JsonNode)new JsonObject { ["rank"] = int.Parse(parts[1]), ["token_bytes"] = parts[0], ["token_str"] = null })]);
        var tekken = new JsonObject
        {
            ["config"] = new JsonObject
            {
                ["pattern"] = SplitPatterns.Tekken, ["num_vocab_tokens"] = lines.Length, ["default_vocab_size"] = 500, ["default_num_special_tokens"] = 20, ["version"] = "v3",
            },
            ["vocab"] = vocabulary,
        };
        string path = Path.Combine(_folder, "tekken.json");
        File.WriteAllText(path, tekken.ToJsonString());
        Tokenizer tokenizer = Tokenizer.Load(path);
        Tokenizer plain = Tokenizer.LoadTiktoken(SentencePieceTests.PathOf("small.tiktoken"), SplitPatterns.Tekken);
        // Only ranks that fit into the vocabulary beside the special tokens count.
        Assert.Equal(500, tokenizer.VocabSize);
        Assert.Equal(plain.Encode("a b 12").Ids.Select(id => id + 20), tokenizer.Encode("a b 12").Ids);
        Assert.Equal((1, 2, 3), (tokenizer.BosTokenId, tokenizer.EosTokenId, tokenizer.TokenToId("[INST]")));
        Assert.Equal("a b", Tokenizer.Load(_folder).Decode([1, .. tokenizer.Encode("a b").Ids, 2]));

        tekken["special_tokens"] = JsonNode.Parse("""[{"rank":20,"token_str":"<x>","is_control":true}]""");
        File.WriteAllText(path, tekken.ToJsonString());
        Assert.Contains("rank 20 is not one of 20 special tokens", Assert.Throws<TokenizerException>(() => Tokenizer.Load(path)).Message);
    }

    [Theory]
    [InlineData("AA== 0\nAQ==\n", "line 2: expected a token in base64 and its rank")]
    [InlineData("AA== 0\nA 1\n", "line 2: \"A\" is not base64")]
    [InlineData("AA== 0\nAQ== -1\n", "line 2: expected a token in base64 and its rank")]
    [InlineData("AA== 0\nAQ== 99999999\n", "out of range")]
    [InlineData("AA== 0\nAQ== 0\n", "have the same id 0")]
    [InlineData("AA== 0\nAA== 1\n", "comes twice")]
    [InlineData("AA== 0\n", "there is no token for byte")]
    [InlineData("AA== 0\nÄ 1\n", "characters beyond ASCII")]
    public void BrokenFilesAreRefusedWithOneClearError(string content, string reason)
    {
        string path = Path.Combine(_folder, "gpt2.tiktoken");
        File.WriteAllText(path, content);
        TokenizerException error = Assert.Throws<TokenizerException>(() => Tokenizer.Load(path));
        Assert.Equal(path, error.Path);
        Assert.Contains(reason, error.Message);
    }

    private string Copy(string name)
    {
        string path = Path.Combine(_folder, name);
        File.Copy(SentencePieceTests.PathOf("small.tiktoken"), path, overwrite: true);
        return path;
    }
}
