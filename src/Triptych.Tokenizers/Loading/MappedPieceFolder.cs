using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Classes that cut texts with a SentencePiece model and have the ids of its pieces in another file: Speech2Text and BARTpho.</summary>
internal sealed class MappedPieceFolder(FolderContent content) : PythonFolder(content)
{
    private const string Speech2Text = "Speech2TextTokenizer";
    private const string Model = "sentencepiece.bpe.model";
    private const string Words = "dict.txt";

    /// <summary>The languages of the data set MuST-C.</summary>
    private static readonly string[] MustC = ["pt", "fr", "ru", "nl", "ro", "it", "es", "de"];

    protected override LanguageVocabularies? Vocabularies => Name != Speech2Text || TargetLanguage is not string language ? null
        : new(language, MustC, other => ReadWith("tgt_lang", other));

    /// <summary>The language that Speech2Text's texts begin with; null where the files name none.</summary>
    private string? TargetLanguage => Context.Text("lang_codes") is null ? null : Context.Text("tgt_lang") ?? MustC[0];

    public static IEnumerable<PythonClass> Classes()
    {
        yield return new(
            new()
            {
                Name = Speech2Text, Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" },
                Further = context => context.Text("lang_codes") is null ? [] : MustC.Select(TokenOf),
            },
            [VocabularyTexts.Vocabulary, Model], content => new MappedPieceFolder(content));
        yield return new(new() { Name = "BartphoTokenizer", Defaults = SpecialTokens.Roberta }, [Model, Words], content => new MappedPieceFolder(content));
    }

    protected override TokenizerParts ReadParts()
    {
        string path = Require(Model);
        SentencePieceFile file = SentencePieceFile.Read(TokenizerFiles.ReadBytes(path), path);
        return Name == Speech2Text ? OfSpeech(file) : OfBartpho(file);
    }

    private static string TokenOf(string language) => $"<lang:{language}>";

    private TokenizerParts OfSpeech(SentencePieceFile file)
    {
        Vocabulary vocabulary = ReadVocabulary();
        var model = SentencePieceModel.Create(file);
        string unknown = Needed("unk_token"), eos = Needed("eos_token"), start = "";
        if (TargetLanguage is string language)
        {
            if (Context.Text("lang_codes") is string codes and not "mustc")
                throw new TokenizerException(Folder, $"tokenizer_config.json: lang_codes \"{codes}\" are not known");
            if (!MustC.Contains(language))
                throw new TokenizerException(Folder, $"tokenizer_config.json: tgt_lang \"{language}\" is none of {string.Join(", ", MustC)}");
            start = TokenOf(language);
        }

        AddedToken[] added = AddedTokens(vocabulary);
        // A language begins texts with its id in the model, not with that of the vocabulary.
        int IdOf(string token) => token != start ? added.First(one => one.Content == token).Id
            : model.Vocabulary.IdOf(token) is >= 0 and int id ? id : model.TextTokenId;
        return new TokenizerParts(
            SentencePieceReader.NormalizerOf(file), null,
            new MappedSentencePiece(model, vocabulary, vocabulary, new UnknownToken(vocabulary, unknown).Id, takesLanguage: false),
            Around($"{start} $A {eos}", $"{start} $A $B {eos}", IdOf), new TranscriptDecoder(SentencePieceReader.DecoderOf(file), SpecialOf(added), Context.Flag("do_upper_case", false)),
            Added(added), null, null);
    }

    private TokenizerParts OfBartpho(SentencePieceFile file)
    {
        if (!Context.Flag("legacy", true))
            throw Unsupported("\"legacy\": false");
        string path = Require(Words);
        string[] named = [.. ((string[])["bos_token", "pad_token", "eos_token", "unk_token", "sep_token", "cls_token"]).Select(Needed).Distinct(StringComparer.Ordinal)];
        string[] listed = [.. named, .. VocabularyTexts.ReadFirstWords(path)];
        string mask = Needed("mask_token");
        var vocabulary = new Vocabulary((listed.Contains(mask) ? listed : [.. listed, mask]).Select((token, id) => (token, id)), Refuse(path));
        var model = SentencePieceModel.Create(file);
        AddedToken[] added = [.. AddedOfBartpho(model.Vocabulary, vocabulary)];
        (string cls, string sep) = (Needed("cls_token"), Needed("sep_token"));
        return new TokenizerParts(
            SentencePieceReader.NormalizerOf(file), null, new MappedSentencePiece(model, vocabulary, vocabulary, vocabulary.IdOf(Needed("unk_token")), takesLanguage: false),
            Around(added, $"{cls} $A {sep}", $"{cls} $A {sep} {sep} $B {sep}"), JoiningDecoder.Marks(), Added(added), null, null);
    }

    /// <summary>
    /// Tokens have the vocabulary's ids; those it lacks have the model's, or follow the vocabulary, past special tokens that the model lacks.
    /// </summary>
    private IEnumerable<AddedToken> AddedOfBartpho(Vocabulary pieces, Vocabulary vocabulary)
    {
        int next = vocabulary.Count;
        string[] special = [.. AllSpecial().Distinct(StringComparer.Ordinal)];
        AddedToken[] described = [.. DescribedTokens()];
        foreach (AddedToken token in described)
            yield return token with { Id = vocabulary.IdOf(token.Content) is >= 0 and int known ? known : token.Id, Special = special.Contains(token.Content) };
        foreach (string token in special.Except(described.Select(token => token.Content), StringComparer.Ordinal))
        {
            int id = pieces.IdOf(token) is >= 0 and int piece ? piece : next++;
            yield return new AddedToken { Content = token, Id = vocabulary.IdOf(token) is >= 0 and int known ? known : id, Special = true };
        }
    }
}
