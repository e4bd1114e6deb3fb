using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers;

/// <summary>
/// Counts the words of a corpus on all cores. Where texts can be cut into segments that the pipeline works on independently,
/// segments are counted as they are written, and each different one goes through the pipeline once, at the end. Each thread
/// counts by itself and adds to the common counts when it has seen many different words, so that memory follows the words
/// that there are and not the threads.
/// </summary>
internal sealed class WordCounter(TrainingPipeline pipeline, int? limit, bool sort)
{
    private const int LocalWords = 1 << 17;

    private readonly Dictionary<string, long> _words = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _segments = new(StringComparer.Ordinal);
    private long _done;

    /// <summary>The words and how often each comes, in ordinal order where that is asked for.</summary>
    public List<KeyValuePair<string, long>> Count(
        Corpus corpus, IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellationToken)
    {
        int most = Math.Min(LocalWords, limit ?? int.MaxValue);
        InParallel(corpus.Batches(), corpus, (batch, worker) =>
        {
            worker.Count(batch, cancellationToken);
            if (worker.Words.Count >= most || worker.Segments.Count >= most)
                Add(worker, corpus);
            long done = Interlocked.Add(ref _done, batch.Size);
            progress?.Report(new TokenizerTrainingProgress("count words", done, corpus.Total));
        }, cancellationToken);
        KeyValuePair<string, long>[] segments = [.. _segments];
        _segments.Clear();
        InParallel(segments.Chunk(LocalWords / 16), corpus, (chunk, worker) => worker.Cut(chunk), cancellationToken);
        progress?.Report(new TokenizerTrainingProgress("count words", _done, _done));
        List<KeyValuePair<string, long>> words = [.. _words];
        if (sort)
            words.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
    }

    private void InParallel<T>(IEnumerable<T> items, Corpus corpus, Action<T, Worker> work, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.ForEach(
                Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { CancellationToken = cancellationToken },
                () => new Worker(pipeline),
                (item, _, worker) =>
                {
                    work(item, worker);
                    return worker;
                },
                worker => Add(worker, corpus));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    private void Add(Worker worker, Corpus corpus)
    {
        lock (_words)
        {
            Move(worker.Words, _words);
            Move(worker.Segments, _segments);
            if (_words.Count > limit || _segments.Count > limit)
                throw new TokenizerException(corpus.Name, $"there are more than {limit} different words (MaxDistinctWords)");
        }
    }

    private static void Move(Dictionary<string, long> from, Dictionary<string, long> to)
    {
        foreach ((string word, long count) in from)
            CollectionsMarshal.GetValueRefOrAddDefault(to, word, out _) += count;
        from.Clear();
    }

    private sealed class Worker
    {
        private readonly PreTokenizedString _work = new();
        private readonly List<Split> _cuts = [];
        private readonly TrainingPipeline _pipeline;
        private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> _wordLookup;
        private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> _segmentLookup;

        public Worker(TrainingPipeline pipeline)
        {
            _pipeline = pipeline;
            _wordLookup = Words.GetAlternateLookup<ReadOnlySpan<char>>();
            _segmentLookup = Segments.GetAlternateLookup<ReadOnlySpan<char>>();
        }

        public Dictionary<string, long> Words { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, long> Segments { get; } = new(StringComparer.Ordinal);

        public void Count(TextBatch batch, CancellationToken cancellationToken) => batch.Read(text =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            Count(text);
        });

        public void Cut(KeyValuePair<string, long>[] segments)
        {
            foreach ((string segment, long count) in segments)
            {
                _pipeline.CutSegment(_work, segment, first: false);
                AddWords(count);
            }
        }

        private void Count(ReadOnlySpan<char> text)
        {
            _cuts.Clear();
            if (text.IsEmpty || _pipeline.Segmenter is not Segmenter segmenter || !segmenter.TryCut(text, _cuts))
            {
                _pipeline.Cut(_work, text);
                AddWords(1);
                return;
            }

            ReadOnlySpan<Split> cuts = CollectionsMarshal.AsSpan(_cuts);
            if (segmenter.FirstDiffers && cuts.Length > 0)
            {
                _pipeline.CutSegment(_work, text[cuts[0].Start..cuts[0].End], first: true);
                AddWords(1);
                cuts = cuts[1..];
            }

            foreach (ref readonly Split cut in cuts)
                CollectionsMarshal.GetValueRefOrAddDefault(_segmentLookup, text[cut.Start..cut.End], out _)++;
        }

        private void AddWords(long count)
        {
            ReadOnlySpan<char> chars = _work.Text.Chars;
            foreach (Split split in _work.Splits)
                CollectionsMarshal.GetValueRefOrAddDefault(_wordLookup, chars[split.Start..split.End], out _) += count;
        }
    }
}
