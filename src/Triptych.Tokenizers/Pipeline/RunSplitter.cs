using Triptych.Tokenizers.Patterns;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// Patterns that are one run of characters, perhaps with one character before it, such as <c>\p{N}{1,3}</c>, <c>\s?\p{L}+</c> or
/// <c>[0-9][0-9][0-9]</c>, without the regular expression engine. What is between the runs is left as it is.
/// </summary>
internal sealed class RunSplitter
{
    /// <summary>So many characters of a run that turns out too short are looked at again.</summary>
    private const int MaxLeast = 16;

    private readonly CharSet? _lead;
    private readonly CharSet _set;
    private readonly int _min;
    private readonly int _max;

    private RunSplitter(CharSet? lead, CharSet set, int min, int max) => (_lead, _set, _min, _max) = (lead, set, min, max);

    /// <summary>The splitter of a pattern, or null where it has another shape.</summary>
    /// <exception cref="PatternException">The pattern cannot be used.</exception>
    public static RunSplitter? Find(string pattern)
    {
        PatternNode root = PatternParser.Parse(pattern).Root;
        if (root is SequenceNode { Parts: [RepeatNode { Min: 0, Max: 1, Kind: RepeatKind.Greedy, Body: SetNode lead }, PatternNode run] })
            return OfRun(run) is { _min: 1 } single ? new RunSplitter(lead.Set, single._set, 1, single._max) : null;
        if (root is SequenceNode { Parts: [SetNode first, ..] } same
            && same.Parts.All(part => part is SetNode set && set.Set.SameAs(first.Set)) && same.Parts.Count <= MaxLeast)
            return new RunSplitter(null, first.Set, same.Parts.Count, same.Parts.Count);
        return OfRun(root);
    }

    public void Split(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int done = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = MatchAt(text, at);
            if (end < 0)
            {
                NormalizedString.CodePointAt(text, at, out int units);
                at += units;
                continue;
            }

            if (done < at)
                output.Add(new Split(offset + done, offset + at));
            output.Add(new Split(offset + at, offset + end));
            done = at = end;
        }

        if (done < text.Length)
            output.Add(new Split(offset + done, offset + text.Length));
    }

    private static RunSplitter? OfRun(PatternNode node) => node switch
    {
        SetNode set => new RunSplitter(null, set.Set, 1, 1),
        RepeatNode { Body: SetNode set, Kind: not RepeatKind.Lazy, Min: >= 1 and <= MaxLeast } repeat =>
            new RunSplitter(null, set.Set, repeat.Min, repeat.Max),
        _ => null,
    };

    private int MatchAt(ReadOnlySpan<char> text, int at)
    {
        if (_lead is not null && _lead.Contains(NormalizedString.CodePointAt(text, at, out int units)) && RunEnd(text, at + units) is >= 0 and int end)
            return end;
        return RunEnd(text, at);
    }

    private int RunEnd(ReadOnlySpan<char> text, int at)
    {
        int count = 0;
        for (; count < _max && at < text.Length && _set.Contains(NormalizedString.CodePointAt(text, at, out int units)); count++)
            at += units;
        return count >= _min ? at : -1;
    }
}
