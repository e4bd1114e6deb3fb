using System.Text;

namespace Triptych.Tokenizers.Templates;

/// <summary><c>{% block name %}...{% endblock %}</c>: without inheritance, a part of the template with variables of its own.</summary>
internal sealed class BlockStatement(int position, string name, Statement[] body, bool isScoped, bool isRequired) : Statement(position)
{
    private FunctionScope _function = null!;
    private ScopeEntry _entry = null!;
    private VariableReference? _self, _super;
    private (string Name, VariableReference Variable)[] _locals = [];
    private TemplateBlocks _blocks = null!;

    public string Name => name;

    public bool IsScoped => isScoped;

    public override IEnumerable<Node> Children => body;

    public override Flow Execute(Activation activation)
    {
        if (isRequired)
            throw new TemplateError($"Required block '{name}' not found", Position);
        RenderState state = activation.State;
        Dictionary<string, object?>? exported = state.Exported;
        var saved = isScoped ? new Dictionary<string, object?>(exported!, StringComparer.Ordinal) : null;
        foreach ((string local, VariableReference variable) in _locals)
        {
            if (!ReferenceEquals(variable.Get(activation), RenderState.Missing))
                exported![local] = variable.Get(activation);
        }

        Run(state);
        if (saved is not null)
        {
            exported!.Clear();
            foreach ((string key, object? value) in saved)
                exported[key] = value;
        }

        return Flow.Next;
    }

    /// <summary>What the block prints, as <c>self.name()</c> has it.</summary>
    public string Collect(RenderState state)
    {
        StringBuilder outer = state.Collect();
        Run(state);
        return state.EndCollect(outer);
    }

    private void Run(RenderState state)
    {
        state.Enter();
        var activation = new Activation(state, _function, null);
        _entry.Enter(activation);
        _self?.Set(activation, new BlocksValue(_blocks));
        _super?.Set(activation, UndefinedValue.Because($"there is no parent block called '{name}'."));
        ExecuteAll(body, activation);
        state.Leave();
    }

    public override void Declare(SymbolTable symbols)
    {
    }

    public override void Resolve(Scope scope)
    {
        if (isScoped)
            _locals = [.. scope.Symbols.AllStores().Select(local => (local, scope.Find(local, Position)))];
        _blocks = scope.Blocks;
        Scope own = Scope.Root(scope.Blocks, isTopLevel: false);
        _function = own.Function;
        HashSet<string> reads = FindReads(body, "self", "super");
        foreach (string special in reads)
            own.Symbols.DeclareParameter(special);
        DeclareAll(body, own.Symbols);
        _self = reads.Contains("self") ? own.Find("self", Position) : null;
        _super = reads.Contains("super") ? own.Find("super", Position) : null;
        _entry = own.Entry();
        ResolveAll(body, own);
    }
}

/// <summary>The variable <c>self</c>: the blocks of the template.</summary>
internal sealed class BlocksValue(TemplateBlocks blocks)
{
    public (bool Found, object? Value) Property(string name) => blocks.ByName.TryGetValue(name, out BlockStatement? block)
        ? (true, new FunctionValue(new Builtin(name, "/", (state, _, _) => block.Collect(state)), null, isMethod: false))
        : (false, null);
}
