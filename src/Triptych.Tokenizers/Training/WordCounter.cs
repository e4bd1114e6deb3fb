using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <summary>
/// Counts the words of a corpus on all cores. Each thread counts by itself and adds to the common counts when it has seen
/// many different words, so that memory follows the words that there are and not the threads.
/// </summary>
internal sealed class WordCounter(TrainingPipeline pipeline, int? limit, bool sort)
{
    private const int LocalWords = 1 << 17;

    private readonly Dictionary<string, long> _total = new(StringComparer.Ordinal);
    private long _done;

    /// <summary>The words and how often each comes, in ordinal order where that is asked for.</summary>
    public List<KeyValuePair<string, long>> Count(
        Corpus corpus, IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.ForEach(
                Partitioner.Create(corpus.Batches(), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { CancellationToken = cancellationToken },
                () => new Worker(pipeline),
                (batch, _, worker) =>
                {
                    worker.Count(batch, cancellationToken);
                    if (worker.Counts.Count >= Math.Min(LocalWords, limit ?? int.MaxValue))
                        Add(worker.Counts, corpus);
                    long done = Interlocked.Add(ref _done, batch.Size);
                    progress?.Report(new TokenizerTrainingProgress("count words", done, corpus.Total));
                    return worker;
                },
                worker => Add(worker.Counts, corpus));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        progress?.Report(new TokenizerTrainingProgress("count words", _done, _done));
        List<KeyValuePair<string, long>> words = [.. _total];
        if (sort)
            words.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
    }

    private void Add(Dictionary<string, long> counts, Corpus corpus)
    {
        lock (_total)
        {
            foreach ((string word, long count) in counts)
                CollectionsMarshal.GetValueRefOrAddDefault(_total, word, out _) += count;
            if (_total.Count > limit)
                throw new TokenizerException(corpus.Name, $"there are more than {limit} different words (MaxDistinctWords)");
        }

        counts.Clear();
    }

    private sealed class Worker
    {
        private readonly PreTokenizedString _work = new();
        private readonly TextHandler _handler;
        private CancellationToken _cancellationToken;

        public Worker(TrainingPipeline pipeline)
        {
            var lookup = Counts.GetAlternateLookup<ReadOnlySpan<char>>();
            _handler = text =>
            {
                _cancellationToken.ThrowIfCancellationRequested();
                pipeline.Cut(_work, text);
                ReadOnlySpan<char> chars = _work.Text.Chars;
                foreach (Split split in _work.Splits)
                    CollectionsMarshal.GetValueRefOrAddDefault(lookup, chars[split.Start..split.End], out _)++;
            };
        }

        public Dictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

        public void Count(TextBatch batch, CancellationToken cancellationToken)
        {
            _cancellationToken = cancellationToken;
            batch.Read(_handler);
        }
    }
}
