using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Patterns;

/// <summary>
/// Runs a program over a text by backtracking. Once that has taken many steps, it remembers which instructions failed at which
/// positions and never tries them there again, so that patterns without backreferences take linear time (memoization as in Davis,
/// Servant and Lee, 2021); a limit on the steps stops the others. For one text at a time; not for use by several threads at once.
/// </summary>
internal sealed partial class PatternMatcher
{
    private const long StepsBeforeMemoPerUnit = 64;
    private const long MaxSteps = 2_000_000;
    private const int MaxStepsPerUnit = 4_000;

    private const int KeptEntries = 1 << 14;
    private const int MaxEntries = 1 << 24;

    private readonly PatternMemo _memo = new();
    private PatternProgram _program = null!;
    private int[] _slots = [];
    private Entry[] _stack = new Entry[64];
    private int _count;
    private int _searchStart;
    private int _textLength;
    private long _steps;
    private long _memoAt;
    private long _lastStep;

    /// <summary>What is on the stack.</summary>
    private enum EntryKind
    {
        /// <summary>Go on at an instruction and position.</summary>
        Way,

        /// <summary>A loop at Pc may give back down to A; it holds B.</summary>
        Loop,

        /// <summary>A lazy loop at Pc holds A and may take B more.</summary>
        LazyLoop,

        /// <summary>Slot Pc was A.</summary>
        Slot,

        /// <summary>An atomic group began; the one around it began at A.</summary>
        Atomic,

        /// <summary>All ways of the instruction Pc at A have failed once this comes to the top.</summary>
        Memo,

        /// <summary>The same for a loop that gives nothing back, which ends at B wherever it begins from A on.</summary>
        LoopMemo,

        /// <summary>A memo inside an atomic group that has matched.</summary>
        AtomicMemo,
    }

    /// <summary>Begins with a text; matches are then found in it from left to right.</summary>
    public void Start(PatternProgram program, int textLength, long stepsBeforeMemo)
    {
        (_program, _textLength) = (program, textLength);
        _memo.Reset();
        _count = 0;
        _steps = 0;
        _memoAt = program.CanRemember && program.Memos > 0 ? stepsBeforeMemo + StepsBeforeMemoPerUnit * textLength : long.MaxValue;
        _lastStep = MaxSteps + (long)MaxStepsPerUnit * textLength;
        if (_slots.Length < program.Slots)
            _slots = new int[program.Slots];
    }

    /// <summary>Lets go of what a hard text needed.</summary>
    public void Stop()
    {
        _memo.Reset();
        if (_stack.Length > KeptEntries)
            _stack = new Entry[64];
    }

    /// <summary>Finds the leftmost match that begins at a position or later.</summary>
    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        _searchStart = from;
        CharSet? first = _program.First;
        for (int at = from; at <= text.Length;)
        {
            if (first is not null)
            {
                at = Skip(text, at, first);
                if (at < 0)
                    break;
            }

            _slots.AsSpan(0, _program.Slots).Fill(-1);
            _slots[0] = at;
            end = Run(text, 0, at, -1);
            _count = 0;
            if (end >= 0)
            {
                start = _slots[0];
                return true;
            }

            if (at == text.Length)
                break;
            CodePointAt(text, at, out int units);
            at += units;
        }

        start = end = -1;
        return false;
    }

    private int Skip(ReadOnlySpan<char> text, int at, CharSet first)
    {
        int units;
        for (int from = at; at < text.Length; at += units)
        {
            if (first.Contains(CodePointAt(text, at, out units)))
            {
                Count(at - from);
                return at;
            }
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CodePointAt(ReadOnlySpan<char> text, int at, out int units)
    {
        char c = text[at];
        if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
        {
            units = 2;
            return char.ConvertToUtf32(c, text[at + 1]);
        }

        units = 1;
        return c;
    }

    private static int CodePointBefore(ReadOnlySpan<char> text, int at, out int units)
    {
        char c = text[at - 1];
        if (char.IsLowSurrogate(c) && at > 1 && char.IsHighSurrogate(text[at - 2]))
        {
            units = 2;
            return char.ConvertToUtf32(text[at - 2], c);
        }

        units = 1;
        return c;
    }

    /// <summary>Whether a character of the set stands at a position; anything goes where the set is not known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Begins(ReadOnlySpan<char> text, int at, CharSet? set) =>
        set is null || at < text.Length && set.Contains(CodePointAt(text, at, out _));

    private void Count(int steps)
    {
        _steps += steps;
        if (_steps >= _memoAt || _steps >= _lastStep)
            Slow();
    }

    private void Slow()
    {
        if (_steps >= _lastStep)
            throw new PatternException("it takes too many steps on this text");
        _memoAt = long.MaxValue;
        _memo.Activate(_program.Memos, _textLength);
    }

    private void Push(EntryKind kind, int pc, int a, int b = 0)
    {
        if (_count == _stack.Length)
            Grow();
        _stack[_count++] = new Entry(kind, pc, a, b);
    }

    private void Grow()
    {
        if (_stack.Length >= MaxEntries)
            throw new PatternException("it needs too much memory on this text");
        Array.Resize(ref _stack, _stack.Length * 2);
    }

    private readonly record struct Entry(EntryKind Kind, int Pc, int A, int B);
}
