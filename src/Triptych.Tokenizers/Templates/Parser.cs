using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Templates;

/// <summary>Reads a template into a tree, by Jinja's grammar with loop controls and the generation tag.</summary>
internal sealed partial class Parser
{
    /// <summary>Tags inside each other.</summary>
    private const int MaxStatementNesting = 100;

    private readonly TokenStream _stream;
    private readonly TemplateBlocks _blocks = new();
    private readonly Stack<string> _tags = new();
    private bool _inLoop;
    private int _loopAssignments;

    private Parser(SourceText source) => _stream = new TokenStream(Lexer.Run(source));

    public static (Statement[] Body, TemplateBlocks Blocks) Run(SourceText source)
    {
        var parser = new Parser(source);
        Statement[] body = parser.ParseUntil();
        return (body, parser._blocks);
    }

    /// <summary>Reads statements up to a tag with one of some names, which stays the current token; or up to the end.</summary>
    private Statement[] ParseUntil(params string[] ends)
    {
        var body = new List<Statement>();
        while (_stream.Current.Kind != TokenKind.EndOfTemplate)
        {
            Token token = _stream.Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new TextStatement(token.Position, token.Text));
                    break;
                case TokenKind.VariableBegin:
                    body.Add(Print(token.Position, ParseTuple()));
                    _stream.Expect(TokenKind.VariableEnd);
                    break;
                default:
                    if (_stream.Current.Kind == TokenKind.Name && ends.Contains(_stream.Current.Text))
                        return [.. body];
                    ParseStatement(body, ends);
                    _stream.Expect(TokenKind.BlockEnd);
                    break;
            }
        }

        return ends.Length == 0 ? [.. body] : throw Unclosed("Unexpected end of template.", ends);
    }

    private TemplateError Unclosed(string what, string[] ends)
    {
        string looking = ends.Length == 0 ? "" : " Jinja was looking for the following tags: "
            + string.Join(" or ", ends.Select(PythonText.Repr)) + ".";
        string innermost = _tags.TryPeek(out string? tag) ? $" The innermost block that needs to be closed is '{tag}'." : "";
        return new TemplateError(what + looking + innermost, _stream.Current.Position);
    }

    /// <summary>Reads the rest of a tag and the statements up to the end tag.</summary>
    /// <param name="dropsEnd">Whether the name of the end tag is read too.</param>
    /// <param name="ends">The names that end the statements.</param>
    private Statement[] ParseBody(bool dropsEnd, params string[] ends)
    {
        _stream.Skip(TokenKind.Colon);
        _stream.Expect(TokenKind.BlockEnd);
        Statement[] body = ParseUntil(ends);
        if (dropsEnd)
            _stream.Next();
        return body;
    }

    private void ParseStatement(List<Statement> body, string[] ends)
    {
        Token tag = _stream.Current;
        if (tag.Kind != TokenKind.Name)
            throw new TemplateError("tag name expected", tag.Position);
        if (_tags.Count >= MaxStatementNesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateError("the tags are nested too deeply", tag.Position);
        _tags.Push(tag.Text);
        switch (tag.Text)
        {
            case "for":
                body.Add(ParseFor());
                break;
            case "if":
                body.Add(ParseIf());
                break;
            case "set":
                body.Add(ParseSet());
                break;
            case "with":
                body.Add(ParseWith());
                break;
            case "macro":
                body.Add(ParseMacro());
                break;
            case "call":
                body.Add(ParseCallBlock());
                break;
            case "filter":
                body.Add(ParseFilterBlock());
                break;
            case "generation":
                body.Add(ParseGeneration());
                break;
            case "print":
                ParsePrint(body);
                break;
            case "break" or "continue":
                body.Add(ParseJump());
                break;
            case "block":
                body.Add(ParseBlock());
                break;
            case "autoescape":
                ParseAutoescape(body);
                break;
            case "include" or "import" or "from" or "extends":
                body.Add(ParseRefused());
                break;
            default:
                _tags.Pop();
                throw Unclosed($"Encountered unknown tag '{tag.Text}'.", ends);
        }

        _tags.Pop();
    }

    private ForStatement ParseFor()
    {
        int position = _stream.Next().Position, assigned = _loopAssignments;
        Target target = ParseTarget(isParameter: true);
        _loopAssignments += target.Names.Count(name => name.Name == "loop");
        _stream.ExpectName("in");
        Expression items = ParseTuple(withCondition: false);
        Expression? test = _stream.SkipName("if") ? ParseExpression() : null;
        bool isRecursive = _stream.SkipName("recursive"), outer = _inLoop;
        _inLoop = true;
        Statement[] body = ParseBody(dropsEnd: false, "endfor", "else");
        _inLoop = outer && !isRecursive;
        Statement[] otherwise = _stream.Next().Text == "endfor" ? [] : ParseBody(dropsEnd: true, "endfor");
        _inLoop = outer;
        if (_loopAssignments > assigned)
            throw new TemplateError("Can't assign to special loop variable in for-loop target", position);
        return new ForStatement(position, target, items, body, otherwise, test, isRecursive);
    }

    private IfStatement ParseIf()
    {
        int position = _stream.Current.Position;
        var branches = new List<(Expression, Statement[])>();
        Token tag;
        do
        {
            _stream.Next();
            Expression test = ParseTuple(withCondition: false);
            branches.Add((test, ParseBody(dropsEnd: false, "elif", "else", "endif")));
            tag = _stream.Current;
        }
        while (tag.Text == "elif");

        _stream.Next();
        Statement[] otherwise = tag.Text == "else" ? ParseBody(dropsEnd: true, "endif") : [];
        return new IfStatement(position, [.. branches], otherwise);
    }

    private Statement ParseSet()
    {
        int position = _stream.Next().Position;
        Target target = ParseTarget(withNamespace: true);
        if (_stream.Skip(TokenKind.Assign))
            return new SetStatement(position, target, ParseTuple());
        var filter = (FilterExpression?)ParseFilterChain(null);
        return new SetBlockStatement(position, target, filter, ParseBody(dropsEnd: true, "endset"));
    }

    private WithStatement ParseWith()
    {
        int position = _stream.Next().Position;
        var targets = new List<Target>();
        var values = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (targets.Count > 0)
                _stream.Expect(TokenKind.Comma);
            targets.Add(ParseTarget(isParameter: true));
            _stream.Expect(TokenKind.Assign);
            values.Add(ParseExpression());
        }

        return new WithStatement(position, [.. targets], [.. values], ParseBody(dropsEnd: true, "endwith"));
    }

    private MacroStatement ParseMacro()
    {
        int position = _stream.Next().Position;
        NameTarget name = ParseNameTarget(isParameter: false);
        (NameTarget[] parameters, Expression[] defaults) = ParseSignature();
        return new MacroStatement(position, name, ParseDefinition(name.Name, parameters, defaults, position, "endmacro"));
    }

    private MacroDefinition ParseDefinition(string? name, NameTarget[] parameters, Expression[] defaults, int position, string end)
    {
        bool outer = _inLoop;
        _inLoop = false;
        var definition = new MacroDefinition(name, parameters, defaults, ParseBody(dropsEnd: true, end), position);
        _inLoop = outer;
        return definition;
    }

    private (NameTarget[] Parameters, Expression[] Defaults) ParseSignature()
    {
        _stream.Expect(TokenKind.LeftParenthesis);
        var parameters = new List<NameTarget>();
        var defaults = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.RightParenthesis)
        {
            if (parameters.Count > 0)
                _stream.Expect(TokenKind.Comma);
            NameTarget parameter = ParseNameTarget(isParameter: true);
            if (parameters.Exists(other => other.Name == parameter.Name))
                throw new TemplateError($"duplicate argument '{parameter.Name}'", parameter.Position);
            if (_stream.Skip(TokenKind.Assign))
                defaults.Add(ParseExpression());
            else if (defaults.Count > 0)
                throw new TemplateError("non-default argument follows default argument", _stream.Current.Position);
            parameters.Add(parameter);
        }

        _stream.Expect(TokenKind.RightParenthesis);
        return ([.. parameters], [.. defaults]);
    }

    private CallStatement ParseCallBlock()
    {
        int position = _stream.Next().Position;
        (NameTarget[] parameters, Expression[] defaults) =
            _stream.Current.Kind == TokenKind.LeftParenthesis ? ParseSignature() : ([], []);
        if (ParseExpression() is not CallExpression call)
            throw new TemplateError("expected call", position);
        return new CallStatement(position, call, ParseDefinition(null, parameters, defaults, position, "endcall"));
    }

    private FilterStatement ParseFilterBlock()
    {
        int position = _stream.Next().Position;
        var filter = (FilterExpression)ParseFilterChain(null, startsInline: true)!;
        return new FilterStatement(position, filter, ParseBody(dropsEnd: true, "endfilter"));
    }

    private GenerationStatement ParseGeneration()
    {
        int position = _stream.Next().Position;
        return new GenerationStatement(position, ParseDefinition(null, [], [], position, "endgeneration"));
    }

    private void ParsePrint(List<Statement> body)
    {
        int position = _stream.Next().Position;
        for (bool first = true; _stream.Current.Kind != TokenKind.BlockEnd; first = false)
        {
            if (!first)
                _stream.Expect(TokenKind.Comma);
            body.Add(Print(position, ParseExpression()));
        }
    }

    private static PrintStatement Print(int position, Expression value)
    {
        ConstantFolding.FoldPrinted(value);
        return new PrintStatement(position, value);
    }

    private JumpStatement ParseJump()
    {
        Token tag = _stream.Next();
        return _inLoop ? new JumpStatement(tag.Position, tag.Text == "break" ? Flow.Break : Flow.Continue)
            : throw new TemplateError($"'{tag.Text}' outside loop", tag.Position);
    }

    private BlockStatement ParseBlock()
    {
        int position = _stream.Next().Position;
        string name = _stream.Expect(TokenKind.Name).Text;
        bool isScoped = _stream.SkipName("scoped"), isRequired = _stream.SkipName("required"), outer = _inLoop;
        if (_stream.Current.Kind == TokenKind.Subtract)
            throw new TemplateError("Block names may not contain hyphens, use an underscore instead.", _stream.Current.Position);
        _inLoop = false;
        Statement[] body = ParseBody(dropsEnd: true, "endblock");
        _inLoop = outer;
        _stream.SkipName(name);
        var block = new BlockStatement(position, name, body, isScoped, isRequired);
        return _blocks.ByName.TryAdd(name, block) ? block : throw new TemplateError($"block '{name}' defined twice", position);
    }

    /// <summary>Escaping is off and stays so: the tag can only say that.</summary>
    private void ParseAutoescape(List<Statement> body)
    {
        int position = _stream.Next().Position;
        if (ParseExpression() is not ConstantExpression { Value: var value } || Iteration.IsTrue(value))
            throw new TemplateError("autoescape is not supported", position);
        body.Add(new WithStatement(position, [], [], ParseBody(dropsEnd: true, "endautoescape")));
    }

    private RefusedStatement ParseRefused()
    {
        Token tag = _stream.Next();
        Expression template = ParseExpression();
        var names = new List<NameTarget>();
        if (tag.Text == "include" && _stream.Current.IsName("ignore") && _stream.Following.IsName("missing"))
        {
            _stream.Next();
            _stream.Next();
        }

        if (tag.Text == "import")
        {
            _stream.ExpectName("as");
            names.Add(ParseNameTarget(isParameter: false));
        }
        else if (tag.Text == "from")
        {
            _stream.ExpectName("import");
            ParseImportedNames(names);
        }

        SkipContext();
        return new RefusedStatement(tag.Position, tag.Text, template, [.. names]);
    }

    private void ParseImportedNames(List<NameTarget> names)
    {
        do
        {
            if (SkipContext())
                return;
            NameTarget name = ParseNameTarget(isParameter: false);
            if (name.Name.StartsWith('_'))
                throw new TemplateError("names starting with an underline can not be imported", name.Position);
            names.Add(_stream.SkipName("as") ? ParseNameTarget(isParameter: false) : name);
        }
        while (_stream.Skip(TokenKind.Comma));
    }

    private bool SkipContext()
    {
        if (_stream.Current.Kind != TokenKind.Name || _stream.Current.Text is not ("with" or "without") || !_stream.Following.IsName("context"))
            return false;
        _stream.Next();
        _stream.Next();
        return true;
    }

    private NameTarget ParseNameTarget(bool isParameter)
    {
        Token name = _stream.Expect(TokenKind.Name);
        int assigned = _loopAssignments;
        Target target = MakeTarget(new NameExpression(name.Position, name.Text), isParameter);
        _loopAssignments = assigned;
        return (NameTarget)target;
    }

    private Target ParseTarget(bool isParameter = false, bool withNamespace = false) =>
        MakeTarget(ParseTuple(isTarget: true, withNamespace: withNamespace), isParameter);

    private Target MakeTarget(Expression expression, bool isParameter)
    {
        switch (expression)
        {
            case NameExpression { Name: not ("true" or "false" or "none" or "True" or "False" or "None") } name:
                _loopAssignments += !isParameter && name.Name == "loop" ? 1 : 0;
                return new NameTarget(name.Position, name.Name, isParameter);
            case NamespaceReference reference:
                return reference.ToTarget();
            case SequenceExpression { IsTuple: true } tuple:
                return new TupleTarget(tuple.Position, Array.ConvertAll(tuple.Items, item => MakeTarget(item, isParameter)));
            default:
                throw CannotAssign(expression.Position, expression.GetType().Name.Replace("Expression", "", StringComparison.Ordinal).ToLowerInvariant());
        }
    }

    private static TemplateError CannotAssign(int position, string what) => new($"can't assign to '{what}'", position);
}
