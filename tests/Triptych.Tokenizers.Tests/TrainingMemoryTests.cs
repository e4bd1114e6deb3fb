using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Triptych.TestSupport;

namespace Triptych.Tokenizers.Tests;

/// <summary>Words that go to temporary files give what words in memory give, and nothing stays behind.</summary>
public sealed class TrainingMemoryTests : IDisposable
{
    // More batches than runs are merged at once.
    private static readonly string[] Texts =
    [
        .. File.ReadAllText(Fixtures.Path("tokenizers/corpus.txt")).Split('\n').Where(line => line.Length > 0),
        .. Enumerable.Range(0, 40_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"word{i % 7_001} größe{i % 97} 東京{i % 13} 𠀀{i % 5} \uFF5E{i % 3} A\u030A"))
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    public static TheoryData<string> Trainers => ["bpe", "bpe with suffix", "wordpiece", "wordlevel", "unigram"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Trainers))]
    public void SpilledWordsGiveTheSameTokenizer(string name)
    {
        byte[] content = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Texts));
        var stages = new Stages();
        byte[] inMemory = Learn(Make(name, null), new TextCorpus(Texts), null);
        Assert.Equal(inMemory, Learn(Make(name, 1), new TextCorpus(Texts), stages));
        Assert.Contains("merge words", stages.Seen);
        using var file = new TrainingCorpusFile(content);
        Assert.Equal(
            Learn(Make(name, null), FileCorpus.Open([file.Path], 1 << 20), null),
            Learn(Make(name, 100_000), FileCorpus.Open([file.Path], 1 << 20), null));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void RareWordsAreLeftOut()
    {
        // Letters alone, of which no pipeline makes several words.
        static string Named(int i) => string.Concat(i.ToString(CultureInfo.InvariantCulture).Select(digit => (char)(digit - '0' + 'k')));
        string[] rare = [.. Enumerable.Range(0, 3_000).Select(i => $"rare{Named(i)} rare{Named(i)}")];
        string[] frequent = [.. Enumerable.Range(0, 3_000).Select(i => $"often{Named(i % 100)}")];
        foreach (string name in Trainers.Select(row => row.Data))
        {
            byte[] without = Learn(Make(name, null), new TextCorpus(frequent), null);
            foreach (long? counting in (long?[])[null, 1])
                Assert.Equal(without, Learn(Make(name, counting, minWordCount: 3), new TextCorpus([.. frequent, .. rare]), null));
        }

        string message = Assert.Throws<TokenizerException>(() => new BpeTrainer { MinWordCount = 3 }.Train(rare)).Message;
        Assert.Contains("MinWordCount", message, StringComparison.Ordinal);
        var limited = new WordLevelTrainer { MinWordCount = 3, MaxDistinctWords = 100 };
        Assert.Equal(101, limited.Train([.. rare, .. frequent]).VocabSize);
    }

    [Fact]
    public void TheLimitOfWordsHoldsForSpilledWordsToo()
    {
        IEnumerable<string> texts = Enumerable.Range(0, 50_000).Select(i => $"word{i % 1000}");
        Assert.Equal(1001, Spilling(1000).Train(texts).VocabSize);
        Assert.Contains("999 different words", Assert.Throws<TokenizerException>(
            () => Spilling(999).Train(texts)).Message, StringComparison.Ordinal);

        WordLevelTrainer Spilling(int words) => new() { MaxDistinctWords = words, CountingMemory = 1, TemporaryFolder = _folder };
    }

    [Fact]
    public void LearningThatDoesNotFitIsRefused()
    {
        IEnumerable<string> texts = Enumerable.Range(100_000, 200_000).Select(i => $"{i}");
        foreach (TokenizerTrainer trainer in (TokenizerTrainer[])[new BpeTrainer { MaxMemory = 1 << 24 }, new UnigramTrainer { MaxMemory = 1 << 24 }])
        {
            string message = Assert.Throws<TokenizerException>(() => trainer.Train(texts)).Message;
            Assert.Contains("200,000 different words", message, StringComparison.Ordinal);
            Assert.Contains("MinWordCount", message, StringComparison.Ordinal);
        }

        // A vocabulary of words needs no more memory than it takes itself.
        Assert.Equal(5_000, new WordLevelTrainer { MaxMemory = 1 << 24, VocabSize = 5_000 }.Train(texts).VocabSize);
    }

    [Fact]
    public void TheLatticeOfALongWordIsForetold()
    {
        var trainer = new UnigramTrainer { MaxMemory = 1 << 24, SeedSize = 1_000, VocabSize = 100 };
        string[] words = [.. Enumerable.Range(0, 20_000).Select(i => $"{i % 9_973}")];
        Assert.Equal(100, trainer.Train([string.Join(' ', words)]).VocabSize);
        string message = Assert.Throws<TokenizerException>(() => trainer.Train([string.Concat(words)])).Message;
        Assert.Contains("let the pre-tokenizer cut", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheBestSubstringsAreKept()
    {
        const int Letters = 6, MaxLength = 5;
        var random = new Random(3);
        int[] text = [.. Enumerable.Range(0, 4_000).Select(_ => random.Next(random.Next(2) == 0 ? Letters : Letters - 1)), 0];
        var next = new Dictionary<string, (int Count, HashSet<int> Letters)>(StringComparer.Ordinal);
        for (int at = 0; at < text.Length; at++)
        {
            string substring = "";
            for (int end = at; text[end] != 0 && end - at < MaxLength; end++)
            {
                substring += (char)('a' + text[end]);
                (int count, HashSet<int> letters) = next.GetValueOrDefault(substring, (0, []));
                letters.Add(text[end + 1]);
                next[substring] = (count + 1, letters);
            }
        }

        // The last in the order of letters is the first of equals.
        string[] expected =
        [
            .. next.Where(found => found.Key.Length >= 2 && found.Value.Letters.Count > 1)
                .OrderByDescending(found => found.Value.Count * found.Key.Length).ThenByDescending(found => found.Key, StringComparer.Ordinal)
                .Select(found => $"{found.Key} {found.Value.Count * found.Key.Length}"),
        ];
        Assert.True(expected.Length > 600);
        foreach (int limit in (int[])[1, 10, 100, 500, expected.Length, 1 << 20])
        {
            List<Seed> seeds = new SeedPieces(text, Letters, MaxLength, limit, default).Find();
            Assert.Equal(expected.Take(limit), seeds.Select(seed =>
                $"{string.Concat(text.AsSpan(seed.Start, seed.Length).ToArray().Select(letter => (char)('a' + letter)))} {seed.Cover:F0}"));
        }
    }

    [Fact]
    public void NothingStaysBehindWhenTrainingFails()
    {
        using var cancellation = new CancellationTokenSource();
        var trainer = new BpeTrainer { CountingMemory = 1, TemporaryFolder = _folder };

        IEnumerable<string> Broken(Action atEnd)
        {
            foreach (string text in Texts)
                yield return text;
            atEnd();
        }

        Assert.Throws<InvalidDataException>(() => trainer.Train(Broken(() => throw new InvalidDataException("the source broke"))));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Train(Broken(cancellation.Cancel), null, cancellation.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void FoldersThatTakeNoFilesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new BpeTrainer { TemporaryFolder = Path.Combine(_folder, "none") }.Train(Texts));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BpeTrainer { MaxMemory = 1 }.Train(Texts));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BpeTrainer { MinWordCount = 0 }.Train(Texts));
        string gone = Path.Combine(_folder, "gone");
        Assert.Contains(gone, Assert.Throws<TokenizerException>(() => WordRuns.Create(gone)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TablesAndRunsCountAsDictionariesDo()
    {
        var random = new Random(5);
        var expected = new SortedDictionary<byte[], long>(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        using var store = new WordStore(_folder);
        for (int round = 0; round < 150; round++)
        {
            var counts = new Dictionary<string, long>(StringComparer.Ordinal);
            for (int i = 0; i < 300; i++)
            {
                string word = Word(random);
                long count = random.NextInt64(1, 1L << random.Next(1, 50));
                counts[word] = counts.GetValueOrDefault(word) + count;
            }

            // Longer than a chunk of the table and a buffer of the reader; short ones follow it.
            if (round % 70 == 0)
                counts[new string('l', (1 << 20) + round)] = 1;
            var table = new WordTable();
            foreach ((string word, long count) in counts)
            {
                table.Add(MemoryMarshal.AsBytes<char>(word), count);
                byte[] bytes = System.Text.Encoding.UTF8.GetBytes(word);
                expected[bytes] = expected.GetValueOrDefault(bytes) + count;
            }

            store.Add(table);
            if (random.Next(2) == 0)
                store.Spill();
        }

        using WordCounts merged = store.Finish(sort: true, minCount: 5, null, default);
        (string, long)[] frequent = [.. expected.Where(word => word.Value >= 5).Select(word => (Convert.ToHexString(word.Key), word.Value))];
        Assert.Equal(frequent.Length, merged.Count);
        for (int pass = 0; pass < 2; pass++)
            Assert.Equal(frequent, All(merged));
    }

    private static string Word(Random random)
    {
        var word = new StringBuilder();
        for (int length = random.Next(random.Next(2) == 0 ? 4 : 40); word.Length < length;)
            word.Append(new Rune(random.Next(6) switch { 0 => random.Next(0xE000, 0x10000), 1 => random.Next(0x10000, 0x110000), 2 => random.Next(3), _ => random.Next('a', 'd') }));
        return word.ToString();
    }

    private static IEnumerable<(string, long)> All(WordCounts words)
    {
        var all = new List<(string, long)>();
        WordReader reader = words.Read();
        while (reader.Read(out ReadOnlySpan<byte> word, out long count))
            all.Add((Convert.ToHexString(word), count));
        return all;
    }

    private static byte[] Learn(TokenizerTrainer trainer, Corpus corpus, IProgress<TokenizerTrainingProgress>? progress) =>
        trainer.Learn(corpus, progress, default).Json.ToArray();

    private TokenizerTrainer Make(string name, long? counting, int minWordCount = 1) => name switch
    {
        "bpe" => new BpeTrainer { VocabSize = 900, CountingMemory = counting, TemporaryFolder = _folder, MinWordCount = minWordCount },
        "bpe with suffix" => new BpeTrainer
        {
            ByteLevel = false, EndOfWordSuffix = "</w>", VocabSize = 900, CountingMemory = counting, TemporaryFolder = _folder, MinWordCount = minWordCount,
        },
        "wordpiece" => new WordPieceTrainer { VocabSize = 900, CountingMemory = counting, TemporaryFolder = _folder, MinWordCount = minWordCount },
        "wordlevel" => new WordLevelTrainer { VocabSize = 3_000, CountingMemory = counting, TemporaryFolder = _folder, MinWordCount = minWordCount },
        _ => new UnigramTrainer { VocabSize = 500, CountingMemory = counting, TemporaryFolder = _folder, MinWordCount = minWordCount },
    };

    private sealed class Stages : IProgress<TokenizerTrainingProgress>
    {
        public HashSet<string> Seen { get; } = [];

        public void Report(TokenizerTrainingProgress value)
        {
            lock (Seen)
                Seen.Add(value.Stage);
            if (value.Total is long total)
                Assert.InRange(value.Done, 0, total);
        }
    }
}
