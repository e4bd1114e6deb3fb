using System.Text.Json;

namespace Triptych.Tokenizers.Tests;

/// <summary>Folders without a tokenizer.json give what the classes of transformers make of them.</summary>
public sealed class LegacyClassTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FoldersMatchTheClassesOfTransformers()
    {
        Tokenizer? tokenizer = null;
        Tokenizer? saved = null;
        int classes = 0;
        string current = "";
        int cases = 0;
        foreach (JsonElement golden in SentencePieceTests.Golden("classes"))
        {
            if (golden.TryGetProperty("class", out JsonElement name))
            {
                current = $"{classes++}-{name.GetString()}";
                string folder = Make(golden, current);
                tokenizer = Tokenizer.Load(folder);
                tokenizer.Save(folder + "-saved");
                saved = Tokenizer.Load(folder + "-saved");
                continue;
            }

            Check(golden, tokenizer!);
            string text = golden.GetProperty("text").GetString()!;
            Assert.True(tokenizer!.Encode(text).Length == saved!.Encode(text).Length, $"{current}: {text}: {string.Join(' ', tokenizer.Encode(text).Tokens)} is not {string.Join(' ', saved.Encode(text).Tokens)}");
            cases++;
        }

        Assert.True(classes > 20 && cases > 700);
    }

    [Theory]
    [InlineData("""{"tokenizer_class": "CpmTokenizer"}""", "CpmTokenizer is not supported without a tokenizer.json")]
    [InlineData("""{"tokenizer_class": "GPTSw3Tokenizer", "legacy": false}""", "GPTSw3Tokenizer with \"legacy\": false is not supported")]
    [InlineData("""{"tokenizer_class": "SpeechT5Tokenizer"}""", "there is no spm_char.model for SpeechT5Tokenizer")]
    [InlineData("""{"tokenizer_class": "T5Tokenizer", "added_tokens_decoder": {"x": {"content": "a"}}}""", "id x of an added token is out of range")]
    [InlineData("""{"tokenizer_class": "T5Tokenizer", "added_tokens_decoder": {"1": {}}}""", "a token has no \"content\"")]
    [InlineData("""{"tokenizer_class": "T5Tokenizer", "added_tokens_decoder": {"1": 5}}""", "added_tokens_decoder.1: expected an object")]
    [InlineData("""{"tokenizer_class": "T5Tokenizer", "additional_special_tokens": [5]}""", "cannot be used")]
    [InlineData("""{"tokenizer_class": "PegasusTokenizer", "unk_token": "<nothing>"}""", "the unknown token has the id -1")]
    [InlineData("""{"tokenizer_class": "MarianTokenizer"}""", "there is no vocab.json for MarianTokenizer")]
    public void BrokenFoldersAreRefusedWithOneClearError(string config, string reason)
    {
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "spiece.model"));
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), config);
        Assert.Contains(reason, Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Fact]
    public void ATokenizerJsonIsBuiltAnewByItsClass()
    {
        Tokenizer file = Tokenizer.Load(Triptych.TestSupport.Fixtures.Path("tokenizers/llama2.json"));
        File.Copy(Triptych.TestSupport.Fixtures.Path("tokenizers/llama2.json"), Path.Combine(_folder, "tokenizer.json"));
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "LlamaTokenizer", "legacy": false}""");
        Tokenizer folder = Tokenizer.Load(_folder);
        // The class puts no mark before a text that begins with a space; the file alone does.
        Assert.Equal(file.Encode("war").Ids, folder.Encode("war").Ids);
        Assert.Equal(file.Encode(" war").Length, folder.Encode(" war").Length + 1);
        Assert.Equal(Side.Left, folder.PaddingSide);
    }

    internal static void Check(JsonElement golden, Tokenizer tokenizer)
    {
        string text = golden.GetProperty("text").GetString()!;
        Encoding encoding = tokenizer.Encode(text, golden.GetProperty("pair").GetString());
        Assert.Equal(golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), encoding.Ids);
        Assert.Equal(golden.GetProperty("decoded").GetString(), tokenizer.Decode(encoding.Ids, cleanUpTokenizationSpaces: false));
        Assert.Equal(golden.GetProperty("all").GetString(), tokenizer.Decode(encoding.Ids, skipSpecialTokens: false, cleanUpTokenizationSpaces: false));
        if (!golden.TryGetProperty("tokens", out JsonElement tokens))
            return;
        Assert.Equal(tokens.EnumerateArray().Select(token => token.GetString()!), encoding.Tokens);
        Assert.Equal(golden.GetProperty("types").EnumerateArray().Select(id => id.GetInt32()), encoding.TypeIds);
        Assert.Equal(
            golden.GetProperty("offsets").EnumerateArray().Select(pair => new TextRange(pair[0].GetInt32(), pair[1].GetInt32())), encoding.Offsets);
    }

    private string Make(JsonElement golden, string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        File.Copy(SentencePieceTests.PathOf(golden.GetProperty("source").GetString()!), Path.Combine(folder, golden.GetProperty("name").GetString()!));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), golden.GetProperty("config").GetRawText());
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""{"model_type": "{{golden.GetProperty("model_type").GetString()}}"}""");
        if (golden.GetProperty("vocabulary").ValueKind == JsonValueKind.Object)
            File.WriteAllText(Path.Combine(folder, "vocab.json"), golden.GetProperty("vocabulary").GetRawText());
        return folder;
    }
}
