namespace Triptych.Tokenizers.Patterns;

/// <summary>The ways not taken yet, and what is learned when they fail.</summary>
internal sealed partial class PatternMatcher
{
    /// <summary>Takes the next way that is left above the bottom.</summary>
    private bool Backtrack(ReadOnlySpan<char> text, int bottom, ref int pc, ref int at, ref int atomic)
    {
        while (_count > bottom)
        {
            Entry entry = _stack[--_count];
            Count(1);
            switch (entry.Kind)
            {
                case EntryKind.Way:
                    (pc, at) = (entry.Pc, entry.A);
                    return true;
                case EntryKind.Loop:
                    if (GiveBack(text, entry, ref pc, ref at))
                        return true;
                    break;
                case EntryKind.LazyLoop:
                    if (TakeOneMore(text, entry, ref pc, ref at))
                        return true;
                    break;
                default:
                    Undo(entry, ref atomic);
                    break;
            }
        }

        return false;
    }

    private bool GiveBack(ReadOnlySpan<char> text, in Entry entry, ref int pc, ref int at)
    {
        ref readonly PatternInstruction loop = ref _program.Code[entry.Pc];
        CharSet? follow = loop.First;
        int position = entry.B;
        bool remembers = _memo.IsActive && loop.Memo >= 0 && loop.X == RepeatNode.Unlimited;
        while (position > entry.A)
        {
            // What follows has failed at this position and all later ones.
            if (remembers)
                _memo.Set(MemoOf(loop, position), position, PatternOutcome.Fails);
            CodePointBefore(text, position, out int units);
            position -= units;
            Count(1);
            if (!Begins(text, position, follow))
                continue;
            if (position > entry.A)
                Push(EntryKind.Loop, entry.Pc, entry.A, position);
            (pc, at) = (entry.Pc + 1, position);
            return true;
        }

        return false;
    }

    private bool TakeOneMore(ReadOnlySpan<char> text, in Entry entry, ref int pc, ref int at)
    {
        if (entry.B == 0 || entry.A >= text.Length || !_program.Code[entry.Pc].Set!.Contains(CodePointAt(text, entry.A, out int units)))
            return false;
        at = entry.A + units;
        pc = entry.Pc + 1;
        if (entry.B != RepeatNode.Unlimited)
        {
            Push(EntryKind.LazyLoop, entry.Pc, at, entry.B - 1);
            return true;
        }

        if (_memo.IsActive && _program.Code[entry.Pc].Memo >= 0)
        {
            if (_memo.Get(MemoOf(_program.Code[entry.Pc], at), at) == PatternOutcome.Fails)
                return false;
            Push(EntryKind.Memo, entry.Pc, at, at);
        }

        Push(EntryKind.LazyLoop, entry.Pc, at, entry.B);
        return true;
    }

    /// <summary>What an entry that leads nowhere leaves behind.</summary>
    private void Undo(in Entry entry, ref int atomic)
    {
        switch (entry.Kind)
        {
            case EntryKind.Slot:
                _slots[entry.Pc] = entry.A;
                break;
            case EntryKind.Atomic:
                atomic = entry.A;
                break;
            case EntryKind.Memo:
                Remember(entry.Pc, entry.A, PatternOutcome.Fails);
                break;
            case EntryKind.LoopMemo:
                for (int position = entry.A; position <= entry.B; position++)
                    Remember(entry.Pc, position, PatternOutcome.Fails);
                break;
            case EntryKind.AtomicMemo:
                Remember(entry.Pc, entry.A, PatternOutcome.FailsBehindAtomic);
                break;
        }
    }

    private void Remember(int pc, int position, PatternOutcome outcome) =>
        _memo.Set(MemoOf(_program.Code[pc], position), position, outcome);

    /// <summary>The instruction's memo for the turns it is in. When an entry comes off the stack, the slots are what they were then.</summary>
    private int MemoOf(in PatternInstruction step, int position)
    {
        int memo = step.Memo;
        if (step.Turns is not null)
        {
            for (int i = 0; i < step.Turns.Length; i++)
                memo += _slots[step.Turns[i]] == position ? 1 << i : 0;
        }

        return memo;
    }

    /// <summary>Fails out of an atomic group or a look at once, whatever ways are left in it.</summary>
    private void Unwind(int bottom, ref int atomic)
    {
        while (_count > bottom)
        {
            Entry entry = _stack[--_count];
            if (entry.Kind is EntryKind.Memo or EntryKind.LoopMemo)
                Remember(entry.Pc, entry.A, PatternOutcome.FailsBehindAtomic);
            else if (entry.Kind != EntryKind.AtomicMemo)
                Undo(entry, ref atomic);
        }
    }

    /// <summary>An atomic group has matched: its ways are given up, what they may teach and undo stays.</summary>
    private void EndAtomic(ref int atomic)
    {
        int kept = atomic;
        int outer = _stack[atomic].A;
        for (int i = atomic + 1; i < _count; i++)
        {
            Entry entry = _stack[i];
            if (entry.Kind == EntryKind.Slot)
                _stack[kept++] = entry;
            else if (entry.Kind is EntryKind.Memo or EntryKind.LoopMemo)
                _stack[kept++] = entry with { Kind = EntryKind.AtomicMemo };
        }

        Count(_count - atomic);
        _count = kept;
        atomic = outer;
    }

    /// <summary>A look's body has matched: its ways are given up; whatever leads to them makes the look hold.</summary>
    private void Hold(int bottom)
    {
        int kept = bottom;
        for (int i = bottom; i < _count; i++)
        {
            Entry entry = _stack[i];
            switch (entry.Kind)
            {
                case EntryKind.Slot:
                    _stack[kept++] = entry;
                    break;
                case EntryKind.Memo or EntryKind.LoopMemo or EntryKind.AtomicMemo:
                    int end = i + 1 < _count && _stack[i + 1] is { Kind: EntryKind.Loop } loop && loop.Pc == entry.Pc
                        && _program.Code[loop.Pc].X == RepeatNode.Unlimited ? loop.B : entry.B;
                    for (int position = entry.A; position <= end; position++)
                        Remember(entry.Pc, position, PatternOutcome.Holds);
                    break;
            }
        }

        Count(_count - bottom);
        _count = kept;
    }
}
