using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>Classes with a vocab.json of letters or sounds: MGP-STR, VITS, and Wav2Vec2's of phonemes.</summary>
internal sealed class SpelledFolder(FolderContent content) : PythonFolder(content)
{
    private const string Mgpstr = "MgpstrTokenizer";
    private const string Vits = "VitsTokenizer";

    public static IEnumerable<PythonClass> Classes()
    {
        static PythonClass Of(string name, SpecialTokens defaults) =>
            new(new() { Name = name, Defaults = defaults }, [VocabularyTexts.Vocabulary], content => new SpelledFolder(content));

        yield return Of(Mgpstr, new() { Bos = "[GO]", Eos = "[s]", Unk = "[GO]", Pad = "[GO]" });
        yield return Of(Vits, new() { Unk = "<unk>", Pad = "<pad>" });
        yield return Of("Wav2Vec2PhonemeCTCTokenizer", new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" });
    }

    protected override TokenizerParts ReadParts()
    {
        string path = Require(VocabularyTexts.Vocabulary);
        Dictionary<string, int> ids = VocabularyTexts.ReadVocabulary(path);
        Vocabulary vocabulary = ToVocabulary(ids, path);
        return Name switch
        {
            Mgpstr => new TokenizerParts(
                null, null, new CharacterTokens(vocabulary, Needed("unk_token")), null, new JoiningDecoder(separator: " "), Added(AddedTokens(vocabulary)), null, null),
            Vits => OfVits(vocabulary, ids.Keys, path),
            _ => OfPhonemes(vocabulary),
        };
    }

    private TokenizerParts OfVits(Vocabulary vocabulary, IEnumerable<string> words, string path)
    {
        if (Context.Flag("phonemize", true))
            throw Unsupported("\"phonemize\": true, which needs the package phonemizer and eSpeak to say how English sounds,");
        if (Context.Flag("is_uroman", false))
            throw Unsupported("\"is_uroman\": true, which needs the package uroman to write other scripts in Latin letters,");
        AddedToken[] added = AddedTokens(vocabulary);
        bool normalizes = Context.Flag("normalize", true), blanks = Context.Flag("add_blank", true);
        if (normalizes && vocabulary.IdOf("") >= 0)
            throw new TokenizerException(path, "an empty token is found anywhere");
        if (blanks && vocabulary.TokenOf(0) is null)
            throw new TokenizerException(path, "no token has the id 0, the blank's");
        string unknown = Needed("unk_token");
        return new TokenizerParts(
            new SpelledNormalizer(normalizes ? vocabulary : null, words.Concat(added.Select(token => token.Content)), Context.Text("language") == "ron"), null,
            new SpelledTokens(vocabulary, added.First(token => token.Content == unknown).Id, blanks ? 0 : null), null, new SpelledDecoder(blanks),
            // The text is normalized before tokens are looked for in it.
            Added(added.Select(token => token with { Normalized = true })), null, null);
    }

    private TokenizerParts OfPhonemes(Vocabulary vocabulary)
    {
        if (Context.Flag("do_phonemize", true))
            throw Unsupported("\"do_phonemize\": true, which needs the package phonemizer to say how words sound,");
        // Delimiters have such names, but are not looked for in texts.
        JsonObject own = Context.Config["model_specific_special_tokens"] as JsonObject ?? [];
        string? delimiter = (TokenizerFiles.Value(own, "word_delimiter_token") ?? TokenizerFiles.Value(Context.Config, "word_delimiter_token")) as string;
        Context.Config.Remove("word_delimiter_token");
        Context.Config.Remove("phone_delimiter_token");
        return new TokenizerParts(
            null, new PhonemeWords(), new WordLevel(vocabulary, Needed("unk_token")), null, new PhonemeDecoder(Needed("pad_token"), delimiter), Added(AddedTokens(vocabulary)), null, null);
    }
}
