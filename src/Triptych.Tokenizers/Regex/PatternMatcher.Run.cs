namespace Triptych.Tokenizers.Patterns;

/// <summary>The instructions.</summary>
internal sealed partial class PatternMatcher
{
    /// <summary>
    /// Runs from an instruction to the end of the program or of a look's body; returns where that is, or -1. A look behind of varying
    /// width has to end at <paramref name="target"/>.
    /// </summary>
    private int Run(ReadOnlySpan<char> text, int pc, int at, int target)
    {
        PatternInstruction[] code = _program.Code;
        int bottom = _count;
        int atomic = -1;
        while (true)
        {
            ref readonly PatternInstruction step = ref code[pc];
            bool goesOn;
            switch (step.Op)
            {
                case PatternOp.Set:
                    goesOn = at < text.Length && step.Set!.Contains(CodePointAt(text, at, out int units)) && (at += units) > 0;
                    pc++;
                    break;
                case PatternOp.SetRepeat:
                    goesOn = TakeExactly(text, ref at, step);
                    pc++;
                    break;
                case PatternOp.SetLoop or PatternOp.SetRun or PatternOp.SetLazy or PatternOp.Split:
                    if (_memo.IsActive && step.Memo >= 0)
                    {
                        PatternOutcome outcome = _memo.Get(MemoOf(step, at), at);
                        if (outcome == PatternOutcome.Holds)
                        {
                            Hold(bottom);
                            return at;
                        }

                        if (outcome == PatternOutcome.FailsBehindAtomic)
                            Unwind(atomic, ref atomic);
                        if (outcome != PatternOutcome.Unknown)
                        {
                            goesOn = false;
                            break;
                        }

                        Push(EntryKind.Memo, pc, at, at);
                    }

                    goesOn = step.Op switch
                    {
                        PatternOp.Split => TakeSplit(text, step, ref pc, at),
                        PatternOp.SetLoop => TakeLoop(text, step, ref pc, ref at),
                        PatternOp.SetRun => TakeAll(text, step, ref pc, ref at),
                        _ => TakeLazy(ref pc, at, step),
                    };
                    break;
                case PatternOp.Jump:
                    goesOn = true;
                    pc = step.X;
                    break;
                case PatternOp.Anchor:
                    goesOn = Holds(text, at, (AnchorKind)step.X);
                    pc++;
                    break;
                case PatternOp.Save:
                    Push(EntryKind.Slot, step.X, _slots[step.X]);
                    _slots[step.X] = at;
                    goesOn = true;
                    pc++;
                    break;
                case PatternOp.LeaveIfEmpty:
                    goesOn = true;
                    pc = _slots[step.X] == at ? step.Y : pc + 1;
                    break;
                case PatternOp.AtomicStart:
                    Push(EntryKind.Atomic, pc, atomic);
                    atomic = _count - 1;
                    goesOn = true;
                    pc++;
                    break;
                case PatternOp.AtomicEnd:
                    EndAtomic(ref atomic);
                    goesOn = true;
                    pc++;
                    break;
                case PatternOp.Look:
                    goesOn = Look(text, pc + 1, at, _program.Looks[step.X]);
                    pc = step.Y;
                    break;
                case PatternOp.LookEnd:
                    if (step.X == 0 || at == target)
                    {
                        Hold(bottom);
                        return at;
                    }

                    goesOn = false;
                    break;
                case PatternOp.Backreference:
                    goesOn = TakeReference(text, ref at, _program.References[step.X]);
                    pc++;
                    break;
                default:
                    return at;
            }

            if (!goesOn && !Backtrack(text, bottom, ref pc, ref at, ref atomic))
                return -1;
        }
    }

    private static bool TakeExactly(ReadOnlySpan<char> text, ref int at, in PatternInstruction step)
    {
        for (int i = 0; i < step.X; i++)
        {
            if (at >= text.Length || !step.Set!.Contains(CodePointAt(text, at, out int units)))
                return false;
            at += units;
        }

        return true;
    }

    private bool TakeLoop(ReadOnlySpan<char> text, in PatternInstruction step, ref int pc, ref int at)
    {
        int start = at;
        // Where the loop is known to fail, so does whatever follows from there on.
        bool remembers = _memo.IsActive && step.Memo >= 0 && step.X == RepeatNode.Unlimited;
        for (int i = 0; i < step.X && at < text.Length && step.Set!.Contains(CodePointAt(text, at, out int units)); i++)
        {
            if (remembers && _memo.Get(MemoOf(step, at + units), at + units) == PatternOutcome.Fails)
                break;
            at += units;
        }

        Count(at - start);
        if (at > start)
            Push(EntryKind.Loop, pc, start, at);
        pc++;
        return Begins(text, at, step.First);
    }

    private bool TakeAll(ReadOnlySpan<char> text, in PatternInstruction step, ref int pc, ref int at)
    {
        int start = at;
        bool remembers = _memo.IsActive && step.Memo >= 0;
        for (int i = 0; i < step.X && at < text.Length && step.Set!.Contains(CodePointAt(text, at, out int units)); i++)
        {
            at += units;
            if (remembers && step.X == RepeatNode.Unlimited && _memo.Get(MemoOf(step, at), at) == PatternOutcome.Fails)
                return false;
        }

        Count(at - start);
        if (remembers && step.X == RepeatNode.Unlimited && _count > 0 && _stack[_count - 1] is { Kind: EntryKind.Memo } memo && memo.Pc == pc)
            _stack[_count - 1] = memo with { Kind = EntryKind.LoopMemo, B = at };
        pc++;
        return true;
    }

    private bool TakeLazy(ref int pc, int at, in PatternInstruction step)
    {
        Count(1);
        Push(EntryKind.LazyLoop, pc, at, step.X);
        pc++;
        return true;
    }

    private bool TakeSplit(ReadOnlySpan<char> text, in PatternInstruction step, ref int pc, int at)
    {
        Count(1);
        bool second = Begins(text, at, step.First);
        if (Begins(text, at, step.Set))
        {
            if (second)
                Push(EntryKind.Way, step.Y, at);
            pc = step.X;
            return true;
        }

        pc = step.Y;
        return second;
    }

    private bool Look(ReadOnlySpan<char> text, int body, int at, PatternLook look)
    {
        int bottom = _count;
        bool found = look.Behind ? LooksBehind(text, body, at, look) : Run(text, body, at, -1) >= 0;
        if (look.Negative && found)
        {
            int none = -1;
            Unwind(bottom, ref none);
        }

        return found != look.Negative;
    }

    private bool LooksBehind(ReadOnlySpan<char> text, int body, int at, PatternLook look)
    {
        int start = at;
        for (int width = 0; ; width++)
        {
            if (width >= look.Min && Run(text, body, start, at) >= 0)
                return true;
            if (width >= look.Max || start == 0)
                return false;
            CodePointBefore(text, start, out int units);
            start -= units;
            Count(1);
        }
    }

    private bool TakeReference(ReadOnlySpan<char> text, ref int at, BackreferenceNode reference)
    {
        for (int i = reference.Groups.Count - 1; i >= 0; i--)
        {
            int start = _slots[2 * reference.Groups[i] - 1];
            int end = _slots[2 * reference.Groups[i]];
            if (start < 0 || end < start)
                continue;
            ReadOnlySpan<char> group = text[start..end];
            Count(group.Length);
            if (group.Length > text.Length - at)
                return false;
            if (!(reference.IgnoreCase ? SameButForCase(group, text[at..]) : text[at..].StartsWith(group)))
                return false;
            at += group.Length;
            return true;
        }

        return false;
    }

    // As in Oniguruma, both must take as many bytes of UTF-8: the Kelvin sign is no k here.
    private static bool SameButForCase(ReadOnlySpan<char> group, ReadOnlySpan<char> text)
    {
        for (int i = 0, units; i < group.Length; i += units)
        {
            int mine = CodePointAt(group, i, out units);
            int other = CodePointAt(text, i, out _);
            if (mine != other && (!CaseFolding.Same(mine, other)
                || new System.Text.Rune(mine).Utf8SequenceLength != new System.Text.Rune(other).Utf8SequenceLength))
                return false;
        }

        return true;
    }

    private bool Holds(ReadOnlySpan<char> text, int at, AnchorKind kind) => kind switch
    {
        AnchorKind.LineStart => at == 0 || text[at - 1] == '\n' && at < text.Length,
        AnchorKind.LineEnd => at == text.Length || text[at] == '\n',
        AnchorKind.TextStart => at == 0,
        AnchorKind.TextEnd => at == text.Length,
        AnchorKind.TextEndOrLastLine => at == text.Length || at == text.Length - 1 && text[at] == '\n',
        AnchorKind.SearchStart => at == _searchStart,
        _ => IsWord(text, at) != (at > 0 && UnicodeProperties.Word.Contains(CodePointBefore(text, at, out _)))
            == (kind == AnchorKind.WordBoundary),
    };

    private static bool IsWord(ReadOnlySpan<char> text, int at) =>
        at < text.Length && UnicodeProperties.Word.Contains(CodePointAt(text, at, out _));
}
