using System.Globalization;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>Classes that need no vocabulary: ByT5's, MyT5's, Dia's and Perceiver's bytes, CANINE's code points.</summary>
internal sealed class ByteFolder(FolderContent content) : PythonFolder(content)
{
    private const string ByT5 = "ByT5Tokenizer";
    private const string MyT5 = "MyT5Tokenizer";
    private const string Dia = "DiaTokenizer";
    private const string Canine = "CanineTokenizer";
    private const string Maps = "byte_maps.json";

    /// <summary>CANINE's names for code points of private use that stand for something.</summary>
    private static readonly Dictionary<string, string> CanineNames = new(StringComparer.Ordinal)
    {
        ["\0"] = "[PAD]", ["\uE000"] = "[CLS]", ["\uE001"] = "[SEP]", ["\uE002"] = "[BOS]", ["\uE003"] = "[MASK]", ["\uE004"] = "[RESERVED]",
    };

    /// <summary>The special tokens that come before the bytes.</summary>
    private string[] FirstRoles => Name is ByT5 or MyT5 ? ["pad_token", "eos_token", "unk_token"] : ["pad_token", "bos_token", "eos_token", "mask_token", "cls_token", "sep_token"];

    public static IEnumerable<PythonClass> Classes()
    {
        yield return new(
            new() { Name = ByT5, Defaults = new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>" }, Further = ExtraIds }, [], content => new ByteFolder(content));
        yield return new(
            new() { Name = MyT5, Defaults = new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>" }, Further = ExtraIds }, [Maps], content => new ByteFolder(content));
        yield return new(new() { Name = Dia, Defaults = new() { Unk = "<pad>", Pad = "<pad>" } }, [], content => new ByteFolder(content));
        yield return new(
            new() { Name = "PerceiverTokenizer", MaxLength = 2048, Defaults = new() { Bos = "[BOS]", Eos = "[EOS]", Sep = "[SEP]", Pad = "[PAD]", Cls = "[CLS]", Mask = "[MASK]" } },
            [], content => new ByteFolder(content));
        yield return new(
            new()
            {
                Name = Canine, MaxLength = 2048,
                Defaults = new() { Bos = "\uE000", Eos = "\uE001", Sep = "\uE001", Pad = "\0", Cls = "\uE000", Mask = "\uE003" },
            },
            [], content => new ByteFolder(content));
    }

    protected override TokenizerParts ReadParts() => Name switch
    {
        Canine => OfCodePoints(),
        Dia => OfDialogue(),
        MyT5 => OfRewrittenBytes(),
        _ => OfBytes(),
    };

    private static IEnumerable<string> ExtraIds(ClassContext context)
    {
        int count = TokenizerFiles.Value(context.Config, "extra_ids") is double given and >= 0 and <= 1 << 16 ? (int)given : 125;
        return Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{i}>"));
    }

    private AddedToken[] Head(bool strips) =>
        [.. FirstRoles.Select((role, id) => new AddedToken { Content = Needed(role), Id = id, LStrip = strips, RStrip = strips })];

    /// <summary>The bytes are the ids, moved by an offset; the first three ids are tokens besides, and these come back.</summary>
    private TokenizerParts OfDialogue()
    {
        const int Named = 3;
        int offset = TokenizerFiles.Value(Context.Config, "offset") switch
        {
            null => 0,
            double given and >= 0 and <= Named when given == (int)given => (int)given,
            object given => throw new TokenizerException(Folder, $"tokenizer_config.json: offset {given} is not from 0 to {Named}"),
        };
        AddedToken[] head = [.. ((string[])[Needed("pad_token"), "[S1]", "[S2]"]).Select((token, id) => new AddedToken { Content = token, Id = id })];
        var vocabulary = new Vocabulary(Enumerable.Range(Named, 256 + offset - Named).Select(id => (((char)(id - offset)).ToString(), id)), Refuse(Folder));
        return new TokenizerParts(
            null, null, new ByteTokens(vocabulary, offset), null, new JoiningDecoder(),
            Added(AddedTokens(vocabulary, head)), null, null);
    }

    private TokenizerParts OfRewrittenBytes()
    {
        string path = Require(Maps);
        using System.Text.Json.JsonDocument document = JsonValue.Parse(TokenizerFiles.ReadBytes(path), path);
        var root = new JsonValue(document.RootElement, path, "");
        ByteRules[] rules = [.. ((string[])["decompose_map", "merge_map"]).Select(name => ByteRules.Read(root.Required(name)))];
        AddedToken[] head = Head(strips: true);
        var vocabulary = new Vocabulary(Enumerable.Range(0, 256).Select(value => (ByteRules.NameOf(value), head.Length + value)), Refuse(path));
        AddedToken[] added = AddedTokens(vocabulary, head);
        return new TokenizerParts(
            null, null, new RewrittenBytes(vocabulary, head.Length, rules), EndProcessor.Of(added, Needed("eos_token")), new RewrittenBytesDecoder(rules),
            Added(added), null, null);
    }

    private TokenizerParts OfBytes()
    {
        bool isByT5 = Name == ByT5;
        string[] first = FirstRoles;
        AddedToken[] head = Head(strips: isByT5);
        var vocabulary = new Vocabulary(Enumerable.Range(0, 256).Select(value => (((char)value).ToString(), first.Length + value)), Refuse(Folder));
        AddedToken[] added = AddedTokens(vocabulary, head);
        (string cls, string sep) = isByT5 ? ("", "") : (Needed("cls_token"), Needed("sep_token"));
        return new TokenizerParts(
            null, null, new ByteTokens(vocabulary, first.Length),
            isByT5 ? EndProcessor.Of(added, Needed("eos_token")) : Around(added, $"{cls} $A {sep}", $"{cls} $A {sep} $B:1 {sep}:1"),
            new ByteTextDecoder(added.Select(token => token.Content).ToHashSet(), replaces: !isByT5), Added(added), null, null);
    }

    private TokenizerParts OfCodePoints()
    {
        var tokens = new TokenList(units: 0x210000, tokens: 0x110000);
        Span<char> units = stackalloc char[2];
        for (int code = 0; code < 0x110000; code++)
        {
            int length = 1;
            if (code > char.MaxValue)
                length = new System.Text.Rune(code).EncodeToUtf16(units);
            else
                units[0] = (char)code;
            tokens.Add(units[..length], code);
        }

        var vocabulary = new Vocabulary(tokens, Refuse(Folder));
        AddedToken[] added = AddedTokens(vocabulary);
        (string cls, string sep) = (Needed("cls_token"), Needed("sep_token"));
        var names = CanineNames.Where(name => !added.Any(token => token.Content == name.Key)).ToDictionary(StringComparer.Ordinal);
        return new TokenizerParts(
            null, null, new CharacterTokens(vocabulary, cls), Around(added, $"{cls} $A {sep}", $"{cls} $A {sep} $B {sep}"),
            new JoiningDecoder(token => names.GetValueOrDefault(token, token)), Added(added), null, null);
    }
}
