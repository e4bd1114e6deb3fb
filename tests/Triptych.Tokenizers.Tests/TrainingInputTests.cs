using System.Text.Json.Nodes;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>What trainers say to corpora and settings that cannot be, and what bounds their memory.</summary>
public sealed class TrainingInputTests
{
    private static readonly string[] Lines =
        [.. File.ReadAllText(Fixtures.Path("tokenizers/corpus.txt")).Split('\n').Where(line => line.Length > 0)];

    private static readonly TokenizerTrainer[] Trainers =
        [new BpeTrainer(), new BpeTrainer { ByteLevel = false }, new WordPieceTrainer(), new WordLevelTrainer(), new UnigramTrainer()];

    [Fact]
    public void EmptyCorpusIsRefused()
    {
        foreach (TokenizerTrainer trainer in Trainers)
        {
            Assert.Contains("no words", Assert.Throws<TokenizerException>(() => trainer.Train([])).Message, StringComparison.Ordinal);
            Assert.Throws<TokenizerException>(() => trainer.Train(["", ""]));
            Assert.Throws<TokenizerException>(() => trainer.TrainStream(new MemoryStream(), "nothing.txt"));
        }
    }

    [Fact]
    public void TooSmallVocabularyIsRefused()
    {
        TokenizerTrainer[] trainers =
        [
            new BpeTrainer { VocabSize = 255 }, new BpeTrainer { ByteLevel = false, VocabSize = 30 }, new WordPieceTrainer { VocabSize = 50 },
            new WordLevelTrainer { VocabSize = 1, SpecialTokenList = ["a", "b"] }, new UnigramTrainer { VocabSize = 40 },
        ];
        foreach (TokenizerTrainer trainer in trainers)
            Assert.Contains("too small", Assert.Throws<ArgumentException>(() => Learn(trainer, Lines)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new BpeTrainer { VocabSize = 0 }.Train(Lines));
        Assert.Equal(256, new BpeTrainer { VocabSize = 256 }.Train(Lines).VocabSize);
    }

    [Fact]
    public void ImpossibleSettingsAreRefused()
    {
        TokenizerTrainer[] trainers =
        [
            new BpeTrainer { MinFrequency = -1 }, new BpeTrainer { LimitAlphabet = -1 }, new BpeTrainer { MaxTokenLength = 0 },
            new BpeTrainer { MaxDistinctWords = 0 }, new BpeTrainer { MaxLineBytes = 0 }, new BpeTrainer { VocabSize = int.MaxValue },
            new WordLevelTrainer { MinFrequency = -1 }, new BpeTrainer { SpecialTokenList = [""] },
            new UnigramTrainer { MaxPieceLength = 0 }, new UnigramTrainer { MaxPieceLength = 100_000 }, new UnigramTrainer { SubIterations = 0 },
            new UnigramTrainer { ShrinkingFactor = 1 }, new UnigramTrainer { ShrinkingFactor = double.NaN }, new UnigramTrainer { SeedSize = 0 },
            new WordPieceTrainer { Pipeline = new BpeTrainer { VocabSize = 300 }.Train(Lines) },
        ];
        foreach (TokenizerTrainer trainer in trainers)
            Assert.ThrowsAny<ArgumentException>(() => Learn(trainer, Lines));
        Assert.Throws<ArgumentException>(() => new BpeTrainer().Train(["a", null!]));
    }

    [Fact]
    public void InvalidUtf8IsRefusedWithFileAndPosition()
    {
        byte[] lines = System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("größer\n", 100_000)));
        using var file = new TrainingCorpusFile([.. lines, 0xC3, 0x28, (byte)'\n']);
        string message = Assert.Throws<TokenizerException>(() => new BpeTrainer().TrainFiles([file.Path])).Message;
        Assert.Contains(file.Path, message, StringComparison.Ordinal);
        Assert.Contains("byte 900000 ", message, StringComparison.Ordinal);

        using var cut = new TrainingCorpusFile([(byte)'a', 0xE2, 0x82]);
        Assert.Contains("byte 1 ", Assert.Throws<TokenizerException>(() => new BpeTrainer().TrainFiles([cut.Path])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFilesAreRefused()
    {
        string message = Assert.Throws<TokenizerException>(() => new BpeTrainer().TrainFiles(["/no/such/file.txt"])).Message;
        Assert.Contains("/no/such/file.txt", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new BpeTrainer().TrainFiles([""]));
        Assert.Throws<TokenizerException>(() => new BpeTrainer().TrainFiles([]));
    }

    [Fact]
    public void LongLinesAreReadUpToTheLimit()
    {
        byte[] line = [.. System.Text.Encoding.UTF8.GetBytes("short\n" + string.Concat(Enumerable.Repeat("wort ", 200_000)))];
        Tokenizer trained = new BpeTrainer { VocabSize = 300 }.TrainStream(new MemoryStream(line));
        Assert.NotNull(trained.TokenToId("Ġwort"));
        string message = Assert.Throws<TokenizerException>(
            () => new BpeTrainer { MaxLineBytes = 500_000 }.TrainStream(new MemoryStream(line), "long.txt")).Message;
        Assert.Contains("long.txt: the line at byte 6 ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void DifferentWordsAreCountedUpToTheLimit()
    {
        IEnumerable<string> texts = Enumerable.Range(0, 50_000).Select(i => $"word{i % 1000}");
        Assert.Equal(1001, Learn(new WordLevelTrainer { MaxDistinctWords = 1000 }, texts)["model"]!["vocab"]!.AsObject().Count);
        Assert.Contains("999 different words", Assert.Throws<TokenizerException>(
            () => Learn(new WordLevelTrainer { MaxDistinctWords = 999 }, texts)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CountsDoNotDependOnBatches()
    {
        // More different words than a thread keeps for itself.
        IEnumerable<string> texts = Enumerable.Range(0, 600_000).Select(i => $"w{i % 200_000:X}");
        JsonObject vocabulary = Learn(new WordLevelTrainer { VocabSize = 1 << 20, MinFrequency = 3 }, texts)["model"]!["vocab"]!.AsObject();
        Assert.Equal(200_001, vocabulary.Count);
    }

    [Fact]
    public void ErrorsOfTheSourceComeThrough()
    {
        static IEnumerable<string> Broken()
        {
            yield return "some text";
            throw new InvalidDataException("the source broke");
        }

        Assert.Throws<InvalidDataException>(() => new BpeTrainer().Train(Broken()));
    }

    [Fact]
    public void AllTrainersReportProgressAndCanBeCancelled()
    {
        foreach (TokenizerTrainer trainer in Trainers)
        {
            using var cancellation = new CancellationTokenSource();
            var seen = new List<TokenizerTrainingProgress>();
            var progress = new CancelLater(seen, cancellation);
            Assert.ThrowsAny<OperationCanceledException>(() => trainer.Learn(new TextCorpus(Endless()), progress, cancellation.Token));
            Assert.NotEmpty(seen);
        }

        var steps = new List<TokenizerTrainingProgress>();
        new UnigramTrainer { VocabSize = 300 }.Learn(new TextCorpus(Lines), new CancelLater(steps, null), default);
        Assert.Equal(["count words", "find pieces", "estimate pieces"], steps.Select(step => step.Stage).Distinct());
        Assert.All(steps.Where(step => step.Total is not null), step => Assert.InRange(step.Done, 0, step.Total!.Value));
    }

    [Fact]
    public void UnigramNeedsWordsThatEnd()
    {
        string endless = new('a', UnigramCorpus.MaxWordLength + 1);
        Assert.Contains("pre-tokenizer", Assert.Throws<TokenizerException>(
            () => Learn(new UnigramTrainer(), [endless])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UnigramCopesWithRepetitionAndOddLetters()
    {
        JsonArray vocabulary = Learn(new UnigramTrainer { VocabSize = 60 }, [new string('a', 20_000), "a\0b \0 <UNK> <unk> 𠀀𠀁 𠀀", "\uD800x"])["model"]!["vocab"]!.AsArray();
        string[] tokens = [.. vocabulary.Select(piece => piece![0]!.GetValue<string>())];
        Assert.Equal(tokens.Length, tokens.Distinct().Count());
        Assert.All((string[])["\0", "𠀀", "\uFFFD", "a"], letter => Assert.Contains(letter, tokens));
        Assert.All(vocabulary, piece => Assert.True(double.IsFinite(piece![1]!.GetValue<double>())));
    }

    [Fact]
    public void TrainingIntoAPipelineKeepsConfigAndFindsMissingTokens()
    {
        Tokenizer bert = new WordPieceTrainer { VocabSize = 300, ModelMaxLength = 77 }.Train(Lines);
        Tokenizer again = TokenizerTrainer.For(bert, 500).Train(Lines);
        Assert.Equal(500, again.VocabSize);
        Assert.Equal(77, again.ModelMaxLength);
        Assert.Equal(bert.SpecialTokens, again.SpecialTokens);
        Assert.Equal(["[CLS]", "prince", "[SEP]"], again.Encode("Prince").Tokens);

        JsonObject broken = JsonNode.Parse(bert.Files.Json.Span)!.AsObject();
        broken["added_tokens"] = new JsonArray();
        Tokenizer lacking = Tokenizer.FromJson(System.Text.Encoding.UTF8.GetBytes(broken.ToJsonString()));
        var trainer = new BpeTrainer { Pipeline = lacking };
        Assert.Throws<ArgumentException>(() => trainer.Train(Lines));
        Assert.Contains("[CLS]", Assert.Throws<TokenizerException>(
            () => new WordPieceTrainer(new SpecialTokens()) { Pipeline = lacking, VocabSize = 500 }.Train(Lines)).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Endless()
    {
        for (int i = 0; ; i++)
            yield return $"text number {i % 1000}";
    }

    private static JsonNode Learn(TokenizerTrainer trainer, IEnumerable<string> texts) =>
        JsonNode.Parse(trainer.Learn(new TextCorpus(texts), null, default).Json.Span)!;

    private sealed class CancelLater(List<TokenizerTrainingProgress> seen, CancellationTokenSource? cancellation) : IProgress<TokenizerTrainingProgress>
    {
        public void Report(TokenizerTrainingProgress value)
        {
            lock (seen)
            {
                seen.Add(value);
                if (seen.Count == 5)
                    cancellation?.Cancel();
            }
        }
    }
}
