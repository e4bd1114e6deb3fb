namespace Triptych.Tokenizers.Patterns;

/// <summary>What begins with a backslash.</summary>
internal sealed partial class PatternParser
{
    /// <summary>An escape that stands for one character, or -1 where it is another one (the position is then unchanged).</summary>
    private int TakeEscapedCharacter(bool inClass)
    {
        int start = _at++;
        if (AtEnd)
            throw Fail("the pattern ends with a backslash");
        switch (Current)
        {
            case 't': _at++; return '\t';
            case 'n': _at++; return '\n';
            case 'r': _at++; return '\r';
            case 'f': _at++; return '\f';
            case 'v': _at++; return '\v';
            case 'a': _at++; return '\a';
            case 'e': _at++; return 0x1B;
            case 'b' when inClass: _at++; return '\b';
            case 'x': _at++; return TakeHexEscape();
            case 'u': _at++; return TakeUnicodeEscape();
            case 'o' when _at + 1 < _source.Length && _source[_at + 1] == '{': _at++; return TakeOctalBraces();
            case 'c': _at++; return TakeControl();
            case 'C' when _at + 1 < _source.Length && _source[_at + 1] == '-': _at += 2; return TakeControl();
            case 'M' when _at + 1 < _source.Length && _source[_at + 1] == '-': throw Fail("\\M- is not supported");
            case 'p' or 'P' when _at + 1 < _source.Length && _source[_at + 1] == '{':
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'h' or 'H':
                _at = start;
                return -1;
            case 'A' or 'b' or 'B' or 'z' or 'Z' or 'G' or 'K' or 'N' or 'O' or 'R' or 'X' or 'y' or 'Y' or 'k' or 'g' when !inClass:
                _at = start;
                return -1;
            case >= '1' and <= '9' when !inClass && IsReference():
                _at = start;
                return -1;
            case >= '0' and <= '7':
                return TakeOctal();
            default:
                return TakeCodePoint();
        }
    }

    private int TakeHexEscape()
    {
        if (!Take('{'))
            return TakeBytes(TakeHex(0, 2));
        int value = TakeHex(1, 8);
        return Take('}') ? Scalar(value) : throw Fail("\\x{...} has no end");
    }

    private int TakeUnicodeEscape() => Scalar(TakeHex(4, 4));

    private int Scalar(int value) => value is < 0xD800 or > 0xDFFF ? value : throw Fail("a surrogate is not a character");

    /// <summary>\xE4\xB8\xAD: from 0x80 on such escapes are bytes of UTF-8.</summary>
    private int TakeBytes(int first)
    {
        if (first < 0x80)
            return first;
        Span<byte> bytes = [(byte)first, 0, 0, 0];
        int count = 1;
        while (count < 4 && System.Text.Rune.DecodeFromUtf8(bytes[..count], out _, out _) == System.Buffers.OperationStatus.NeedMoreData
            && Take("\\x"))
            bytes[count++] = (byte)TakeHex(2, 2);
        return System.Text.Rune.DecodeFromUtf8(bytes[..count], out System.Text.Rune rune, out int used) == System.Buffers.OperationStatus.Done
            && used == count ? rune.Value : throw Fail("\\x bytes are not valid UTF-8");
    }

    private int TakeOctalBraces()
    {
        int value = 0;
        for (_at++; !AtEnd && Current is >= '0' and <= '7' && value < CharSet.Limit; _at++)
            value = value * 8 + Current - '0';
        return Take('}') && value < CharSet.Limit ? Scalar(value) : throw Fail("\\o{...} is not a code point");
    }

    private int TakeOctal()
    {
        int value = 0;
        for (int digits = 0; digits < 3 && !AtEnd && Current is >= '0' and <= '7'; digits++)
            value = value * 8 + _source[_at++] - '0';
        return value < 0x80 ? value : throw Fail("an octal byte beyond ASCII is not a character");
    }

    private int TakeControl()
    {
        if (AtEnd)
            throw Fail("a control character has no end");
        return Take('?') ? 0x7F : TakeCodePoint() is < 0x80 and int value ? value & 0x1F : throw Fail("no such control character");
    }

    private bool IsReference()
    {
        int at = _at;
        bool any = TakeNumber(out int number);
        _at = at;
        return any && (number <= 9 || number <= _groups);
    }

    private PatternNode ParseEscape()
    {
        char c = Current;
        if (TakeClassEscape(inClass: false) is CharSet set)
            return new SetNode(set);
        if (c is >= '1' and <= '9')
            return ParseReference();
        _at++;
        return c switch
        {
            'A' => new AnchorNode(AnchorKind.TextStart),
            'z' => new AnchorNode(AnchorKind.TextEnd),
            'Z' => new AnchorNode(AnchorKind.TextEndOrLastLine),
            'G' => new AnchorNode(AnchorKind.SearchStart),
            'b' => new AnchorNode(AnchorKind.WordBoundary),
            'B' => new AnchorNode(AnchorKind.NotWordBoundary),
            'K' => new KeepNode(),
            'R' => LineBreak,
            'N' => new SetNode(CharSet.Of('\n').Not()),
            'O' => new SetNode(CharSet.All),
            'k' => ParseNamedReference(),
            _ => throw Fail($"\\{c} is not supported"),
        };
    }

    private static readonly PatternNode LineBreak = new AtomicNode(new AlternationNode(
    [
        new SequenceNode([new SetNode(CharSet.Of('\r')), new SetNode(CharSet.Of('\n'))]),
        new SetNode(CharSet.Of([('\n', '\r' + 1), (0x85, 0x86), (0x2028, 0x202A)])),
    ]));

    private BackreferenceNode ParseReference()
    {
        TakeNumber(out int number);
        return Reference([number]);
    }

    private BackreferenceNode ParseNamedReference()
    {
        if (AtEnd || Current is not ('<' or '\''))
            throw Fail("\\k has no name");
        string name = TakeName(_source[_at++] == '<' ? '>' : '\'');
        if (_names.TryGetValue(name, out List<int>? indices))
            return Reference([.. indices]);
        if (!int.TryParse(name, System.Globalization.NumberStyles.AllowLeadingSign, null, out int number))
            throw Fail($"there is no group \"{name}\"");
        return Reference([number < 0 ? _groups + 1 + number : number]);
    }

    private BackreferenceNode Reference(int[] groups)
    {
        _references.Add(groups);
        return new BackreferenceNode(groups, _options.HasFlag(Options.IgnoreCase));
    }

    /// <summary>\d, \p{...} and their kind, from the letter on; null where it is something else.</summary>
    private CharSet? TakeClassEscape(bool inClass)
    {
        char c = Current;
        CharSet? set = char.ToLowerInvariant(c) switch
        {
            'p' when _at + 1 < _source.Length && _source[_at + 1] == '{' => TakeProperty(),
            char letter => UnicodeProperties.Escape(letter, inClass),
        };
        if (set is null)
            return null;
        _at++;
        return char.IsAsciiLetterUpper(c) ? set.Not() : set;
    }

    private CharSet TakeProperty()
    {
        int start = _at + 2;
        int end = _source.IndexOf('}', start);
        if (end < 0)
            throw Fail("a property has no end");
        bool negated = start < end && _source[start] == '^';
        string name = _source[(negated ? start + 1 : start)..end];
        CharSet set = UnicodeProperties.Find(name) ?? throw Fail($"unknown property \"{(name.Length > 60 ? name[..60] : name)}\"");
        _at = end;
        return negated ? set.Not() : set;
    }
}
