namespace Triptych.Tokenizers.Templates;

internal sealed class TextStatement(int position, string text) : Statement(position)
{
    public override Flow Execute(Activation activation)
    {
        activation.State.Write(text);
        return Flow.Next;
    }
}

internal sealed class PrintStatement(int position, Expression value) : Statement(position)
{
    public override IEnumerable<Node> Children => [value];

    public override Flow Execute(Activation activation)
    {
        activation.State.Write(Printer.ToText(activation.State, value.Evaluate(activation)));
        return Flow.Next;
    }
}

internal sealed class IfStatement(int position, (Expression Test, Statement[] Body)[] branches, Statement[] otherwise) : Statement(position)
{
    public override IEnumerable<Node> Children =>
        [.. branches.SelectMany(branch => (Node[])[branch.Test, .. branch.Body]), .. otherwise];

    public override Flow Execute(Activation activation)
    {
        foreach ((Expression test, Statement[] body) in branches)
        {
            bool holds = Iteration.IsTrue(test.Evaluate(activation));
            activation.State.Visit(Position);
            if (holds)
                return ExecuteAll(body, activation);
        }

        return ExecuteAll(otherwise, activation);
    }

    public override void Declare(SymbolTable symbols) => Declare(symbols, branches, otherwise);

    private static void Declare(SymbolTable symbols, ReadOnlySpan<(Expression Test, Statement[] Body)> branches, Statement[] otherwise)
    {
        branches[0].Test.Declare(symbols);
        SymbolTable body = symbols.Copy(), alternatives = symbols.Copy(), last = symbols.Copy();
        DeclareAll(branches[0].Body, body);
        for (int i = 1; i < branches.Length; i++)
            Declare(alternatives, branches[i..(i + 1)], []);
        DeclareAll(otherwise, last);
        symbols.Merge([body, alternatives, last]);
    }

    public override void Resolve(Scope scope) => base.Resolve(scope.Conditional());
}

internal sealed class SetStatement(int position, Target target, Expression value) : Statement(position)
{
    private ExportList _exports = ExportList.None;

    public override IEnumerable<Node> Children => [target, value];

    public override Flow Execute(Activation activation)
    {
        target.Check(activation);
        target.Assign(activation, value.Evaluate(activation));
        activation.State.Visit(Position);
        _exports.Export(activation);
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols)
    {
        value.Declare(symbols);
        target.Declare(symbols);
    }

    public override void Resolve(Scope scope)
    {
        base.Resolve(scope);
        _exports = ExportList.Of(scope, target.Names);
    }
}

/// <summary><c>{% set x %}...{% endset %}</c></summary>
internal sealed class SetBlockStatement(int position, Target target, FilterExpression? filter, Statement[] body) : Statement(position)
{
    private ScopeEntry _entry = null!;
    private ExportList _exports = ExportList.None;

    public override IEnumerable<Node> Children => filter is null ? [target, .. body] : [target, filter, .. body];

    public override Flow Execute(Activation activation)
    {
        _entry.Enter(activation);
        Flow flow = ExecuteAll(body, activation, out string text);
        if (flow != Flow.Next)
            return flow;
        target.Check(activation);
        target.Assign(activation, filter is null ? text : filter.Evaluate(activation, text));
        _exports.Export(activation);
        _entry.Leave(activation);
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols) => target.Declare(symbols);

    public override void Resolve(Scope scope)
    {
        Scope inner = scope.Inner();
        DeclareAll(body, inner.Symbols);
        _entry = inner.Entry();
        ResolveAll(body, inner);
        target.Resolve(scope);
        filter?.Resolve(inner);
        _exports = ExportList.Of(scope, target.Names);
    }
}

internal sealed class WithStatement(int position, Target[] targets, Expression[] values, Statement[] body) : Statement(position)
{
    private ScopeEntry _entry = null!;

    public override IEnumerable<Node> Children => [.. targets, .. values, .. body];

    public override Flow Execute(Activation activation)
    {
        _entry.Enter(activation);
        for (int i = 0; i < targets.Length; i++)
            targets[i].Assign(activation, values[i].Evaluate(activation));
        Flow flow = ExecuteAll(body, activation);
        if (flow == Flow.Next)
            _entry.Leave(activation);
        return flow;
    }

    public override void Declare(SymbolTable symbols) => DeclareAll(values, symbols);

    public override void Resolve(Scope scope)
    {
        Scope inner = scope.Inner();
        DeclareAll(targets, inner.Symbols);
        DeclareAll(body, inner.Symbols);
        _entry = inner.Entry();
        ResolveAll(values, scope);
        ResolveAll(targets, inner);
        ResolveAll(body, inner);
    }
}

/// <summary><c>{% filter upper %}...{% endfilter %}</c></summary>
internal sealed class FilterStatement(int position, FilterExpression filter, Statement[] body) : Statement(position)
{
    private ScopeEntry _entry = null!;

    public override IEnumerable<Node> Children => [.. body, filter];

    public override Flow Execute(Activation activation)
    {
        _entry.Enter(activation);
        Flow flow = ExecuteAll(body, activation, out string text);
        if (flow != Flow.Next)
            return flow;
        activation.State.Write(TextOf(filter.Evaluate(activation, text)));
        _entry.Leave(activation);
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols) => filter.Declare(symbols);

    public override void Resolve(Scope scope)
    {
        Scope inner = scope.Inner();
        DeclareAll(Children, inner.Symbols);
        _entry = inner.Entry();
        ResolveAll(Children, inner);
    }
}

internal sealed class MacroStatement(int position, NameTarget name, MacroDefinition definition) : Statement(position)
{
    private ExportList _exports = ExportList.None;

    public override IEnumerable<Node> Children => definition.Children;

    public override Flow Execute(Activation activation)
    {
        name.Assign(activation, new MacroValue(definition, activation));
        _exports.Export(activation);
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols) => name.Declare(symbols);

    public override void Resolve(Scope scope)
    {
        definition.Resolve(scope);
        name.Resolve(scope);
        _exports = ExportList.Of(scope, [name]);
    }
}

/// <summary><c>{% call(x) macro() %}...{% endcall %}</c></summary>
internal sealed class CallStatement(int position, CallExpression call, MacroDefinition definition) : Statement(position)
{
    public override IEnumerable<Node> Children => [call, .. definition.Children];

    public override Flow Execute(Activation activation)
    {
        object? value = call.Evaluate(activation, new MacroValue(definition, activation));
        activation.State.Write(TextOf(value));
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols) => call.Declare(symbols);

    public override void Resolve(Scope scope)
    {
        definition.Resolve(scope);
        call.Resolve(scope);
    }
}

/// <summary><c>{% generation %}...{% endgeneration %}</c>: what the assistant says.</summary>
internal sealed class GenerationStatement(int position, MacroDefinition definition) : Statement(position)
{
    public override IEnumerable<Node> Children => definition.Children;

    public override Flow Execute(Activation activation)
    {
        RenderState state = activation.State;
        string text = new MacroValue(definition, activation).Invoke(state, new Arguments([]));
        state.Generated?.Add(new TextRange(state.TextLength, state.TextLength + text.Length));
        state.Write(text);
        return Flow.Next;
    }

    public override void Declare(SymbolTable symbols)
    {
    }

    public override void Resolve(Scope scope) => definition.Resolve(scope);
}

internal sealed class JumpStatement(int position, Flow flow) : Statement(position)
{
    public override Flow Execute(Activation activation) => flow;
}

/// <summary>Include, import and extends, which need other templates; the error comes when they are reached, as in Jinja.</summary>
internal sealed class RefusedStatement(int position, string tag, Expression template, NameTarget[] names) : Statement(position)
{
    public override IEnumerable<Node> Children => [template, .. names];

    public override Flow Execute(Activation activation) =>
        throw new TemplateError($"'{tag}' is not supported: a chat template cannot use other templates", Position);
}

/// <summary>Variables of the top level that blocks can see.</summary>
internal sealed class ExportList((string Name, VariableReference Variable)[] variables)
{
    public static ExportList None { get; } = new([]);

    public static ExportList Of(Scope scope, IEnumerable<NameTarget> names) => !scope.IsTopLevel ? None
        : new ExportList([.. names.Select(name => (name.Name, scope.Find(name.Name, name.Position)))]);

    public void Export(Activation activation)
    {
        if (activation.State.Exported is not { } exported)
            return;
        foreach ((string name, VariableReference variable) in variables)
            exported[name] = variable.Get(activation);
    }
}
