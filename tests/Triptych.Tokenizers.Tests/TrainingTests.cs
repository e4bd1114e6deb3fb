using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

public sealed class TrainingTests
{
    private static readonly string[] Lines =
        [.. File.ReadAllText(Fixtures.Path("tokenizers/corpus.txt")).Split('\n').Where(line => line.Length > 0)];

    [Fact]
    public void BpeVocabularyAndMergesEqualReference()
    {
        Tokenizer trained = new BpeTrainer
        {
            VocabSize = 700,
            MinFrequency = 2,
            SpecialTokenList = ["<pad>", "</s>"],
            SpecialTokens = new SpecialTokens { Pad = "<pad>", Eos = "</s>" },
        }.Train(Lines);
        Tokenizer reference = Tokenizer.Load(Fixtures.Path("tokenizers/trained-bpe.json"));
        Assert.Equal(reference.GetVocabulary().OrderBy(token => token.Value), trained.GetVocabulary().OrderBy(token => token.Value));
        Assert.Equal(700, trained.VocabSize);
        foreach (string line in Lines)
            Assert.Equal(reference.Encode(line).Ids, trained.Encode(line).Ids);
        Assert.Equal(0, trained.PadTokenId);
        Assert.Equal(1, trained.EosTokenId);
    }

    [Fact]
    public void WordPieceVocabularyEqualsReference()
    {
        // The reference breaks ties by chance, anew in each run: what all its runs have must be there, and nothing that none has.
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("tokenizers/trained-wordpiece.json")));
        JsonElement reference = document.RootElement;
        string[] always = [.. reference.GetProperty("always").EnumerateArray().Select(token => token.GetString()!)];
        string[] sometimes = [.. reference.GetProperty("sometimes").EnumerateArray().Select(token => token.GetString()!)];
        Tokenizer trained = new WordPieceTrainer { VocabSize = reference.GetProperty("size").GetInt32() }.Train(Lines);
        IReadOnlyDictionary<string, int> vocabulary = trained.GetVocabulary();
        Assert.Equal(reference.GetProperty("size").GetInt32(), vocabulary.Count);
        Assert.All(always, token => Assert.True(vocabulary.ContainsKey(token), token));
        Assert.All(vocabulary.Keys, token => Assert.True(always.Contains(token) || sometimes.Contains(token), token));
        Assert.Equal(["[CLS]", "[SEP]"], trained.Encode("").Tokens);
    }

    [Fact]
    public void TrainingIsTheSameEachTime()
    {
        var trainer = new WordPieceTrainer { VocabSize = 300, LimitAlphabet = 40 };
        Assert.Equal(trainer.Train(Lines).GetVocabulary(), trainer.Train(Lines).GetVocabulary());
    }

    [Fact]
    public void SavedTokenizerLoadsAndEncodesTheSame()
    {
        string folder = Directory.CreateTempSubdirectory("triptych").FullName;
        try
        {
            Tokenizer trained = new BpeTrainer
            {
                VocabSize = 400, SpecialTokens = SpecialTokens.Roberta, RobertaTemplate = true, ModelMaxLength = 64,
            }.Train(Lines);
            trained.Save(folder);
            Tokenizer loaded = Tokenizer.Load(folder);
            Assert.Equal(trained.Encode("Hello <mask> you", "and you").Ids, loaded.Encode("Hello <mask> you", "and you").Ids);
            Assert.Equal(64, loaded.ModelMaxLength);
            Assert.Equal(trained.MaskTokenId, loaded.MaskTokenId);
            Assert.Equal(trained.SpecialTokens, loaded.SpecialTokens);
            Assert.Equal(["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"],
                Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void SpecialTokensHaveTheAttributesThatTheReferenceSaves()
    {
        // What tokenizers 0.23 saves for all four trainers; the last of equal tokens counts there too.
        const string Expected = """
            [{"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
             {"id":1,"content":"<m>","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true},
             {"id":2,"content":"<n>","single_word":false,"lstrip":false,"rstrip":true,"normalized":true,"special":true},
             {"id":3,"content":"<o>","single_word":true,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
             {"id":4,"content":"<p>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}]
            """;
        AddedToken[] special =
        [
            "<unk>", new AddedToken { Content = "<m>", RStrip = true }, new AddedToken { Content = "<n>", RStrip = true, Normalized = true },
            new AddedToken { Content = "<o>", SingleWord = true, Special = false }, "<p>", new AddedToken { Content = "<m>", LStrip = true, Id = 77 },
        ];
        TokenizerTrainer[] trainers =
        [
            new BpeTrainer { VocabSize = 400, SpecialTokenList = special }, new WordLevelTrainer { SpecialTokenList = special },
            new UnigramTrainer { VocabSize = 300, SpecialTokenList = special },
            new WordPieceTrainer { VocabSize = 400, SpecialTokenList = special, SpecialTokens = new SpecialTokens { Cls = "<m>", Sep = "<n>", Unk = "<unk>" } },
        ];
        foreach (TokenizerTrainer trainer in trainers)
        {
            Tokenizer trained = trainer.Train(Lines);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Expected), JsonNode.Parse(trained.Files.Json.Span)!["added_tokens"]));
            Encoding encoding = trained.Encode("prince   <m>", null, new EncodeOptions { AddSpecialTokens = false });
            Assert.Equal(new TextRange(6, 12), encoding.Offsets[^1]);
        }
    }

    [Fact]
    public void TokensOfAPipelineKeepTheirAttributesUnlessOthersAreGiven()
    {
        Tokenizer first = new BpeTrainer { VocabSize = 400, SpecialTokens = SpecialTokens.Roberta, RobertaTemplate = true }.Train(Lines);
        Assert.True(Mask(first, []).LStrip);
        Assert.True(Mask(first, ["<mask>"]).LStrip);
        AddedToken other = Mask(first, [new AddedToken { Content = "<mask>", RStrip = true }]);
        Assert.True(other is { LStrip: false, RStrip: true, Special: true });

        static AddedToken Mask(Tokenizer pipeline, AddedToken[] special) =>
            new BpeTrainer { Pipeline = pipeline, VocabSize = 400, SpecialTokenList = special }.Train(Lines)
                .AddedTokens.Single(token => token.Content == "<mask>");
    }

    [Fact]
    public void ReportsProgressAndCanBeCancelled()
    {
        var seen = new List<TokenizerTrainingProgress>();
        var progress = new Recorder(seen);
        new BpeTrainer { VocabSize = 600 }.Train(Lines, progress);
        Assert.Contains(seen, step => step.Stage == "count words" && step.Done == Lines.Length);
        Assert.Equal("learn merges", seen[^1].Stage);
        Assert.Equal(600, seen[^1].Done);

        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => new BpeTrainer().Train(Lines, null, cancellation.Token));
    }

    private sealed class Recorder(List<TokenizerTrainingProgress> seen) : IProgress<TokenizerTrainingProgress>
    {
        public void Report(TokenizerTrainingProgress value)
        {
            lock (seen)
                seen.Add(value);
        }
    }
}
