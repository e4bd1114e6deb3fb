using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers;

/// <summary>
/// Counts the words of a corpus on all cores. Where texts can be cut into segments that the pipeline works on independently,
/// segments are counted as they are written; each different one that is not a word yet goes through the pipeline once, at the end. Each thread
/// counts by itself and adds to the common counts when it has seen many different words; these go to temporary files when they
/// have grown to the limit, so that memory follows neither the corpus nor its vocabulary.
/// </summary>
internal sealed class WordCounter(TrainingPipeline pipeline, WordLimits limits, bool sort) : IDisposable
{
    private const int LocalWords = 1 << 17;

    private readonly Segmenter? _segmenter = pipeline.Segmenter;
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

    private static IEnumerable<Chunk> Chunks(WordReader segments)
    {
        while (Chunk.Take(segments) is { Count: > 0 } chunk)
            yield return chunk;
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
            _words.Add(worker.Words);
            if (_segmenter is { SegmentsAreWords: true })
                _words.Add(worker.Segments, asBytes: _segmenter.PreTokenizerOf(first: false) is not null);
            else
                _segments.Add(worker.Segments);
            worker.Clear();
            if (limits.MinCount <= 1 && _words.Count > limits.MaxWords)
                throw TooMany(corpus);
            if (_words.Bytes + _segments.Bytes <= _room)
                return;
            (_words.Bytes > _segments.Bytes ? _words : _segments).Spill();
        }
    }

    private TokenizerException TooMany(Corpus corpus) =>
        new(corpus.Name, $"there are more than {limits.MaxWords} different words (MaxDistinctWords)");

    /// <summary>Some segments, for one thread to cut.</summary>
    private sealed class Chunk
    {
        private const int MaxSegments = 1 << 13;
        private const int MaxChars = 1 << 17;

        private readonly List<(int End, long Count)> _ends = [];
        private char[] _chars = new char[1 << 14];
        private int _length;

        public int Count => _ends.Count;

        public static Chunk Take(WordReader segments)
        {
            var chunk = new Chunk();
            while (chunk.Count < MaxSegments && chunk._length < MaxChars && segments.Read(out ReadOnlySpan<byte> segment, out long count))
                chunk.Add(segment, count);
            return chunk;
        }

        public void Read(Action<ReadOnlySpan<char>, long> handler)
        {
            int start = 0;
            foreach ((int end, long count) in _ends)
            {
                handler(_chars.AsSpan(start, end - start), count);
                start = end;
            }
        }

        private void Add(ReadOnlySpan<byte> segment, long count)
        {
            if (_chars.Length - _length < segment.Length)
                Array.Resize(ref _chars, Math.Max(_chars.Length * 2, _length + segment.Length));
            _length += System.Text.Encoding.UTF8.GetChars(segment, _chars.AsSpan(_length));
            _ends.Add((_length, count));
        }
    }

    private sealed class Worker(TrainingPipeline pipeline)
    {
        private readonly PreTokenizedString _work = new();
        private readonly List<Split> _cuts = [];

        /// <summary>Words in UTF-16, as they are in texts.</summary>
        public WordTable Words { get; private set; } = new();

        /// <summary>Segments in UTF-16.</summary>
        public WordTable Segments { get; private set; } = new();

        /// <summary>The memory that both take.</summary>
        public long Bytes => Words.Bytes + Segments.Bytes;

        public void Clear() => (Words, Segments) = (new WordTable(), new WordTable());

        public void Count(TextBatch batch, CancellationToken cancellationToken) => batch.Read(text =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            Count(text);
        });

        public void Cut(Chunk segments) => segments.Read((segment, count) =>
        {
            pipeline.CutSegment(_work, segment, first: false);
            AddWords(count);
        });

        private void Count(ReadOnlySpan<char> text)
        {
            _cuts.Clear();
            if (text.IsEmpty || pipeline.Segmenter is not Segmenter segmenter || !segmenter.TryCut(text, _cuts))
            {
                pipeline.Cut(_work, text);
                AddWords(1);
                return;
            }

            ReadOnlySpan<Split> cuts = CollectionsMarshal.AsSpan(_cuts);
            if (segmenter.FirstDiffers(offset: 0) && cuts.Length > 0)
            {
                pipeline.CutSegment(_work, text[cuts[0].Start..cuts[0].End], first: true);
                AddWords(1);
                cuts = cuts[1..];
            }

            foreach (ref readonly Split cut in cuts)
                Segments.Add(MemoryMarshal.AsBytes(text[cut.Start..cut.End]), 1);
        }

        private void AddWords(long count)
        {
            ReadOnlySpan<char> chars = _work.Text.Chars;
            foreach (ref readonly Split split in CollectionsMarshal.AsSpan(_work.Splits))
                Words.Add(MemoryMarshal.AsBytes(chars[split.Start..split.End]), count);
        }
    }
}
