using System.Collections.Concurrent;

namespace Triptych.Tokenizers;

/// <summary>
/// Finds the substrings that Unigram training starts from: those that come at least twice and don't always go on with the
/// same letter, which are the inner nodes of the suffix tree of the different words. Suffixes are sorted only as deep as
/// pieces may be long, letter by letter, and the groups that this makes are the nodes.
/// </summary>
internal sealed class SeedPieces(int[] text, int letterCount, int maxLength, int limit, CancellationToken cancellationToken)
{
    private const int CountingSortFrom = 64;

    private readonly SeedSelection _best = new(limit);
    private int[] _suffixes = [];
    private int[] _keys = [];

    /// <summary>The substrings of two letters or more that cover most of the text, as many as the limit says, best first.</summary>
    public List<Seed> Find()
    {
        if (maxLength < 2)
            return [];
        int[] ends = SortByFirstLetter();
        _keys = new int[_suffixes.Length];
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(1, letterCount - 1), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { CancellationToken = cancellationToken },
                letter =>
                {
                    var found = new SeedSelection.Part(_best, letter);
                    Visit(ends[letter - 1], ends[letter], 1, found);
                    found.Flush();
                });
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        return _best.Take();
    }

    /// <summary>Sorts all suffixes by their first letter; where each letter's end.</summary>
    private int[] SortByFirstLetter()
    {
        int[] places = new int[letterCount];
        foreach (int letter in text)
            places[letter]++;
        _suffixes = new int[text.Length - places[0]];
        places[0] = 0;
        int end = 0;
        for (int letter = 1; letter < letterCount; letter++)
            (places[letter], end) = (end, end + places[letter]);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != 0)
                _suffixes[places[text[at]]++] = at;
        }

        return places;
    }

    /// <summary>A group of suffixes that begin with the same letters. Only where letters differ is there a deeper call.</summary>
    private void Visit(int from, int to, int depth, SeedSelection.Part output)
    {
        if (to - from < 2)
            return;
        cancellationToken.ThrowIfCancellationRequested();
        while (HaveSameLetter(from, to, depth))
        {
            if (text[_suffixes[from] + depth] == 0 || ++depth > maxLength)
                return;
        }

        if (depth >= 2)
            output.Add(_suffixes[from], depth, to - from);
        if (depth == maxLength)
            return;
        foreach ((int start, int end) in Groups(from, to, depth))
        {
            if (end - start > 1 && text[_suffixes[start] + depth] != 0)
                Visit(start, end, depth + 1, output);
        }
    }

    private bool HaveSameLetter(int from, int to, int depth)
    {
        int letter = text[_suffixes[from] + depth];
        for (int i = from + 1; i < to; i++)
        {
            if (text[_suffixes[i] + depth] != letter)
                return false;
        }

        return true;
    }

    /// <summary>Sorts suffixes by one letter; the runs of equal ones.</summary>
    private List<(int From, int To)> Groups(int from, int to, int depth)
    {
        Span<int> suffixes = _suffixes.AsSpan(from, to - from);
        Span<int> keys = _keys.AsSpan(from, to - from);
        for (int i = 0; i < suffixes.Length; i++)
            keys[i] = text[suffixes[i] + depth];
        if (suffixes.Length >= Math.Max(CountingSortFrom, letterCount / 4))
            SortByCounting(keys, suffixes);
        else
            keys.Sort(suffixes);
        var groups = new List<(int, int)>();
        for (int i = 0; i < keys.Length;)
        {
            int end = i + 1;
            while (end < keys.Length && keys[end] == keys[i])
                end++;
            groups.Add((from + i, from + end));
            i = end;
        }

        return groups;
    }

    private void SortByCounting(Span<int> keys, Span<int> suffixes)
    {
        int[] places = new int[letterCount + 1];
        foreach (int key in keys)
            places[key + 1]++;
        for (int i = 1; i < places.Length; i++)
            places[i] += places[i - 1];
        int[] sorted = new int[suffixes.Length];
        for (int i = 0; i < suffixes.Length; i++)
            sorted[places[keys[i]]++] = suffixes[i];
        sorted.CopyTo(suffixes);
        int at = 0;
        for (int letter = 0; letter < letterCount; letter++)
        {
            keys[at..places[letter]].Fill(letter);
            at = places[letter];
        }
    }
}
