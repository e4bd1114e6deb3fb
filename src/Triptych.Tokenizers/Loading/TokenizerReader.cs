using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Loading;

/// <summary>The stages that a tokenizer.json describes.</summary>
internal sealed record TokenizerParts(
    Normalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    TokenizerModel Model,
    PostProcessor? PostProcessor,
    Decoder? Decoder,
    AddedVocabulary Added,
    Truncation? Truncation,
    Padding? Padding);

/// <summary>Reads a tokenizer.json. A new component is one more case here and its class.</summary>
internal static class TokenizerReader
{
    private const int MaxDepth = 32;

    public static TokenizerParts Read(ReadOnlyMemory<byte> json, string file)
    {
        using System.Text.Json.JsonDocument document = JsonValue.Parse(json, file);
        var root = new JsonValue(document.RootElement, file, "");
        if (!root.IsObject)
            throw root.Fail("the file is not a JSON object");
        if (root.OptionalString("version") is string version && version != "1.0")
            throw root.Fail($"unknown version \"{version}\"");

        Normalizer? normalizer = root.Member("normalizer") is JsonValue n ? ReadNormalizer(n, 0) : null;
        TokenizerModel model = ReadModel(root.Required("model"));
        return new TokenizerParts(
            normalizer,
            root.Member("pre_tokenizer") is JsonValue p ? ReadPreTokenizer(p, 0) : null,
            model,
            root.Member("post_processor") is JsonValue o ? ReadPostProcessor(o, 0) : null,
            root.Member("decoder") is JsonValue d ? ReadDecoder(d, 0) : null,
            new AddedVocabulary(ReadAddedTokens(root, model.Vocabulary), normalizer),
            root.Member("truncation") is JsonValue t ? ReadTruncation(t) : null,
            root.Member("padding") is JsonValue a ? ReadPadding(a) : null);
    }

    private static Normalizer ReadNormalizer(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "BertNormalizer" => new BertNormalizer(
            json.Bool("clean_text", true), json.Bool("handle_chinese_chars", true),
            json.Bool("strip_accents", json.Bool("lowercase", true)), json.Bool("lowercase", true)),
        "Lowercase" => new LowercaseNormalizer(),
        "NFC" => new UnicodeNormalizer(compose: true, compatible: false),
        "NFD" => new UnicodeNormalizer(compose: false, compatible: false),
        "NFKC" => new UnicodeNormalizer(compose: true, compatible: true),
        "NFKD" => new UnicodeNormalizer(compose: false, compatible: true),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(json.Bool("strip_left", true), json.Bool("strip_right", true)),
        "Prepend" => new PrependNormalizer(json.Required("prepend").AsString()),
        "Replace" => new ReplaceNormalizer(ReadPattern(json.Required("pattern")), json.Required("content").AsString()),
        "Sequence" => new SequenceNormalizer(
            [.. json.Required("normalizers").Items().Select(part => ReadNormalizer(part, depth + 1))]),
        string type => throw json.Fail($"unknown normalizer type \"{type}\""),
    };

    private static string ReadPattern(JsonValue json) => json.IsString ? json.AsString()
        : json.OptionalString("String") ?? throw json.Fail("only patterns that are plain strings are known here");

    private static PreTokenizer ReadPreTokenizer(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "BertPreTokenizer" => new BertPreTokenizer(),
        "ByteLevel" => new ByteLevelPreTokenizer(json.Bool("add_prefix_space", true), json.Bool("use_regex", true)),
        "Metaspace" => new MetaspacePreTokenizer(ReadReplacement(json), ReadPrependScheme(json), json.Bool("split", true)),
        "Split" => ReadSplit(json),
        "Whitespace" => new WhitespacePreTokenizer(),
        "WhitespaceSplit" => ClassPreTokenizer.WhitespaceSplit,
        "Punctuation" => new ClassPreTokenizer(CharClass.Punctuation, ReadBehavior(json.Member("behavior"))),
        "Digits" => new ClassPreTokenizer(CharClass.Numeric, json.Bool("individual_digits", false)
            ? DelimiterBehavior.Isolated : DelimiterBehavior.Contiguous),
        "Sequence" => new SequencePreTokenizer(
            [.. json.Required("pretokenizers").Items().Select(part => ReadPreTokenizer(part, depth + 1))]),
        string type => throw json.Fail($"unknown pre-tokenizer type \"{type}\""),
    };

    private static char ReadReplacement(JsonValue json)
    {
        string replacement = json.OptionalString("replacement") ?? "\u2581";
        return replacement.Length == 1 ? replacement[0] : throw json.Fail($"replacement \"{replacement}\" is not one character");
    }

    // Older files have a flag in place of the scheme.
    private static PrependScheme ReadPrependScheme(JsonValue json) => json.OptionalString("prepend_scheme") switch
    {
        null => json.Bool("add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never,
        "always" => PrependScheme.Always,
        "first" => PrependScheme.First,
        "never" => PrependScheme.Never,
        string scheme => throw json.Fail($"unknown prepend scheme \"{scheme}\""),
    };

    private static PatternPreTokenizer ReadSplit(JsonValue json)
    {
        string pattern = json.Required("pattern").Required("Regex").AsString();
        bool keeps = ReadBehavior(json.Member("behavior")) == (json.Bool("invert", false) ? DelimiterBehavior.Removed : DelimiterBehavior.Isolated);
        if (!keeps)
            throw json.Fail("only splits that keep the matches of a pattern as they are are known here");
        return new PatternPreTokenizer(SplitPatterns.Find(pattern) ?? throw json.Fail($"unknown pattern \"{pattern}\""));
    }

    private static DelimiterBehavior ReadBehavior(JsonValue? json) => json?.AsString() switch
    {
        null or "Isolated" => DelimiterBehavior.Isolated,
        "Removed" => DelimiterBehavior.Removed,
        "MergedWithPrevious" => DelimiterBehavior.MergedWithPrevious,
        "MergedWithNext" => DelimiterBehavior.MergedWithNext,
        "Contiguous" => DelimiterBehavior.Contiguous,
        string behavior => throw json!.Value.Fail($"unknown behavior \"{behavior}\""),
    };

    private static TokenizerModel ReadModel(JsonValue json)
    {
        JsonValue vocabularyJson = json.Required("vocab");
        string type = json.OptionalString("type") ?? (json.Member("merges") is null ? "WordPiece" : "BPE");
        if (type is not ("BPE" or "WordPiece"))
            throw json.Fail($"unknown model type \"{type}\"");

        var vocabulary = new Vocabulary(
            [.. vocabularyJson.Members().Select(member => (member.Name, member.Value.AsId()))], vocabularyJson.Fail);
        if (type == "WordPiece")
        {
            return new WordPiece(vocabulary, json.OptionalString("unk_token") ?? "[UNK]",
                json.OptionalString("continuing_subword_prefix") ?? "##", json.Int("max_input_chars_per_word", 100), json.Fail);
        }

        if (json.Member("dropout") is JsonValue dropout && !(dropout.Element.TryGetDoubleSafely(out double p) && p == 0))
            throw dropout.Fail("merges that drop out at random are not supported");
        return new Bpe(vocabulary, [.. json.Required("merges").Items().Select(ReadMerge)], new BpeOptions
        {
            UnknownToken = json.OptionalString("unk_token"),
            ContinuingSubwordPrefix = json.OptionalString("continuing_subword_prefix"),
            EndOfWordSuffix = json.OptionalString("end_of_word_suffix"),
            FuseUnknown = json.Bool("fuse_unk", false),
            ByteFallback = json.Bool("byte_fallback", false),
            IgnoreMerges = json.Bool("ignore_merges", false),
        }, json.Fail);
    }

    private static (string, string) ReadMerge(JsonValue json)
    {
        if (json.IsString)
        {
            string merge = json.AsString();
            int space = merge.IndexOf(' ');
            if (space < 0 || merge.IndexOf(' ', space + 1) >= 0)
                throw json.Fail($"\"{merge}\" is not a pair of tokens");
            return (merge[..space], merge[(space + 1)..]);
        }

        if (!json.IsArray || json.Element.GetArrayLength() != 2)
            throw json.Fail("expected a pair of tokens");
        JsonValue[] pair = [.. json.Items()];
        return (pair[0].AsString(), pair[1].AsString());
    }

    private static PostProcessor ReadPostProcessor(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "TemplateProcessing" => ReadTemplate(json),
        "BertProcessing" => ReadBertProcessing(json),
        "RobertaProcessing" => ReadRobertaProcessing(json),
        "ByteLevel" => json.Bool("trim_offsets", true)
            ? new TrimOffsetsProcessor(json.Bool("add_prefix_space", true)) : new SequencePostProcessor([]),
        "Sequence" => new SequencePostProcessor(
            [.. json.Required("processors").Items().Select(part => ReadPostProcessor(part, depth + 1))]),
        string type => throw json.Fail($"unknown post-processor type \"{type}\""),
    };

    private static TemplateProcessor ReadTemplate(JsonValue json)
    {
        var special = json.Required("special_tokens").Members().ToDictionary(member => member.Name, member =>
        {
            int[] ids = [.. member.Value.Required("ids").Items().Select(id => id.AsId())];
            string[] tokens = [.. member.Value.Required("tokens").Items().Select(token => token.AsString())];
            return ids.Length == tokens.Length ? (Ids: ids, Tokens: tokens)
                : throw member.Value.Fail("\"ids\" and \"tokens\" differ in length");
        });

        TemplatePiece ReadPiece(JsonValue piece, bool pair)
        {
            if (piece.Member("Sequence") is JsonValue sequence)
            {
                int index = sequence.Required("id").AsString() switch
                {
                    "A" => 0,
                    "B" when pair => 1,
                    string id => throw sequence.Fail($"unknown sequence \"{id}\""),
                };
                return new TemplatePiece(index, [], [], sequence.Int("type_id", 0));
            }

            JsonValue token = piece.Required("SpecialToken");
            string name = token.Required("id").AsString();
            return special.TryGetValue(name, out var found)
                ? new TemplatePiece(-1, found.Ids, found.Tokens, token.Int("type_id", 0))
                : throw token.Fail($"special token \"{name}\" is not described");
        }

        return new TemplateProcessor(
            [.. json.Required("single").Items().Select(piece => ReadPiece(piece, pair: false))],
            [.. json.Required("pair").Items().Select(piece => ReadPiece(piece, pair: true))]);
    }

    private static TemplateProcessor ReadBertProcessing(JsonValue json)
    {
        TemplatePiece cls = ReadTokenPair(json.Required("cls"));
        TemplatePiece sep = ReadTokenPair(json.Required("sep"));
        return new TemplateProcessor(
            [cls, Sequence(0, 0), sep], [cls, Sequence(0, 0), sep, Sequence(1, 1), sep with { TypeId = 1 }]);
    }

    private static PostProcessor ReadRobertaProcessing(JsonValue json)
    {
        TemplatePiece cls = ReadTokenPair(json.Required("cls"));
        TemplatePiece sep = ReadTokenPair(json.Required("sep"));
        var template = new TemplateProcessor(
            [cls, Sequence(0, 0), sep], [cls, Sequence(0, 0), sep, sep, Sequence(1, 0), sep]);
        return json.Bool("trim_offsets", true)
            ? new SequencePostProcessor([new TrimOffsetsProcessor(json.Bool("add_prefix_space", true)), template]) : template;
    }

    private static TemplatePiece Sequence(int index, int typeId) => new(index, [], [], typeId);

    private static TemplatePiece ReadTokenPair(JsonValue json)
    {
        JsonValue[] pair = [.. json.Items()];
        return pair.Length == 2 ? new TemplatePiece(-1, [pair[1].AsId()], [pair[0].AsString()], 0)
            : throw json.Fail("expected a token and its id");
    }

    private static Decoder ReadDecoder(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "ByteLevel" => new ByteLevelDecoder(),
        "WordPiece" => new WordPieceDecoder(json.OptionalString("prefix") ?? "##", json.Bool("cleanup", true)),
        "Fuse" => new FuseDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Metaspace" => new MetaspaceDecoder(ReadReplacement(json), ReadPrependScheme(json) != PrependScheme.Never),
        "Replace" => new ReplaceDecoder(ReadPattern(json.Required("pattern")), json.Required("content").AsString()),
        "Strip" => new StripDecoder(
            json.Required("content").AsString() is [var content] ? content : throw json.Fail("\"content\" is not one character"),
            json.Int("start", 0), json.Int("stop", 0)),
        "Sequence" => new SequenceDecoder([.. json.Required("decoders").Items().Select(part => ReadDecoder(part, depth + 1))]),
        string type => throw json.Fail($"unknown decoder type \"{type}\""),
    };

    /// <summary>A token that the model has keeps the model's id, others follow it, as in Hugging Face tokenizers.</summary>
    private static List<AddedToken> ReadAddedTokens(JsonValue root, Vocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        if (root.Member("added_tokens") is not JsonValue json)
            return tokens;
        var ids = new Dictionary<int, string>();
        var contents = new HashSet<string>(StringComparer.Ordinal);
        int next = vocabulary.Count;
        foreach (JsonValue item in json.Items())
        {
            string content = item.Required("content").AsString();
            int declared = item.Required("id").AsId();
            if (!ids.TryAdd(declared, content))
                throw item.Fail($"tokens \"{ids[declared]}\" and \"{content}\" have the same id {declared}");
            if (content.Length == 0 || !contents.Add(content))
                continue;
            int id = vocabulary.IdOf(content);
            tokens.Add(new AddedToken
            {
                Content = content,
                Id = id >= 0 ? id : next++,
                SingleWord = item.Bool("single_word", false),
                LStrip = item.Bool("lstrip", false),
                RStrip = item.Bool("rstrip", false),
                Special = item.Bool("special", false),
                Normalized = item.Bool("normalized", !item.Bool("special", false)),
            });
        }

        return tokens;
    }

    private static Truncation ReadTruncation(JsonValue json) => new(json.Required("max_length").AsInt())
    {
        Stride = json.Int("stride", 0),
        Side = ReadSide(json),
        Strategy = json.OptionalString("strategy") switch
        {
            null or "LongestFirst" => TruncationStrategy.LongestFirst,
            "OnlyFirst" => TruncationStrategy.OnlyFirst,
            "OnlySecond" => TruncationStrategy.OnlySecond,
            string strategy => throw json.Fail($"unknown strategy \"{strategy}\""),
        },
    };

    private static Padding ReadPadding(JsonValue json)
    {
        JsonValue strategy = json.Required("strategy");
        if (strategy.IsString && strategy.AsString() != "BatchLongest")
            throw strategy.Fail($"unknown strategy \"{strategy.AsString()}\"");
        return new Padding
        {
            Length = strategy.IsString ? null : strategy.Required("Fixed").AsId(),
            MultipleOf = json.Member("pad_to_multiple_of")?.AsInt(),
            Side = ReadSide(json),
            Token = json.OptionalString("pad_token"),
            Id = json.Member("pad_id")?.AsId(),
            TypeId = json.Int("pad_type_id", 0),
        };
    }

    private static Side ReadSide(JsonValue json) => json.OptionalString("direction") switch
    {
        null or "Right" => Side.Right,
        "Left" => Side.Left,
        string side => throw json.Fail($"unknown direction \"{side}\""),
    };

    private static string TypeOf(JsonValue json, int depth) => depth < MaxDepth
        ? json.Required("type").AsString() : throw json.Fail("sequences are nested too deeply");

    private static bool TryGetDoubleSafely(this System.Text.Json.JsonElement element, out double value)
    {
        value = 0;
        return element.ValueKind == System.Text.Json.JsonValueKind.Number && element.TryGetDouble(out value);
    }
}
