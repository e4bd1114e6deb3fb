namespace Triptych.Tokenizers.Templates;

/// <summary>A part of a parsed template.</summary>
internal abstract class Node(int position)
{
    /// <summary>Where it begins in the source.</summary>
    public int Position { get; } = position;

    /// <summary>The parts of which it consists, in the order of Jinja's syntax tree.</summary>
    public virtual IEnumerable<Node> Children => [];

    /// <summary>Tells a scope what is done to its variables.</summary>
    public virtual void Declare(SymbolTable symbols)
    {
        foreach (Node child in Children)
            child.Declare(symbols);
    }

    /// <summary>Finds where the variables live.</summary>
    public virtual void Resolve(Scope scope)
    {
        foreach (Node child in Children)
            child.Resolve(scope);
    }

    public static void DeclareAll(IEnumerable<Node> nodes, SymbolTable symbols)
    {
        foreach (Node node in nodes)
            node.Declare(symbols);
    }

    public static void ResolveAll(IEnumerable<Node> nodes, Scope scope)
    {
        foreach (Node node in nodes)
            node.Resolve(scope);
    }

    /// <summary>Which of some names are read before they are assigned.</summary>
    public static HashSet<string> FindReads(IEnumerable<Node> nodes, params string[] names)
    {
        var open = new HashSet<string>(names, StringComparer.Ordinal);
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (Node node in nodes)
            FindReads(node, open, found);
        return found;
    }

    private static void FindReads(Node node, HashSet<string> open, HashSet<string> found)
    {
        if (node is BlockStatement)
            return;
        if (node is NameTarget target)
            open.Remove(target.Name);
        else if (node is NameExpression name && open.Contains(name.Name))
            found.Add(name.Name);
        foreach (Node child in node.Children)
            FindReads(child, open, found);
    }
}

/// <summary>A node that has a value.</summary>
internal abstract class Expression(int position) : Node(position)
{
    /// <summary>How many expressions it is nested in at most, itself not counted.</summary>
    public int Depth { get; set; }

    /// <summary>Whether nothing that is always evaluated in it depends on variables or calls.</summary>
    public bool MayBeConstant { get; set; }

    /// <summary>Whether there is a slice in it.</summary>
    public bool HasSlices { get; set; }

    public abstract object? Evaluate(Activation activation);
}

internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A node that does something.</summary>
internal abstract class Statement(int position) : Node(position)
{
    public abstract Flow Execute(Activation activation);

    /// <summary>What a call block or filter block makes, which is printed as it is and so must be a text.</summary>
    protected static string TextOf(object? value) => value as string ?? (value as MarkupValue)?.Text
        ?? throw new TemplateError($"expected str instance, {PythonTypes.NameOf(value)} found");

    public static Flow ExecuteAll(Statement[] statements, Activation activation)
    {
        foreach (Statement statement in statements)
        {
            Flow flow = statement.Execute(activation);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    /// <summary>The same, with what the statements print collected.</summary>
    protected static Flow ExecuteAll(Statement[] statements, Activation activation, out string text)
    {
        System.Text.StringBuilder outer = activation.State.Collect();
        Flow flow = ExecuteAll(statements, activation);
        text = activation.State.EndCollect(outer);
        return flow;
    }
}
