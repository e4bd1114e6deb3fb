using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>Folders of every shape, and files that are broken or hostile.</summary>
public sealed class FileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ReadsVocabTxt()
    {
        Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nhallo\n##s\nÄ\na\n");
        Assert.Equal(["[CLS]", "hello", "##s", "a", "[SEP]"], Tokenizer.Load(_folder).Encode("Hellos Ä").Tokens);
        Write("tokenizer_config.json", """{"do_lower_case": false, "model_max_length": 1000000000000000019884624838656, "padding_side": "left"}""");
        Tokenizer cased = Tokenizer.Load(_folder);
        Assert.Equal(["[CLS]", "[UNK]", "Ä", "[MASK]", "[SEP]"], cased.Encode("Hello Ä[MASK]").Tokens);
        Assert.Null(cased.ModelMaxLength);
        Assert.Equal(Side.Left, cased.PaddingSide);
        Assert.Equal(4, cased.MaskTokenId);
    }

    [Theory]
    [InlineData("gpt2", new[] { "hi", "Ġhi" })]
    [InlineData("roberta", new[] { "<s>", "hi", "Ġhi", "</s>" })]
    [InlineData("bart", new[] { "<s>", "hi", "Ġhi", "</s>" })]
    public void ReadsVocabJsonAndMerges(string modelType, string[] tokens)
    {
        Write("vocab.json", """{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"<mask>":4,"<|endoftext|>":5,"h":6,"i":7,"Ġ":8,"hi":9,"Ġhi":10}""");
        Write("merges.txt", "#version: 0.2\nh i\nĠ hi\n");
        Write("config.json", $$"""{"model_type": "{{modelType}}"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal(tokens, tokenizer.Encode("hi hi").Tokens);
        Assert.Equal(modelType == "gpt2" ? "<|endoftext|>" : "</s>", tokenizer.SpecialTokens.Eos);
        if (modelType != "gpt2")
            Assert.Equal(["<s>", "hi", "Ġ", "<mask>", "</s>"], tokenizer.Encode("hi <mask>").Tokens);
    }

    [Fact]
    public void ConfigFilesChangeTheTokenizer()
    {
        File.Copy(Fixtures.Path("tokenizers/bert-uncased.json"), Path.Combine(_folder, "tokenizer.json"));
        Tokenizer plain = Tokenizer.Load(_folder);
        Write("tokenizer_config.json", """{"tokenizer_class": "BertTokenizer", "do_lower_case": false, "sep_token": {"content": "[SEP]"}, "eos_token": "<end>", "custom": [1]}""");
        Write("special_tokens_map.json", """{"pad_token": "[PAD]"}""");
        Write("added_tokens.json", $$"""{"<extra>": {{plain.VocabSize}} }""");
        Tokenizer changed = Tokenizer.Load(_folder);
        Assert.Equal(plain.Encode("hello").Ids, changed.Encode("hello").Ids);
        Assert.NotEqual(plain.Encode("HELLO").Ids, changed.Encode("HELLO").Ids);
        Assert.Equal(plain.VocabSize, changed.TokenToId("<extra>"));
        Assert.Equal(plain.VocabSize + 1, changed.EosTokenId);
        Assert.Equal("[SEP]", changed.SpecialTokens.Sep);
        Assert.Equal("[MASK]", changed.SpecialTokens.Mask);

        string saved = Path.Combine(_folder, "saved");
        changed.Save(saved);
        Assert.Equal(changed.Encode("a <extra> <end>").Ids, Tokenizer.Load(saved).Encode("a <extra> <end>").Ids);
        Assert.Contains("custom", File.ReadAllText(Path.Combine(saved, "tokenizer_config.json")));
    }

    [Fact]
    public void FileAppliesItsTruncationAndPaddingAndFolderDoesNot()
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(Fixtures.Path("tokenizers/bert-uncased.json")))!;
        json["truncation"] = JsonNode.Parse("""{"direction":"Right","max_length":4,"strategy":"LongestFirst","stride":0}""");
        json["padding"] = JsonNode.Parse("""{"strategy":{"Fixed":6},"direction":"Left","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"}""");
        json["unknown_field"] = "kept";
        Write("tokenizer.json", json.ToJsonString());
        Tokenizer file = Tokenizer.Load(Path.Combine(_folder, "tokenizer.json"));
        Assert.Equal([0, 0, 1, 1, 1, 1], file.Encode("a b c d e").AttentionMask);
        Assert.Equal(7, Tokenizer.Load(_folder).Encode("a b c d e").Length);
        file.Save(Path.Combine(_folder, "copy"));
        Assert.Contains("unknown_field", File.ReadAllText(Path.Combine(_folder, "copy", "tokenizer.json")));
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{}", "\"model\" is missing")]
    [InlineData("""{"version":"2.0","model":{}}""", "unknown version \"2.0\"")]
    [InlineData("""{"model":[]}""", "expected an object")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a"]]}}""", "model.vocab[0]: expected a piece and its score")]
    [InlineData("""{"model":{"type":"BPE","vocab":{},"merges":5}}""", "model.merges: expected an array")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}""", "names \"b\", which is not in the vocabulary")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}""", "makes \"ab\", which is not in the vocabulary")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}""", "not a pair")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}}""", "expected a pair")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}""", "out of range")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}}""", "expected an integer")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1000000000},"merges":[]}}""", "out of range")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1.5},"merges":[]}}""", "expected an integer")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}}""", "have the same id 0")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}""", "comes twice")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"\ud800":0},"merges":[]}}""", "invalid text")]
    [InlineData("""{"model":{"type":"BPE","vocab":{},"merges":[],"dropout":1.5}}""", "model.dropout: expected a probability")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"normalizer":{"type":"Precompiled"}}""", "\"precompiled_charsmap\" is missing")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"normalizer":{}}""", "normalizer: \"type\" is missing")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"pre_tokenizer":{"type":"X"}}""", "unknown pre-tokenizer type \"X\"")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(x"},"behavior":"Isolated"}}""", "pre_tokenizer.pattern.Regex: the pattern cannot be used: a group has no end at position 2")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"last"}}""", "unknown prepend scheme \"last\"")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"decoder":{"type":"Strip","content":"ab"}}""", "is not one character")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"post_processor":{"type":"X"}}""", "unknown post-processor type \"X\"")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"decoder":{"type":"X"}}""", "unknown decoder type \"X\"")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}}],"pair":[],"special_tokens":{}}}""", "special token \"x\" is not described")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"added_tokens":[{"id":0,"content":"a"},{"id":0,"content":"b"}]}""", "have the same id 0")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"added_tokens":[{"id":"0","content":"a"}]}""", "added_tokens[0].id: expected an integer")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"truncation":{"max_length":"x"}}""", "truncation.max_length: expected an integer")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"post_processor":{"type":"Sequence","processors":[{"type":"BertProcessing","sep":["a",0],"cls":["b",1]},{"type":"BertProcessing","sep":["a",0],"cls":["b",1]}]}}""", "more than one of the processors")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"padding":{"strategy":"BatchLongest","pad_to_multiple_of":2147483647}}""", "padding.pad_to_multiple_of")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"pre_tokenizer":{"type":"FixedLength","length":0}}""", "at least 1")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}},"normalizer":{"type":"Replace","pattern":{"Regex":"a{1000}{1000}{1000}"},"content":""}}""", "normalizer.pattern.Regex: the pattern cannot be used: it is too large")]
    public void BrokenFilesAreRefusedWithOneClearError(string json, string reason)
    {
        string path = Write("tokenizer.json", json);
        TokenizerException error = Assert.Throws<TokenizerException>(() => Tokenizer.Load(path));
        Assert.Equal(path, error.Path);
        Assert.Contains(reason, error.Message);
        Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder));
    }

    [Fact]
    public void TruncatedOrDamagedFilesNeverCrash()
    {
        byte[] json = File.ReadAllBytes(Fixtures.Path("tokenizers/roberta-added.json"));
        var random = new Random(5);
        for (int i = 0; i < 1500; i++)
        {
            byte[] damaged = [.. json[..(i % 2 == 0 ? random.Next(json.Length) : json.Length)]];
            for (int k = random.Next(4); k > 0 && damaged.Length > 0; k--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                Tokenizer.FromJson(damaged).Encode("some text <mask>");
            }
            catch (TokenizerException)
            {
            }
            catch (InvalidOperationException e) when (e.Message.Contains("unknown token"))
            {
            }
        }
    }

    [Fact]
    public void DeeplyNestedSequencesAreRefused()
    {
        string nested = string.Concat(Enumerable.Repeat("""{"type":"Sequence","normalizers":[""", 100)) + string.Concat(Enumerable.Repeat("]}", 100));
        string json = $$$"""{"model":{"type":"WordPiece","vocab":{}},"normalizer":{{{nested}}}}""";
        Assert.Throws<TokenizerException>(() => Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(json)));
    }

    [Fact]
    public void MissingFilesAreNamed()
    {
        Assert.Contains("no such file", Assert.Throws<TokenizerException>(() => Tokenizer.Load(Path.Combine(_folder, "no"))).Message);
        Assert.Contains("there is no tokenizer.json", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
        Write("tokenizer_config.json", "{\"a\":1,\"a\":2}");
        Assert.Contains("tokenizer_config.json", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
        Write("tokenizer_config.json", "{}");
        File.WriteAllBytes(Path.Combine(_folder, "vocab.txt"), [0x5B, 0xFF, 0x0A]);
        Assert.Contains("invalid UTF-8", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Fact]
    public void FailedSaveLeavesTheOldFile()
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        tokenizer.Save(_folder);
        byte[] before = File.ReadAllBytes(Path.Combine(_folder, "tokenizer.json"));
        Directory.CreateDirectory(Path.Combine(_folder, "blocked", "tokenizer.json"));
        Assert.ThrowsAny<Exception>(() => tokenizer.Save(Path.Combine(_folder, "blocked")));
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "blocked"), "*.tmp"));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(_folder, "tokenizer.json")));
    }

    private string Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
