using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers;

/// <summary>
/// Counts the words of a corpus on all cores. Where texts can be cut into segments that the pipeline works on independently,
/// segments are counted as they are written, and each different one goes through the pipeline once, at the end. Each thread
/// counts by itself and adds to the common counts when it has seen many different words; these go to temporary files when they
/// have grown to the limit, so that memory follows neither the corpus nor its vocabulary.
/// </summary>
internal sealed class WordCounter(TrainingPipeline pipeline, WordLimits limits, bool sort) : IDisposable
{
    private const int LocalWords = 1 << 17;
    private const int ChunkWords = 1 << 13;

    private readonly WordStore _words = new(limits.Folder);
    private readonly WordStore _segments = new(limits.Folder);
    private readonly long _localBytes = limits.Bytes / (4 * Environment.ProcessorCount);
    private long _room = limits.Bytes;
    private long _done;

    /// <summary>The words and how often each comes, in the order of code points where that is asked for or they came to a file.</summary>
    public WordCounts Count(
        Corpus corpus, IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellationToken)
    {
        InParallel(corpus.Batches(), corpus, (batch, worker) =>
        {
            worker.Count(batch, cancellationToken);
            long done = Interlocked.Add(ref _done, batch.Size);
            progress?.Report(new TokenizerTrainingProgress("count words", done, corpus.Total));
        }, cancellationToken);

        // The words that segments are cut into need room too.
        if (_segments.HasSpilled || _segments.Bytes > limits.Bytes / 2)
            _segments.Spill();
        else
            _room -= _segments.Bytes;
        Action<long, long>? merged = progress is null ? null
            : (done, total) => progress.Report(new TokenizerTrainingProgress("merge words", done, total));
        using (WordCounts counted = _segments.Finish(sort: false, minCount: 1, merged, cancellationToken))
            InParallel(Chunks(counted.Read()), corpus, (chunk, worker) => worker.Cut(chunk), cancellationToken);
        progress?.Report(new TokenizerTrainingProgress("count words", _done, _done));
        WordCounts all = _words.Finish(sort, limits.MinCount, merged, cancellationToken);
        if (all.Count > limits.MaxWords)
        {
            all.Dispose();
            throw TooMany(corpus);
        }

        return all;
    }

    public void Dispose()
    {
        _words.Dispose();
        _segments.Dispose();
    }

    private static IEnumerable<List<KeyValuePair<string, long>>> Chunks(WordReader segments)
    {
        while (Take(segments) is { Count: > 0 } chunk)
            yield return chunk;
    }

    private static List<KeyValuePair<string, long>> Take(WordReader segments)
    {
        var chunk = new List<KeyValuePair<string, long>>();
        long bytes = 0;
        while (chunk.Count < ChunkWords && bytes < LocalWords && segments.Read(out ReadOnlySpan<byte> segment, out long count))
        {
            chunk.Add(KeyValuePair.Create(System.Text.Encoding.UTF8.GetString(segment), count));
            bytes += segment.Length;
        }

        return chunk;
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
                    if (worker.Words.Count >= LocalWords || worker.Segments.Count >= LocalWords || worker.Bytes >= _localBytes)
                        Add(worker, corpus);
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
            _words.Take(worker.Words);
            _segments.Take(worker.Segments);
            worker.Bytes = 0;
            if (limits.MinCount <= 1 && _words.Count > limits.MaxWords)
                throw TooMany(corpus);
            if (_words.Bytes + _segments.Bytes <= _room)
                return;
            (_words.Bytes > _segments.Bytes ? _words : _segments).Spill();
        }
    }

    private TokenizerException TooMany(Corpus corpus) =>
        new(corpus.Name, $"there are more than {limits.MaxWords} different words (MaxDistinctWords)");

    private sealed class Worker
    {
        /// <summary>What a text takes in a dictionary beside its characters.</summary>
        private const int EntryBytes = 64;

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

        /// <summary>About the memory that both take.</summary>
        public long Bytes { get; set; }

        public void Count(TextBatch batch, CancellationToken cancellationToken) => batch.Read(text =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            Count(text);
        });

        public void Cut(List<KeyValuePair<string, long>> segments)
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
            if (segmenter.FirstDiffers(offset: 0) && cuts.Length > 0)
            {
                _pipeline.CutSegment(_work, text[cuts[0].Start..cuts[0].End], first: true);
                AddWords(1);
                cuts = cuts[1..];
            }

            foreach (ref readonly Split cut in cuts)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_segmentLookup, text[cut.Start..cut.End], out bool known)++;
                Grow(known, cut.End - cut.Start);
            }
        }

        private void AddWords(long count)
        {
            ReadOnlySpan<char> chars = _work.Text.Chars;
            foreach (Split split in _work.Splits)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_wordLookup, chars[split.Start..split.End], out bool known) += count;
                Grow(known, split.End - split.Start);
            }
        }

        private void Grow(bool known, int chars)
        {
            if (!known)
                Bytes += EntryBytes + sizeof(char) * chars;
        }
    }
}
