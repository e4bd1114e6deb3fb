using System.Collections.Concurrent;

namespace Triptych.Tokenizers;

/// <summary>
/// Finds the substrings that Unigram training starts from: those that come at least twice and don't always go on with the
/// same letter, which are the inner nodes of the suffix tree of the different words. Suffixes are sorted only as deep as
/// pieces may be long, letter by letter, and the groups that this makes are the nodes.
/// </summary>
internal sealed class SeedPieces(int[] text, int letterCount, int maxLength, CancellationToken cancellationToken)
{
    private const int CountingSortFrom = 64;

    private int[] _suffixes = [];
    private int[] _keys = [];

    /// <summary>The substrings of two letters or more, in the order of their letters.</summary>
    public List<Substring> Find()
    {
        _suffixes = [.. Enumerable.Range(0, text.Length).Where(at => text[at] != 0)];
        _keys = new int[_suffixes.Length];
        if (maxLength < 2)
            return [];
        (int From, int To)[] groups = [.. Groups(0, _suffixes.Length, 0)];
        var found = new List<Substring>[groups.Length];
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(0, groups.Length), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { CancellationToken = cancellationToken },
                i => Visit(groups[i].From, groups[i].To, 1, found[i] = []));
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        return [.. found.SelectMany(list => list)];
    }

    /// <summary>A group of suffixes that begin with the same letters. Only where letters differ is there a deeper call.</summary>
    private void Visit(int from, int to, int depth, List<Substring> output)
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
            output.Add(new Substring(_suffixes[from], depth, to - from));
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

    /// <summary>A substring: where it is once, its length, and how often it comes.</summary>
    internal readonly record struct Substring(int Start, int Length, int Count);
}
