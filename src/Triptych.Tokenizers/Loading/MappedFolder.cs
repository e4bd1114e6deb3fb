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
        byte[] model = TokenizerFiles.ReadBytes(modelPath);
        SentencePieceFile file = SentencePieceFile.Read(model, modelPath);
        var context = new ClassContext(Kind, config, specialTokensMap, vocabularyPath);
        Vocabulary vocabulary = ReadVocabulary(vocabularyPath, context);
        context.AddTokens(TokenizerFiles.ReadObject(folder, "added_tokens.json"), []);
        AddedToken[] added = [.. context.Added.Select(token => ToToken(token.Key, token.Value))];
        string unknown = context.Role("unk_token", "<unk>");
        int unknownId = vocabulary.IdOf(unknown) is >= 0 and int id ? id : throw new TokenizerException(vocabularyPath, $"\"{unknown}\" is missing");
        SentencePieceNormalizer normalizer = SentencePieceReader.NormalizerOf(file);
        HashSet<string> special = [.. added.Where(token => token.Special).Select(token => token.Content)];
        JsonValue template = new(System.Text.Json.JsonDocument.Parse(Template(context).ToJsonString()).RootElement, vocabularyPath, "post_processor");
        var parts = new TokenizerParts(
            _marian ? new LanguageNormalizer(normalizer) : normalizer, null,
            new MappedSentencePiece(SentencePieceModel.Create(file), vocabulary, unknownId, takesLanguage: _marian),
            TokenizerReader.ReadTemplate(template), new MappedDecoder(SentencePieceReader.DecoderOf(file), special, _marian),
            new AddedVocabulary(added, normalizer: null), null, null);
        return new TokenizerFiles(folder, parts, context.SpecialTokens with { Mask = null }, Originals(), config);
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

    private JsonObject Template(ClassContext context)
    {
        string eos = context.Role("eos_token", "</s>");
        string language = _marian ? "" : $"__{context.Text("src_lang") ?? "en"}__ ";
        if (language.Length > 0 && context.Find(language.Trim()) < 0)
            throw new TokenizerException(context.Path, $"there is no token for the language {language}");
        return StageJson.Template($"{language}$A {eos}", $"{language}$A $B {eos}", context.IdOf);
    }

    private List<(string, byte[])> Originals()
    {
        string[] names = ["vocab.json", "source.spm", "target.spm", "target_vocab.json", "sentencepiece.bpe.model", "special_tokens_map.json", "added_tokens.json"];
        var files = new List<(string, byte[])>();
        foreach (string file in names.Where(file => File.Exists(Path.Combine(folder, file))))
            files.Add((file, TokenizerFiles.ReadBytes(Path.Combine(folder, file))));
        JsonObject settings = config.DeepClone().AsObject();
        settings["tokenizer_class"] = name;
        files.Add(("tokenizer_config.json", TokenizerFiles.ToBytes(settings)));
        return files;
    }

    private string Require(string file) => Path.Combine(folder, file) is string path && File.Exists(path) ? path
        : throw new TokenizerException(folder, $"there is no {file} for {name}");
}
