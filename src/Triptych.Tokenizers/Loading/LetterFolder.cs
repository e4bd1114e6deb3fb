using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>Wav2Vec2's letters.</summary>
internal sealed class LetterFolder(FolderContent content) : PythonFolder(content)
{
    public const string Wav2Vec2 = "Wav2Vec2CTCTokenizer";

    /// <summary>A delimiter that the settings name is a special token in this one's place, but words are delimited by this one.</summary>
    public const string Delimiter = "|";

    public static IEnumerable<PythonClass> Classes()
    {
        yield return new(
            new() { Name = Wav2Vec2, Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" } },
            [VocabularyTexts.Vocabulary], content => new LetterFolder(content));
    }

    protected override LanguageVocabularies? Vocabularies => Context.Text("target_lang") is not string language ? null
        : new(language, VocabularyTexts.ReadParts(Require(VocabularyTexts.Vocabulary)), other => ReadWith("target_lang", other));

    protected override TokenizerParts ReadParts()
    {
        string path = Require(VocabularyTexts.Vocabulary);
        Dictionary<string, int> ids = VocabularyTexts.ReadVocabulary(path, Context.Text("target_lang"));
        Vocabulary vocabulary = ToVocabulary(ids, path);
        AddedToken[] added = AddedTokens(vocabulary, further: Context.Text("word_delimiter_token") is null ? [Delimiter] : []);
        // Tokens of more than one letter are found before the whole are.
        HashSet<string> whole = [.. ids.Keys.Where(token => token.Length > (token.Length > 1 && char.IsHighSurrogate(token[0]) ? 2 : 1))];
        HashSet<string> special = SpecialOf(added);
        IEnumerable<AddedToken> found = added.Where(token => !whole.Contains(token.Content))
            .Concat(whole.Select(token => new AddedToken { Content = token, Id = ids[token], LStrip = true, RStrip = true, Special = special.Contains(token) }));
        bool lowercases = Context.Flag("do_lower_case", false);
        Normalizer delimits = new ReplaceNormalizer(TextPattern.Literal(" "), Delimiter);
        return new TokenizerParts(
            lowercases ? new SequenceNormalizer([new UppercaseNormalizer(), delimits]) : delimits, null,
            new CharacterTokens(vocabulary, Context.Role("unk_token", "<unk>")), null,
            new CtcTextDecoder(Context.Role("pad_token", "<pad>"), Delimiter, Context.Text("replace_word_delimiter_char") ?? " ", lowercases),
            Added(found.Select(token => token.Content == Delimiter ? token with { Special = false } : token)), null, null);
    }
}
