using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>Folders with vocab.txt, vocab.json and merges.txt, a class and a tokenizer.json, or texts in two languages give what transformers makes of them.</summary>
public sealed class FolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FoldersMatchTheClassesOfTransformers()
    {
        Tokenizer? tokenizer = null;
        Tokenizer? saved = null;
        var classes = new HashSet<string>();
        int folders = 0;
        foreach (JsonElement golden in SentencePieceTests.Golden("folders"))
        {
            if (golden.TryGetProperty("class", out JsonElement name))
            {
                classes.Add(name.GetString()!);
                string folder = Make(golden, $"{folders++}-{name.GetString()}");
                tokenizer = Tokenizer.Load(folder);
                if (golden.GetProperty("languages") is { ValueKind: JsonValueKind.Array } languages)
                    tokenizer = tokenizer.WithLanguages(languages[0].GetString(), languages[1].GetString());
                tokenizer.Save(folder + "-saved");
                saved = Tokenizer.Load(folder + "-saved");
                continue;
            }

            if (golden.TryGetProperty("heard", out JsonElement heard))
            {
                CheckHeard(golden, tokenizer!.DecodeCtc(heard.EnumerateArray().Select(id => id.GetInt32()), golden.GetProperty("skip").GetBoolean()));
                continue;
            }

            bool isTarget = golden.GetProperty("target").GetBoolean();
            LegacyClassTests.Check(golden, isTarget ? tokenizer!.Target : tokenizer!);
            LegacyClassTests.Check(golden, isTarget ? saved!.Target : saved!);
        }

        Assert.Equal((106, 68), (folders, classes.Count));
    }

    [Theory]
    [InlineData("""{"tokenizer_class": "BioGptTokenizer"}""", "BioGptTokenizer is not supported without a tokenizer.json: the rules of Moses, in the package sacremoses")]
    [InlineData("""{"tokenizer_class": "FSMTTokenizer"}""", "FSMTTokenizer is not supported without a tokenizer.json: the rules of Moses, in the package sacremoses")]
    [InlineData("""{"tokenizer_class": "XLMTokenizer"}""", "XLMTokenizer is not supported without a tokenizer.json: the rules of Moses, in the package sacremoses")]
    [InlineData("""{"tokenizer_class": "FlaubertTokenizer"}""", "FlaubertTokenizer is not supported without a tokenizer.json: the rules of Moses, in the package sacremoses")]
    [InlineData("""{"tokenizer_class": "CpmTokenizer"}""", "CpmTokenizer is not supported without a tokenizer.json: Jieba, in the package rjieba")]
    [InlineData("""{"tokenizer_class": "CpmAntTokenizer"}""", "CpmAntTokenizer is not supported without a tokenizer.json: Jieba, in the package rjieba")]
    [InlineData("""{"tokenizer_class": "RagTokenizer"}""", "RagTokenizer is two tokenizers: load the folders question_encoder_tokenizer and generator_tokenizer")]
    [InlineData("""{"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}""", "which needs MeCab")]
    [InlineData("""{"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "sudachi"}""", "which needs Sudachi")]
    [InlineData("""{"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "jumanpp"}""", "which needs Juman++")]
    [InlineData("""{"tokenizer_class": "BertJapaneseTokenizer", "subword_tokenizer_type": "sentencepiece"}""", "no spiece.model for BertJapaneseTokenizer")]
    [InlineData("""{"tokenizer_class": "BertJapaneseTokenizer", "subword_tokenizer_type": "x"}""", "BertJapaneseTokenizer with \"subword_tokenizer_type\": \"x\" is not supported")]
    [InlineData("""{"tokenizer_class": "ProphetNetTokenizer"}""", "no prophetnet.tokenizer for ProphetNetTokenizer")]
    [InlineData("""{"tokenizer_class": "TapasTokenizer", "never_split": [1]}""", "the files beside the vocabulary cannot be used")]
    [InlineData("""{"tokenizer_class": "VitsTokenizer"}""", "which needs the package phonemizer and eSpeak")]
    [InlineData("""{"tokenizer_class": "VitsTokenizer", "phonemize": false, "is_uroman": true}""", "which needs the package uroman")]
    [InlineData("""{"tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer"}""", "which needs the package phonemizer")]
    [InlineData("""{"tokenizer_class": "Speech2TextTokenizer"}""", "no sentencepiece.bpe.model for Speech2TextTokenizer")]
    [InlineData("""{"tokenizer_class": "BartphoTokenizer"}""", "no sentencepiece.bpe.model for BartphoTokenizer")]
    [InlineData("""{"tokenizer_class": "MLukeTokenizer"}""", "no sentencepiece.bpe.model for MLukeTokenizer")]
    [InlineData("""{"tokenizer_class": "LasrTokenizer"}""", "no spiece.model for LasrTokenizer")]
    [InlineData("""{"tokenizer_class": "GPTNeoXJapaneseTokenizer"}""", "no emoji.json for GPTNeoXJapaneseTokenizer")]
    [InlineData("""{"tokenizer_class": "MyT5Tokenizer"}""", "no byte_maps.json for MyT5Tokenizer")]
    [InlineData("""{"tokenizer_class": "DiaTokenizer", "offset": 4}""", "offset 4 is not from 0 to 3")]
    [InlineData("""{"tokenizer_class": "BertweetTokenizer", "normalization": true}""", "BertweetTokenizer with \"normalization\": true, which rewrites tweets, is not supported")]
    [InlineData("""{"tokenizer_class": "PhobertTokenizer"}""", "vocab.txt: line 1: \"[UNK]\" is not a token and its count")]
    [InlineData("""{"tokenizer_class": "CTRLTokenizer"}""", "no merges.txt for CTRLTokenizer")]
    [InlineData("""{"tokenizer_class": "EsmTokenizer", "cls_token": null}""", "EsmTokenizer needs a cls_token")]
    [InlineData("""{"tokenizer_class": "PLBartTokenizer"}""", "no sentencepiece.bpe.model for PLBartTokenizer")]
    [InlineData("""{"tokenizer_class": "RoFormerTokenizer"}""", "RoFormerTokenizer is not supported without a tokenizer.json")]
    [InlineData("""{"tokenizer_class": "SomeTokenizer"}""", "nothing else that is known to be read for SomeTokenizer")]
    [InlineData("""{"tokenizer_class": "GPT2Tokenizer"}""", "no merges.txt for GPT2Tokenizer")]
    [InlineData("""{"tokenizer_class": "WhisperTokenizer", "language": "elvish"}""", "no merges.txt for WhisperTokenizer")]
    [InlineData("""{"tokenizer_class": "T5Tokenizer"}""", "no spiece.model for T5Tokenizer")]
    [InlineData("""{"tokenizer_class": "SiglipTokenizer"}""", "no spiece.model for SiglipTokenizer")]
    [InlineData("""{"tokenizer_class": "Wav2Vec2CTCTokenizer", "target_lang": "deu"}""", "\"deu\"")]
    [InlineData("""{"tokenizer_class": "ByT5Tokenizer", "eos_token": null}""", "ByT5Tokenizer needs an eos_token")]
    [InlineData("""{"tokenizer_class": "ByT5Tokenizer", "added_tokens_decoder": {"x": {"content": "a"}}}""", "id x of an added token is out of range")]
    [InlineData("""{"tokenizer_class": "M2M100Tokenizer"}""", "no sentencepiece.bpe.model for M2M100Tokenizer")]
    public void FoldersThatCannotBeReadNameTheClassOrTheFile(string config, string reason)
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.txt"), "[UNK]\n[CLS]\n[SEP]\n");
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"a": 0}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), config);
        Assert.Contains(reason, Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Theory]
    [InlineData("""{"a": 0, "b": 1}""", "a b c", """{}""", "line 1: \"a b c\" is not a pair of tokens")]
    [InlineData("""{"a": 0, "b": 1}""", "a b", """{}""", "makes \"ab\", which is not in the vocabulary")]
    [InlineData("""{"a": 0, "b": 0}""", "", """{}""", "have the same id 0")]
    [InlineData("""{"a": 0, "a": 1}""", "", """{}""", "token \"a\" comes twice")]
    [InlineData("""{"a": -1}""", "", """{}""", "a: id -1 is out of range")]
    [InlineData("""[]""", "", """{}""", "expected an object")]
    [InlineData("""{"a": 0}""", "", """{"tokenizer_class": "WhisperTokenizer", "language": "elvish"}""", "language \"elvish\" is none of Whisper's")]
    [InlineData("""{"a": 0}""", "", """{"tokenizer_class": "WhisperTokenizer", "language": "de"}""", "no token for the language \"de\"")]
    [InlineData("""{"a": 0}""", "", """{"tokenizer_class": "WhisperTokenizer", "task": "sing"}""", "task \"sing\" is neither transcribe nor translate")]
    [InlineData("""{"a": 0}""", "", """{"tokenizer_class": "RobertaTokenizer", "sep_token": null}""", "RobertaTokenizer needs a sep_token")]
    public void BrokenVocabulariesAreRefusedWithOneClearError(string vocabulary, string merges, string config, string reason)
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), vocabulary);
        File.WriteAllText(Path.Combine(_folder, "merges.txt"), merges);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), config);
        Assert.Contains(reason, Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Theory]
    [InlineData("MyT5Tokenizer", "byte_maps.json", """{"decompose_map": {"6": "61"}, "merge_map": {}}""", "\"6\" are not bytes as two digits each")]
    [InlineData("MyT5Tokenizer", "byte_maps.json", """{"merge_map": {}}""", "decompose_map")]
    [InlineData("GPTNeoXJapaneseTokenizer", "emoji.json", """{"emoji": {}}""", "\"emoji_inv\" is missing")]
    [InlineData("GPTNeoXJapaneseTokenizer", "emoji.json", """{"emoji": {"a": null}, "emoji_inv": {}}""", "emoji: \"a\" has no name")]
    public void BrokenFilesBesideAVocabularyAreNamed(string name, string file, string content, string reason)
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.txt"), "<|endoftext|>\n");
        File.WriteAllText(Path.Combine(_folder, file), content);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), $$"""{"tokenizer_class": "{{name}}"}""");
        TokenizerException error = Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder));
        Assert.Contains(reason, error.Message);
        Assert.Contains(file, error.Message);
    }

    [Fact]
    public void SpeechToTextBeginsWithALanguageThatCanBeChosen()
    {
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "sentencepiece.bpe.model"));
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "Speech2TextTokenizer", "lang_codes": "mustc"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal(("pt", "de"), (tokenizer.TargetLanguage, tokenizer.WithLanguages(target: "de").TargetLanguage));
        Assert.Equal("<lang:de>", tokenizer.WithLanguages(target: "de").Encode("war").Tokens[0]);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "Speech2TextTokenizer", "lang_codes": "mustc", "tgt_lang": "zh"}""");
        Assert.Contains("tgt_lang \"zh\" is none of", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Fact]
    public void SpokenTextsAreTidiedInTheirOwnWay()
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"[UNK]": 0, "[STOP]": 1, "[SPACE]": 2, "a": 3, "\u0120": 4}""");
        File.WriteAllText(Path.Combine(_folder, "merges.txt"), "#version: 0.2\n");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "ClvpTokenizer", "clean_up_tokenization_spaces": true}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal([3, 2, 3, 0, 1], tokenizer.EncodeToIds("a Ab[STOP]"));
        Assert.Equal("a a ", tokenizer.Decode([3, 2, 3, 0, 1], skipSpecialTokens: false));
        Assert.Equal("a[SPACE]a", tokenizer.Decode([3, 2, 3, 0, 1], cleanUpTokenizationSpaces: false));
    }

    [Fact]
    public void RepeatedLettersOfSpeechCountOnceUnlessABlankIsBetween()
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"<pad>": 0, "<unk>": 1, "|": 2, "H": 3, "E": 4, "L": 5, "O": 6}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "Wav2Vec2CTCTokenizer", "do_lower_case": true}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal([3, 4, 5, 5, 6, 2, 6], tokenizer.EncodeToIds("hello o"));
        int[] heard = [2, 3, 3, 0, 4, 5, 0, 5, 5, 6, 2, 2, 6, 0, 0];
        Assert.Equal("hello o", tokenizer.Decode(heard, skipSpecialTokens: false));
        // The blank is a special token: without it nothing is between the two letters, as in transformers.
        Assert.Equal("helo o", tokenizer.Decode(heard, skipSpecialTokens: true));
    }

    [Fact]
    public void BytesOfACharacterStandWhereItStands()
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "ByT5Tokenizer"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Encoding encoding = tokenizer.Encode("a😀</s>");
        Assert.Equal([100, 243, 162, 155, 131, 1], encoding.Ids);
        Assert.Equal([new(0, 1), new(1, 3), new(1, 3), new(1, 3), new(1, 3), new(3, 7)], encoding.Offsets);
        Assert.Equal("a", tokenizer.Decode(encoding.Ids[..4]));
        Assert.Equal(384, tokenizer.VocabSize);
    }

    [Fact]
    public void ATokenizerJsonThatIsItsClassesStaysAsItIs()
    {
        byte[] file = File.ReadAllBytes(Fixtures.Path("tokenizers/gpt2.json"));
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.json"), file);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "GPT2Tokenizer"}""");
        Tokenizer.Load(_folder).Save(_folder + "/saved");
        Assert.Equal(file, File.ReadAllBytes(Path.Combine(_folder, "saved/tokenizer.json")));
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "GPTNeoXTokenizer"}""");
        Assert.Equal("é", Tokenizer.Load(_folder).Decode(Tokenizer.Load(_folder).EncodeToIds("e\u0301")));
    }

    [Fact]
    public void LanguagesAreChosenByName()
    {
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "sentencepiece.bpe.model"));
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type": "mbart"}""");
        Tokenizer english = Tokenizer.Load(_folder);
        Assert.Equal(("en_XX", "en_XX"), (english.SourceLanguage, english.TargetLanguage));
        Tokenizer french = english.WithLanguages(target: "fr_XX");
        Assert.Equal(("en_XX", "fr_XX"), (french.SourceLanguage, french.TargetLanguage));
        Assert.Equal("en_XX", french.Encode("war").Tokens[^1]);
        Assert.Equal("fr_XX", french.Target.Encode("war").Tokens[^1]);
        Assert.Same(french.Target, french.Target.Target);
        Assert.Equal("de_DE", french.Target.WithLanguages(target: "de_DE").EncodeToIds("war")[^1] is int id ? french.IdToToken(id) : null);
        Assert.Equal(french.TokenToId("fr_XX"), french.LanguageTokenId("fr_XX"));
        Assert.Null(french.LanguageTokenId("xx_XX"));
        Assert.Equal("source", Assert.Throws<ArgumentException>(() => english.WithLanguages("xx_XX")).ParamName);
        Assert.Equal("en_XX", english.Target.Encode("war").Tokens[^1]);
    }

    [Fact]
    public void TokenizersWithoutLanguagesHaveNoneToChoose()
    {
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        Assert.Null(tokenizer.SourceLanguage);
        Assert.Null(tokenizer.TargetLanguage);
        Assert.Null(tokenizer.LanguageTokenId("de"));
        Assert.Same(tokenizer, tokenizer.Target);
        Assert.Contains("does not mark texts with a language", Assert.Throws<InvalidOperationException>(() => tokenizer.WithLanguages("de")).Message);
    }

    [Fact]
    public void TargetTextsNeedALanguageOrAModel()
    {
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "sentencepiece.bpe.model"));
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "source.spm"));
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "M2M100Tokenizer"}""");
        Assert.Contains("no target language was chosen", Assert.Throws<InvalidOperationException>(() => Tokenizer.Load(_folder).Target).Message);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "MarianTokenizer"}""");
        Assert.Contains("there is no target.spm", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder).Target).Message);
    }

    [Fact]
    public void WordsOfSpeechHaveTheirSteps()
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"<pad>": 0, "<unk>": 1, "|": 2, "H": 3, "I": 4}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "Wav2Vec2CTCTokenizer", "do_lower_case": true}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        CtcTranscript heard = tokenizer.DecodeCtc([2, 3, 3, 0, 4, 2, 2, 4, 0, 4, 99]);
        Assert.Equal("hi ii<unk>", heard.Text);
        Assert.Equal([new("HI", 1, 5), new("II<unk>", 7, 11)], heard.Words);
        Assert.Equal([new(" ", 0, 1), new("H", 1, 3), new("I", 4, 5), new(" ", 5, 7), new("I", 7, 8), new("I", 9, 10), new("<unk>", 10, 11)], heard.Characters);
        Assert.Equal(("", 0, 0), (tokenizer.DecodeCtc([]).Text, tokenizer.DecodeCtc([]).Characters.Count, tokenizer.DecodeCtc([]).Words.Count));
        Tokenizer other = Tokenizer.Load(Fixtures.Path("tokenizers/gpt2.json"));
        Assert.Contains("does not decode what a speech model hears", Assert.Throws<InvalidOperationException>(() => other.DecodeCtc([1])).Message);
    }

    [Fact]
    public void LanguagesToHearHaveVocabulariesOfTheirOwn()
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), """{"eng": {"<pad>": 0, "|": 1, "a": 2}, "deu": {"<pad>": 0, "|": 1, "ä": 2, "b": 3}}""");
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "Wav2Vec2CTCTokenizer", "target_lang": "eng"}""");
        Tokenizer english = Tokenizer.Load(_folder);
        Tokenizer german = english.WithLanguages(target: "deu");
        Assert.Equal(("eng", "deu"), (english.TargetLanguage, german.TargetLanguage));
        Assert.Equal(("a", "ä"), (english.Decode([2]), german.Decode([2])));
        Assert.Same(english, english.WithLanguages(target: "eng"));
        german.Save(_folder + "/saved");
        Assert.Equal("deu", Tokenizer.Load(_folder + "/saved").TargetLanguage);
        Assert.Contains("no vocabulary for the language \"fra\"", Assert.Throws<ArgumentException>(() => english.WithLanguages(target: "fra")).Message);
        Assert.Equal("source", Assert.Throws<ArgumentException>(() => english.WithLanguages("deu")).ParamName);
    }

    [Fact]
    public void ProgramsAreTidiedUnlessTheFilesSayOtherwise()
    {
        File.Copy(SentencePieceTests.PathOf("unigram.model"), Path.Combine(_folder, "sentencepiece.bpe.model"));
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"tokenizer_class": "PLBartTokenizer"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal("war.", tokenizer.Decode(tokenizer.EncodeToIds("war .")));
        Assert.Null(tokenizer.SourceLanguage);
        Assert.Null(tokenizer.TargetLanguage);
        Assert.Equal("</s>", tokenizer.Target.Encode("war").Tokens[^1]);
        Assert.Equal("__java__", tokenizer.WithLanguages("java").Encode("war").Tokens[^1]);
    }

    private static void CheckHeard(JsonElement golden, CtcTranscript heard)
    {
        CtcSpan[] Spans(string name) => [.. golden.GetProperty(name).EnumerateArray().Select(span => new CtcSpan(span[0].GetString()!, span[1].GetInt32(), span[2].GetInt32()))];
        Assert.Equal(golden.GetProperty("text").GetString(), heard.Text);
        Assert.Equal(Spans("characters"), heard.Characters);
        Assert.Equal(Spans("words"), heard.Words);
    }

    private string Make(JsonElement golden, string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        foreach (JsonProperty copy in golden.GetProperty("copies").EnumerateObject())
            Copy(Fixtures.Path("tokenizers/" + copy.Value.GetString()), Path.Combine(folder, copy.Name));
        foreach (JsonProperty file in golden.GetProperty("files").EnumerateObject())
            File.WriteAllText(Path.Combine(folder, file.Name), file.Value.GetString());
        return folder;
    }

    private static void Copy(string source, string target)
    {
        if (!source.EndsWith(".json", StringComparison.Ordinal) || Path.GetFileName(target) == "tokenizer.json")
        {
            File.Copy(source, target);
            return;
        }

        JsonNode model = JsonNode.Parse(File.ReadAllText(source))!["model"]!;
        File.WriteAllText(target, Path.GetFileName(target) switch
        {
            "vocab.json" => model["vocab"]!.ToJsonString(),
            "merges.txt" => string.Join('\n', model["merges"]!.AsArray().Select(merge => merge is JsonArray pair ? $"{pair[0]} {pair[1]}" : merge!.GetValue<string>())),
            _ => string.Join('\n', model["vocab"]!.AsObject().OrderBy(token => token.Value!.GetValue<int>()).Select(token => token.Key)),
        });
    }
}
