namespace Triptych.Tokenizers.Patterns;

/// <summary>How a repetition treats turns of its body that match nothing.</summary>
internal enum EmptyTurns
{
    /// <summary>Required and optional turns are written out and may match nothing; only an endless loop is left.</summary>
    WrittenOut,

    /// <summary>An endless loop that has to turn once, and is left after any turn that matches nothing, the first one too.</summary>
    OneLoop,

    /// <summary>Turns are counted, and any that matches nothing ends the repetition, even where more are required.</summary>
    Counted,
}

/// <summary>
/// Oniguruma writes small repetitions out and counts the turns of larger ones, and treats turns that match nothing accordingly: what
/// a repetition matches depends on how many operations its body is compiled to. This follows its compiler as far as that count goes.
/// </summary>
internal sealed class PatternSizes(PatternFirsts firsts)
{
    private const int WriteOutLimit = 10;

    // The operations around bodies.
    private const int Branch = 2;
    private const int Group = 2;
    private const int Check = 2;
    private const int Counter = 2;
    private const int LookAhead = 2;
    private const int NegativeLookAhead = 5;
    private const int LookBehind = 3;
    private const int NegativeLookBehind = 6;
    private const int VaryingLookBehind = 12;
    private const int NegativeVaryingLookBehind = 14;

    private readonly Dictionary<PatternNode, int> _known = new(ReferenceEqualityComparer.Instance);

    /// <summary>How a repetition is compiled whose body can match nothing.</summary>
    public EmptyTurns TurnsOf(RepeatNode repeat)
    {
        int body = Of(repeat.Body);
        if (repeat.Max == RepeatNode.Unlimited)
        {
            return repeat.Min == 1 && body > WriteOutLimit ? EmptyTurns.OneLoop
                : repeat.Min <= 1 || Fits(body, repeat.Min) ? EmptyTurns.WrittenOut : EmptyTurns.Counted;
        }

        return repeat.Max <= 1 || repeat.Kind != RepeatKind.Lazy && Fits(body + 1, repeat.Max) ? EmptyTurns.WrittenOut : EmptyTurns.Counted;
    }

    private static bool Fits(int size, int times) => (long)size * times <= WriteOutLimit;

    private static int Bounded(long size) => (int)Math.Min(size, int.MaxValue / 2);

    private int Of(PatternNode node)
    {
        if (_known.TryGetValue(node, out int size))
            return size;
        size = node switch
        {
            SequenceNode sequence => OfSequence(sequence.Parts),
            AlternationNode alternation => Bounded(alternation.Options.Sum(option => (long)Of(option)) + Branch * (alternation.Options.Count - 1)),
            RepeatNode { Kind: RepeatKind.Possessive } repeat => Bounded(Group + (long)OfRepeat(repeat with { Kind = RepeatKind.Greedy })),
            RepeatNode repeat => OfRepeat(repeat),
            CaptureNode capture => Bounded(Group + (long)Of(capture.Body)),
            AtomicNode atomic => Bounded(Group + (long)Of(atomic.Body)),
            LookNode look => Bounded(OfLook(look) + (long)Of(look.Body)),
            _ => 1,
        };
        _known.Add(node, size);
        return size;
    }

    private int OfRepeat(RepeatNode repeat)
    {
        int body = Of(repeat.Body);
        if (body == 0 || repeat.Max == 0)
            return 0;
        int check = firsts.Of(repeat.Body).Nullable ? Check : 0;
        long size = repeat.Max == RepeatNode.Unlimited && (repeat.Min <= 1 || Fits(body, repeat.Min))
            ? (repeat.Min == 1 && body > WriteOutLimit ? 1 : (long)body * repeat.Min) + Branch + body + check
            : repeat.Max == 1 && repeat.Kind == RepeatKind.Greedy || repeat.Max != RepeatNode.Unlimited && repeat.Kind == RepeatKind.Greedy && Fits(body + 1, repeat.Max)
                ? (long)body * repeat.Max + (repeat.Max - repeat.Min)
            : repeat is { Min: 0, Max: 1 } ? Branch + body
            : Counter + body + check;
        return Bounded(size);
    }

    private int OfSequence(IReadOnlyList<PatternNode> parts)
    {
        long size = 0;
        int bytes = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            // Characters of as many bytes each are one operation.
            int length = parts[i] is SetNode { Set.Single: >= 0 and int letter } ? Utf8Length(letter) : 0;
            if (length == 0 || length != bytes)
                size += Of(parts[i]);
            bytes = length;
            if (i + 1 < parts.Count && BecomesAtomic(parts[i], parts[i + 1]))
                size++;
        }

        return Bounded(size);
    }

    private static int Utf8Length(int codePoint) => codePoint switch { < 0x80 => 1, < 0x800 => 2, < 0x10000 => 3, _ => 4 };

    /// <summary>A loop over what the next part cannot begin with gives nothing back, which takes one operation more.</summary>
    private static bool BecomesAtomic(PatternNode part, PatternNode next) =>
        part is RepeatNode { Kind: RepeatKind.Greedy, Max: RepeatNode.Unlimited, Min: <= 1, Body: SetNode body }
        && HeadOf(next) is CharSet head && !head.Overlaps(body.Set);

    private static CharSet? HeadOf(PatternNode node) => node switch
    {
        SetNode set => set.Set,
        SequenceNode { Parts: [PatternNode first, ..] } => HeadOf(first),
        CaptureNode capture => HeadOf(capture.Body),
        AtomicNode atomic => HeadOf(atomic.Body),
        RepeatNode { Min: > 0 } repeat => HeadOf(repeat.Body),
        _ => null,
    };

    private static int OfLook(LookNode look)
    {
        if (!look.Behind)
            return look.Negative ? NegativeLookAhead : LookAhead;
        (int min, int max) = PatternWidth.Of(look.Body);
        return min == max ? look.Negative ? NegativeLookBehind : LookBehind
            : look.Negative ? NegativeVaryingLookBehind : VaryingLookBehind;
    }
}
