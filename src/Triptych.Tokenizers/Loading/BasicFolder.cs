using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Classes that cut words as BERT's own Python code does: ProphetNet, TAPAS, RoCBert, BertJapanese.</summary>
internal sealed class BasicFolder(FolderContent content) : PythonFolder(content)
{
    private const string ProphetNet = "ProphetNetTokenizer";
    private const string Tapas = "TapasTokenizer";
    private const string Japanese = "BertJapaneseTokenizer";
    private const string ProphetNetWords = "prophetnet.tokenizer";
    private const string Model = "spiece.model";

    protected override IEnumerable<(string Name, JsonNode Value)> DefaultSettings => Name is ProphetNet or Tapas ? [("clean_up_tokenization_spaces", true)] : [];

    private string WordsFile => Name == ProphetNet ? ProphetNetWords : VocabularyTexts.Words;

    public static IEnumerable<PythonClass> Classes()
    {
        static PythonClass Of(TokenizerClass kind, params string[] files) => new(kind, files, content => new BasicFolder(content));

        yield return Of(
            new() { Name = ProphetNet, Defaults = SpecialTokens.Bert with { Cls = null }, OwnRoles = [("x_sep_token", "[X_SEP]")] }, ProphetNetWords);
        yield return Of(
            new() { Name = Tapas, Defaults = SpecialTokens.Bert, OwnRoles = [("empty_token", "[EMPTY]")], MaxLength = 512 }, VocabularyTexts.Words);
        // The ids of shapes and of pronunciations are no tokens: who needs them reads those two files.
        yield return Of(
            new() { Name = "RoCBertTokenizer", Defaults = SpecialTokens.Bert }, VocabularyTexts.Words, "word_shape.json", "word_pronunciation.json");
        yield return Of(new() { Name = Japanese, Defaults = SpecialTokens.Bert }, VocabularyTexts.Words, Model);
    }

    protected override TokenizerParts ReadParts()
    {
        if (Name == Japanese)
            return OfJapanese();
        Vocabulary vocabulary = ReadWords();
        AddedToken[] added = AddedTokens(vocabulary);
        bool cuts = Context.Flag("do_basic_tokenize", true);
        Dictionary<string, int> whole = cuts ? NeverSplit().ToDictionary(word => word, word => IdOrUnknown(vocabulary, word), StringComparer.Ordinal) : [];
        Normalizer? normalizer = cuts ? Words(Context.Flag("do_lower_case", true), TokenizerFiles.Value(Context.Config, "strip_accents") as bool?, Context.Flag("tokenize_chinese_chars", true)) : null;
        if (Name == Tapas)
        {
            string empty = Context.FurtherTokens().Select(token => token["content"]!.GetValue<string>()).FirstOrDefault() ?? Needed("empty_token");
            whole[empty] = vocabulary.IdOf(empty) is >= 0 and int known ? known : added.First(token => token.Content == empty).Id;
            normalizer = new EmptyCellNormalizer(empty, normalizer);
        }

        (string cls, string sep) = (Name == ProphetNet ? "" : Needed("cls_token"), Needed("sep_token"));
        TokenizerModel pieces = OfWordPieces(vocabulary);
        return new TokenizerParts(
            normalizer, new PythonWords(takesLineBreak: false), whole.Count == 0 ? pieces : new WholeWords(whole, pieces),
            // What follows TAPAS's question is a table, whose cells the caller puts one behind the other.
            Around(added, $"{cls} $A {sep}", Name == Tapas ? $"{cls} $A {sep} $B:1" : $"{cls} $A {sep} $B:1 {sep}:1"), Decoder(),
            // TAPAS takes out of a text only tokens that the vocabulary lacks.
            Added(added, Name == Tapas ? token => vocabulary.IdOf(token.Content) < 0 : null), null, null);
    }

    private static JoiningDecoder Decoder() => new(separator: " ", removed: " ##", strips: true);

    private WordPiece OfWordPieces(Vocabulary vocabulary) => new(vocabulary, Needed("unk_token"), "##", 100, Refuse(Path.Combine(Folder, WordsFile)));

    private Vocabulary ReadWords()
    {
        string path = Require(WordsFile);
        return ToVocabulary(VocabularyTexts.ReadWords(path, keepsSpaces: true), path);
    }

    private int IdOrUnknown(Vocabulary vocabulary, string word) => vocabulary.IdOf(word) is >= 0 and int id ? id : new UnknownToken(vocabulary, Needed("unk_token")).Id;

    private IEnumerable<string> NeverSplit() => Context.Config["never_split"] is not JsonArray words ? []
        : words.Select(word => word?.GetValue<string>() ?? throw new FormatException("never_split has an entry that is no word")).Distinct(StringComparer.Ordinal);

    private BasicWordsNormalizer Words(bool lowercases, bool? stripsAccents, bool surroundsChinese) =>
        new(lowercases, stripsAccents, surroundsChinese, NeverSplit().Concat(AllSpecial()).ToHashSet(StringComparer.Ordinal));

    private TokenizerParts OfJapanese()
    {
        bool cutsWords = Context.Flag("do_word_tokenize", true);
        string words = Context.Text("word_tokenizer_type") ?? "basic";
        if (cutsWords && words != "basic")
        {
            throw Unsupported(words switch
            {
                "mecab" => "\"word_tokenizer_type\": \"mecab\", which needs MeCab and its dictionary to find words,",
                "sudachi" => "\"word_tokenizer_type\": \"sudachi\", which needs Sudachi and its dictionary to find words,",
                "jumanpp" => "\"word_tokenizer_type\": \"jumanpp\", which needs Juman++ and its model to find words,",
                _ => $"\"word_tokenizer_type\": \"{words}\"",
            });
        }

        string type = Context.Text("subword_tokenizer_type") ?? "wordpiece";
        bool cutsPieces = Context.Flag("do_subword_tokenize", true);
        return (type, cutsPieces) switch
        {
            ("sentencepiece", true) => OfJapanesePieces(cutsWords),
            ("wordpiece", true) => OfJapaneseWords(cutsWords, OfWordPieces, cutsAtSpaces: true),
            ("character", true) => OfJapaneseWords(
                cutsWords, vocabulary => new NormalizedWords(new UnicodeNormalizer(compose: true, compatible: true), new CharacterTokens(vocabulary, Needed("unk_token")))),
            ("wordpiece" or "character", false) => OfJapaneseWords(cutsWords, vocabulary => new WordLevel(vocabulary, Needed("unk_token"))),
            _ => throw Unsupported($"\"subword_tokenizer_type\": \"{type}\"{(cutsPieces ? "" : " and \"do_subword_tokenize\": false")}"),
        };
    }

    private TokenizerParts OfJapaneseWords(bool cutsWords, Func<Vocabulary, TokenizerModel> make, bool cutsAtSpaces = false)
    {
        Vocabulary vocabulary = ReadWords();
        return Finish(AddedTokens(vocabulary), make(vocabulary), cutsWords, cutsAtSpaces, Decoder());
    }

    private TokenizerParts OfJapanesePieces(bool cutsWords)
    {
        string path = Require(Model);
        SentencePieceFile file = SentencePieceFile.Read(TokenizerFiles.ReadBytes(path), path);
        var model = SentencePieceModel.Create(file);
        return Finish(
            AddedTokens(model.Vocabulary), new QuotedSentencePiece(model, SentencePieceReader.NormalizerOf(file)), cutsWords, cutsAtSpaces: false, SentencePieceReader.DecoderOf(file));
    }

    private TokenizerParts Finish(AddedToken[] added, TokenizerModel model, bool cutsWords, bool cutsAtSpaces, Pipeline.Decoder decoder)
    {
        (string cls, string sep) = (Needed("cls_token"), Needed("sep_token"));
        return new TokenizerParts(
            cutsWords ? Words(Context.Flag("do_lower_case", false), null, surroundsChinese: false) : null, cutsWords || cutsAtSpaces ? new PythonWords(takesLineBreak: false) : null,
            model, Around(added, $"{cls} $A {sep}", $"{cls} $A {sep} $B:1 {sep}:1"), decoder, Added(added), null, null);
    }
}
