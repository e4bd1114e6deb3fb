namespace Triptych.Tokenizers.Patterns;

/// <summary>Character classes in brackets: ranges, POSIX brackets, classes in classes, intersections.</summary>
internal sealed partial class PatternParser
{
    private PatternNode ParseClass()
    {
        (CharSet set, bool negated) = ParseClassBody();
        if (!_options.HasFlag(Options.IgnoreCase))
            return new SetNode(negated ? set.Not() : set);
        return CaseFolding.Class(set, negated);
    }

    /// <summary>The content behind [ up to its ], and whether it began with ^.</summary>
    private (CharSet Set, bool Negated) ParseClassBody()
    {
        if (++_depth > MaxDepth)
            throw Fail($"classes are nested more than {MaxDepth} deep");
        bool negated = Take('^');
        var members = new ClassMembers();
        CharSet? intersection = null;
        if (!AtEnd && Current == ']')
        {
            if (_source.IndexOf(']', _at + 1) < 0)
                throw Fail("a class is empty");
            _at++;
            members.Add(']');
        }

        while (!Take(']'))
        {
            if (AtEnd)
                throw Fail("a class has no end");
            if (Take("&&"))
            {
                CharSet left = members.TakeSet(this);
                intersection = intersection is null ? left : intersection.Intersect(left);
            }
            else
            {
                ParseMember(members);
            }
        }

        _depth--;
        CharSet set = members.TakeSet(this);
        return (intersection is null ? set : intersection.Intersect(set), negated);
    }

    private void ParseMember(ClassMembers members)
    {
        if (Current == '[')
        {
            if (TakePosixBracket() is CharSet posix)
            {
                members.Add(posix, this);
                return;
            }

            _at++;
            (CharSet inner, bool negated) = ParseClassBody();
            members.AddNested(negated ? inner.Not() : inner, this);
            return;
        }

        if (Current == '-')
        {
            _at++;
            bool last = AtEnd || Current == ']' || _source.AsSpan(_at).StartsWith("&&", StringComparison.Ordinal);
            members.Dash(last, this);
            return;
        }

        if (Current == '\\')
        {
            int escaped = TakeEscapedCharacter(inClass: true);
            if (escaped >= 0)
            {
                AddCharacter(members, escaped);
                return;
            }

            _at++;
            members.Add(TakeClassEscape(inClass: true)!, this);
            return;
        }

        AddCharacter(members, TakeCodePoint());
    }

    private void AddCharacter(ClassMembers members, int codePoint)
    {
        if (!members.Add(codePoint))
            throw Fail("a range is empty");
    }

    private CharSet? TakePosixBracket()
    {
        if (!_source.AsSpan(_at).StartsWith("[:", StringComparison.Ordinal))
            return null;
        int end = _source.IndexOf(":]", _at + 2, StringComparison.Ordinal);
        if (end < 0 || end - _at > 22)
            return null;
        bool negated = _source[_at + 2] == '^';
        string name = _source[(_at + (negated ? 3 : 2))..end];
        if (UnicodeProperties.Posix(name) is not CharSet set)
            return name.All(char.IsAsciiLetter) ? throw Fail($"unknown POSIX bracket \"{name}\"") : null;
        _at = end + 2;
        return negated ? set.Not() : set;
    }

    /// <summary>What a class has so far, and whether the next character ends a range.</summary>
    private sealed class ClassMembers
    {
        private readonly List<(int Start, int End)> _ranges = [];
        private State _state;
        private int _pending = -1;

        private enum State
        {
            /// <summary>Nothing yet.</summary>
            Start,

            /// <summary>A character that may begin a range.</summary>
            Character,

            /// <summary>A character and a hyphen behind it.</summary>
            Range,

            /// <summary>A class or property, which cannot begin a range.</summary>
            Set,

            /// <summary>A range, or a nested class.</summary>
            Complete,
        }

        public bool Add(int codePoint)
        {
            if (_state == State.Range)
            {
                if (codePoint < _pending)
                    return false;
                _ranges.Add((_pending, codePoint + 1));
                (_state, _pending) = (State.Complete, -1);
                return true;
            }

            _ranges.Add((codePoint, codePoint + 1));
            (_state, _pending) = (State.Character, codePoint);
            return true;
        }

        public void Add(CharSet set, PatternParser parser) => AddSet(set, State.Set, parser);

        public void AddNested(CharSet set, PatternParser parser) => AddSet(set, State.Complete, parser);

        /// <summary>A hyphen: the range operator, or itself at the beginning, at the end, and behind what begins no range.</summary>
        public void Dash(bool last, PatternParser parser)
        {
            if (_state == State.Character && !last)
                _state = State.Range;
            else if (_state == State.Set && !last)
                throw parser.Fail("a class cannot begin a range");
            else if (!Add('-'))
                throw parser.Fail("a range is empty");
        }

        public CharSet TakeSet(PatternParser parser)
        {
            if (_state == State.Range)
                throw parser.Fail("a range has no end");
            CharSet set = CharSet.Of(_ranges);
            _ranges.Clear();
            (_state, _pending) = (State.Start, -1);
            return set;
        }

        private void AddSet(CharSet set, State state, PatternParser parser)
        {
            if (_state == State.Range)
                throw parser.Fail("a class cannot end a range");
            _ranges.AddRange(set.Ranges);
            (_state, _pending) = (state, -1);
        }
    }
}
