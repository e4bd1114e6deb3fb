namespace Triptych.Tokenizers.Templates;

/// <summary>The template, a macro or a recursive loop: what has an activation of its own.</summary>
internal sealed class FunctionScope(FunctionScope? parent, int level)
{
    private readonly Dictionary<Variable, int> _slots = [];

    public int SlotCount => _slots.Count;

    public VariableReference Find(Variable variable)
    {
        FunctionScope function = this;
        int hops = 0;
        for (; variable.Level < function.Level; hops++)
            function = function.Parent!;
        if (!function._slots.TryGetValue(variable, out int slot))
        {
            slot = function._slots.Count;
            function._slots.Add(variable, slot);
        }

        return new VariableReference(hops, slot);
    }

    private FunctionScope? Parent => parent;

    private int Level => level;
}

/// <summary>The blocks of a template by name.</summary>
internal sealed class TemplateBlocks
{
    public Dictionary<string, BlockStatement> ByName { get; } = new(StringComparer.Ordinal);
}

/// <summary>A scope while names are resolved.</summary>
internal sealed class Scope
{
    private Scope(SymbolTable symbols, FunctionScope function, TemplateBlocks blocks)
    {
        Symbols = symbols;
        Function = function;
        Blocks = blocks;
    }

    public SymbolTable Symbols { get; }

    public FunctionScope Function { get; }

    public TemplateBlocks Blocks { get; }

    /// <summary>Whether assignments are seen by blocks: not in loops and macros.</summary>
    public bool IsTopLevel { get; private init; }

    /// <summary>Whether code may never be run, so that unknown filters and tests are errors only when it is.</summary>
    public bool IsConditional { get; private init; }

    public static Scope Root(TemplateBlocks blocks, bool isTopLevel) =>
        new(new SymbolTable(null), new FunctionScope(null, 0), blocks) { IsTopLevel = isTopLevel };

    public Scope Inner() => new(new SymbolTable(Symbols), Function, Blocks);

    /// <summary>A scope with an activation of its own.</summary>
    public Scope InnerFunction()
    {
        var symbols = new SymbolTable(Symbols);
        return new Scope(symbols, new FunctionScope(Function, symbols.Level), Blocks);
    }

    /// <summary>A scope whose variables live in an activation that another scope made.</summary>
    public Scope InnerIn(FunctionScope function) => new(new SymbolTable(Symbols), function, Blocks);

    public Scope Conditional() => new(Symbols.Copy(), Function, Blocks) { IsTopLevel = IsTopLevel, IsConditional = true };

    public VariableReference Find(string name, int position) => Function.Find(
        Symbols.Find(name) ?? throw new TemplateError($"the name '{name}' is not known here", position));

    /// <summary>What entering the scope does; asked for when all names are declared.</summary>
    public ScopeEntry Entry() => new([.. Symbols.Loads.Select(pair => (
        Function.Find(pair.Key), pair.Value.Kind, pair.Key.Name,
        pair.Value.Kind == LoadKind.Alias ? Function.Find(pair.Value.Source) : default))]);
}
