namespace Triptych.Tokenizers.Templates;

internal enum LoadKind
{
    /// <summary>Whoever enters the scope sets the variable.</summary>
    Parameter,

    /// <summary>It comes from the context.</summary>
    Resolve,

    /// <summary>It begins as a copy of a variable further out.</summary>
    Alias,

    /// <summary>It is not set.</summary>
    Undefined,
}

/// <summary>A variable of a scope; scopes are numbered by how deep they are nested.</summary>
internal readonly record struct Variable(int Level, string Name);

internal readonly record struct Load(LoadKind Kind, Variable Source = default);

/// <summary>
/// The variables of a scope. Jinja decides when a template is parsed where each name is looked up, by all that a scope does with the
/// name, and its rules are kept here: a name that an outer scope knows is that scope's; one that is assigned begins as a copy of it;
/// any other comes from the context when the scope is entered.
/// </summary>
internal sealed class SymbolTable(SymbolTable? parent)
{
    private Dictionary<string, Variable> _variables = new(StringComparer.Ordinal);
    private Dictionary<Variable, Load> _loads = [];
    private HashSet<string> _stores = new(StringComparer.Ordinal);

    public int Level { get; } = parent is null ? 0 : parent.Level + 1;

    public IReadOnlyDictionary<Variable, Load> Loads => _loads;

    public Variable? Find(string name) =>
        _variables.TryGetValue(name, out Variable variable) ? variable : parent?.Find(name);

    /// <summary>The names that this scope and those around it assign.</summary>
    public IEnumerable<string> AllStores() => parent is null ? _stores : _stores.Union(parent.AllStores());

    public void Read(string name)
    {
        if (Find(name) is null)
            Define(name, new Load(LoadKind.Resolve));
    }

    public void Assign(string name)
    {
        _stores.Add(name);
        if (_variables.ContainsKey(name))
            return;
        Define(name, parent?.Find(name) is { } outer ? new Load(LoadKind.Alias, outer) : new Load(LoadKind.Undefined));
    }

    public void DeclareParameter(string name)
    {
        _stores.Add(name);
        Define(name, new Load(LoadKind.Parameter));
    }

    public SymbolTable Copy() => new(parent)
    {
        _variables = new Dictionary<string, Variable>(_variables, StringComparer.Ordinal),
        _loads = new Dictionary<Variable, Load>(_loads),
        _stores = new HashSet<string>(_stores, StringComparer.Ordinal),
    };

    /// <summary>Takes over what branches did, of which one at most is run: what only they assign begins as it is outside.</summary>
    public void Merge(IReadOnlyList<SymbolTable> branches)
    {
        var assigned = new HashSet<string>(branches.SelectMany(branch => branch._stores), StringComparer.Ordinal);
        assigned.ExceptWith(_stores);
        foreach (SymbolTable branch in branches)
        {
            foreach ((string name, Variable variable) in branch._variables)
                _variables[name] = variable;
            foreach ((Variable variable, Load load) in branch._loads)
                _loads[variable] = load;
            _stores.UnionWith(branch._stores);
        }

        foreach (string name in assigned)
        {
            _loads[Find(name)!.Value] = parent?.Find(name) is { } outer
                ? new Load(LoadKind.Alias, outer) : new Load(LoadKind.Resolve);
        }
    }

    private void Define(string name, Load load)
    {
        var variable = new Variable(Level, name);
        _variables[name] = variable;
        _loads[variable] = load;
    }
}
