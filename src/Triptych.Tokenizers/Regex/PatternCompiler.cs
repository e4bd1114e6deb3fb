namespace Triptych.Tokenizers.Patterns;

/// <summary>Makes a program of a parsed pattern.</summary>
internal sealed class PatternCompiler
{
    /// <summary>Repetitions are written out, so that small patterns can ask for huge programs.</summary>
    private const int MaxInstructions = 20_000;

    /// <summary>Each counted repetition around an instruction doubles its memos.</summary>
    private const int MaxTurns = 4;

    private readonly List<PatternInstruction> _code = [];
    private readonly List<PatternLook> _looks = [];
    private readonly List<BackreferenceNode> _references = [];
    private readonly PatternFirsts _firsts = new();
    private readonly PatternSizes _sizes;
    private readonly bool _capture;
    private int _slots;
    private int _memos;
    private int _unremembered;
    private int[]? _turns;
    private int _looksAround;
    private bool _hasSearchStart;

    private PatternCompiler(PatternNode root, int groups)
    {
        _sizes = new PatternSizes(_firsts);
        _capture = HasReference(root);
        _slots = 1 + (_capture ? 2 * groups : 0);
    }

    public static PatternProgram Compile(PatternNode root, int groups)
    {
        var compiler = new PatternCompiler(root, groups);
        compiler.Emit(root, null);
        compiler.Add(new PatternInstruction(PatternOp.Match));
        PatternFirst first = compiler._firsts.Of(root);
        return new PatternProgram
        {
            Code = [.. compiler._code],
            Looks = [.. compiler._looks],
            References = [.. compiler._references],
            Slots = compiler._slots,
            Memos = compiler._memos,
            CanRemember = !compiler._capture && !compiler._hasSearchStart,
            First = first.Nullable ? null : first.Set,
        };
    }

    private static bool HasReference(PatternNode node) => node switch
    {
        BackreferenceNode => true,
        SequenceNode sequence => sequence.Parts.Any(HasReference),
        AlternationNode alternation => alternation.Options.Any(HasReference),
        RepeatNode repeat => HasReference(repeat.Body),
        CaptureNode capture => HasReference(capture.Body),
        AtomicNode atomic => HasReference(atomic.Body),
        LookNode look => HasReference(look.Body),
        _ => false,
    };

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= MaxInstructions)
            throw new PatternException($"it is too large when its repetitions are written out (more than {MaxInstructions} steps)");
        _code.Add(instruction);
        return _code.Count - 1;
    }

    /// <summary>Adds an instruction where ways part.</summary>
    private int AddChoice(PatternInstruction instruction)
    {
        if (_unremembered > 0 || _turns is { Length: > MaxTurns })
            return Add(instruction);
        int memo = _memos;
        _memos += 1 << (_turns?.Length ?? 0);
        return Add(instruction with { Memo = memo, Turns = _turns });
    }

    /// <summary>Writes a node; <paramref name="follow"/> is what must begin behind it, or null where that is not known.</summary>
    private void Emit(PatternNode node, CharSet? follow)
    {
        switch (node)
        {
            case SetNode set:
                Add(new PatternInstruction(PatternOp.Set, Set: set.Set));
                break;
            case SequenceNode sequence:
                for (int i = 0; i < sequence.Parts.Count; i++)
                    Emit(sequence.Parts[i], _firsts.Follow(sequence.Parts, i + 1, follow));
                break;
            case AlternationNode alternation:
                EmitAlternation(alternation, follow);
                break;
            case RepeatNode repeat:
                EmitRepeat(repeat, follow);
                break;
            case CaptureNode capture:
                EmitCapture(capture, follow);
                break;
            case AtomicNode atomic:
                EmitAtomic(atomic.Body);
                break;
            case LookNode look:
                EmitLook(look);
                break;
            case AnchorNode anchor:
                _hasSearchStart |= anchor.Kind == AnchorKind.SearchStart;
                Add(new PatternInstruction(PatternOp.Anchor, (int)anchor.Kind));
                break;
            case KeepNode:
                Add(new PatternInstruction(PatternOp.Save, 0));
                break;
            case BackreferenceNode reference:
                _references.Add(reference);
                Add(new PatternInstruction(PatternOp.Backreference, _references.Count - 1));
                break;
        }
    }

    private void EmitCapture(CaptureNode capture, CharSet? follow)
    {
        if (_capture)
            Add(new PatternInstruction(PatternOp.Save, 2 * capture.Index - 1));
        Emit(capture.Body, follow);
        if (_capture)
            Add(new PatternInstruction(PatternOp.Save, 2 * capture.Index));
    }

    private void EmitAtomic(PatternNode body)
    {
        Add(new PatternInstruction(PatternOp.AtomicStart));
        // What follows must not decide within: the body is final before it is looked at.
        Emit(body, null);
        Add(new PatternInstruction(PatternOp.AtomicEnd));
    }

    private void EmitAlternation(AlternationNode alternation, CharSet? follow)
    {
        var jumps = new List<int>();
        for (int i = 0; i < alternation.Options.Count; i++)
        {
            PatternNode option = alternation.Options[i];
            bool last = i == alternation.Options.Count - 1;
            int split = last ? -1 : AddChoice(new PatternInstruction(PatternOp.Split));
            Emit(option, follow);
            if (last)
                break;
            jumps.Add(Add(new PatternInstruction(PatternOp.Jump)));
            CharSet? rest = i == alternation.Options.Count - 2 ? _firsts.Follow([alternation.Options[i + 1]], 0, follow) : null;
            _code[split] = _code[split] with { X = split + 1, Y = _code.Count, Set = _firsts.Follow([option], 0, follow), First = rest };
        }

        foreach (int jump in jumps)
            _code[jump] = _code[jump] with { X = _code.Count };
    }

    private void EmitRepeat(RepeatNode repeat, CharSet? follow)
    {
        if (repeat.Body is SetNode single)
        {
            EmitSetRepeat(repeat, single.Set, follow);
            return;
        }

        if (repeat.Kind == RepeatKind.Possessive)
        {
            EmitAtomic(repeat with { Kind = RepeatKind.Greedy });
            return;
        }

        PatternFirst body = _firsts.Of(repeat.Body);
        EmptyTurns turns = body.Nullable ? _sizes.TurnsOf(repeat) : EmptyTurns.WrittenOut;
        if (turns == EmptyTurns.Counted)
        {
            EmitCounted(repeat);
            return;
        }

        if (turns == EmptyTurns.OneLoop)
        {
            int jump = Add(new PatternInstruction(PatternOp.Jump));
            _code[jump] = _code[jump] with { X = EmitLoop(repeat, body, null, follow) + 1 };
            return;
        }

        CharSet? after = follow is null || body.Nullable ? null : follow.Union(body.Set);
        for (int i = 0; i < repeat.Min; i++)
        {
            int before = _code.Count;
            Emit(repeat.Body, i + 1 < repeat.Min ? body.Nullable ? null : body.Set : repeat.Max > repeat.Min ? after : follow);
            // What has no instructions has none however often it comes, and that may be said a hundred thousand times.
            if (_code.Count == before)
                break;
        }

        if (repeat.Max == RepeatNode.Unlimited)
            EmitLoop(repeat, body, after, follow);
        else
            EmitOptional(repeat, body, after, follow);
    }

    private void EmitSetRepeat(RepeatNode repeat, CharSet set, CharSet? follow)
    {
        if (repeat.Min == 1)
            Add(new PatternInstruction(PatternOp.Set, Set: set));
        else if (repeat.Min > 1)
            Add(new PatternInstruction(PatternOp.SetRepeat, repeat.Min, Set: set));
        int more = repeat.Max == RepeatNode.Unlimited ? RepeatNode.Unlimited : repeat.Max - repeat.Min;
        if (more == 0)
            return;
        // Where what follows cannot begin with a character of the set, giving one back never helps.
        PatternOp op = repeat.Kind switch
        {
            RepeatKind.Lazy => PatternOp.SetLazy,
            RepeatKind.Possessive => PatternOp.SetRun,
            _ => follow is not null && more == RepeatNode.Unlimited && !follow.Overlaps(set) ? PatternOp.SetRun : PatternOp.SetLoop,
        };
        AddChoice(new PatternInstruction(op, more, Set: set, First: follow));
    }

    /// <summary>Writes all turns out, of which any that matches nothing is the last.</summary>
    private void EmitCounted(RepeatNode repeat)
    {
        int slot = _slots++;
        int[]? around = _turns;
        var splits = new List<int>();
        var leaves = new List<int>();
        // How a look came to hold is not known by the turns that it was in.
        _unremembered += _looksAround > 0 ? 1 : 0;
        void EmitTurn()
        {
            Add(new PatternInstruction(PatternOp.Save, slot));
            _turns = [.. around ?? [], slot];
            Emit(repeat.Body, null);
            _turns = around;
            leaves.Add(Add(new PatternInstruction(PatternOp.LeaveIfEmpty, slot)));
        }

        for (int i = 0; i < repeat.Min; i++)
            EmitTurn();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            splits.Add(AddChoice(new PatternInstruction(PatternOp.Split)));
            EmitTurn();
            if (repeat.Max == RepeatNode.Unlimited)
            {
                Add(new PatternInstruction(PatternOp.Jump, splits[0]));
                break;
            }
        }

        _unremembered -= _looksAround > 0 ? 1 : 0;
        foreach (int split in splits)
            SetSplit(split, repeat.Kind, _code.Count, null, null);
        foreach (int leave in leaves)
            _code[leave] = _code[leave] with { Y = _code.Count };
    }

    /// <summary>Where the loop begins with the choice to turn or to go on.</summary>
    private int EmitLoop(RepeatNode repeat, PatternFirst body, CharSet? after, CharSet? follow)
    {
        int slot = body.Nullable ? _slots++ : -1;
        int split = AddChoice(new PatternInstruction(PatternOp.Split));
        if (slot >= 0)
            Add(new PatternInstruction(PatternOp.Save, slot));
        Emit(repeat.Body, after);
        int leave = slot < 0 ? -1 : Add(new PatternInstruction(PatternOp.LeaveIfEmpty, slot));
        Add(new PatternInstruction(PatternOp.Jump, split));
        if (leave >= 0)
            _code[leave] = _code[leave] with { Y = _code.Count };
        SetSplit(split, repeat.Kind, _code.Count, body.Nullable ? null : body.Set, follow);
        return split;
    }

    private void EmitOptional(RepeatNode repeat, PatternFirst body, CharSet? after, CharSet? follow)
    {
        var splits = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            splits.Add(AddChoice(new PatternInstruction(PatternOp.Split)));
            Emit(repeat.Body, i + 1 < repeat.Max ? after : follow);
        }

        foreach (int split in splits)
            SetSplit(split, repeat.Kind, _code.Count, body.Nullable ? null : body.Set, follow);
    }

    private void SetSplit(int split, RepeatKind kind, int exit, CharSet? body, CharSet? follow)
    {
        PatternInstruction instruction = _code[split];
        _code[split] = kind == RepeatKind.Lazy
            ? instruction with { X = exit, Y = split + 1, Set = follow, First = body }
            : instruction with { X = split + 1, Y = exit, Set = body, First = follow };
    }

    private void EmitLook(LookNode look)
    {
        (int min, int max) = look.Behind ? PatternWidth.Of(look.Body) : (0, 0);
        int start = Add(new PatternInstruction(PatternOp.Look, _looks.Count));
        _looks.Add(new PatternLook(look.Negative, look.Behind, min, max));
        // How far a look behind of varying width may still go depends on where it has to end, not on the position alone.
        bool varies = min != max;
        _unremembered += varies ? 1 : 0;
        _looksAround++;
        int[]? around = _turns;
        _turns = null;
        Emit(look.Body, null);
        _turns = around;
        _looksAround--;
        _unremembered -= varies ? 1 : 0;
        Add(new PatternInstruction(PatternOp.LookEnd, varies ? 1 : 0));
        _code[start] = _code[start] with { Y = _code.Count };
    }
}
