using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Marian's and M2M-100's folders: a SentencePiece model cuts the text, vocab.json says the ids.</summary>
internal sealed class MappedFolder(string name, string folder, JsonObject config, JsonObject specialTokensMap)
{
    public const string Marian = "MarianTokenizer";
    public const string M2M100 = "M2M100Tokenizer";

    private readonly bool _marian = name == Marian;

    private TokenizerClass Kind => new()
    {
        Name = name,
        Defaults = _marian ? new() { Unk = "<unk>", Eos = "</s>", Pad = "<pad>" } : SpecialTokens.Roberta with { Mask = null },
    };

    public TokenizerFiles Read()
    {
        string vocabularyPath = Require("vocab.json");
        string modelPath = Require(_marian ? "source.spm" : "sentencepiece.bpe.model");
        var context = new ClassContext(Kind, config, specialTokensMap, vocabularyPath);
        Vocabulary vocabulary = ReadVocabulary(vocabularyPath, context);
        context.AddTokens(TokenizerFiles.ReadObject(folder, "added_tokens.json"), []);
        LanguageRules? languages = _marian ? null : RulesOf(context);
        string eos = context.Role("eos_token", "</s>");
        JsonObject template = languages?.Processor(languages.Source, isTarget: false, context.IdOf) ?? StageJson.Template($"$A {eos}", $"$A $B {eos}", context.IdOf);
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(template.ToJsonString());
        PostProcessor postProcessor = TokenizerReader.ReadTemplate(new JsonValue(document.RootElement, vocabularyPath, "post_processor"));
        AddedToken[] added = [.. context.Added.Select(token => ToToken(token.Key, token.Value))];
        string unknown = context.Role("unk_token", "<unk>");

        bool isSeparate = _marian && context.Flag("separate_vocabs", false);
        string targetPath = isSeparate ? Require("target_vocab.json") : vocabularyPath;
        Vocabulary targets = isSeparate ? new Vocabulary([.. VocabularyTexts.ReadVocabulary(targetPath).Select(entry => (entry.Key, entry.Value))], Refuse(targetPath)) : vocabulary;
        SentencePieceFile source = ReadModel(modelPath);
        // Decoding is the target's where it has a vocabulary of its own, and the source's where it has not.
        var target = new Lazy<SentencePieceFile>(() => ReadModel(Require("target.spm")));
        var decoder = new MappedDecoder(
            SentencePieceReader.DecoderOf(isSeparate ? target.Value : source), added.Where(token => token.Special).Select(token => token.Content).ToHashSet(), _marian);
        TokenizerParts Parts(SentencePieceFile file, Vocabulary ids, string path)
        {
            SentencePieceNormalizer normalizer = SentencePieceReader.NormalizerOf(file);
            int unknownId = ids.IdOf(unknown) is >= 0 and int id ? id : throw new TokenizerException(path, $"\"{unknown}\" is missing");
            return new TokenizerParts(
                _marian ? new LanguageNormalizer(normalizer) : normalizer, null,
                new MappedSentencePiece(SentencePieceModel.Create(file), ids, targets, unknownId, takesLanguage: _marian),
                postProcessor, decoder, new AddedVocabulary(added, normalizer: null), null, null);
        }

        return new TokenizerFiles(folder, Parts(source, vocabulary, vocabularyPath), context.SpecialTokens with { Mask = null }, Originals(), Settings())
        {
            Languages = languages, Target = _marian ? new Lazy<TokenizerParts>(() => Parts(target.Value, targets, targetPath)) : null,
        };
    }

    private static Func<string, Exception> Refuse(string path) => reason => new TokenizerException(path, reason);

    private static SentencePieceFile ReadModel(string path) => SentencePieceFile.Read(TokenizerFiles.ReadBytes(path), path);

    private static LanguageRules RulesOf(ClassContext context)
    {
        string source = context.Text("src_lang") ?? "en";
        string eos = context.Role("eos_token", "</s>");
        if (context.Find($"__{source}__") < 0)
            throw new TokenizerException(context.Path, $"there is no token for the language {source}");
        return new LanguageRules(source, context.Text("tgt_lang"), code => $"__{code}__", (language, _) => ($"{language} $A {eos}", $"{language} $A $B {eos}"));
    }

    private static IReadOnlyList<string> Languages(ClassContext context) => context.Text("language_codes") switch
    {
        null or "m2m100" => LanguageCodes.M2M100,
        "wmt21" => LanguageCodes.Wmt21,
        string codes => throw new TokenizerException(context.Path, $"tokenizer_config.json: language_codes \"{codes}\" are not known"),
    };

    private static AddedToken ToToken(int id, JsonObject token) => new()
    {
        Id = id,
        Content = token["content"]!.GetValue<string>(),
        SingleWord = token["single_word"]!.GetValue<bool>(),
        LStrip = token["lstrip"]!.GetValue<bool>(),
        RStrip = token["rstrip"]!.GetValue<bool>(),
        Special = token["special"]!.GetValue<bool>(),
    };

    private Vocabulary ReadVocabulary(string path, ClassContext context)
    {
        using System.Text.Json.JsonDocument document = JsonValue.Parse(TokenizerFiles.ReadBytes(path), path);
        var root = new JsonValue(document.RootElement, path, "");
        List<(string Token, int Id)> entries = [.. root.Members().Select(member => (member.Name, member.Value.AsId()))];
        // The languages follow the vocabulary; the reference does not look for them in texts.
        int next = entries.Count;
        if (!_marian)
            entries.AddRange(Languages(context).Select(code => ($"__{code}__", next++)));
        var vocabulary = new Vocabulary(entries, root.Fail);
        for (int id = 0; id < vocabulary.IdLimit; id++)
            context.Vocabulary.Add((vocabulary.TokenOf(id) ?? throw root.Fail($"id {id} is missing"), 0));
        return vocabulary;
    }

    private JsonObject Settings()
    {
        JsonObject settings = config.DeepClone().AsObject();
        settings["tokenizer_class"] = name;
        return settings;
    }

    private List<(string, byte[])> Originals() => FolderFiles.Originals(
        folder, "vocab.json", "source.spm", "target.spm", "target_vocab.json", "sentencepiece.bpe.model", "special_tokens_map.json", "added_tokens.json");

    private string Require(string file) => FolderFiles.Require(folder, file, name);
}
