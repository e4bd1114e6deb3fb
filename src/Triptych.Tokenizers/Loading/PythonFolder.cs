using System.Globalization;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>Folders of the classes that work in Python alone, whatever tokenizer.json there is: Wav2Vec2's whole, ByT5's bytes, SigLIP's texts.</summary>
internal sealed class PythonFolder
{
    private const string Wav2Vec2 = "Wav2Vec2CTCTokenizer";
    private const string ByT5 = "ByT5Tokenizer";
    private const string Siglip = "SiglipTokenizer";
    private const string Model = "spiece.model";

    private readonly string _name;
    private readonly string _folder;
    private readonly JsonObject _config;
    private readonly ClassContext _context;
    private readonly JsonObject _addedTokens;

    public PythonFolder(string name, string folder, JsonObject config, JsonObject specialTokensMap)
    {
        (_name, _folder, _config) = (name, folder, config);
        _context = new ClassContext(KindOf(name), config, specialTokensMap, folder);
        _addedTokens = TokenizerFiles.ReadObject(folder, "added_tokens.json");
    }

    /// <summary>Whether a folder is one of a class: it needs no tokenizer.json, and looks at none.</summary>
    public static bool Is(string? name, string folder) => name switch
    {
        ByT5 => true,
        Wav2Vec2 or Siglip => Path.Combine(folder, FileOf(name)) is string file && (File.Exists(file) || !File.Exists(Path.Combine(folder, "tokenizer.json"))),
        _ => false,
    };

    public TokenizerFiles Read()
    {
        try
        {
            TokenizerParts parts = _name switch
            {
                Wav2Vec2 => OfLetters(),
                ByT5 => OfBytes(),
                _ => OfModel(),
            };
            return new TokenizerFiles(_folder, parts, _context.SpecialTokens, Originals(), Settings());
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new TokenizerException(_folder, $"the files beside the vocabulary cannot be used: {e.Message}", e);
        }
    }

    private static TokenizerClass KindOf(string name) => new()
    {
        Name = name,
        Defaults = name switch
        {
            Wav2Vec2 => new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Pad = "<pad>" },
            ByT5 => new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>" },
            _ => new() { Eos = "</s>", Unk = "<unk>", Pad = "</s>" },
        },
        Further = context => name == ByT5 ? ExtraIds(context) : [],
    };

    private static string FileOf(string name) => name == Wav2Vec2 ? VocabularyTexts.Vocabulary : Model;

    private static IEnumerable<string> ExtraIds(ClassContext context)
    {
        int count = TokenizerFiles.Value(context.Config, "extra_ids") is double given and >= 0 and <= 1 << 16 ? (int)given : 125;
        return Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{i}>"));
    }

    private TokenizerParts OfLetters()
    {
        string path = Require(VocabularyTexts.Vocabulary);
        Dictionary<string, int> ids = VocabularyTexts.ReadVocabulary(path, _context.Text("target_lang"));
        var vocabulary = new Vocabulary(ids.Select(entry => (entry.Key, entry.Value)), Refuse(path));
        // A delimiter that the settings name is a special token in this one's place, but words are delimited by this one.
        const string delimiter = "|";
        AddedToken[] added = AddedTokens(ids, [], _context.Text("word_delimiter_token") is null ? [delimiter] : []);
        // Tokens of more than one letter are found before the whole are.
        HashSet<string> whole = [.. ids.Keys.Where(token => token.Length > (token.Length > 1 && char.IsHighSurrogate(token[0]) ? 2 : 1))];
        HashSet<string> special = [.. added.Where(token => token.Special).Select(token => token.Content)];
        IEnumerable<AddedToken> found = added.Where(token => !whole.Contains(token.Content))
            .Concat(whole.Select(token => new AddedToken { Content = token, Id = ids[token], LStrip = true, RStrip = true, Special = special.Contains(token) }));
        bool lowercases = _context.Flag("do_lower_case", false);
        Normalizer delimits = new ReplaceNormalizer(TextPattern.Literal(" "), delimiter);
        return new TokenizerParts(
            lowercases ? new SequenceNormalizer([new UppercaseNormalizer(), delimits]) : delimits, null,
            new CharacterTokens(vocabulary, _context.Role("unk_token", "<unk>")), null,
            new CtcTextDecoder(_context.Role("pad_token", "<pad>"), delimiter, _context.Text("replace_word_delimiter_char") ?? " ", lowercases),
            new AddedVocabulary(found.Select(token => token.Content == delimiter ? token with { Special = false } : token), normalizer: null, ofPython: true), null, null);
    }

    private TokenizerParts OfBytes()
    {
        (string Role, string Default)[] first = [("pad_token", "<pad>"), ("eos_token", "</s>"), ("unk_token", "<unk>")];
        AddedToken[] head = [.. first.Select((token, id) => new AddedToken { Content = _context.Role(token.Role, token.Default), Id = id, LStrip = true, RStrip = true })];
        Dictionary<string, int> ids = Enumerable.Range(0, 256).ToDictionary(value => ((char)value).ToString(), value => first.Length + value, StringComparer.Ordinal);
        AddedToken[] added = AddedTokens(ids, head, []);
        return new TokenizerParts(
            null, null, new ByteTokens(new Vocabulary(ids.Select(entry => (entry.Key, entry.Value)), Refuse(_folder)), first.Length), End(added),
            new ByteTextDecoder(added.Select(token => token.Content).ToHashSet()), new AddedVocabulary(added, normalizer: null, ofPython: true), null, null);
    }

    private TokenizerParts OfModel()
    {
        string path = Require(Model);
        SentencePieceFile file = SentencePieceFile.Read(TokenizerFiles.ReadBytes(path), path);
        var model = SentencePieceModel.Create(file);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < file.Pieces.Count; id++)
            ids.TryAdd(file.Pieces[id].Text, id);
        AddedToken[] added = AddedTokens(ids, [], []);
        string unknown = _context.Role("unk_token", "<unk>");
        SentencePieceNormalizer normalizer = SentencePieceReader.NormalizerOf(file);
        var pieces = new List<Piece>();
        model.Tokenize(normalizer.Normalize(unknown), pieces);
        return new TokenizerParts(
            new CanonicalNormalizer(normalizer, unknown, _context.Flag("do_lower_case", true)), null, new PrefixedSentencePiece(model, pieces.Count), End(added),
            new SpacedDecoder(SentencePieceReader.DecoderOf(file), added.Where(token => token.Special).Select(token => token.Content).ToHashSet()),
            new AddedVocabulary(added, normalizer: null, ofPython: true), null, null);
    }

    private EndProcessor End(AddedToken[] added)
    {
        string eos = _context.Role("eos_token") ?? throw new TokenizerException(_folder, $"{_name} needs an eos_token");
        return new EndProcessor(added.First(token => token.Content == eos).Id, eos);
    }

    /// <summary>
    /// The tokens that are found in texts: those of the class, those that the files give an id, then special ones, which keep the vocabulary's
    /// ids or follow all others.
    /// </summary>
    private AddedToken[] AddedTokens(Dictionary<string, int> vocabulary, AddedToken[] first, string[] further)
    {
        var added = new SortedDictionary<int, AddedToken>();
        foreach (AddedToken token in first)
            added[token.Id] = token;
        foreach ((int id, JsonObject token) in _context.Described(_addedTokens, []))
        {
            bool Member(string name) => token[name]!.GetValue<bool>();
            added[id] = new AddedToken
            {
                Id = id, Content = token["content"]!.GetValue<string>(), SingleWord = Member("single_word"), LStrip = Member("lstrip"), RStrip = Member("rstrip"),
            };
        }

        HashSet<string> contents = [.. added.Values.Select(token => token.Content)];
        int next = vocabulary.Keys.Concat(contents).Distinct(StringComparer.Ordinal).Count();
        string[] special = [.. SpecialTokens().Concat(further).Distinct(StringComparer.Ordinal)];
        foreach (string token in special.Where(contents.Add))
        {
            int id = vocabulary.TryGetValue(token, out int known) ? known : next++;
            added[id] = new AddedToken { Content = token, Id = id };
        }

        return [.. added.Values.Where(token => token.Content.Length > 0).Select(token => token with { Special = special.Contains(token.Content) })];
    }

    private IEnumerable<string> SpecialTokens()
    {
        return _context.AllRoles.Select(_context.Role).Concat(_context.FurtherTokens().Select(token => token["content"]!.GetValue<string>())).OfType<string>().Where(token => token.Length > 0);
    }

    private static Func<string, Exception> Refuse(string path) => reason => new TokenizerException(path, reason);

    private JsonObject Settings()
    {
        JsonObject settings = _config.DeepClone().AsObject();
        settings["tokenizer_class"] = _name;
        if (_name == Siglip)
            settings.TryAdd("model_max_length", 64);
        return settings;
    }

    private List<(string, byte[])> Originals()
    {
        string[] names = [VocabularyTexts.Vocabulary, Model, "special_tokens_map.json", "added_tokens.json"];
        return [.. names.Select(file => Path.Combine(_folder, file)).Where(File.Exists).Select(path => (Path.GetFileName(path), TokenizerFiles.ReadBytes(path)))];
    }

    private string Require(string file) => Path.Combine(_folder, file) is string path && File.Exists(path) ? path
        : throw new TokenizerException(_folder, $"there is no {file} for {_name}");
}
