namespace Triptych.Tokenizers.Patterns;

/// <summary>What a node begins with, and whether it can match nothing.</summary>
internal readonly record struct PatternFirst(CharSet Set, bool Nullable);

/// <summary>Finds what nodes begin with, each once.</summary>
internal sealed class PatternFirsts
{
    /// <summary>So many parts that may all match nothing are looked through; behind more of them, anything may come.</summary>
    private const int MaxLookahead = 16;

    private readonly Dictionary<PatternNode, PatternFirst> _known = new(ReferenceEqualityComparer.Instance);

    public PatternFirst Of(PatternNode node)
    {
        if (_known.TryGetValue(node, out PatternFirst first))
            return first;
        first = node switch
        {
            SetNode set => new PatternFirst(set.Set, false),
            SequenceNode sequence => OfSequence(sequence.Parts, 0),
            AlternationNode alternation => new PatternFirst(
                CharSet.Of(alternation.Options.SelectMany(option => Of(option).Set.Ranges)),
                alternation.Options.Any(option => Of(option).Nullable)),
            RepeatNode { Max: 0 } => new PatternFirst(CharSet.Empty, true),
            RepeatNode repeat => Of(repeat.Body) with { Nullable = repeat.Min == 0 || Of(repeat.Body).Nullable },
            CaptureNode capture => Of(capture.Body),
            AtomicNode atomic => Of(atomic.Body),
            BackreferenceNode => new PatternFirst(CharSet.All, true),
            _ => new PatternFirst(CharSet.Empty, true),
        };
        _known.Add(node, first);
        return first;
    }

    /// <summary>What the parts from one on, and then <paramref name="follow"/>, begin with; null where that is not known.</summary>
    public CharSet? Follow(IReadOnlyList<PatternNode> parts, int from, CharSet? follow)
    {
        PatternFirst first = OfSequence(parts, from);
        return !first.Nullable ? first.Set : follow is null ? null : first.Set.IsEmpty ? follow : follow.Union(first.Set);
    }

    private PatternFirst OfSequence(IReadOnlyList<PatternNode> parts, int from)
    {
        CharSet set = CharSet.Empty;
        for (int i = from; i < parts.Count; i++)
        {
            if (i - from == MaxLookahead)
                return new PatternFirst(CharSet.All, true);
            PatternFirst first = Of(parts[i]);
            set = set.IsEmpty ? first.Set : first.Set.IsEmpty ? set : set.Union(first.Set);
            if (!first.Nullable)
                return new PatternFirst(set, false);
        }

        return new PatternFirst(set, true);
    }
}

/// <summary>How many characters a look behind may cover.</summary>
internal static class PatternWidth
{
    public static (int Min, int Max) Of(PatternNode node)
    {
        switch (node)
        {
            case SetNode:
                return (1, 1);
            case SequenceNode sequence:
                return sequence.Parts.Select(Of).Aggregate((0, 0), (sum, width) => (Sum(sum.Item1, width.Min), Sum(sum.Item2, width.Max)));
            case AlternationNode alternation:
                (int Min, int Max)[] widths = [.. alternation.Options.Select(Of)];
                return (widths.Min(width => width.Min), widths.Max(width => width.Max));
            case RepeatNode repeat:
                (int min, int max) = Of(repeat.Body);
                return (Product(min, repeat.Min), max == 0 ? 0 : Product(max, repeat.Max));
            case CaptureNode capture:
                return Of(capture.Body);
            case AtomicNode atomic:
                return Of(atomic.Body);
            case LookNode or BackreferenceNode or KeepNode:
                throw new PatternException("a look behind has what is not supported in one (a look, a backreference or \\K)");
            default:
                return (0, 0);
        }
    }

    private static int Sum(int a, int b) => (int)Math.Min(RepeatNode.Unlimited, (long)a + b);

    private static int Product(int a, int b) => (int)Math.Min(RepeatNode.Unlimited, (long)a * b);
}
