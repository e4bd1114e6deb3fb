using System.IO.Compression;
using System.Text.Json;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>SentencePiece models and tiktoken files by themselves give what the sentencepiece and tiktoken libraries give.</summary>
public sealed class SentencePieceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FilesByThemselvesMatchTheirLibraries()
    {
        var tokenizers = new Dictionary<string, Tokenizer>();
        int cases = 0;
        foreach (JsonElement golden in Golden("raw"))
        {
            string model = golden.GetProperty("model").GetString()!;
            string? pattern = golden.TryGetProperty("pattern", out JsonElement given) ? given.GetString() : null;
            if (!tokenizers.TryGetValue(model + pattern, out Tokenizer? tokenizer))
                tokenizers[model + pattern] = tokenizer = pattern is null ? Tokenizer.Load(PathOf(model)) : Tokenizer.LoadTiktoken(PathOf(model), pattern);
            string text = golden.GetProperty("text").GetString()!;
            Encoding encoding = tokenizer.Encode(text);
            Assert.Equal(golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), encoding.Ids);
            if (golden.TryGetProperty("tokens", out JsonElement tokens))
                Assert.Equal(tokens.EnumerateArray().Select(token => token.GetString()!), encoding.Tokens);
            Assert.Equal(golden.GetProperty("decoded").GetString(), tokenizer.Decode(encoding.Ids, skipSpecialTokens: false));
            Assert.All(encoding.Offsets, range => Assert.InRange(range.End, range.Start, text.Length));
            cases++;
        }

        Assert.True(cases > 1000);
    }

    [Fact]
    public void UnpairedSurrogatesCountAsReplacementCharacters()
    {
        Tokenizer tokenizer = Tokenizer.Load(PathOf("bpe.model"));
        Assert.Equal(tokenizer.Encode("a\uFFFDb\uFFFD").Ids, tokenizer.Encode("a\uD800b\uDC00").Ids);
        Assert.Equal("a\uFFFDb", tokenizer.Decode(tokenizer.Encode("a\uD83Db").Ids));
    }

    [Fact]
    public void AModelIsSavedAsItIs()
    {
        Tokenizer tokenizer = Tokenizer.Load(PathOf("unigram.model"));
        tokenizer.Save(_folder);
        Assert.Equal(File.ReadAllBytes(PathOf("unigram.model")), File.ReadAllBytes(Path.Combine(_folder, "unigram.model")));
        File.Move(Path.Combine(_folder, "unigram.model"), Path.Combine(_folder, "tokenizer.model"));
        Assert.Equal(tokenizer.Encode("The war ended.").Ids, Tokenizer.Load(_folder).Encode("The war ended.").Ids);
        Assert.Equal(("<s>", "</s>", "<unk>"), (tokenizer.SpecialTokens.Bos, tokenizer.SpecialTokens.Eos, tokenizer.SpecialTokens.Unk));
    }

    [Fact]
    public void ATextWithoutSpacesTakesLinearTimeAndLittleMemory()
    {
        Tokenizer tokenizer = Tokenizer.Load(PathOf("unigram.model"));
        string text = string.Concat(Enumerable.Repeat("warandpeace", 40_000));
        tokenizer.Encode(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int[] ids = tokenizer.Encode(text).Ids;
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100L * text.Length);
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Theory]
    [InlineData("unigram.model")]
    [InlineData("bpe.model")]
    [InlineData("word.model")]
    [InlineData("small.tiktoken")]
    public void DamagedFilesAreRefusedOrUsed(string name)
    {
        byte[] content = File.ReadAllBytes(PathOf(name));
        string path = Path.Combine(_folder, "gpt2" + Path.GetExtension(name));
        var random = new Random(11);
        for (int i = 0; i < 400; i++)
        {
            byte[] damaged = [.. content[..(i % 3 == 0 ? random.Next(content.Length) : content.Length)]];
            for (int k = random.Next(4); k > 0 && damaged.Length > 0; k--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, damaged);
            try
            {
                Tokenizer tokenizer = Tokenizer.Load(path);
                tokenizer.Decode(tokenizer.Encode("The ｗar\u200B e\u0301 <sym>\n日本").Ids);
            }
            catch (TokenizerException e)
            {
                Assert.Equal(path, e.Path);
            }
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x0A }, "ends in the middle of a number")]
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, "does not fit into")]
    [InlineData(new byte[] { 0x12, 0x02, 0x18, 0x09 }, "model type 9 is not known")]
    [InlineData(new byte[] { 0x0A, 0x03, 0x0A, 0x01, 0x61 }, "there is no piece for the unknown")]
    [InlineData(new byte[] { 0x0A, 0x03, 0x0A, 0x01, 0xFF }, "a text is not UTF-8")]
    [InlineData(new byte[] { 0x0A, 0x02, 0x18, 0x02 }, "piece 0: it is empty")]
    [InlineData(new byte[] { 0x0A, 0x03, 0x0A, 0x01, 0x61, 0x0A, 0x03, 0x0A, 0x01, 0x61 }, "comes twice")]
    [InlineData(new byte[] { 0x63, 0x63, 0x63, 0x63 }, "ends in the middle of a number")]
    [InlineData(new byte[] { 0x40, 0x01 }, "there are no pieces")]
    public void BrokenModelsAreRefusedWithOneClearError(byte[] content, string reason)
    {
        string path = Path.Combine(_folder, "broken.model");
        File.WriteAllBytes(path, content);
        TokenizerException error = Assert.Throws<TokenizerException>(() => Tokenizer.Load(path));
        Assert.Equal(path, error.Path);
        Assert.Contains(reason, error.Message);
    }

    internal static string PathOf(string name) => Fixtures.Path($"tokenizers/sentencepiece/{name}");

    internal static IEnumerable<JsonElement> Golden(string name)
    {
        using var stream = new GZipStream(File.OpenRead(PathOf(name + ".jsonl.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is string line)
            yield return JsonDocument.Parse(line).RootElement;
    }
}
