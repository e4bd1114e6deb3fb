using System.Text.Json;
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
