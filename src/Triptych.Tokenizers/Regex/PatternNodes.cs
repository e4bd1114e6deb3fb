namespace Triptych.Tokenizers.Patterns;

/// <summary>A part of a parsed pattern.</summary>
internal abstract record PatternNode
{
    public static PatternNode Empty { get; } = new SequenceNode([]);
}

/// <summary>One character of a set.</summary>
internal sealed record SetNode(CharSet Set) : PatternNode;

internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;

/// <summary>Alternatives, the first that leads to a match wins.</summary>
internal sealed record AlternationNode(IReadOnlyList<PatternNode> Options) : PatternNode;

/// <summary>How a repetition chooses its length.</summary>
internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

internal sealed record RepeatNode(PatternNode Body, int Min, int Max, RepeatKind Kind) : PatternNode
{
    public const int Unlimited = int.MaxValue;
}

internal sealed record CaptureNode(PatternNode Body, int Index) : PatternNode;

internal sealed record AtomicNode(PatternNode Body) : PatternNode;

internal sealed record LookNode(PatternNode Body, bool Behind, bool Negative) : PatternNode;

/// <summary>The text of the last of these groups that has one.</summary>
internal sealed record BackreferenceNode(IReadOnlyList<int> Groups, bool IgnoreCase) : PatternNode;

/// <summary>A condition on a position.</summary>
internal enum AnchorKind
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastLine,
    WordBoundary,
    NotWordBoundary,
    SearchStart,
}

internal sealed record AnchorNode(AnchorKind Kind) : PatternNode;

/// <summary>\K: the match begins here.</summary>
internal sealed record KeepNode : PatternNode;

/// <summary>A pattern that cannot be used; the message says where and why.</summary>
internal sealed class PatternException(string reason) : Exception(reason);
