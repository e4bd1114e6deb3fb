using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Classes that use a SentencePiece model as its library does: SigLIP, SpeechT5, GPT-SW3, BertGeneration, PLBart.</summary>
internal sealed class PieceFolder(FolderContent content) : PythonFolder(content)
{
    private const string Siglip = "SiglipTokenizer";
    private const string SpeechT5 = "SpeechT5Tokenizer";
    private const string GptSw3 = "GPTSw3Tokenizer";
    private const string PLBart = "PLBartTokenizer";
    private const string Model = "spiece.model";

    private LanguageRules? _languages;

    protected override LanguageRules? Languages => _languages;

    protected override IEnumerable<(string Name, JsonNode Value)> DefaultSettings => Name == PLBart ? [("clean_up_tokenization_spaces", true)] : [];

    public static IEnumerable<PythonClass> Classes()
    {
        static PythonClass Of(string name, string file, SpecialTokens defaults, int? maxLength = null) =>
            new(new() { Name = name, Defaults = defaults, MaxLength = maxLength }, [file], content => new PieceFolder(content));

        yield return Of(Siglip, Model, new() { Eos = "</s>", Unk = "<unk>", Pad = "</s>" }, maxLength: 64);
        yield return Of(SpeechT5, "spm_char.model", new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" });
        yield return Of("BertGenerationTokenizer", Model, new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Sep = "<::::>", Pad = "<pad>" });
        yield return Of(GptSw3, Model, new() { Bos = "<s>", Eos = "<|endoftext|>", Unk = "<unk>", Pad = "<pad>" });
        yield return Of(PLBart, "sentencepiece.bpe.model", SpecialTokens.Roberta);
    }

    protected override TokenizerParts ReadParts()
    {
        if (Name != Siglip && !Context.Flag("legacy", true))
            throw Unsupported("\"legacy\": false");
        if (Name == SpeechT5 && Context.Flag("normalize", false))
            throw Unsupported("\"normalize\": true, which spells numbers out in English,");
        string path = Require(Name switch { SpeechT5 => "spm_char.model", PLBart => "sentencepiece.bpe.model", _ => Model });
        SentencePieceFile file = SentencePieceFile.Read(TokenizerFiles.ReadBytes(path), path);
        var model = SentencePieceModel.Create(file);
        return Name switch
        {
            Siglip => OfSiglip(file, model),
            PLBart => OfPLBart(file, model, path),
            _ => OfPieces(file, model),
        };
    }

    private TokenizerParts OfSiglip(SentencePieceFile file, SentencePieceModel model)
    {
        AddedToken[] added = AddedTokens(model.Vocabulary);
        string unknown = Context.Role("unk_token", "<unk>");
        SentencePieceNormalizer normalizer = SentencePieceReader.NormalizerOf(file);
        var pieces = new List<Piece>();
        model.Tokenize(normalizer.Normalize(unknown), pieces);
        return new TokenizerParts(
            new CanonicalNormalizer(normalizer, unknown, Context.Flag("do_lower_case", true)), null, new PrefixedSentencePiece(model, pieces.Count),
            EndProcessor.Of(added, Needed("eos_token")), new SpacedDecoder(SentencePieceReader.DecoderOf(file), SpecialOf(added), strips: true),
            Added(added), null, null);
    }

    private TokenizerParts OfPieces(SentencePieceFile file, SentencePieceModel model)
    {
        bool isSw3 = Name == GptSw3;
        if (isSw3)
            NameTokensOfSw3();
        AddedToken[] added = AddedTokens(model.Vocabulary);
        Normalizer normalizer = SentencePieceReader.NormalizerOf(file);
        string? eos = Name == SpeechT5 ? Needed("eos_token") : null;
        return new TokenizerParts(
            isSw3 ? new SequenceNormalizer([new PrintableNormalizer(), new UnicodeNormalizer(compose: true, compatible: false), normalizer]) : normalizer, null, model,
            eos is null ? null : Around(added, $"$A {eos}", $"$A $B {eos}"),
            isSw3 ? new SpacedDecoder(SentencePieceReader.DecoderOf(file), SpecialOf(added), strips: false) : JoiningDecoder.Marks(),
            Added(added), null, null);
    }

    /// <summary>The model of seven billion parameters has fewer tokens; the class knows it by its name.</summary>
    private void NameTokensOfSw3()
    {
        Context.Config["unk_token"] ??= "<unk>";
        Context.Config["eos_token"] ??= "<|endoftext|>";
        bool isLarge = Path.GetFullPath(Folder).Contains("gpt-sw3-7b", StringComparison.Ordinal);
        Context.Config["pad_token"] ??= isLarge ? Context.Text("unk_token") : "<pad>";
        Context.Config["bos_token"] ??= isLarge ? Context.Text("eos_token") : "<s>";
    }

    /// <summary>The first four ids are fairseq's, those of the pieces one higher than in the model, then come the languages and the mask.</summary>
    private TokenizerParts OfPLBart(SentencePieceFile file, SentencePieceModel model, string path)
    {
        string[] codes = (Context.Text("language_codes") ?? "base") switch
        {
            "base" => ["__java__", "__python__", "__en_XX__"],
            "multi" => ["__java__", "__python__", "__en_XX__", "__javascript__", "__php__", "__ruby__", "__go__"],
            string other => throw new TokenizerException(Folder, $"tokenizer_config.json: language_codes \"{other}\" are not known"),
        };
        const int unknown = 3;
        bool isBase = codes.Length == 3;
        List<(string Token, int Id)> named = [("<s>", 0), ("<pad>", 1), ("</s>", 2), ("<unk>", unknown)];
        named.AddRange(codes.Select((code, i) => (code, file.Pieces.Count + 1 + i)));
        if (isBase)
            named.Add(("<mask>", file.Pieces.Count + 1 + codes.Length));
        HashSet<string> names = [.. named.Select(entry => entry.Token)];
        var vocabulary = new Vocabulary(
            named.Concat(file.Pieces.Select((piece, id) => (piece.Text, id + 1)).Skip(1).Where(entry => !names.Contains(entry.Text))), Refuse(path));
        AddedToken[] all =
        [
            // Where there is no id for the mask it is unknown.
            .. isBase ? [] : (AddedToken[])[new AddedToken { Content = "<mask>", Id = unknown, Special = true }],
            .. named.Select(entry => new AddedToken { Content = entry.Token, Id = entry.Id, Special = true }), .. FurtherOfPLBart(model.Vocabulary, vocabulary, names),
        ];
        HashSet<string> special = [.. AllSpecial()];
        if (!Context.ListsFurther)
            special.UnionWith(codes);
        AddedToken[] added = [.. all.Where(token => !token.Special || special.Contains(token.Content))];
        string source = CodeOf(Context.Text("src_lang") ?? (isBase ? "" : "__en_XX__"));
        string eos = Needed("eos_token");
        _languages = new LanguageRules(source, CodeOf(Context.Text("tgt_lang") ?? ""), CodeOf, (language, _) => ($"$A {eos} {language}", $"$A $B {eos} {language}"));
        foreach (string? code in (ReadOnlySpan<string?>)[_languages.Source, _languages.Target])
        {
            if (code is { Length: > 0 } && !codes.Contains(code))
                throw new TokenizerException(Folder, $"there is no token for the language {code}");
        }

        (string single, string pair) = _languages.Template(source, false);
        return new TokenizerParts(
            SentencePieceReader.NormalizerOf(file), null, new MappedSentencePiece(model, vocabulary, vocabulary, unknown, takesLanguage: false),
            Around(all, single, pair), JoiningDecoder.Marks(), Added(added), null, null);
    }

    /// <summary>
    /// Tokens besides fairseq's. Their ids count from behind the pieces and fairseq's first four, past special tokens that are no pieces, and
    /// may be a language's too.
    /// </summary>
    private IEnumerable<AddedToken> FurtherOfPLBart(Vocabulary pieces, Vocabulary vocabulary, HashSet<string> names)
    {
        AddedToken[] described = [.. AddedTokens(vocabulary).Where(token => !token.Special && !names.Contains(token.Content))];
        int next = pieces.Count + ((string[])["<s>", "<pad>", "</s>", "<unk>"]).Count(token => pieces.IdOf(token) < 0);
        foreach (string token in AllSpecial().Distinct(StringComparer.Ordinal).Where(token => pieces.IdOf(token) < 0))
        {
            int id = next++;
            if (!names.Contains(token) && token != "<mask>")
                yield return new AddedToken { Content = token, Id = id, Special = true };
        }

        foreach (AddedToken token in described)
            yield return token;
    }

    private static string CodeOf(string language) => language is "java" or "python" or "en_XX" or "javascript" or "php" or "ruby" or "go" ? $"__{language}__" : language;
}
