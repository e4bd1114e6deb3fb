using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>GPT-NeoX-Japanese: a vocab.txt whose lines may have several spellings of a token, and names for emojis.</summary>
internal sealed class NeoXJapaneseFolder(FolderContent content) : PythonFolder(content)
{
    private const string Emojis = "emoji.json";

    public static IEnumerable<PythonClass> Classes()
    {
        yield return new(
            new()
            {
                Name = "GPTNeoXJapaneseTokenizer",
                Defaults = new() { Bos = "<|startoftext|>", Eos = "<|endoftext|>", Unk = "<|endoftext|>", Pad = "<|endoftext|>" },
            },
            [VocabularyTexts.Words, Emojis], content => new NeoXJapaneseFolder(content));
    }

    protected override TokenizerParts ReadParts()
    {
        string path = Require(VocabularyTexts.Words);
        Dictionary<string, int> lines = VocabularyTexts.ReadWords(path, keepsSpaces: true);
        Vocabulary vocabulary = ToVocabulary(lines, path);
        var spellings = new Dictionary<string, int>(StringComparer.Ordinal);
        var shown = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string line, int id) in lines.OrderBy(line => line.Value))
        {
            string[] words = line.Split(',');
            foreach (string word in words)
                spellings[word] = id;
            shown[line] = words[0];
        }

        AddedToken[] added = AddedTokens(vocabulary);
        string emojiPath = Require(Emojis);
        JsonObject emojis = TokenizerFiles.ReadObject(Folder, Emojis);
        string unknown = Needed("unk_token");
        foreach (AddedToken token in added)
            shown.Remove(token.Content);
        return new TokenizerParts(
            new JapaneseSigns(ReadNames(emojis, "emoji", emojiPath), Context.Flag("do_clean_text", false)), null,
            new SpelledVariants(vocabulary, spellings, spellings.GetValueOrDefault(unknown, -1)), null,
            new JapaneseSignsDecoder(shown, ReadNames(emojis, "emoji_inv", emojiPath).ToDictionary(StringComparer.Ordinal)),
            Added(added), null, null);
    }

    private static IEnumerable<KeyValuePair<string, string>> ReadNames(JsonObject emojis, string member, string path) =>
        (emojis[member] as JsonObject ?? throw new TokenizerException(path, $"\"{member}\" is missing"))
            .Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.GetValue<string>() ?? throw new TokenizerException(path, $"{member}: \"{pair.Key}\" has no name")));
}
