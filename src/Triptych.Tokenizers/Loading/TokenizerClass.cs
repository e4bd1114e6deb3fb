using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Models;
using static Triptych.Tokenizers.Loading.StageJson;

namespace Triptych.Tokenizers.Loading;

/// <summary>The files that hold a vocabulary.</summary>
internal enum VocabularyFiles
{
    /// <summary>A SentencePiece model.</summary>
    SentencePiece,

    /// <summary>vocab.json and merges.txt.</summary>
    Merges,

    /// <summary>vocab.txt, a token on each line.</summary>
    Words,
}

/// <summary>
/// A tokenizer class of transformers 5: it takes the vocabulary from the files and builds the stages itself, whatever a tokenizer.json
/// says, but for its post-processor where the class has none of its own.
/// </summary>
internal sealed partial record TokenizerClass
{
    private static readonly SpecialTokens Fairseq = SpecialTokens.Roberta;
    private static readonly SpecialTokens ClsSep = new() { Bos = "[CLS]", Eos = "[SEP]", Unk = "<unk>", Sep = "[SEP]", Pad = "<pad>", Cls = "[CLS]", Mask = "[MASK]" };

    private static readonly string[] MadeUpWords = [.. Enumerable.Range(0, 7).Select(i => string.Create(CultureInfo.InvariantCulture, $"<madeupword{i}>"))];

    private static readonly (string Role, string Token)[] EntityRoles =
        [("entity_unk_token", "[UNK]"), ("entity_pad_token", "[PAD]"), ("entity_mask_token", "[MASK]"), ("entity_mask2_token", "[MASK2]")];

    private static readonly Lazy<FrozenDictionary<string, TokenizerClass>> Known = new(() => All().ToFrozenDictionary(kind => kind.Name, StringComparer.Ordinal));

    public required string Name { get; init; }

    /// <summary>The files that it takes the vocabulary from, where there is no tokenizer.json.</summary>
    public VocabularyFiles Files { get; init; }

    /// <summary>The SentencePiece model that it reads.</summary>
    public string ModelFile { get; init; } = "sentencepiece.bpe.model";

    public bool IsBpe { get; init; }

    public SpecialTokens Defaults { get; init; } = new();

    /// <summary>Special tokens that only this class names, and what they are unless the files say otherwise.</summary>
    public IReadOnlyList<(string Role, string Token)> OwnRoles { get; init; } = [];

    /// <summary>The most tokens that a model takes, where the files do not say; null where the class does not either.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Whether the mask swallows the space before it.</summary>
    public bool MaskTakesSpace { get; init; }

    public bool MaskIsNormalized { get; init; }

    public bool PadsLeft { get; init; }

    /// <summary>Whether all tokens besides the named ones are special, whatever the files say.</summary>
    public bool AllAreSpecial { get; init; }

    /// <summary>Whether what is saved names the general class, which takes the tokenizer.json as it is: the class itself would make another of it.</summary>
    public bool SavesAsGeneral { get; init; }

    /// <summary>Whether the stages are those of a tokenizer.json, or follow from the SentencePiece model alone.</summary>
    public bool IsGeneral { get; init; }

    /// <summary>Puts the pieces of a SentencePiece model into the class's order.</summary>
    public Action<ClassContext>? Reorder { get; init; }

    /// <summary>The id of the unknown token; the model's own where it is null.</summary>
    public Func<ClassContext, int>? Unknown { get; init; }

    public Func<ClassContext, JsonObject?> Normalizer { get; init; } = _ => null;

    public Func<ClassContext, JsonObject?> PreTokenizer { get; init; } = context => Words(Scheme(context));

    public Func<ClassContext, JsonObject> Decoder { get; init; } = context => Metaspace(Scheme(context));

    /// <summary>How the class marks languages; null where it does not.</summary>
    public Func<ClassContext, LanguageRules>? Languages { get; init; }

    /// <summary>The class's own post-processor; null where that of <see cref="Languages"/> or the flags add_bos_token and add_eos_token decide.</summary>
    public Func<ClassContext, JsonObject>? PostProcessor { get; init; }

    /// <summary>Whether the post-processor of a tokenizer.json comes before the class's own.</summary>
    public bool KeepsProcessor { get; init; }

    /// <summary>Whether a tokenizer.json keeps its stages, and only the post-processor is the class's.</summary>
    public bool KeepsStages { get; init; }

    /// <summary>Further members of a BPE model.</summary>
    public Func<ClassContext, BpeOptions> Bpe { get; init; } = context => new() { UnknownToken = context.Role("unk_token"), FuseUnknown = true };

    /// <summary>Tokens besides the named ones, where the files list none.</summary>
    public Func<ClassContext, IEnumerable<string>> Further { get; init; } = _ => [];

    /// <summary>Tokens that follow those, unless they are among them.</summary>
    public Func<ClassContext, IEnumerable<string>> Last { get; init; } = _ => [];

    /// <summary>Whether of ids that repeat only one is decoded, and none that pads, as models of speech give an id for each step.</summary>
    public bool GroupsRepeats { get; init; }

    /// <summary>Whether decoded text is tidied where the files do not say.</summary>
    public bool CleansUp { get; init; }

    /// <summary>Whether the tokens of <see cref="Further"/> take the place of those that a SentencePiece model lists.</summary>
    public bool ListsAll { get; init; }

    /// <summary>
    /// The general class: the stages are those of a tokenizer.json, or follow from the SentencePiece model alone.
    /// </summary>
    public static TokenizerClass General { get; } = new()
    {
        Name = "TokenizersBackend", ModelFile = "tokenizer.model", IsGeneral = true,
        Normalizer = context => context.CharsMap is null ? Normalizers(Replace(" ", Mark)) : Normalizers(Precompiled(context.CharsMap), Replace(" ", Mark)),
        PreTokenizer = _ => null,
        Decoder = context => context.HasBytes ? ByteFallbackDecoder(strips: false) : Sequence("decoders", Replace(Mark, " ")),
        Bpe = context => new() { UnknownToken = context.Role("unk_token"), FuseUnknown = true, ByteFallback = context.HasBytes },
    };

    /// <summary>What a tiktoken file becomes under the name of a SentencePiece model.</summary>
    public static TokenizerClass Tiktoken { get; } = new()
    {
        Name = "TiktokenBackend", SavesAsGeneral = true, IsBpe = true, Bpe = _ => new() { IgnoreMerges = true },
        PreTokenizer = _ => Sequence("pretokenizers", Split(new JsonObject { ["Regex"] = Pipeline.SplitPatterns.Llama3 }, "Isolated"),
            ByteLevel(addPrefixSpace: false, trimOffsets: true, useRegex: false)),
        Decoder = _ => ByteLevel(addPrefixSpace: true, trimOffsets: true, useRegex: true),
        PostProcessor = context => context.Config.ContainsKey("add_bos_token") || context.Config.ContainsKey("add_eos_token")
            ? ClassFiles.ByFlags(context) : ByteLevel(addPrefixSpace: true, trimOffsets: false, useRegex: true),
    };

    public static TokenizerClass? Find(string name) => Known.Value.GetValueOrDefault(name);

    /// <summary>The tokens that LUKE's caller puts around an entity.</summary>
    private static IEnumerable<string> EntityTokens(ClassContext context) => [context.Text("entity_token_1") ?? "<ent>", context.Text("entity_token_2") ?? "<ent2>"];

    private static string Scheme(ClassContext context) => context.Flag("add_prefix_space", true) ? "always" : "never";

    private static JsonObject? Rules(ClassContext context) => context.CharsMap is null ? null : Precompiled(context.CharsMap);

    /// <summary>The rules, then runs of spaces as one.</summary>
    private static JsonObject RulesAndSpaces(ClassContext context) => context.CharsMap is null ? Normalizers(Spaces())
        : Normalizers(Precompiled(context.CharsMap), Spaces());

    private static JsonObject Spaces() => Replace(" {2,}", " ", regex: true);

    private static JsonObject WhiteSpace() => Replace(@"\s{2,}|[\n\r\t]", " ", regex: true);

    /// <summary>First the tokens of fairseq, then the pieces without SentencePiece's own, then further ones.</summary>
    private static void Fairseqs(ClassContext context, string first, IEnumerable<string> last, int skip = 3)
    {
        (string, double)[] head =
        [
            (context.Role(first, "<s>"), 0), (context.Role("pad_token", "<pad>"), 0), (context.Role("eos_token", "</s>"), 0), (context.Role("unk_token", "<unk>"), 0),
        ];
        context.Vocabulary = [.. head, .. context.Vocabulary.Skip(skip), .. last.Select(token => (token, 0.0))];
    }

    private static JsonObject Pair(ClassContext context, string single, string pair) => Template(single, pair, context.IdOf);

    private static JsonObject BosEosTwice(ClassContext context)
    {
        (string bos, string eos) = (context.Role("bos_token", "<s>"), context.Role("eos_token", "</s>"));
        return Pair(context, $"{bos} $A {eos}", $"{bos} $A {eos} {eos} $B {eos}");
    }

    private static JsonObject ClsSepTyped(ClassContext context)
    {
        (string cls, string sep) = (context.Role("cls_token", "[CLS]"), context.Role("sep_token", "[SEP]"));
        return Pair(context, $"{cls}:0 $A:0 {sep}:0", $"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1");
    }

    /// <summary>The language and the end around a text, or behind it.</summary>
    private static LanguageRules Rules(ClassContext context, string fallback, bool before)
    {
        string source = context.Text("src_lang") ?? fallback;
        string eos = context.Role("eos_token", "</s>");
        return new LanguageRules(source, context.Text("tgt_lang") ?? source, code => code,
            (language, _) => before ? ($"{language} $A {eos}", $"{language} $A $B {eos}") : ($"$A {eos} {language}", $"$A $B {eos} {language}"));
    }

    private static int IdOfUnknown(ClassContext context, int otherwise)
    {
        int id = context.Vocabulary.FindIndex(entry => entry.Piece == context.Role("unk_token", "<unk>") && entry.Score == 0);
        return id >= 0 ? id : otherwise;
    }

    private static JsonObject Unaccented(ClassContext context, bool accentsAlways)
    {
        JsonObject normalizers = Normalizers(Replace("``", "\""), Replace("''", "\""));
        JsonArray list = normalizers["normalizers"]!.AsArray();
        void Add(params JsonNode[] items) => Array.ForEach(items, item => list.Add(item));
        if (accentsAlways)
            Add(Of("NFKD"), Of("StripAccents"), Of("Lowercase"), Spaces());
        if (!context.Flag("keep_accents", false))
            Add(Of("NFKD"), Of("StripAccents"));
        if (context.Flag("do_lower_case", true))
            Add(Of("Lowercase"));
        Add(Spaces());
        return normalizers;
    }

    private static JsonObject LlamaPreTokenizer(ClassContext context) => Metaspace(
        !context.Flag("add_prefix_space", true) ? "never" : context.Flag("legacy", false) ? "always" : "first", split: false);

    private static IEnumerable<string> ExtraIds(ClassContext context)
    {
        int count = TokenizerFiles.Value(context.Config, "extra_ids") is double given and >= 0 and <= 1 << 16 ? (int)given : 100;
        return Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"<extra_id_{count - 1 - i}>"));
    }

    private static IEnumerable<TokenizerClass> All()
    {
        yield return new()
        {
            Name = "T5Tokenizer", ModelFile = "spiece.model", Defaults = new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>" }, Unknown = _ => 2,
            Reorder = context => context.Vocabulary.AddRange(ExtraIds(context).Select(token => (token, 0.0))),
            Normalizer = Rules, PreTokenizer = _ => Words("always"), Decoder = _ => Metaspace("always"), Further = ExtraIds,
            PostProcessor = context => Pair(context, "$A </s>", "$A </s> $B </s>"),
        };
        yield return new()
        {
            Name = "LasrTokenizer", ModelFile = "spiece.model", Defaults = new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>" }, Unknown = _ => 3, GroupsRepeats = true,
            Normalizer = Rules, PreTokenizer = _ => Words("always"), Decoder = _ => Metaspace("always"), Further = context => ExtraIds(context).Reverse(),
            PostProcessor = context => Pair(context, "$A </s>", "$A </s> $B </s>"),
        };
        yield return General with { Name = "ParakeetTokenizer", GroupsRepeats = true };
        yield return new()
        {
            // The ids are those of the model's pieces, whatever those of published models are.
            Name = "MLukeTokenizer", Defaults = SpecialTokens.Roberta, OwnRoles = EntityRoles, MaskTakesSpace = true, AllAreSpecial = true, Unknown = _ => 0, Last = EntityTokens,
            Normalizer = _ => Normalizers(Replace("``", "\""), Replace("''", "\"")), PreTokenizer = _ => Metaspace("always"), Decoder = _ => Metaspace("always"),
            PostProcessor = context =>
            {
                (string cls, string sep) = (context.Role("cls_token", "<s>"), context.Role("sep_token", "</s>"));
                return Pair(context, $"{cls} $A {sep}", $"{cls} $A {sep} {sep} $B:1 {sep}:1");
            },
        };
        yield return new()
        {
            Name = "XLMRobertaTokenizer", Defaults = Fairseq, Unknown = _ => 3,
            Reorder = context => Fairseqs(context, "bos_token", [context.Role("mask_token", "<mask>")]),
            Normalizer = Rules, PostProcessor = BosEosTwice,
        };
        yield return new()
        {
            Name = "MBartTokenizer", Defaults = Fairseq, MaskTakesSpace = true, Unknown = _ => 3,
            Reorder = context => Fairseqs(context, "bos_token", [.. LanguageCodes.MBart, context.Role("mask_token", "<mask>")]),
            PreTokenizer = _ => Words("always"), Decoder = _ => Metaspace("always"), Further = _ => LanguageCodes.MBart,
            Languages = context => Rules(context, "en_XX", before: false),
        };
        yield return new()
        {
            Name = "MBart50Tokenizer", Defaults = Fairseq with { Bos = null }, MaskTakesSpace = true, Unknown = _ => 3,
            Reorder = context => Fairseqs(context, "cls_token", [.. LanguageCodes.MBart50, context.Role("mask_token", "<mask>")]),
            Normalizer = RulesAndSpaces, PreTokenizer = _ => Metaspace("always"), Decoder = _ => Metaspace("always"), Further = _ => LanguageCodes.MBart50,
            Languages = context => Rules(context, "en_XX", before: true),
        };
        yield return new()
        {
            Name = "NllbTokenizer", IsBpe = true, Defaults = Fairseq, MaskTakesSpace = true, MaskIsNormalized = true,
            Reorder = ReorderNllb,
            Normalizer = context => context.CharsMap is null ? null : RulesAndSpaces(context), PreTokenizer = _ => Metaspace("always"), Decoder = _ => Metaspace("always"),
            Further = context => context.FromModel ? [] : LanguageCodes.Nllb,
            Languages = context => Rules(context, "eng_Latn", before: !context.Flag("legacy_behaviour", false)),
        };
        yield return new()
        {
            Name = "SeamlessM4TTokenizer", IsBpe = true, Defaults = Fairseq with { Mask = null }, Reorder = ReorderSeamless,
            Normalizer = _ => Normalizers(Replace(@"[\n\r\t]", " ", regex: true), Of("NFKC"), Strip(left: false, right: true),
                Replace(" +\u2581", Mark, regex: true), Replace("^\u2581+$", "", regex: true), Replace(" {2,}", Mark, regex: true)),
            PreTokenizer = _ => Metaspace("first"), Decoder = _ => Metaspace("first"), Languages = SeamlessRules,
        };
        foreach (TokenizerClass kind in Others().Concat(OfWords()).Concat(OfMerges()).Concat(OfDocuments()))
            yield return kind;
    }

    private static IEnumerable<TokenizerClass> Others()
    {
        yield return new()
        {
            Name = "XGLMTokenizer", Defaults = Fairseq with { Mask = null }, Unknown = _ => 3,
            Reorder = context => Fairseqs(context, "bos_token", MadeUpWords), Further = _ => MadeUpWords,
            Normalizer = _ => Normalizers(Replace(@"[\n\r\t]", " ", regex: true), Of("NFKC"), Spaces()), PreTokenizer = context => Metaspace(Scheme(context)),
            PostProcessor = context =>
            {
                string eos = context.Role("eos_token", "</s>");
                return Pair(context, $"{eos} $A {eos}", $"{eos} $A {eos} {eos} $B {eos}");
            },
        };
        yield return new()
        {
            Name = "CamembertTokenizer", Defaults = Fairseq, MaskTakesSpace = true, Reorder = ReorderCamembert,
            Unknown = context => Math.Max(0, context.Vocabulary.FindIndex(entry => entry.Piece == context.Role("unk_token", "<unk>"))),
            Normalizer = _ => Normalizers(WhiteSpace(), Strip(left: false, right: true)), PreTokenizer = context => Metaspace(Scheme(context)),
            Further = context => context.FromModel ? [] : ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"], PostProcessor = BosEosTwice,
        };
        yield return new()
        {
            Name = "BarthezTokenizer", Defaults = Fairseq, MaskTakesSpace = true, Unknown = _ => 3,
            Normalizer = _ => Normalizers(WhiteSpace(), Of("NFC"), Strip(left: false, right: true)), PreTokenizer = context => Metaspace(Scheme(context)),
        };
        yield return new()
        {
            Name = "AlbertTokenizer", ModelFile = "spiece.model", Defaults = ClsSep, Unknown = _ => 1,
            Normalizer = context => Unaccented(context, accentsAlways: true),
            PostProcessor = context => Pair(context, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"),
        };
        // It has ALBERT's tokens but none of its stages, nor does it put the tokens around texts.
        yield return General with { Name = "FNetTokenizer", ModelFile = "spiece.model", Defaults = ClsSep };
        yield return new()
        {
            Name = "RemBertTokenizer", ModelFile = "sentencepiece.model", SavesAsGeneral = true, AllAreSpecial = true, Defaults = ClsSep, Unknown = _ => 2, Normalizer = RemBertNormalizer,
            PreTokenizer = context => Metaspace(Scheme(context)),
            // Only where there is a tokenizer.json are the tokens put around texts.
            PostProcessor = context => context.FromModel ? ClassFiles.ByFlags(context) : ClsSepTyped(context),
        };
        yield return new()
        {
            Name = "ReformerTokenizer", ModelFile = "spiece.model", IsBpe = true, AllAreSpecial = true, Defaults = new() { Eos = "</s>", Unk = "<unk>" },
            Normalizer = context => context.CharsMap is null ? null : RulesAndSpaces(context), PreTokenizer = _ => Metaspace("always"), Decoder = _ => Metaspace("always"),
        };
        yield return new()
        {
            Name = "XLNetTokenizer", ModelFile = "spiece.model", MaskTakesSpace = true,
            Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Sep = "<sep>", Pad = "<pad>", Cls = "<cls>", Mask = "<mask>" },
            Normalizer = XlNetNormalizer, PreTokenizer = _ => Words("always"), Decoder = _ => Metaspace("always"),
            Further = context => context.FromModel ? [] : ["<eop>", "<eod>"],
            PostProcessor = context => Pair(context, $"$A:0 {context.Role("sep_token")}:0 {context.Role("cls_token")}:2",
                $"$A:0 {context.Role("sep_token")}:0 $B:1 {context.Role("sep_token")}:1 {context.Role("cls_token")}:2"),
        };
        yield return new()
        {
            Name = "DebertaV2Tokenizer", ModelFile = "spm.model", Defaults = SpecialTokens.Bert with { Bos = "[CLS]", Eos = "[SEP]" },
            Unknown = context => context.Vocabulary.FindIndex(entry => entry == (context.Role("unk_token", "[UNK]"), 0)) is >= 0 and int id
                ? id : context.FromModel ? context.UnknownId : 1,
            Normalizer = DebertaNormalizer, PreTokenizer = DebertaPreTokenizer, Decoder = context => Metaspace(context.Flag("add_prefix_space", true) ? "always" : "first"),
            PostProcessor = ClsSepTyped,
        };
        yield return new()
        {
            Name = "BigBirdTokenizer", ModelFile = "spiece.model", MaskTakesSpace = true,
            Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>", Sep = "[SEP]", Pad = "<pad>", Cls = "[CLS]", Mask = "[MASK]" },
            Unknown = context => IdOfUnknown(context, 100), Normalizer = _ => Normalizers(Strip(left: false, right: false), Replace(" {2,}", Mark, regex: true)),
            PreTokenizer = context => Metaspace(Scheme(context)), PostProcessor = ClsSepTyped,
        };
        yield return new()
        {
            Name = "PegasusTokenizer", ModelFile = "spiece.model", Defaults = new() { Eos = "</s>", Unk = "<unk>", Pad = "<pad>", Mask = "<mask_2>" },
            ListsAll = true, Reorder = ReorderPegasus, Unknown = context => IdOfUnknown(context, -1), Further = PegasusTokens,
            Normalizer = context => context.CharsMap is null ? Normalizers(Replace(@"\n", " ", regex: true), Spaces()) : RulesAndSpaces(context),
            PreTokenizer = _ => Metaspace("always"), Decoder = _ => Metaspace("always"),
            PostProcessor = context => Pair(context, $"$A {context.Role("eos_token")}", $"$A $B {context.Role("eos_token")}"),
        };
        yield return new()
        {
            Name = "LlamaTokenizer", ModelFile = "tokenizer.model", IsBpe = true, Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>" },
            PadsLeft = true, Bpe = _ => new() { FuseUnknown = true, ByteFallback = true }, PreTokenizer = LlamaPreTokenizer, Decoder = context => ByteFallbackDecoder(context.Flag("add_prefix_space", true)),
        };
        yield return new()
        {
            // Beside a tokenizer.json the class asks for its own tokens around texts, whatever the settings say.
            Name = "CodeLlamaTokenizer", ModelFile = "tokenizer.model", SavesAsGeneral = true, IsBpe = true, PadsLeft = true, Defaults = new() { Bos = "<s>", Eos = "</s>", Unk = "<unk>" },
            OwnRoles = [("prefix_token", "\u2581<PRE>"), ("middle_token", "\u2581<MID>"), ("suffix_token", "\u2581<SUF>"), ("eot_token", "\u2581<EOT>"), ("fill_token", "<FILL_ME>")],
            Bpe = BpeOfBytes, PreTokenizer = context => Metaspace(context.Flag("add_prefix_space", true) ? "first" : "never", split: false),
            Decoder = _ => ByteFallbackDecoder(strips: true), PostProcessor = context => ClassFiles.ByFlags(context, addsBos: true),
        };
        var gemma = new TokenizerClass
        {
            Name = "GemmaTokenizer", ModelFile = "tokenizer.model", IsBpe = true, PadsLeft = true,
            Defaults = new() { Bos = "<bos>", Eos = "<eos>", Unk = "<unk>", Pad = "<pad>", Mask = "<mask>" }, Bpe = BpeOfBytes,
            Normalizer = _ => Replace(" ", Mark), PreTokenizer = _ => Split(new JsonObject { ["String"] = " " }, "MergedWithPrevious"),
            Decoder = _ => ByteFallbackDecoder(strips: false),
        };
        yield return gemma;
        yield return gemma with { Name = "Siglip2Tokenizer", Normalizer = _ => Normalizers(Of("Lowercase"), Replace(" ", Mark)) };
    }

    private static BpeOptions BpeOfBytes(ClassContext context) => new() { UnknownToken = context.Role("unk_token"), FuseUnknown = true, ByteFallback = true };

    private static void ReorderNllb(ClassContext context)
    {
        string[] first = [context.Role("bos_token", "<s>"), context.Role("pad_token", "<pad>"), context.Role("eos_token", "</s>"), context.Role("unk_token", "<unk>")];
        context.Vocabulary = [.. first.Concat(context.Vocabulary.Select(entry => entry.Piece)).Distinct(StringComparer.Ordinal).Select(token => (token, 0.0))];
    }

    /// <summary>The ids of the pieces, but for the four first tokens one higher.</summary>
    private static void ReorderSeamless(ClassContext context)
    {
        string[] first = ["<pad>", "<unk>", "<s>", "</s>"];
        context.Vocabulary = [.. first.Concat(context.Vocabulary.Skip(3).Select(entry => entry.Piece)).Select(token => (token, 0.0))];
    }

    private static void ReorderCamembert(ClassContext context)
    {
        (string, double)[] head =
        [
            ("<s>NOTUSED", 0), (context.Role("pad_token", "<pad>"), 0), ("</s>NOTUSED", 0), (context.Role("unk_token", "<unk>"), 0), ("<unk>NOTUSED", -100),
        ];
        context.Vocabulary = [.. head, .. context.Vocabulary.Skip(1), (context.Role("mask_token", "<mask>"), 0)];
    }

    private static void ReorderPegasus(ClassContext context)
    {
        List<(string, double)> first = [(context.Role("pad_token", "<pad>"), 0), (context.Role("eos_token", "</s>"), 0)];
        string mask = context.Text("mask_token") ?? "<mask_1>";
        string sentence = context.Text("mask_token_sent") ?? "<mask_2>";
        first.Add((mask, 0));
        if (sentence != mask)
            first.Add((sentence, 0));
        context.Vocabulary = [.. first, .. Enumerable.Range(2, PegasusOffset(context) - 2).Select(i => ($"<unk_{i}>", -100.0)), .. context.Vocabulary.Skip(2)];
    }

    private static int PegasusOffset(ClassContext context) => TokenizerFiles.Value(context.Config, "offset") is double given and >= 2 and <= 1 << 16 ? (int)given : 103;

    private static IEnumerable<string> PegasusTokens(ClassContext context) =>
        [context.Text("mask_token_sent") ?? "<mask_1>", .. Enumerable.Range(2, PegasusOffset(context) - 2).Select(i => $"<unk_{i}>")];

    private static LanguageRules SeamlessRules(ClassContext context)
    {
        string eos = context.Role("eos_token", "</s>");
        return new LanguageRules(context.Text("src_lang") ?? "eng", context.Text("tgt_lang") ?? "fra",
            code => code.Contains("__", StringComparison.Ordinal) ? code : $"__{code}__", (language, isTarget) =>
            {
                string start = isTarget ? $"{eos} {language}" : language;
                return ($"{start} $A {eos}", $"{start} $A $B {eos}");
            }) { ShowsUnknown = true };
    }

    private static JsonObject RemBertNormalizer(ClassContext context)
    {
        JsonNode[] accents = context.Flag("keep_accents", false) ? [] : [Of("NFKD"), Of("StripAccents")];
        JsonNode[] lowercase = context.Flag("do_lower_case", false) ? [Of("Lowercase")] : [];
        return Normalizers([Replace("``", "\""), Replace("''", "\""), Spaces(), .. accents, .. lowercase, Replace(@"[\n\r\t]", " ", regex: true), Of("NFKC")]);
    }

    private static JsonObject XlNetNormalizer(ClassContext context)
    {
        JsonObject normalizers = Normalizers(Replace("``", "\""), Replace("''", "\""), Of("NFKD"), Of("StripAccents"));
        if (context.Flag("do_lower_case", false))
            normalizers["normalizers"]!.AsArray().Add((JsonNode)Of("Lowercase"));
        normalizers["normalizers"]!.AsArray().Add((JsonNode)Spaces());
        return normalizers;
    }

    private static JsonObject DebertaNormalizer(ClassContext context)
    {
        JsonNode[] rest = [WhiteSpace(), Of("NFC"), Strip(left: false, right: true)];
        return Normalizers(context.Flag("do_lower_case", false) ? [Of("Lowercase"), .. rest] : rest);
    }

    private static JsonObject DebertaPreTokenizer(ClassContext context)
    {
        JsonObject words = Metaspace(context.Flag("add_prefix_space", true) ? "always" : "first");
        return context.Flag("split_by_punct", false)
            ? Sequence("pretokenizers", new JsonObject { ["type"] = "Punctuation", ["behavior"] = "Isolated" }, words) : Sequence("pretokenizers", words);
    }
}
