using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// Words at white space: CTRL's, BlenderbotSmall's, PhoBERT's and BERTweet's in pieces, of which all but the last of a word end with <c>@@</c>; ESM's
/// whole. CLVP's words are GPT-2's.
/// </summary>
internal sealed class WordFolder(FolderContent content) : PythonFolder(content)
{
    private const string Ctrl = "CTRLTokenizer";
    private const string Small = "BlenderbotSmallTokenizer";
    private const string Clvp = "ClvpTokenizer";
    private const string Space = "[SPACE]";
    private const string Esm = "EsmTokenizer";
    private const string Codes = "bpe.codes";

    /// <summary>Tokens that are spaces in CLVP's tidied text.</summary>
    private string[] _blanks = [];

    public static IEnumerable<PythonClass> Classes()
    {
        static PythonClass Of(string name, string[] files, SpecialTokens defaults) => new(new() { Name = name, Defaults = defaults }, files, content => new WordFolder(content));

        yield return Of(Ctrl, [VocabularyTexts.Vocabulary, VocabularyTexts.Merges], new() { Unk = "<unk>" });
        yield return Of(
            Small, [VocabularyTexts.Vocabulary, VocabularyTexts.Merges], new() { Bos = "__start__", Eos = "__end__", Unk = "__unk__", Pad = "__null__" });
        yield return Of(
            Clvp, [VocabularyTexts.Vocabulary, VocabularyTexts.Merges], new() { Bos = "<|endoftext|>", Eos = "[STOP]", Unk = "[UNK]", Pad = "[STOP]" });
        yield return Of("PhobertTokenizer", [VocabularyTexts.Words, Codes], SpecialTokens.Roberta);
        yield return Of("BertweetTokenizer", [VocabularyTexts.Words, Codes], SpecialTokens.Roberta);
        yield return Of(Esm, [VocabularyTexts.Words], new() { Eos = "<eos>", Unk = "<unk>", Pad = "<pad>", Cls = "<cls>", Mask = "<mask>" });
    }

    protected override TokenizerParts ReadParts()
    {
        if (Context.Flag("normalization", false))
            throw Unsupported("\"normalization\": true, which rewrites tweets,");
        return Name switch
        {
            Ctrl => OfPieces(ReadVocabulary(), Merges(), isCtrl: true),
            Small => OfSmall(ReadVocabulary()),
            Clvp => OfSpeech(ReadVocabulary()),
            Esm => OfWords(),
            _ => OfPieces(CountedVocabulary(), VocabularyTexts.ReadCountedMerges(Require(Codes), isCounted: true), isCtrl: false),
        };
    }

    private List<(string Left, string Right)> Merges() => VocabularyTexts.ReadCountedMerges(Require(VocabularyTexts.Merges), isCounted: false);

    /// <summary>Four special tokens, then a word and how often it came on each line.</summary>
    private Vocabulary CountedVocabulary()
    {
        string path = Require(VocabularyTexts.Words);
        IEnumerable<string> first = ((string[])["bos_token", "pad_token", "eos_token", "unk_token"]).Select(Needed);
        return new Vocabulary(first.Concat(VocabularyTexts.ReadCountedWords(path)).Select((token, id) => (token, id)), Refuse(path));
    }

    private TokenizerParts OfPieces(Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> merges, bool isCtrl)
    {
        AddedToken[] added = AddedTokens(vocabulary);
        string unknown = Needed("unk_token");
        (string cls, string sep) = isCtrl ? ("", "") : (Needed("cls_token"), Needed("sep_token"));
        return new TokenizerParts(
            null, new PythonWords(takesLineBreak: true, ofRegex: isCtrl), new ContinuedPieces(vocabulary, merges, unknown),
            isCtrl ? null : Around(added, $"{cls} $A {sep}", $"{cls} $A {sep} {sep} $B {sep}"), JoiningDecoder.Continued(),
            Added(added), null, null);
    }

    private TokenizerParts OfSmall(Vocabulary vocabulary) => new(
        new SmallTalkNormalizer(), new PythonWords(takesLineBreak: false, ofRegex: true), new ContinuedPieces(vocabulary, Merges(), Needed("unk_token")), null,
        JoiningDecoder.Continued(), Added(AddedTokens(vocabulary)), null, null);

    protected override string CleanUp(string text)
    {
        if (Name != Clvp)
            return base.CleanUp(text);
        foreach (string token in _blanks)
            text = text.Replace(token, " ", StringComparison.Ordinal);
        string unknown = Needed("unk_token");
        return (unknown.Length == 0 ? text : text.Replace(unknown, "", StringComparison.Ordinal)).Replace("   ", " ", StringComparison.Ordinal).Replace("  ", " ", StringComparison.Ordinal);
    }

    private TokenizerParts OfSpeech(Vocabulary vocabulary)
    {
        AddedToken[] added = AddedTokens(vocabulary);
        _blanks = [.. ((string[])[Space, "[STOP]"]).Where(token => vocabulary.IdOf(token) >= 0 || added.Any(one => one.Content == token))];
        TokenizerModel pieces = new ContinuedPieces(vocabulary, Merges(), Needed("unk_token"), marked: false);
        return new TokenizerParts(
            new SpokenEnglish(), new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: true),
            vocabulary.IdOf(Space) is >= 0 and int space ? new SpacePieces(pieces, space) : pieces, null, new ByteLevelDecoder(),
            Added(added), null, null);
    }

    /// <summary>Every token of the vocabulary is found in a text before it is cut at white space; what is left then is unknown.</summary>
    private TokenizerParts OfWords()
    {
        string path = Require(VocabularyTexts.Words);
        Dictionary<string, int> ids = VocabularyTexts.ReadWords(path);
        var vocabulary = new Vocabulary(ids.Select(entry => (entry.Key.TrimStart(), entry.Value)), Refuse(path));
        AddedToken[] added = AddedTokens(vocabulary);
        HashSet<string> known = [.. added.Select(token => token.Content)];
        IEnumerable<AddedToken> others = Enumerable.Range(0, vocabulary.IdLimit).Select(id => new AddedToken { Id = id, Content = vocabulary.TokenOf(id) ?? "" })
            .Where(token => token.Content.Length > 0 && !known.Contains(token.Content));
        (string cls, string eos) = (Needed("cls_token"), Needed("eos_token"));
        return new TokenizerParts(
            null, new PythonWords(takesLineBreak: false), new WordLevel(vocabulary, Needed("unk_token")),
            Around(added, $"{cls} $A {eos}", $"{cls} $A {eos} $B:1 {eos}:1"), new JoiningDecoder(separator: " "),
            Added(added.Concat(others)), null, null);
    }
}
