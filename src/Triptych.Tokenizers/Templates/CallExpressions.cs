namespace Triptych.Tokenizers.Templates;

/// <summary>The arguments of a call as they are written.</summary>
internal sealed class ArgumentList(
    Expression[] positional, (string Name, Expression Value)[] named, Expression? more, Expression? moreNamed)
{
    public static ArgumentList Empty { get; } = new([], [], null, null);

    public IEnumerable<Node> Children =>
        [.. positional, .. named.Select(item => item.Value), .. ((Expression?[])[more, moreNamed]).OfType<Node>()];

    public Arguments Evaluate(Activation activation)
    {
        object?[] values = positional.Length == 0 ? [] : new object?[positional.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = positional[i].Evaluate(activation);
        if (named.Length == 0 && more is null && moreNamed is null)
            return new Arguments(values);
        var names = new DictValue(named.Length);
        foreach ((string name, Expression value) in named)
            names.Set(name, value.Evaluate(activation));
        if (more is not null)
            values = [.. values, .. Iteration.ToArray(activation.State, more.Evaluate(activation))];
        if (moreNamed is not null)
            AddNamed(activation, names, moreNamed.Evaluate(activation));
        activation.State.ReserveItems(values.Length);
        return new Arguments(values, names);
    }

    private static void AddNamed(Activation activation, DictValue names, object? value)
    {
        if (value is not DictValue given)
            throw new TemplateError($"argument after ** must be a mapping, not {PythonTypes.NameOf(value)}");
        activation.State.ReserveItems(given.Count);
        for (int i = 0; i < given.Count; i++)
        {
            if (given.KeyAt(i) is not (string or MarkupValue))
                throw new TemplateError("keywords must be strings");
            string name = given.KeyAt(i)!.ToString()!;
            if (names.Contains(name))
                throw new TemplateError($"got multiple values for keyword argument '{name}'");
            names.Set(name, given.ValueAt(i));
        }
    }
}

internal sealed class CallExpression(int position, Expression callee, ArgumentList arguments) : Expression(position)
{
    public override IEnumerable<Node> Children => [callee, .. arguments.Children];

    public override object? Evaluate(Activation activation) => Evaluate(activation, null);

    /// <summary>Calls with a macro as the argument <c>caller</c>.</summary>
    public object? Evaluate(Activation activation, MacroValue? caller)
    {
        RenderState state = activation.State;
        if (state.IsFolding)
            throw new TemplateError("a call is no constant");
        if (callee is AttributeExpression attribute)
        {
            object? owner = attribute.Owner.Evaluate(activation);
            state.Visit(callee.Position);
            if (Members.FindMethod(owner, attribute.Name) is { } method)
            {
                Arguments given = WithCaller(arguments.Evaluate(activation), caller);
                state.Visit(Position);
                return method.Invoke(state, owner, given);
            }

            return Call(activation, Lookup.Attribute(owner, attribute.Name), caller);
        }

        return Call(activation, callee.Evaluate(activation), caller);
    }

    private object? Call(Activation activation, object? function, MacroValue? caller)
    {
        Arguments given = WithCaller(arguments.Evaluate(activation), caller);
        activation.State.Visit(Position);
        return Invoke(activation.State, function, given);
    }

    public static object? Invoke(RenderState state, object? function, in Arguments arguments) => function switch
    {
        FunctionValue builtin => builtin.Builtin.Invoke(state, builtin.Self, arguments),
        MacroValue macro => macro.Invoke(state, arguments),
        LoopValue loop => loop.Recurse(arguments),
        JoinerValue joiner => arguments is { Positional.Length: 0, Named: null or { Count: 0 } }
            ? joiner.Next() : throw new TemplateError("a joiner takes no arguments"),
        UndefinedValue undefined => throw undefined.Fail(),
        _ => throw new TemplateError($"'{PythonTypes.NameOf(function)}' object is not callable"),
    };

    private static Arguments WithCaller(Arguments arguments, MacroValue? caller)
    {
        if (caller is null)
            return arguments;
        var named = new DictValue();
        for (int i = 0; arguments.Named is { } given && i < given.Count; i++)
            named.Set(given.KeyAt(i), given.ValueAt(i));
        named.Set("caller", caller);
        return arguments with { Named = named };
    }
}

internal sealed class FilterExpression(int position, Expression? operand, string name, ArgumentList arguments) : Expression(position)
{
    private readonly Builtin? _filter = Filters.Find(name);

    /// <summary>Whether the filter uses other filters or tests, or chance.</summary>
    public bool NeedsContext => name is "map" or "select" or "reject" or "selectattr" or "rejectattr" or "random" || _filter is null;

    public override IEnumerable<Node> Children => operand is null ? arguments.Children : [operand, .. arguments.Children];

    public override object? Evaluate(Activation activation) => Apply(activation, operand!.Evaluate(activation));

    /// <summary>Filters the text of a block, where the innermost filter has nothing else to filter.</summary>
    public object? Evaluate(Activation activation, string text) => Apply(activation, operand is null ? text
        : operand is FilterExpression inner ? inner.Evaluate(activation, text) : operand.Evaluate(activation));

    private object? Apply(Activation activation, object? value)
    {
        if (activation.State.IsFolding && NeedsContext)
            throw new TemplateError($"the filter '{name}' makes no constant");
        Arguments given = arguments.Evaluate(activation);
        activation.State.Visit(Position);
        return (_filter ?? throw new TemplateError($"No filter named '{name}' found.")).Invoke(activation.State, value, given);
    }

    public override void Resolve(Scope scope)
    {
        if (_filter is null && !scope.IsConditional)
            throw new TemplateError($"No filter named '{name}'.", Position);
        base.Resolve(scope);
    }
}

internal sealed class TestExpression(int position, Expression operand, string name, ArgumentList arguments) : Expression(position)
{
    private readonly Builtin? _test = Tests.Find(name);

    public override IEnumerable<Node> Children => [operand, .. arguments.Children];

    public override object? Evaluate(Activation activation)
    {
        object? value = operand.Evaluate(activation);
        Arguments given = arguments.Evaluate(activation);
        activation.State.Visit(Position);
        return (_test ?? throw new TemplateError($"No test named '{name}' found.")).Invoke(activation.State, value, given);
    }

    public override void Resolve(Scope scope)
    {
        if (_test is null && !scope.IsConditional)
            throw new TemplateError($"No test named '{name}'.", Position);
        base.Resolve(scope);
    }
}
