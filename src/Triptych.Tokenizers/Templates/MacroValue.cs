using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary>The parameters and body of a macro, a call block or a generation block.</summary>
internal sealed class MacroDefinition(string? name, NameTarget[] parameters, Expression[] defaults, Statement[] body, int position)
{
    private FunctionScope _function = null!;
    private ScopeEntry _entry = null!;
    private VariableReference[] _special = [];

    public string? Name => name;

    public IReadOnlyList<NameTarget> Parameters => parameters;

    public Expression[] Defaults => defaults;

    public bool TakesCaller { get; private set; }

    public bool TakesNamed { get; private set; }

    public bool TakesMore { get; private set; }

    public IEnumerable<Node> Children => [.. parameters, .. defaults, .. body];

    public void Resolve(Scope outer)
    {
        Scope scope = outer.InnerFunction();
        _function = scope.Function;
        Node.DeclareAll(Children, scope.Symbols);
        HashSet<string> reads = Node.FindReads(body, "caller", "kwargs", "varargs");
        int ownCaller = Array.FindIndex(parameters, parameter => parameter.Name == "caller");
        if (reads.Contains("caller") && ownCaller >= 0 && ownCaller < parameters.Length - defaults.Length)
        {
            throw new TemplateError("When defining macros or call blocks the special \"caller\" argument must be omitted "
                + "or be given a default.", position);
        }

        TakesCaller = reads.Contains("caller");
        TakesNamed = reads.Contains("kwargs") && !parameters.Any(parameter => parameter.Name == "kwargs");
        TakesMore = reads.Contains("varargs") && !parameters.Any(parameter => parameter.Name == "varargs");
        List<string> special = [];
        if (TakesCaller && ownCaller < 0)
            special.Add("caller");
        if (TakesNamed)
            special.Add("kwargs");
        if (TakesMore)
            special.Add("varargs");
        foreach (string one in special)
            scope.Symbols.DeclareParameter(one);
        Node.DeclareAll(Children, scope.Symbols);
        _special = [.. special.Select(one => scope.Find(one, position))];
        _entry = scope.Entry();
        Node.ResolveAll(Children, scope);
    }

    public string Run(RenderState state, Activation closure, object?[] arguments)
    {
        state.Enter();
        int at = state.Position;
        var activation = new Activation(state, _function, closure);
        StringBuilder outer = state.Collect();
        _entry.Enter(activation);
        for (int i = 0; i < arguments.Length; i++)
        {
            if (i < parameters.Length)
                parameters[i].Assign(activation, arguments[i]);
            else
                _special[i - parameters.Length].Set(activation, arguments[i]);
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            if (!ReferenceEquals(arguments[i], RenderState.Missing))
                continue;
            int known = i - (parameters.Length - defaults.Length);
            parameters[i].Assign(activation, known >= 0 ? defaults[known].Evaluate(activation)
                : UndefinedValue.Because($"parameter '{parameters[i].Name}' was not provided"));
        }

        Statement.ExecuteAll(body, activation);
        state.Leave();
        state.Position = at;
        return state.EndCollect(outer);
    }
}

/// <summary>A macro with the variables around its definition.</summary>
internal sealed class MacroValue(MacroDefinition definition, Activation closure)
{
    public string? Name => definition.Name;

    public (bool Found, object? Value) Property(string name) => name switch
    {
        "name" => (true, Name),
        "arguments" => (true, new TupleValue([.. definition.Parameters.Select(parameter => parameter.Name)])),
        "catch_kwargs" => (true, Numbers.Box(definition.TakesNamed)),
        "catch_varargs" => (true, Numbers.Box(definition.TakesMore)),
        "caller" => (true, Numbers.Box(definition.TakesCaller)),
        "explicit_caller" => (true, Numbers.Box(definition.Parameters.Any(parameter => parameter.Name == "caller"))),
        _ => (false, null),
    };

    public string Invoke(RenderState state, in Arguments given)
    {
        int count = definition.Parameters.Count;
        object?[] positional = given.Positional;
        var named = new DictValue(0);
        for (int i = 0; given.Named is not null && i < given.Named.Count; i++)
            named.Set(given.Named.KeyAt(i), given.Named.ValueAt(i));
        var arguments = new List<object?>(count + 3);
        bool foundCaller = positional.Length >= count && definition.Parameters.Any(parameter => parameter.Name == "caller");
        for (int i = 0; i < count; i++)
        {
            string name = definition.Parameters[i].Name;
            arguments.Add(i < positional.Length ? positional[i] : Take(ref named, name, RenderState.Missing));
            foundCaller |= i >= positional.Length && name == "caller";
        }

        if (definition.TakesCaller && !foundCaller)
            arguments.Add(Take(ref named, "caller", null) ?? UndefinedValue.Because("No caller defined"));
        if (definition.TakesNamed)
            arguments.Add(named);
        else if (named.Count > 0)
            throw Refuse(named);
        if (definition.TakesMore)
            arguments.Add(new TupleValue(positional.Length > count ? positional[count..] : []));
        else if (positional.Length > count)
            throw new TemplateError($"macro '{Name}' takes not more than {count} argument(s)");
        return definition.Run(state, closure, [.. arguments]);
    }

    private TemplateError Refuse(DictValue named) => new(named.Contains("caller")
        ? $"macro '{Name}' was invoked with two values for the special caller argument. This is most likely a bug."
        : $"macro '{Name}' takes no keyword argument '{named.KeyAt(0)}'");

    /// <summary>Takes an argument out of those with names.</summary>
    private static object? Take(ref DictValue named, string name, object? otherwise)
    {
        if (!named.TryGet(name, out object? value))
            return otherwise;
        var rest = new DictValue(named.Count);
        for (int i = 0; i < named.Count; i++)
        {
            if ((string)named.KeyAt(i)! != name)
                rest.Set(named.KeyAt(i), named.ValueAt(i));
        }

        named = rest;
        return value;
    }
}
