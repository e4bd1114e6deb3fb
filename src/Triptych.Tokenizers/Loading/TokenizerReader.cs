using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

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
internal static partial class TokenizerReader
{
    private const int MaxDepth = 32;

    /// <summary>Reads it.</summary>
    /// <param name="json">The content.</param>
    /// <param name="file">What errors call it.</param>
    /// <param name="exactScores">Whether scores are the numbers that are written, as for files made here, and not the reference's reading of them.</param>
    public static TokenizerParts Read(ReadOnlyMemory<byte> json, string file, bool exactScores = false) => Read(new TokenizerDocument(json), file, exactScores);

    /// <summary>Reads it.</summary>
    public static TokenizerParts Read(TokenizerDocument document, string file, bool exactScores = false)
    {
        TokenizerParts parts = (document.Lists is null ? null : Read(document.Rest, document, file, exactScores)) ?? Read(document.Json, null, file, exactScores)!;
        document.Release();
        return parts;
    }

    /// <summary>Reads a file whose lists, if they are given, are not in it; null where one of them cannot be used.</summary>
    private static TokenizerParts? Read(ReadOnlyMemory<byte> json, TokenizerDocument? lists, string file, bool exactScores)
    {
        using System.Text.Json.JsonDocument document = JsonValue.Parse(json, file);
        var root = new JsonValue(document.RootElement, file, "");
        if (!root.IsObject)
            throw root.Fail("the file is not a JSON object");
        if (root.OptionalString("version") is string version && version != "1.0")
            throw root.Fail($"unknown version \"{version}\"");

        // The model is made meanwhile, where that takes long.
        Func<TokenizerModel?> begun = BeginModel(root.Required("model"), lists, exactScores);
        Normalizer? normalizer = root.Member("normalizer") is JsonValue n ? ReadNormalizer(n, 0) : null;
        PreTokenizer? preTokenizer = root.Member("pre_tokenizer") is JsonValue p ? ReadPreTokenizer(p, 0) : null;
        PostProcessor? postProcessor = root.Member("post_processor") is JsonValue o ? ReadPostProcessor(o, 0) : null;
        Decoder? decoder = root.Member("decoder") is JsonValue d ? ReadDecoder(d, 0) : null;
        Truncation? truncation = root.Member("truncation") is JsonValue t ? ReadTruncation(t) : null;
        Padding? padding = root.Member("padding") is JsonValue a ? ReadPadding(a) : null;
        return begun() is not TokenizerModel model ? null : new TokenizerParts(
            normalizer, preTokenizer, model, postProcessor, decoder, new AddedVocabulary(ReadAddedTokens(root, model.Vocabulary), normalizer), truncation, padding);
    }

    private static Func<TokenizerModel?> BeginModel(JsonValue json, TokenizerDocument? document, bool exactScores)
    {
        JsonValue vocabularyJson = json.Required("vocab");
        ModelScan? lists = document?.Lists;
        string type = json.OptionalString("type") ?? GuessModel(json);
        if (type == "Unigram")
            return Begin<Unigram?>(lists, () => ReadUnigram(json, lists, exactScores));

        if (type is not ("BPE" or "WordPiece" or "WordLevel"))
            throw json.Fail($"unknown model type \"{type}\"");
        if (lists?.Scores is not null)
            throw vocabularyJson.Fail("expected an object of tokens and their ids");
        var vocabulary = new Lazy<Vocabulary>(() => document?.FindVocabulary(vocabularyJson.Fail) ?? new Vocabulary(
            TokenList.Of(vocabularyJson.Members().Select(member => (member.Name, member.Value.AsId()))), vocabularyJson.Fail));
        if (type == "BPE")
            return BeginBpe(json, vocabulary, lists?.Merges);
        return Begin<TokenizerModel>(lists, () => type == "WordLevel" ? new WordLevel(vocabulary.Value, json.OptionalString("unk_token") ?? "<unk>")
            : new WordPiece(vocabulary.Value, json.OptionalString("unk_token") ?? "[UNK]", json.OptionalString("continuing_subword_prefix") ?? "##",
                json.Int("max_input_chars_per_word", 100), json.Fail));
    }

    /// <summary>Makes a model of long lists on a thread of its own.</summary>
    private static Func<T> Begin<T>(ModelScan? lists, Func<T> make)
    {
        if (lists is not { IsLong: true })
            return make;
        var worker = Worker<T>.Start(make);
        return worker.Wait;
    }

    // Files without a type are older than the type is.
    private static string GuessModel(JsonValue json) => json.Required("vocab").IsArray ? "Unigram" : json.Member("merges") is not null ? "BPE"
        : json.Member("max_input_chars_per_word") is not null ? "WordPiece" : "WordLevel";

    private static Func<Bpe?> BeginBpe(JsonValue json, Lazy<Vocabulary> vocabulary, MergeScan? scan)
    {
        var options = new BpeOptions
        {
            UnknownToken = json.OptionalString("unk_token"),
            ContinuingSubwordPrefix = json.OptionalString("continuing_subword_prefix") ?? "",
            EndOfWordSuffix = json.OptionalString("end_of_word_suffix"),
            FuseUnknown = json.Bool("fuse_unk", false),
            ByteFallback = json.Bool("byte_fallback", false),
            IgnoreMerges = json.Bool("ignore_merges", false),
            Dropout = ReadDropout(json.Member("dropout")),
        };
        Func<Merge[]?> merges = scan is not null ? scan.BeginResolve(vocabulary, options.ContinuingSubwordPrefix)
            : () => new MergeResolver(vocabulary.Value, options.ContinuingSubwordPrefix)
                .ResolveAll(json.Required("merges").Items().Where(merge => !IsVersion(merge)).Select(ReadMerge), json.Fail);
        return () => merges() is Merge[] found ? new Bpe(vocabulary.Value, new MergeTable(found), options) : null;
    }

    // The first line of a merges.txt, which some files have taken over.
    private static bool IsVersion(JsonValue merge) => merge.IsString && merge.AsString().StartsWith("#version", StringComparison.Ordinal);

    private static double ReadDropout(JsonValue? json) => json is not JsonValue dropout ? 0
        : dropout.Element.ValueKind == System.Text.Json.JsonValueKind.Number && dropout.Element.TryGetDouble(out double p) && p is >= 0 and <= 1
            ? p : throw dropout.Fail("expected a probability from 0 to 1");

    public static (string, string) ReadMerge(JsonValue json)
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

    /// <summary>A token that the model has keeps the model's id, others follow it, as in Hugging Face tokenizers.</summary>
    private static List<AddedToken> ReadAddedTokens(JsonValue root, Vocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        if (root.Member("added_tokens") is not JsonValue json)
            return tokens;
        var ids = new Dictionary<int, string>();
        var given = new Dictionary<string, int>(StringComparer.Ordinal);
        int next = vocabulary.Count;
        foreach (JsonValue item in json.Items())
        {
            string content = item.Required("content").AsString();
            int declared = item.Required("id").AsId();
            if (!ids.TryAdd(declared, content))
                throw item.Fail($"tokens \"{ids[declared]}\" and \"{content}\" have the same id {declared}");
            if (content.Length == 0)
                continue;
            if (!given.TryGetValue(content, out int id))
                given[content] = id = vocabulary.IdOf(content) is >= 0 and int known ? known : next++;
            tokens.Add(new AddedToken
            {
                Content = content,
                Id = id,
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
            MultipleOf = json.Member("pad_to_multiple_of")?.AsId(),
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
}
