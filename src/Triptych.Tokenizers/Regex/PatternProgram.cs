namespace Triptych.Tokenizers.Patterns;

/// <summary>What an instruction does.</summary>
internal enum PatternOp
{
    /// <summary>One character of the set.</summary>
    Set,

    /// <summary>As many characters of the set as X says.</summary>
    SetRepeat,

    /// <summary>Up to X characters of the set, as many as possible first; First, where known, is what must follow.</summary>
    SetLoop,

    /// <summary>The same, but gives nothing back.</summary>
    SetRun,

    /// <summary>Up to X characters of the set, as few as possible first.</summary>
    SetLazy,

    /// <summary>On at X.</summary>
    Jump,

    /// <summary>On at X, and if that fails at Y; Set and First, where known, are what each must begin with.</summary>
    Split,

    /// <summary>Holds where the anchor X does.</summary>
    Anchor,

    /// <summary>Keeps the position in slot X.</summary>
    Save,

    /// <summary>Leaves a loop for Y where its body matched nothing since slot X.</summary>
    LeaveIfEmpty,

    /// <summary>Begins what gives nothing back once it has matched.</summary>
    AtomicStart,

    /// <summary>Ends it.</summary>
    AtomicEnd,

    /// <summary>Tries look X, whose body follows, and goes on at Y.</summary>
    Look,

    /// <summary>Ends the body of a look.</summary>
    LookEnd,

    /// <summary>The text of a group of backreference X again.</summary>
    Backreference,

    /// <summary>Done.</summary>
    Match,
}

/// <summary>
/// One instruction; Memo numbers those where ways part, or is -1. What fails there may depend on whether the turns of the counted
/// repetitions around it have matched nothing so far: Turns are the slots where these began, and there is a memo for each case.
/// </summary>
internal readonly record struct PatternInstruction(
    PatternOp Op, int X = 0, int Y = 0, CharSet? Set = null, CharSet? First = null, int Memo = -1, int[]? Turns = null);

/// <summary>A look ahead, or behind by Min to Max characters (as many code points as that).</summary>
internal readonly record struct PatternLook(bool Negative, bool Behind, int Min, int Max);

/// <summary>A pattern ready to run.</summary>
internal sealed record PatternProgram
{
    public required PatternInstruction[] Code { get; init; }

    public required PatternLook[] Looks { get; init; }

    public required BackreferenceNode[] References { get; init; }

    /// <summary>Slots of positions: 0 is \K's, then two for each group, then one for each loop that may match nothing.</summary>
    public required int Slots { get; init; }

    /// <summary>How many instructions have a memo.</summary>
    public required int Memos { get; init; }

    /// <summary>Whether what fails once at a position fails there always.</summary>
    public required bool CanRemember { get; init; }

    /// <summary>What every match begins with, or null where that is not known.</summary>
    public required CharSet? First { get; init; }
}
