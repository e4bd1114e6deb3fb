using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>A class that works in Python alone.</summary>
/// <param name="Kind">Its name and special tokens.</param>
/// <param name="Files">The files of its vocabulary; none where it needs none.</param>
/// <param name="Make">Makes what reads a folder.</param>
internal sealed record PythonClass(TokenizerClass Kind, string[] Files, Func<FolderContent, PythonFolder> Make);

/// <summary>A folder of such a class, and what the files in it say.</summary>
internal sealed record FolderContent(PythonClass Class, string Folder, JsonObject Config, JsonObject SpecialTokensMap);

/// <summary>Folders of the classes that work in Python alone, whatever tokenizer.json there is.</summary>
internal abstract class PythonFolder
{
    private static readonly Lazy<FrozenDictionary<string, PythonClass>> Known = new(() =>
        ((IEnumerable<PythonClass>[])
        [
            LetterFolder.Classes(), BasicFolder.Classes(), SpelledFolder.Classes(), NeoXJapaneseFolder.Classes(), MappedPieceFolder.Classes(), ByteFolder.Classes(),
            PieceFolder.Classes(), WordFolder.Classes(),
        ]).SelectMany(classes => classes).ToFrozenDictionary(one => one.Kind.Name, StringComparer.Ordinal));

    private readonly FolderContent _content;
    private readonly JsonObject _addedTokens;

    protected PythonFolder(FolderContent content)
    {
        _content = content;
        Context = new ClassContext(content.Class.Kind, content.Config, content.SpecialTokensMap, content.Folder);
        _addedTokens = TokenizerFiles.ReadObject(Folder, "added_tokens.json");
    }

    protected ClassContext Context { get; }

    protected string Folder => _content.Folder;

    protected string Name => _content.Class.Kind.Name;

    /// <summary>Reads a folder of such a class; null where it is one of another, or has nothing but a tokenizer.json.</summary>
    public static TokenizerFiles? TryRead(string? name, string folder, JsonObject config, JsonObject specialTokensMap)
    {
        if (name is null || !Known.Value.TryGetValue(name, out PythonClass? found))
            return null;
        if (found.Files.Length > 0 && !found.Files.Any(file => File.Exists(Path.Combine(folder, file))) && File.Exists(Path.Combine(folder, "tokenizer.json")))
            return null;
        return found.Make(new FolderContent(found, folder, config, specialTokensMap)).Read();
    }

    protected abstract TokenizerParts ReadParts();

    /// <summary>How texts are marked with a language; null where they are not.</summary>
    protected virtual LanguageRules? Languages => null;

    /// <summary>The vocabularies of several languages; null where there is one for all.</summary>
    protected virtual LanguageVocabularies? Vocabularies => null;

    /// <summary>How decoded text is tidied.</summary>
    protected virtual string CleanUp(string text) => WordPieceDecoder.CleanUp(text);

    /// <summary>Settings that the class has where the files do not say them.</summary>
    protected virtual IEnumerable<(string Name, JsonNode Value)> DefaultSettings => [];

    /// <summary>Reads the folder with another setting.</summary>
    protected TokenizerFiles ReadWith(string setting, string value)
    {
        JsonObject config = _content.Config.DeepClone().AsObject();
        config[setting] = value;
        return _content.Class.Make(_content with { Config = config }).Read();
    }

    protected string Require(string file) => FolderFiles.Require(Folder, file, Name);

    protected static Func<string, Exception> Refuse(string path) => reason => new TokenizerException(path, reason);

    protected TokenizerException Unsupported(string setting) => new(Folder, $"{Name} with {setting} is not supported: its way to use the files is not known here");

    /// <summary>A special token that the class cannot do without.</summary>
    protected string Needed(string role) => Context.Role(role) ?? throw new TokenizerException(Folder, $"{Name} needs {(role[0] is 'e' or 'u' ? "an" : "a")} {role}");

    /// <summary>
    /// The tokens that are found in texts: those of the class, those that the files give an id, then special ones, which keep the vocabulary's
    /// ids or follow all others.
    /// </summary>
    protected AddedToken[] AddedTokens(Vocabulary vocabulary, AddedToken[]? first = null, string[]? further = null)
    {
        var added = new SortedDictionary<int, AddedToken>();
        foreach (AddedToken token in first ?? [])
            added[token.Id] = token;
        foreach (AddedToken token in DescribedTokens())
            added[token.Id] = token;

        HashSet<string> contents = [.. added.Values.Select(token => token.Content)];
        int next = vocabulary.Count + contents.Count(token => vocabulary.IdOf(token) < 0);
        HashSet<string> special = [.. AllSpecial().Concat(further ?? [])];
        foreach (string token in special.Where(contents.Add))
        {
            int id = vocabulary.IdOf(token) is >= 0 and int known ? known : next++;
            added[id] = new AddedToken { Content = token, Id = id };
        }

        return [.. added.Values.Where(token => token.Content.Length > 0).Select(token => token with { Special = special.Contains(token.Content) })];
    }

    /// <summary>The tokens that the files give an id.</summary>
    protected IEnumerable<AddedToken> DescribedTokens()
    {
        foreach ((int id, JsonObject token) in Context.Described(_addedTokens, []))
        {
            bool Member(string name) => token[name]!.GetValue<bool>();
            yield return new AddedToken
            {
                Id = id, Content = token["content"]!.GetValue<string>(), SingleWord = Member("single_word"), LStrip = Member("lstrip"), RStrip = Member("rstrip"),
            };
        }
    }

    /// <summary>The tokens that are looked for in texts, as Python does it.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="isFound">Whether one is looked for; null for all.</param>
    protected static AddedVocabulary Added(IEnumerable<AddedToken> tokens, Func<AddedToken, bool>? isFound = null) => new(tokens, normalizer: null, isFound, ofPython: true);

    /// <summary>The vocabulary of vocab.json.</summary>
    protected Vocabulary ReadVocabulary()
    {
        string path = Require(VocabularyTexts.Vocabulary);
        return ToVocabulary(VocabularyTexts.ReadVocabulary(path), path);
    }

    /// <summary>The vocabulary that a file has.</summary>
    protected static Vocabulary ToVocabulary(Dictionary<string, int> ids, string path) => new(ids.Select(entry => (entry.Key, entry.Value)), Refuse(path));

    protected static HashSet<string> SpecialOf(IEnumerable<AddedToken> added) => [.. added.Where(token => token.Special).Select(token => token.Content)];

    /// <summary>The tokens around a text and around two, such as <c>[CLS] $A [SEP] $B:1 [SEP]:1</c>.</summary>
    protected TemplateProcessor Around(IReadOnlyList<AddedToken> added, string single, string pair) =>
        Around(single, pair, token => added.First(one => one.Content == token).Id);

    protected TemplateProcessor Around(string single, string pair, Func<string, int> idOf)
    {
        using JsonDocument template = JsonDocument.Parse(StageJson.Template(single, pair, idOf).ToJsonString());
        return TokenizerReader.ReadTemplate(new JsonValue(template.RootElement, Folder, "post_processor"));
    }

    private TokenizerFiles Read()
    {
        try
        {
            TokenizerParts parts = ReadParts();
            IEnumerable<string> names = _content.Class.Files.Concat(["special_tokens_map.json", "added_tokens.json"]);
            return new TokenizerFiles(Folder, parts, Context.SpecialTokens, FolderFiles.Originals(Folder, names), Settings())
            {
                Languages = Languages, Vocabularies = Vocabularies, CleanUp = CleanUp,
            };
        }
        catch (Exception e) when (FolderFiles.IsOfContent(e))
        {
            throw FolderFiles.Unusable(Folder, e);
        }
    }

    /// <summary>The special tokens: the named ones, then those that the files list or the class has.</summary>
    protected IEnumerable<string> AllSpecial() => Context.AllRoles.Select(Context.Role)
        .Concat(Context.FurtherTokens().Select(token => token["content"]!.GetValue<string>())).OfType<string>().Where(token => token.Length > 0);

    private JsonObject Settings()
    {
        JsonObject settings = _content.Config.DeepClone().AsObject();
        settings["tokenizer_class"] = Name;
        if (Context.Kind.MaxLength is int length)
            settings.TryAdd("model_max_length", length);
        foreach ((string name, JsonNode value) in DefaultSettings)
            settings.TryAdd(name, value);
        return settings;
    }
}
