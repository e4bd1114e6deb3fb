namespace Triptych.Tokenizers.Templates;

/// <summary>What follows an expression: attributes, items, calls, filters and tests.</summary>
internal sealed partial class Parser
{
    private Expression ParsePostfix(Expression node)
    {
        while (true)
        {
            TokenKind kind = _stream.Current.Kind;
            if (kind == TokenKind.Dot)
                node = ParseAttribute(node);
            else if (kind == TokenKind.LeftBracket)
                node = ParseItem(node);
            else if (kind == TokenKind.LeftParenthesis)
                node = ParseCall(node);
            else
                return node;
        }
    }

    private Expression ParseFilters(Expression node)
    {
        while (true)
        {
            if (_stream.Current.Kind == TokenKind.Pipe)
                node = ParseFilterChain(node)!;
            else if (_stream.Current.IsName("is"))
                node = ParseTest(node);
            else if (_stream.Current.Kind == TokenKind.LeftParenthesis)
                node = ParseCall(node);
            else
                return node;
        }
    }

    private Expression ParseAttribute(Expression owner)
    {
        int position = _stream.Next().Position;
        Token name = _stream.Next();
        if (name.Kind == TokenKind.Name)
            return Checked(new AttributeExpression(position, owner, name.Text));
        if (name.Kind != TokenKind.Integer)
            throw new TemplateError("expected name or number", name.Position);
        return Checked(new ItemExpression(position, owner, new ConstantExpression(name.Position, name.Value)));
    }

    private Expression ParseItem(Expression owner)
    {
        int position = _stream.Next().Position;
        var keys = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.RightBracket)
        {
            if (keys.Count > 0)
                _stream.Expect(TokenKind.Comma);
            (Expression? subscript, SliceExpression? slice) = ParseSubscript(owner, position);
            if (slice is not null)
            {
                if (keys.Count > 0 || _stream.Current.Kind == TokenKind.Comma)
                    throw new TemplateError("a slice cannot be one of several keys", slice.Position);
                _stream.Expect(TokenKind.RightBracket);
                return slice;
            }

            keys.Add(subscript!);
        }

        _stream.Expect(TokenKind.RightBracket);
        Expression key = keys.Count == 1 ? keys[0] : Checked(new SequenceExpression(position, [.. keys], isTuple: true));
        return Checked(new ItemExpression(position, owner, key));
    }

    private (Expression? Key, SliceExpression? Slice) ParseSubscript(Expression owner, int position)
    {
        Expression? start = _stream.Current.Kind == TokenKind.Colon ? null : ParseExpression();
        if (_stream.Current.Kind != TokenKind.Colon)
            return (start, null);
        _stream.Next();
        Expression? stop = _stream.Current.Kind is TokenKind.Colon or TokenKind.RightBracket or TokenKind.Comma ? null : ParseExpression();
        Expression? step = null;
        if (_stream.Skip(TokenKind.Colon) && _stream.Current.Kind is not (TokenKind.RightBracket or TokenKind.Comma))
            step = ParseExpression();
        return (null, Checked(new SliceExpression(position, owner, start, stop, step)));
    }

    private CallExpression ParseCall(Expression callee)
    {
        int position = _stream.Current.Position;
        return Checked(new CallExpression(position, callee, ParseArguments()));
    }

    private ArgumentList ParseArguments()
    {
        int position = _stream.Expect(TokenKind.LeftParenthesis).Position;
        var positional = new List<Expression>();
        var named = new List<(string Name, Expression Value)>();
        Expression? more = null, moreNamed = null;
        bool needsComma = false;
        void Ensure(bool holds)
        {
            if (!holds)
                throw new TemplateError("invalid syntax for function call expression", position);
        }

        while (_stream.Current.Kind != TokenKind.RightParenthesis)
        {
            if (needsComma)
            {
                _stream.Expect(TokenKind.Comma);
                if (_stream.Current.Kind == TokenKind.RightParenthesis)
                    break;
            }

            if (_stream.Skip(TokenKind.Multiply))
            {
                Ensure(more is null && moreNamed is null);
                more = ParseExpression();
            }
            else if (_stream.Skip(TokenKind.Power))
            {
                Ensure(moreNamed is null);
                moreNamed = ParseExpression();
            }
            else if (_stream.Current.Kind == TokenKind.Name && _stream.Following.Kind == TokenKind.Assign)
            {
                Ensure(moreNamed is null);
                Token name = _stream.Next();
                if (named.Exists(item => item.Name == name.Text))
                    throw new TemplateError($"keyword argument repeated: {name.Text}", name.Position);
                _stream.Next();
                named.Add((name.Text, ParseExpression()));
            }
            else
            {
                Ensure(more is null && moreNamed is null && named.Count == 0);
                positional.Add(ParseExpression());
            }

            needsComma = true;
        }

        _stream.Expect(TokenKind.RightParenthesis);
        return positional.Count + named.Count == 0 && more is null && moreNamed is null
            ? ArgumentList.Empty : new ArgumentList([.. positional], [.. named], more, moreNamed);
    }

    /// <summary>Filters, each applied to the one before; the first to an expression, or to a block if there is none.</summary>
    private Expression? ParseFilterChain(Expression? node, bool startsInline = false)
    {
        while (startsInline || _stream.Current.Kind == TokenKind.Pipe)
        {
            if (!startsInline)
                _stream.Next();
            startsInline = false;
            (string name, int position) = ParseDottedName();
            ArgumentList arguments = _stream.Current.Kind == TokenKind.LeftParenthesis ? ParseArguments() : ArgumentList.Empty;
            node = Checked(new FilterExpression(position, node, name, arguments));
        }

        return node;
    }

    private (string Name, int Position) ParseDottedName()
    {
        Token token = _stream.Expect(TokenKind.Name);
        string name = token.Text;
        while (_stream.Skip(TokenKind.Dot))
            name += "." + _stream.Expect(TokenKind.Name).Text;
        return (name, token.Position);
    }

    private Expression ParseTest(Expression operand)
    {
        int position = _stream.Next().Position;
        bool negated = _stream.SkipName("not");
        (string name, _) = ParseDottedName();
        ArgumentList arguments = ArgumentList.Empty;
        Token next = _stream.Current;
        if (next.Kind == TokenKind.LeftParenthesis)
        {
            arguments = ParseArguments();
        }
        else if (next.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float or TokenKind.LeftBracket or TokenKind.LeftBrace
            || next.Kind == TokenKind.Name && next.Text is not ("else" or "or" or "and"))
        {
            if (next.IsName("is"))
                throw new TemplateError("You cannot chain multiple tests with is", next.Position);
            arguments = new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
        }

        Expression test = Checked(new TestExpression(position, operand, name, arguments));
        return negated ? Checked(new NotExpression(position, test)) : test;
    }
}
