using System.Globalization;

namespace Triptych.Tokenizers.Patterns;

/// <summary>
/// Parses regular expressions as Oniguruma does with its Ruby syntax, which is what tokenizer.json files are written for: ^ and $ are
/// always those of lines, (?m) lets the dot match line breaks, a{2}+ is a repeated repetition, \h is a hexadecimal digit.
/// </summary>
internal sealed partial class PatternParser
{
    private const int MaxLength = 1 << 15;
    private const int MaxDepth = 100;
    private const int MaxQuantifiers = 8;
    private const int MaxRepeat = 100_000;

    private readonly string _source;
    private readonly bool _onlyNamedGroups;
    private readonly Dictionary<string, List<int>> _names = new(StringComparer.Ordinal);
    private readonly List<int[]> _references = [];
    private int _at;
    private int _depth;
    private int _groups;
    private bool _plainGroups;
    private Options _options;

    private PatternParser(string source, bool onlyNamedGroups) => (_source, _onlyNamedGroups) = (source, onlyNamedGroups);

    private bool AtEnd => _at >= _source.Length;

    private char Current => _source[_at];

    /// <summary>Parses a pattern.</summary>
    /// <exception cref="PatternException">It is not one, or uses what is not supported.</exception>
    public static (PatternNode Root, int Groups) Parse(string source)
    {
        if (source.Length > MaxLength)
            throw new PatternException($"it has {source.Length} characters, more than {MaxLength}");
        var parser = new PatternParser(source, onlyNamedGroups: false);
        PatternNode root = parser.ParseAll();
        if (parser._names.Count > 0 && parser._plainGroups)
        {
            // Beside named groups, plain ones do not capture.
            parser = new PatternParser(source, onlyNamedGroups: true);
            root = parser.ParseAll();
        }

        return (root, parser._groups);
    }

    private PatternNode ParseAll()
    {
        PatternNode root = ParseAlternation();
        if (!AtEnd)
            throw Fail("unmatched )");
        foreach (int[] groups in _references)
        {
            if (Array.Exists(groups, group => group < 1 || group > _groups))
                throw new PatternException($"there is no group {groups[0]}");
        }

        return root;
    }

    private PatternException Fail(string reason) => new($"{reason} at position {Math.Min(_at, _source.Length)}");

    private bool Take(char c)
    {
        if (AtEnd || Current != c)
            return false;
        _at++;
        return true;
    }

    private bool Take(string text)
    {
        if (!_source.AsSpan(_at).StartsWith(text, StringComparison.Ordinal))
            return false;
        _at += text.Length;
        return true;
    }

    private int TakeCodePoint()
    {
        int codePoint = Current;
        if (char.IsHighSurrogate(Current) && _at + 1 < _source.Length && char.IsLowSurrogate(_source[_at + 1]))
            codePoint = char.ConvertToUtf32(Current, _source[++_at]);
        _at++;
        return codePoint;
    }

    private PatternNode ParseAlternation()
    {
        if (++_depth > MaxDepth)
            throw Fail($"groups are nested more than {MaxDepth} deep");
        Options outer = _options;
        var options = new List<PatternNode> { ParseSequence() };
        while (Take('|'))
            options.Add(ParseSequence());
        _options = outer;
        _depth--;
        return options.Count == 1 ? options[0] : new AlternationNode(options);
    }

    private PatternNode ParseSequence()
    {
        var parts = new List<PatternNode>();
        var literal = new List<int>();
        while (!AtEnd && Current is not ('|' or ')'))
        {
            if (_options.HasFlag(Options.Extended) && SkipExtended())
                continue;
            if (Take("(?#"))
            {
                SkipComment();
                continue;
            }

            if (TakeLiteral() is >= 0 and int codePoint)
            {
                literal.Add(codePoint);
                if (!AtQuantifier())
                    continue;
                literal.RemoveAt(literal.Count - 1);
                FlushLiteral(literal, parts);
                parts.Add(ParseQuantifiers(Literal([codePoint])));
                continue;
            }

            FlushLiteral(literal, parts);
            if (AtQuantifier())
                throw Fail("nothing to repeat");
            PatternNode? part = ParseAtom();
            if (part is not null)
                parts.Add(ParseQuantifiers(part));
        }

        FlushLiteral(literal, parts);
        return parts.Count == 1 ? parts[0] : new SequenceNode(parts);
    }

    private void FlushLiteral(List<int> literal, List<PatternNode> parts)
    {
        if (literal.Count > 0)
            parts.Add(Literal(literal));
        literal.Clear();
    }

    private PatternNode Literal(IReadOnlyList<int> codePoints) => _options.HasFlag(Options.IgnoreCase)
        ? CaseFolding.Literal(codePoints)
        : codePoints.Count == 1 ? new SetNode(CharSet.Of(codePoints[0]))
        : new SequenceNode([.. codePoints.Select(codePoint => new SetNode(CharSet.Of(codePoint)))]);

    private bool SkipExtended()
    {
        if (Current is ' ' or '\t' or '\n' or '\r' or '\f' or '\v')
        {
            _at++;
            return true;
        }

        if (Current != '#')
            return false;
        int end = _source.IndexOf('\n', _at);
        _at = end < 0 ? _source.Length : end + 1;
        return true;
    }

    private void SkipComment()
    {
        while (!AtEnd && Current != ')')
            _at += Current == '\\' ? 2 : 1;
        if (!Take(')'))
            throw Fail("a comment has no end");
    }

    /// <summary>A character that stands for itself, escaped or not, or -1.</summary>
    private int TakeLiteral()
    {
        switch (Current)
        {
            case '.' or '[' or '(' or '^' or '$' or '*' or '+' or '?':
                return -1;
            case '{' when IsInterval():
                return -1;
            case '\\':
                return TakeEscapedCharacter(inClass: false);
            default:
                return TakeCodePoint();
        }
    }

    private PatternNode? ParseAtom()
    {
        switch (_source[_at++])
        {
            case '.':
                return new SetNode(_options.HasFlag(Options.DotAll) ? CharSet.All : CharSet.Of('\n').Not());
            case '^':
                return new AnchorNode(AnchorKind.LineStart);
            case '$':
                return new AnchorNode(AnchorKind.LineEnd);
            case '[':
                return ParseClass();
            case '(':
                return ParseGroup();
            default:
                return ParseEscape();
        }
    }

    private bool AtQuantifier()
    {
        while (_options.HasFlag(Options.Extended) && !AtEnd && SkipExtended())
            continue;
        return !AtEnd && (Current is '*' or '+' or '?' || Current == '{' && IsInterval());
    }

    private bool IsInterval()
    {
        int at = _at;
        bool isInterval = TakeInterval(out _, out _);
        _at = at;
        return isInterval;
    }

    private bool TakeInterval(out int min, out int max)
    {
        max = min = 0;
        if (!Take('{'))
            return false;
        bool hasMin = TakeNumber(out min);
        if (Take('}'))
        {
            max = min;
            return hasMin;
        }

        if (!Take(','))
            return false;
        bool hasMax = TakeNumber(out max);
        if (!hasMax)
            max = RepeatNode.Unlimited;
        return Take('}') && (hasMin || hasMax);
    }

    private bool TakeNumber(out int number)
    {
        int start = _at;
        number = 0;
        while (!AtEnd && char.IsAsciiDigit(Current))
            number = Math.Min(MaxRepeat + 1, number * 10 + (_source[_at++] - '0'));
        return _at > start;
    }

    private PatternNode ParseQuantifiers(PatternNode body)
    {
        for (int count = 0; AtQuantifier(); count++)
        {
            if (count == MaxQuantifiers)
                throw Fail($"more than {MaxQuantifiers} quantifiers follow each other");
            body = ParseQuantifier(body);
        }

        return body;
    }

    private RepeatNode ParseQuantifier(PatternNode body)
    {
        (int min, int max) = Current switch
        {
            '*' => (0, RepeatNode.Unlimited),
            '+' => (1, RepeatNode.Unlimited),
            '?' => (0, 1),
            _ => (-1, -1),
        };
        if (min >= 0)
        {
            _at++;
            RepeatKind kind = Take('?') ? RepeatKind.Lazy : Take('+') ? RepeatKind.Possessive : RepeatKind.Greedy;
            return new RepeatNode(body, min, max, kind);
        }

        TakeInterval(out min, out max);
        if (min > MaxRepeat || max > MaxRepeat && max != RepeatNode.Unlimited)
            throw Fail($"more than {MaxRepeat} repetitions");
        if (min > max)
            return new RepeatNode(body, max, min, RepeatKind.Possessive);
        bool lazy = min != max && Take('?');
        return new RepeatNode(body, min, max, lazy ? RepeatKind.Lazy : RepeatKind.Greedy);
    }

    private PatternNode? ParseGroup()
    {
        if (!Take('?'))
        {
            if (!AtEnd && Current == '*')
                throw Fail("callouts are not supported");
            _plainGroups = true;
            int index = _onlyNamedGroups ? 0 : ++_groups;
            PatternNode body = ParseAlternation();
            Close();
            return index > 0 ? new CaptureNode(body, index) : body;
        }

        if (AtEnd)
            throw Fail("a group has no end");
        if (Take(':'))
            return Closed(ParseAlternation());
        if (Take('>'))
            return new AtomicNode(Closed(ParseAlternation()));
        if (Take('='))
            return new LookNode(Closed(ParseAlternation()), Behind: false, Negative: false);
        if (Take('!'))
            return new LookNode(Closed(ParseAlternation()), Behind: false, Negative: true);
        if (Take("<="))
            return new LookNode(Closed(ParseAlternation()), Behind: true, Negative: false);
        if (Take("<!"))
            return new LookNode(Closed(ParseAlternation()), Behind: true, Negative: true);
        if (Current is '<' or '\'')
            return ParseNamedGroup();
        if (Current is '~' or '(' or '{')
            throw Fail("absent operators, conditions and callouts are not supported");
        return ParseOptions();
    }

    private CaptureNode ParseNamedGroup()
    {
        char end = _source[_at++] == '<' ? '>' : '\'';
        string name = TakeName(end);
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || name.Contains('-', StringComparison.Ordinal))
            throw Fail($"\"{name}\" is not a group's name");
        int index = ++_groups;
        if (!_names.TryGetValue(name, out List<int>? indices))
            _names[name] = indices = [];
        indices.Add(index);
        return new CaptureNode(Closed(ParseAlternation()), index);
    }

    private string TakeName(char end)
    {
        int close = _source.IndexOf(end, _at);
        if (close < 0)
            throw Fail("a name has no end");
        string name = _source[_at..close];
        _at = close + 1;
        return name;
    }

    /// <summary>(?i) goes on to the end of the group around it, its other alternatives included; (?i:...) has a group of its own.</summary>
    private PatternNode ParseOptions()
    {
        Options options = _options;
        bool on = true;
        for (; ; _at++)
        {
            if (AtEnd)
                throw Fail("a group has no end");
            Options option = Current switch
            {
                'i' => Options.IgnoreCase,
                'm' => Options.DotAll,
                'x' => Options.Extended,
                _ => Options.None,
            };
            if (Current == '-')
                on = false;
            else if (option != Options.None)
                options = on ? options | option : options & ~option;
            else
                break;
        }

        bool own = Take(':');
        if (!own && !Take(')'))
            throw Fail($"unknown group option '{Current}'");
        Options outer = _options;
        _options = options;
        PatternNode body = ParseAlternation();
        _options = outer;
        if (own)
            Close();
        return body;
    }

    private PatternNode Closed(PatternNode body)
    {
        Close();
        return body;
    }

    private void Close()
    {
        if (!Take(')'))
            throw Fail("a group has no end");
    }

    private int TakeHex(int least, int most)
    {
        int start = _at;
        while (!AtEnd && _at - start < most && char.IsAsciiHexDigit(Current))
            _at++;
        if (_at - start < least)
            throw Fail("a hexadecimal number is too short");
        return _at == start ? 0 : int.TryParse(_source.AsSpan(start, _at - start), NumberStyles.AllowHexSpecifier, null, out int value)
            && value is >= 0 and < CharSet.Limit ? value : throw Fail("a code point is out of range");
    }

    [Flags]
    private enum Options
    {
        None = 0,
        IgnoreCase = 1,
        DotAll = 2,
        Extended = 4,
    }
}
