using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>What Hugging Face tokenizers learns from the same texts with the same options.</summary>
public sealed class TrainingReferenceTests
{
    private static readonly JsonElement Reference = ReadReference();

    private static readonly string[] Texts =
    [
        .. File.ReadAllText(Fixtures.Path("tokenizers/corpus.txt")).Split('\n').Where(line => line.Length > 0),
        .. Reference.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!),
    ];

    public static TheoryData<string> Cases(string kind, bool chance) =>
        [.. Reference.GetProperty("cases").EnumerateArray()
            .Where(item => item.GetProperty("kind").GetString() == kind && item.GetProperty("chance").GetBoolean() == chance)
            .Select(item => item.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Cases), "bpe", false)]
    public void MergesEqualReference(string name)
    {
        JsonElement item = Case(name);
        JsonElement options = item.GetProperty("options");
        var trainer = new BpeTrainer
        {
            Pipeline = Pipeline(item),
            VocabSize = options.GetProperty("vocab_size").GetInt32(),
            MinFrequency = Number(options, "min_frequency") ?? 0,
            MaxTokenLength = Number(options, "max_token_length"),
            InitialAlphabet = Text(options, "initial_alphabet") ?? "",
            SpecialTokenList = Special(options),
        };
        JsonNode model = Learn(trainer);
        Assert.Equal(item.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name), Tokens(model));
        Assert.Equal(Pairs(item), model["merges"]!.AsArray().Select(pair => (pair![0]!.GetValue<string>(), pair[1]!.GetValue<string>())));
        Assert.Equal(model["vocab"]!.AsObject().Count, trainer.Train(Texts).VocabSize);
    }

    // Words that come zero times bring the letters into the reference's order and change nothing else.
    [Theory]
    [MemberData(nameof(Cases), "bpe", true)]
    [MemberData(nameof(Cases), "wordpiece", true)]
    public void MergesEqualReferenceForTheSameOrderOfLetters(string name)
    {
        JsonElement item = Case(name);
        JsonElement options = item.GetProperty("options");
        string kind = item.GetProperty("kind").GetString()!;
        string prefix = Text(options, "continuing_subword_prefix") ?? (kind == "wordpiece" ? "##" : "");
        string suffix = Text(options, "end_of_word_suffix") ?? "";
        AddedToken[] special = Special(options);
        string[] tokens = [.. item.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name)];
        string[] letters = [.. tokens.Skip(special.Length).TakeWhile(token => token.EnumerateRunes().Count() == 1)];
        string[] marked =
        [
            .. tokens.Skip(special.Length + letters.Length)
                .TakeWhile(token => token.StartsWith(prefix, StringComparison.Ordinal) && token.EndsWith(suffix, StringComparison.Ordinal)
                    && token.Length > prefix.Length + suffix.Length && letters.Contains(token[prefix.Length..^suffix.Length]))
                .Select(token => token[prefix.Length..^suffix.Length]),
        ];
        string[] order = prefix.Length > 0 ? [letters[0] + string.Concat(marked)] : suffix.Length > 0 ? marked : [];
        TrainingPipeline pipeline = TrainingPipeline.Of(Pipeline(item), kind == "wordpiece" ? "WordPiece" : "BPE", special);
        using var counter = new WordCounter(pipeline, new WordLimits(1 << 24, Path.GetTempPath()), sort: true);
        using WordCounts words = counter.Count(new TextCorpus(Texts), null, default);
        using var ordered = new WordsAfter(order, words);

        var learner = new MergeLearner
        {
            VocabSize = options.GetProperty("vocab_size").GetInt32(),
            MinFrequency = 0,
            SpecialTokens = [.. special.Select(token => token.Content)],
            InitialAlphabet = Number(options, "limit_alphabet") is null ? [] : letters.Select(letter => Rune.GetRuneAt(letter, 0)),
            LimitAlphabet = Number(options, "limit_alphabet") is null ? null : letters.Length,
            MaxTokenLength = int.MaxValue,
            Prefix = prefix,
            Suffix = suffix,
        };
        learner.ReadWords(ordered, LearningSize.Of(ordered));
        learner.Learn(null, default);

        Assert.Equal(tokens, learner.Tokens);
        if (kind == "bpe")
            Assert.Equal(Pairs(item), learner.Merges.Select(pair => (learner.Tokens[pair.Left], learner.Tokens[pair.Right])));
    }

    [Theory]
    [MemberData(nameof(Cases), "wordlevel", false)]
    public void WordsEqualReference(string name)
    {
        JsonElement item = Case(name);
        JsonElement options = item.GetProperty("options");
        JsonNode model = Learn(new WordLevelTrainer
        {
            VocabSize = options.GetProperty("vocab_size").GetInt32(),
            MinFrequency = Number(options, "min_frequency") ?? 0,
            SpecialTokenList = Special(options),
        });
        Assert.Equal(item.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name), Tokens(model));
        Assert.Equal("<unk>", model["unk_token"]!.GetValue<string>());
    }

    [Theory]
    [MemberData(nameof(Cases), "unigram", false)]
    public void PiecesEqualReference(string name)
    {
        JsonElement item = Case(name);
        JsonElement options = item.GetProperty("options");
        JsonNode model = Learn(new UnigramTrainer
        {
            VocabSize = options.GetProperty("vocab_size").GetInt32(),
            SpecialTokenList = Special(options),
            MaxPieceLength = Number(options, "max_piece_length") ?? 16,
            SubIterations = Number(options, "n_sub_iterations") ?? 2,
            ShrinkingFactor = options.TryGetProperty("shrinking_factor", out JsonElement factor) ? factor.GetDouble() : 0.75,
            InitialAlphabet = Text(options, "initial_alphabet") ?? "",
        });
        Dictionary<string, double> pieces = model["vocab"]!.AsArray()
            .ToDictionary(piece => piece![0]!.GetValue<string>(), piece => piece![1]!.GetValue<double>(), StringComparer.Ordinal);
        Dictionary<string, double?> expected = item.GetProperty("vocab").EnumerateArray().ToDictionary(
            piece => piece[0].GetString()!, piece => piece[1].ValueKind == JsonValueKind.Null ? (double?)null : piece[1].GetDouble(), StringComparer.Ordinal);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), pieces.Keys.Order(StringComparer.Ordinal));
        Assert.All(expected.Where(piece => piece.Value is not null), piece => Assert.Equal(piece.Value!.Value, pieces[piece.Key], 1e-9));
        Assert.True(expected.Count(piece => piece.Value is not null) > expected.Count / 2);
        Assert.Equal(["<unk>", "<pad>"], model["vocab"]!.AsArray().Take(2).Select(piece => piece![0]!.GetValue<string>()));
        Assert.Equal(0, model["unk_id"]!.GetValue<int>());
    }

    [Fact]
    public void TrainingAnewEqualsTransformers()
    {
        JsonElement anew = Reference.GetProperty("anew");
        Tokenizer old = Tokenizer.FromJson(Encoded(anew.GetProperty("old")));
        var trainer = (BpeTrainer)TokenizerTrainer.For(old, anew.GetProperty("vocab_size").GetInt32());
        var learner = new BpeTrainer { Pipeline = trainer.Pipeline, VocabSize = trainer.VocabSize, SpecialTokenList = ["<new>"] };
        JsonNode ours = JsonNode.Parse(learner.Learn(new TextCorpus(Texts), null, default).Json.Span)!;
        JsonNode expected = JsonNode.Parse(anew.GetProperty("new").GetRawText())!;
        foreach (string part in (string[])["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"])
            Assert.True(JsonNode.DeepEquals(expected[part], ours[part]), $"{part}: {ours[part]}");
        Assert.True(JsonNode.DeepEquals(expected["model"]!["vocab"], ours["model"]!["vocab"]));
        Assert.True(JsonNode.DeepEquals(expected["model"]!["merges"], ours["model"]!["merges"]));

        Tokenizer trained = learner.Train(Texts);
        Assert.Equal(["<s>", "Ġprince", "<mask>", "<new>", "</s>"], trained.Encode("prince<mask><new>").Tokens);
        Assert.Null(trained.TokenToId("plain"));
    }

    [Fact]
    public void EveryTrainerMakesATokenizerThatCanBeTrainedAnew()
    {
        TokenizerTrainer[] trainers =
        [
            new BpeTrainer { VocabSize = 700 }, new BpeTrainer { ByteLevel = false, VocabSize = 700, SpecialTokens = new SpecialTokens { Unk = "<unk>" } },
            new BpeTrainer { ByteLevel = false, VocabSize = 700, EndOfWordSuffix = "</w>" }, new WordPieceTrainer { VocabSize = 700 },
            new UnigramTrainer { VocabSize = 700 }, new WordLevelTrainer { VocabSize = 700 },
        ];
        foreach (TokenizerTrainer trainer in trainers)
        {
            Tokenizer trained = trainer.Train(Texts);
            Tokenizer anew = TokenizerTrainer.For(trained, 700).Train(Texts);
            Assert.Equal(700, trained.VocabSize);
            Assert.Equal(InOrder(trained), InOrder(anew));
            Assert.Equal(trained.UnkTokenId, anew.UnkTokenId);
            foreach (string text in Texts)
                Assert.Equal(trained.Encode(text).Ids, anew.Encode(text).Ids);

            // Words that are not among 700 are lost; pieces are not.
            if (trainer is not WordLevelTrainer)
                Assert.Equal(Letters(Texts[3]), Letters(trained.Decode(trained.Encode(Texts[3]).Ids)), ignoreCase: true);
        }
    }

    [Fact]
    public void FilesAndStreamsAreLinesWithTheirEndings()
    {
        JsonElement files = Reference.GetProperty("files");
        string[] expected = [.. files.GetProperty("vocab").EnumerateObject().OrderBy(token => token.Value.GetInt32()).Select(token => token.Name)];
        var trainer = new BpeTrainer { VocabSize = files.GetProperty("vocab_size").GetInt32() };
        byte[] content = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Texts));
        using var file = new TrainingCorpusFile(content);
        Assert.Equal(expected, InOrder(trainer.TrainFiles([file.Path])));
        Assert.Equal(expected, InOrder(trainer.TrainStream(new MemoryStream(content))));
    }

    /// <summary>Words that come zero times, and then others.</summary>
    private sealed class WordsAfter(string[] first, WordCounts then) : WordCounts
    {
        public override long Count => first.Length + then.Count;

        public override WordReader Read() => new Reader(first, then.Read());

        public override void Dispose()
        {
        }

        private sealed class Reader(string[] first, WordReader then) : WordReader
        {
            private int _at;

            public override bool Read(out ReadOnlySpan<byte> word, out long count)
            {
                if (_at == first.Length)
                    return then.Read(out word, out count);
                word = System.Text.Encoding.UTF8.GetBytes(first[_at++]);
                count = 0;
                return true;
            }
        }
    }

    private static string Letters(string text) => string.Concat(text.Where(char.IsLetter));

    private static IEnumerable<string> InOrder(Tokenizer tokenizer) =>
        tokenizer.GetVocabulary().OrderBy(token => token.Value).Select(token => token.Key);

    private static JsonNode Learn(TokenizerTrainer trainer) =>
        JsonNode.Parse(trainer.Learn(new TextCorpus(Texts), null, default).Json.Span)!["model"]!;

    private static IEnumerable<string> Tokens(JsonNode model) =>
        model["vocab"]!.AsObject().OrderBy(token => token.Value!.GetValue<int>()).Select(token => token.Key);

    private static IEnumerable<(string, string)> Pairs(JsonElement item) =>
        item.GetProperty("merges").EnumerateArray().Select(pair => (pair[0].GetString()!, pair[1].GetString()!));

    private static Tokenizer Pipeline(JsonElement item) => Tokenizer.FromJson(Encoded(item.GetProperty("pipeline")));

    private static byte[] Encoded(JsonElement json) => System.Text.Encoding.UTF8.GetBytes(json.GetRawText());

    private static AddedToken[] Special(JsonElement options) =>
        [.. options.GetProperty("special_tokens").EnumerateArray().Select(token => (AddedToken)token.GetString()!)];

    private static int? Number(JsonElement options, string name) =>
        options.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : null;

    private static string? Text(JsonElement options, string name) =>
        options.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static JsonElement Case(string name) =>
        Reference.GetProperty("cases").EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);

    private static JsonElement ReadReference()
    {
        using var stream = new GZipStream(File.OpenRead(Fixtures.Path("tokenizers/training.json.gz")), CompressionMode.Decompress);
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
