using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <summary>Counts the words of texts on all cores.</summary>
internal static class WordCounter
{
    private const int ReportEvery = 1024;

    /// <summary>The words and how often each comes, in ordinal order, so that training does not depend on threads.</summary>
    public static List<KeyValuePair<string, long>> Count(
        IEnumerable<string> texts,
        Normalizer? normalizer,
        PreTokenizer preTokenizer,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        var total = new Dictionary<string, long>(StringComparer.Ordinal);
        long done = 0;
        try
        {
            Parallel.ForEach(
                texts,
                new ParallelOptions { CancellationToken = cancellationToken },
                () => (Text: new PreTokenizedString(), Counts: new Dictionary<string, long>(StringComparer.Ordinal)),
                (text, _, local) =>
                {
                    CountOne(text, normalizer, preTokenizer, local.Text, local.Counts);
                    long now = Interlocked.Increment(ref done);
                    if (now % ReportEvery == 0)
                        progress?.Report(new TokenizerTrainingProgress("count words", now, null));
                    return local;
                },
                local =>
                {
                    lock (total)
                    {
                        foreach ((string word, long count) in local.Counts)
                            CollectionsMarshal.GetValueRefOrAddDefault(total, word, out bool _) += count;
                    }
                });
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        progress?.Report(new TokenizerTrainingProgress("count words", done, done));
        List<KeyValuePair<string, long>> words = [.. total];
        words.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
    }

    private static void CountOne(
        string text, Normalizer? normalizer, PreTokenizer preTokenizer, PreTokenizedString work, Dictionary<string, long> counts)
    {
        work.Load(text);
        if (normalizer is not null)
            work.Normalize(normalizer);
        preTokenizer.PreTokenize(work);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (Split split in work.Splits)
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, work.Text.Chars[split.Start..split.End], out bool _)++;
    }
}
