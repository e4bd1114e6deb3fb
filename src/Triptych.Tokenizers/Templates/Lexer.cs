using System.Globalization;
using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>
/// Cuts a template into tokens, with <c>trim_blocks</c> and <c>lstrip_blocks</c> on: a line feed after a block is left out, and so
/// is the white space of a line before one.
/// </summary>
internal sealed class Lexer(SourceText source)
{
    private readonly string _text = source.Text;
    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _open = new();
    private int _at;

    /// <summary>Whether the last tag ended with a line feed.</summary>
    private bool _lineStarts = true;

    public static List<Token> Run(SourceText source)
    {
        var lexer = new Lexer(source);
        lexer.ReadAll();
        lexer.Add(TokenKind.EndOfTemplate, source.Text.Length, "");
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_at < _text.Length)
        {
            int tag = FindTag(_at);
            if (tag < 0)
            {
                AddData(_at, _text.Length);
                return;
            }

            char kind = _text[tag + 1];
            int end = tag + 2;
            char sign = SignAt(end);
            if (kind == '%' && RawEnd(tag) is int raw)
            {
                AddText(_at, tag, sign, lstrip: true);
                ReadRaw(raw);
                continue;
            }

            AddText(_at, tag, sign, lstrip: kind != '{');
            _at = sign == '\0' ? end : end + 1;
            if (kind == '#')
                SkipComment(tag);
            else
                ReadTag(tag, isBlock: kind == '%');
        }
    }

    private int FindTag(int start)
    {
        for (int at = start; ; at++)
        {
            at = _text.IndexOf('{', at);
            if (at < 0 || at + 1 >= _text.Length)
                return -1;
            if (_text[at + 1] is '{' or '%' or '#')
                return at;
        }
    }

    private char SignAt(int at) => at < _text.Length && _text[at] is '-' or '+' ? _text[at] : '\0';

    /// <summary>Where the text of a raw block begins, or null if the block at a position is another.</summary>
    private int? RawEnd(int tag)
    {
        int at = SkipSpace(SignAt(tag + 2) == '\0' ? tag + 2 : tag + 3);
        if (!StartsWith(at, "raw"))
            return null;
        at = SkipSpace(at + 3);
        return StartsWith(at, "-%}") ? SkipSpace(at + 3) : StartsWith(at, "%}") ? at + 2 : null;
    }

    private void ReadRaw(int start)
    {
        for (int at = start; (at = _text.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            char sign = SignAt(at + 2);
            int name = SkipSpace(sign == '\0' ? at + 2 : at + 3);
            if (!StartsWith(name, "endraw") || BlockEnd(SkipSpace(name + 6)) is not int end)
                continue;
            _lineStarts = start > 0 && _text[start - 1] == '\n';
            AddText(start, at, sign, lstrip: true);
            MoveTo(end);
            return;
        }

        if (start < _text.Length)
            throw new TemplateError("Missing end of raw directive", start);
        _at = start;
    }

    private void SkipComment(int tag)
    {
        int end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            if (_at < _text.Length)
                throw new TemplateError("Missing end of comment tag", tag);
            return;
        }

        char sign = end > _at ? _text[end - 1] : '\0';
        MoveTo(sign == '-' ? SkipSpace(end + 2) : sign == '+' ? end + 2 : SkipLineFeed(end + 2));
    }

    /// <summary>Where the text after the end of a block begins, or null if there is no such end here.</summary>
    private int? BlockEnd(int at) =>
        StartsWith(at, "%}") ? SkipLineFeed(at + 2)
        : StartsWith(at, "-%}") ? SkipSpace(at + 3)
        : StartsWith(at, "+%}") ? at + 3 : null;

    private int? VariableEnd(int at) =>
        StartsWith(at, "}}") ? at + 2 : StartsWith(at, "-}}") ? SkipSpace(at + 3) : null;

    private void ReadTag(int tag, bool isBlock)
    {
        Add(isBlock ? TokenKind.BlockBegin : TokenKind.VariableBegin, tag, "");
        while (true)
        {
            if (_open.Count == 0 && (isBlock ? BlockEnd(_at) : VariableEnd(_at)) is int end)
            {
                Add(isBlock ? TokenKind.BlockEnd : TokenKind.VariableEnd, _at, "");
                MoveTo(end);
                return;
            }

            if (_at >= _text.Length)
                return;
            ReadToken();
        }
    }

    private void ReadToken()
    {
        char first = _text[_at];
        if (PythonText.IsSpace(first))
            _at = SkipSpace(_at);
        else if (char.IsAsciiDigit(first))
            ReadNumber();
        else if (IsWord(_at))
            ReadName();
        else if (first is '\'' or '"')
            ReadString(first);
        else
            ReadOperator();
    }

    private bool IsWord(int at)
    {
        if (_text[at] == '_' || char.IsAsciiLetterOrDigit(_text[at]))
            return true;
        return CharUnicodeInfo.GetUnicodeCategory(_text, at) is <= UnicodeCategory.OtherNumber or UnicodeCategory.ConnectorPunctuation
            || char.IsLowSurrogate(_text[at]);
    }

    private void ReadName()
    {
        int start = _at;
        while (_at < _text.Length && IsWord(_at))
            _at++;
        string name = _text[start.._at];
        if (!PythonText.IsIdentifier(name))
            throw new TemplateError("Invalid character in identifier", start);
        Add(TokenKind.Name, start, name);
    }

    private void ReadNumber()
    {
        int start = _at;
        if (Radix(start) is (> 0 and int radix, var isDigit) && DigitsEnd(SkipUnderscore(start + 2), isDigit) is int radixEnd)
        {
            AddInteger(start, radixEnd, radix);
            return;
        }

        int whole = DigitsEnd(start, char.IsAsciiDigit)!.Value;
        bool afterDot = start > 0 && _text[start - 1] == '.';
        int end = afterDot ? whole : FractionEnd(whole);
        if (end > whole)
        {
            _at = end;
            Add(TokenKind.Float, start, _text[start..end], double.Parse(
                _text[start..end].Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture));
            return;
        }

        AddInteger(start, _text[start] == '0' ? DigitsEnd(start, c => c == '0')!.Value : whole, 10);
    }

    private (int Radix, Func<char, bool> IsDigit) Radix(int at) => _text[at] != '0' || at + 1 >= _text.Length ? (0, char.IsAsciiDigit)
        : char.ToLowerInvariant(_text[at + 1]) switch
        {
            'x' => (16, char.IsAsciiHexDigit),
            'o' => (8, c => c is >= '0' and <= '7'),
            'b' => (2, c => c is '0' or '1'),
            _ => (0, char.IsAsciiDigit),
        };

    private void AddInteger(int start, int end, int radix)
    {
        string digits = _text[(radix == 10 ? start : start + 2)..end].Replace("_", "", StringComparison.Ordinal);
        BigInteger value = Numbers.ParseDigits(digits, radix) ?? throw new TemplateError("the integer has too many digits", start);
        _at = end;
        Add(TokenKind.Integer, start, _text[start..end], Numbers.Box(value));
    }

    private int FractionEnd(int at)
    {
        int end = at;
        if (StartsWith(at, ".") && DigitsEnd(at + 1, char.IsAsciiDigit) is int fraction)
            end = fraction;
        if (end < _text.Length && _text[end] is 'e' or 'E')
        {
            int exponent = end + 1 < _text.Length && _text[end + 1] is '+' or '-' ? end + 2 : end + 1;
            end = DigitsEnd(exponent, char.IsAsciiDigit) ?? end;
        }

        return end;
    }

    /// <summary>The end of digits with single underscores between them, or null where none begin.</summary>
    private int? DigitsEnd(int at, Func<char, bool> isDigit)
    {
        if (at >= _text.Length || !isDigit(_text[at]))
            return null;
        while (at < _text.Length && isDigit(_text[at]))
            at = at + 2 < _text.Length && _text[at + 1] == '_' && isDigit(_text[at + 2]) ? at + 2 : at + 1;
        return at;
    }

    private int SkipUnderscore(int at) => StartsWith(at, "_") ? at + 1 : at;

    private void ReadString(char quote)
    {
        int start = _at, at = start + 1;
        while (at < _text.Length && _text[at] != quote)
            at += _text[at] == '\\' ? 2 : 1;
        if (at >= _text.Length)
            throw new TemplateError($"unexpected char {PythonText.Repr(quote.ToString())}", start);
        _at = at + 1;
        Add(TokenKind.String, start, _text[start.._at], StringLiteral.Unescape(_text[(start + 1)..at], start));
    }

    private void ReadOperator()
    {
        int start = _at;
        TokenKind kind = At(start) switch
        {
            '+' => TokenKind.Add,
            '-' => TokenKind.Subtract,
            '*' => At(start + 1) == '*' ? TokenKind.Power : TokenKind.Multiply,
            '/' => At(start + 1) == '/' ? TokenKind.FloorDivide : TokenKind.Divide,
            '%' => TokenKind.Modulo,
            '~' => TokenKind.Tilde,
            '[' => TokenKind.LeftBracket,
            ']' => TokenKind.RightBracket,
            '(' => TokenKind.LeftParenthesis,
            ')' => TokenKind.RightParenthesis,
            '{' => TokenKind.LeftBrace,
            '}' => TokenKind.RightBrace,
            '=' => At(start + 1) == '=' ? TokenKind.Equal : TokenKind.Assign,
            '!' when At(start + 1) == '=' => TokenKind.NotEqual,
            '>' => At(start + 1) == '=' ? TokenKind.GreaterOrEqual : TokenKind.Greater,
            '<' => At(start + 1) == '=' ? TokenKind.LessOrEqual : TokenKind.Less,
            '.' => TokenKind.Dot,
            ':' => TokenKind.Colon,
            '|' => TokenKind.Pipe,
            ',' => TokenKind.Comma,
            ';' => TokenKind.Semicolon,
            char other => throw new TemplateError($"unexpected char {PythonText.Repr(other.ToString())}", start),
        };
        Balance(kind, start);
        bool isLong = kind is TokenKind.Power or TokenKind.FloorDivide or TokenKind.Equal or TokenKind.NotEqual
            or TokenKind.GreaterOrEqual or TokenKind.LessOrEqual;
        _at += isLong ? 2 : 1;
        Add(kind, start, _text[start.._at]);
    }

    private void Balance(TokenKind kind, int at)
    {
        if (kind is TokenKind.LeftParenthesis or TokenKind.LeftBracket or TokenKind.LeftBrace)
            _open.Push(kind == TokenKind.LeftParenthesis ? ')' : kind == TokenKind.LeftBracket ? ']' : '}');
        else if (kind is not (TokenKind.RightParenthesis or TokenKind.RightBracket or TokenKind.RightBrace))
            return;
        else if (!_open.TryPop(out char expected))
            throw new TemplateError($"unexpected '{_text[at]}'", at);
        else if (expected != _text[at])
            throw new TemplateError($"unexpected '{_text[at]}', expected '{expected}'", at);
    }

    private void AddText(int start, int end, char sign, bool lstrip)
    {
        if (sign == '-')
        {
            while (end > start && PythonText.IsSpace(_text[end - 1]))
                end--;
        }
        else if (sign != '+' && lstrip)
        {
            int line = end == start ? -1 : _text.LastIndexOf('\n', end - 1, end - start);
            int first = line < 0 ? start : line + 1;
            if ((line >= 0 || _lineStarts) && SkipSpace(first) >= end)
                end = first;
        }

        AddData(start, end);
    }

    private void AddData(int start, int end)
    {
        if (end > start)
            Add(TokenKind.Data, start, _text[start..end]);
    }

    private void MoveTo(int at)
    {
        _at = at;
        _lineStarts = _text[at - 1] == '\n';
    }

    private int SkipSpace(int at)
    {
        while (at < _text.Length && PythonText.IsSpace(_text[at]))
            at++;
        return at;
    }

    private int SkipLineFeed(int at) => StartsWith(at, "\n") ? at + 1 : at;

    private bool StartsWith(int at, string text) => at <= _text.Length && _text.AsSpan(at).StartsWith(text, StringComparison.Ordinal);

    private char At(int at) => at < _text.Length ? _text[at] : '\0';

    private void Add(TokenKind kind, int position, string text, object? value = null) =>
        _tokens.Add(new Token(kind, position, text, value));
}
