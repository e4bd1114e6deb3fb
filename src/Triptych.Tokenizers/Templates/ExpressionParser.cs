using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Templates;

/// <summary>The expressions of the language.</summary>
internal sealed partial class Parser
{
    /// <summary>Brackets and the like inside each other.</summary>
    private const int MaxNesting = 100;

    /// <summary>How deep a tree of expressions may be, which chains of operators make deep too.</summary>
    private const int MaxDepth = 300;

    private int _nesting;

    private Expression ParseExpression(bool withCondition = true)
    {
        if (++_nesting > MaxNesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateError("the expression is nested too deeply", _stream.Current.Position);
        Expression expression = withCondition ? ParseConditional() : ParseOr();
        _nesting--;
        return expression;
    }

    /// <summary>Checks the depth of a new node.</summary>
    private static T Checked<T>(T expression) where T : Expression
    {
        int depth = 0;
        foreach (Expression child in expression.Children.OfType<Expression>())
            depth = Math.Max(depth, child.Depth + 1);
        if (depth > MaxDepth)
            throw new TemplateError("the expression is too long", expression.Position);
        expression.Depth = depth;
        ConstantFolding.Fold(expression);
        return expression;
    }

    private Expression ParseConditional()
    {
        int position = _stream.Current.Position;
        Expression value = ParseOr();
        while (_stream.SkipName("if"))
        {
            Expression test = ParseOr();
            Expression? otherwise = _stream.SkipName("else") ? ParseExpression() : null;
            value = Checked(new ConditionalExpression(position, test, value, otherwise));
        }

        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (_stream.Current.IsName("or"))
        {
            int position = _stream.Next().Position;
            left = Checked(new LogicalExpression(position, left, ParseAnd(), isAnd: false));
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (_stream.Current.IsName("and"))
        {
            int position = _stream.Next().Position;
            left = Checked(new LogicalExpression(position, left, ParseNot(), isAnd: true));
        }

        return left;
    }

    private Expression ParseNot()
    {
        int position = _stream.Current.Position, count = 0;
        while (_stream.SkipName("not"))
            count++;
        Expression operand = ParseComparison();
        if (count == 0)
            return operand;
        Expression negated = Checked(new NotExpression(position, operand));
        return count % 2 == 1 ? negated : Checked(new NotExpression(position, negated));
    }

    private Expression ParseComparison()
    {
        int position = _stream.Current.Position;
        Expression first = ParseSum();
        List<(ComparisonKind, Expression)>? rest = null;
        while (ComparisonOperator() is { } kind)
        {
            if (rest is null)
                position = _stream.Current.Position;
            if (kind == ComparisonKind.NotIn)
                _stream.Next();
            _stream.Next();
            (rest ??= []).Add((kind, ParseSum()));
        }

        return rest is null ? first : Checked(new ComparisonExpression(position, first, [.. rest]));
    }

    private ComparisonKind? ComparisonOperator() => _stream.Current.Kind switch
    {
        TokenKind.Equal => ComparisonKind.Equal,
        TokenKind.NotEqual => ComparisonKind.NotEqual,
        TokenKind.Less => ComparisonKind.Less,
        TokenKind.LessOrEqual => ComparisonKind.LessOrEqual,
        TokenKind.Greater => ComparisonKind.Greater,
        TokenKind.GreaterOrEqual => ComparisonKind.GreaterOrEqual,
        TokenKind.Name when _stream.Current.Text == "in" => ComparisonKind.In,
        TokenKind.Name when _stream.Current.Text == "not" && _stream.Following.IsName("in") => ComparisonKind.NotIn,
        _ => null,
    };

    private Expression ParseSum()
    {
        Expression left = ParseConcat();
        List<Expression>? operands = null;
        int position = left.Position;
        while (_stream.Current.Kind is TokenKind.Add or TokenKind.Subtract)
        {
            Token sign = _stream.Next();
            Expression right = ParseConcat();
            if (sign.Kind == TokenKind.Add)
            {
                position = operands is null ? sign.Position : position;
                (operands ??= [left]).Add(right);
                continue;
            }

            left = operands is null ? left : Checked(new SumExpression(position, operands));
            operands = null;
            left = Checked(new ArithmeticExpression(sign.Position, sign.Kind, left, right));
        }

        return operands is null ? left : Checked(new SumExpression(position, operands));
    }

    private Expression ParseConcat()
    {
        Expression first = ParseProduct();
        if (_stream.Current.Kind != TokenKind.Tilde)
            return first;
        int position = _stream.Current.Position;
        List<Expression> operands = [first];
        while (_stream.Skip(TokenKind.Tilde))
            operands.Add(ParseProduct());
        return Checked(new ConcatExpression(position, [.. operands]));
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        while (_stream.Current.Kind is TokenKind.Multiply or TokenKind.Divide or TokenKind.FloorDivide or TokenKind.Modulo)
        {
            Token sign = _stream.Next();
            left = Checked(new ArithmeticExpression(sign.Position, sign.Kind, left, ParsePower()));
        }

        return left;
    }

    private Expression ParsePower()
    {
        Expression left = ParseUnary();
        while (_stream.Current.Kind == TokenKind.Power)
        {
            int position = _stream.Next().Position;
            ArithmeticExpression power = Checked(new ArithmeticExpression(position, TokenKind.Power, left, ParseUnary()));
            power.NegatesPower = ConstantFolding.IsWrittenNegative(left) && !ConstantFolding.IsConstant(power);
            left = power;
        }

        return left;
    }

    private Expression ParseUnary(bool withFilter = true)
    {
        Token token = _stream.Current;
        Expression node;
        if (token.Kind is TokenKind.Add or TokenKind.Subtract)
        {
            if (++_nesting > MaxNesting)
                throw new TemplateError("the expression is nested too deeply", token.Position);
            _stream.Next();
            node = Checked(new SignExpression(token.Position, ParseUnary(withFilter: false), token.Kind == TokenKind.Subtract));
            _nesting--;
        }
        else
        {
            node = ParsePrimary();
        }

        node = ParsePostfix(node);
        return withFilter ? ParseFilters(node) : node;
    }

    private Expression ParsePrimary(bool withNamespace = false)
    {
        Token token = _stream.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                return ParseName(withNamespace);
            case TokenKind.String:
                var text = new System.Text.StringBuilder();
                while (_stream.Current.Kind == TokenKind.String)
                    text.Append((string)_stream.Next().Value!);
                return new ConstantExpression(token.Position, text.ToString());
            case TokenKind.Integer or TokenKind.Float:
                _stream.Next();
                return new ConstantExpression(token.Position, token.Value);
            case TokenKind.LeftParenthesis:
                _stream.Next();
                Expression inner = ParseTuple(explicitParentheses: true);
                _stream.Expect(TokenKind.RightParenthesis);
                return inner;
            case TokenKind.LeftBracket:
                return ParseList();
            case TokenKind.LeftBrace:
                return ParseDict();
            default:
                throw new TemplateError($"unexpected '{token.Describe()}'", token.Position);
        }
    }

    private Expression ParseName(bool withNamespace)
    {
        Token token = _stream.Next();
        if (token.Text is "true" or "True" or "false" or "False")
            return new ConstantExpression(token.Position, Numbers.Box(token.Text is "true" or "True"));
        if (token.Text is "none" or "None")
            return new ConstantExpression(token.Position, null);
        if (withNamespace && _stream.Skip(TokenKind.Dot))
            return new NamespaceReference(token.Position, token.Text, _stream.Expect(TokenKind.Name).Text);
        return new NameExpression(token.Position, token.Text);
    }

    /// <summary>An expression, or several with commas between, which make a tuple.</summary>
    /// <param name="withCondition">Whether the expressions may be conditional.</param>
    /// <param name="explicitParentheses">Whether there is a parenthesis before, so that nothing makes an empty tuple.</param>
    /// <param name="isTarget">Whether only names and literals are read.</param>
    /// <param name="withNamespace">Whether attributes of namespaces are read, for targets.</param>
    private Expression ParseTuple(
        bool withCondition = true, bool explicitParentheses = false, bool isTarget = false, bool withNamespace = false)
    {
        int position = _stream.Current.Position;
        var items = new List<Expression>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
                _stream.Expect(TokenKind.Comma);
            if (_stream.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd or TokenKind.RightParenthesis)
                break;
            items.Add(isTarget ? ParsePrimary(withNamespace) : ParseExpression(withCondition));
            if (_stream.Current.Kind != TokenKind.Comma)
                break;
            isTuple = true;
        }

        if (!isTuple && items.Count > 0)
            return items[0];
        if (!isTuple && !explicitParentheses)
            throw new TemplateError($"Expected an expression, got '{_stream.Current.Describe()}'", _stream.Current.Position);
        return Checked(new SequenceExpression(position, [.. items], isTuple: true));
    }

    private SequenceExpression ParseList()
    {
        int position = _stream.Expect(TokenKind.LeftBracket).Position;
        var items = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.RightBracket)
        {
            if (items.Count > 0)
                _stream.Expect(TokenKind.Comma);
            if (_stream.Current.Kind == TokenKind.RightBracket)
                break;
            items.Add(ParseExpression());
        }

        _stream.Expect(TokenKind.RightBracket);
        return Checked(new SequenceExpression(position, [.. items], isTuple: false));
    }

    private DictExpression ParseDict()
    {
        int position = _stream.Expect(TokenKind.LeftBrace).Position;
        var items = new List<(Expression, Expression)>();
        while (_stream.Current.Kind != TokenKind.RightBrace)
        {
            if (items.Count > 0)
                _stream.Expect(TokenKind.Comma);
            if (_stream.Current.Kind == TokenKind.RightBrace)
                break;
            Expression key = ParseExpression();
            _stream.Expect(TokenKind.Colon);
            items.Add((key, ParseExpression()));
        }

        _stream.Expect(TokenKind.RightBrace);
        return Checked(new DictExpression(position, [.. items]));
    }
}
