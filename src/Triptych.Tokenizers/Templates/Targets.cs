namespace Triptych.Tokenizers.Templates;

/// <summary>What can be assigned to.</summary>
internal abstract class Target(int position) : Node(position)
{
    public abstract void Assign(Activation activation, object? value);

    /// <summary>The value after an assignment.</summary>
    public abstract object? Read(Activation activation);

    /// <summary>The same target once more, to be resolved in another scope.</summary>
    public abstract Target Copy();

    /// <summary>The names that are assigned.</summary>
    public abstract IEnumerable<NameTarget> Names { get; }

    /// <summary>Fails if an attribute is to be set of something that is not a namespace.</summary>
    public virtual void Check(Activation activation)
    {
    }
}

internal sealed class NameTarget(int position, string name, bool isParameter) : Target(position)
{
    private VariableReference _variable;

    public string Name { get; } = name;

    public override IEnumerable<NameTarget> Names => [this];

    public override void Assign(Activation activation, object? value) => _variable.Set(activation, value);

    public override object? Read(Activation activation) => _variable.Get(activation);

    public override Target Copy() => new NameTarget(Position, Name, isParameter);

    public override void Declare(SymbolTable symbols)
    {
        if (isParameter)
            symbols.DeclareParameter(Name);
        else
            symbols.Assign(Name);
    }

    public override void Resolve(Scope scope) => _variable = scope.Find(Name, Position);
}

internal sealed class TupleTarget(int position, Target[] items) : Target(position)
{
    public override IEnumerable<Node> Children => items;

    public override IEnumerable<NameTarget> Names => items.SelectMany(item => item.Names);

    public override void Assign(Activation activation, object? value)
    {
        if (value is SequenceValue { Count: var count } sequence && count == items.Length)
        {
            for (int i = 0; i < items.Length; i++)
                items[i].Assign(activation, sequence.Items[i]);
            return;
        }

        if (!Iteration.IsIterable(value))
            throw new TemplateError($"cannot unpack non-iterable {PythonTypes.NameOf(value)} object", Position);
        var values = new List<object?>(items.Length);
        foreach (object? item in Iteration.Items(activation.State, value))
        {
            if (values.Count == items.Length)
                throw new TemplateError($"too many values to unpack (expected {items.Length})", Position);
            values.Add(item);
        }

        if (values.Count < items.Length)
            throw new TemplateError($"not enough values to unpack (expected {items.Length}, got {values.Count})", Position);
        for (int i = 0; i < items.Length; i++)
            items[i].Assign(activation, values[i]);
    }

    public override object? Read(Activation activation) =>
        new TupleValue(Array.ConvertAll(items, item => item.Read(activation)));

    public override Target Copy() => new TupleTarget(Position, Array.ConvertAll(items, item => item.Copy()));

    public override void Check(Activation activation)
    {
        foreach (Target item in items)
            item.Check(activation);
    }
}

/// <summary><c>name.attribute</c>, where the name is that of a namespace.</summary>
internal sealed class NamespaceTarget(int position, string name, string attribute) : Target(position)
{
    private VariableReference _variable;

    public override IEnumerable<NameTarget> Names => [];

    public override void Check(Activation activation)
    {
        if (_variable.Get(activation) is not NamespaceValue)
            throw new TemplateError("cannot assign attribute on non-namespace object", Position);
    }

    public override void Assign(Activation activation, object? value)
    {
        Check(activation);
        activation.State.ReserveItems(1);
        ((NamespaceValue)_variable.Get(activation)!).Attributes.Set(attribute, value);
    }

    public override object? Read(Activation activation) => Lookup.Attribute(_variable.Get(activation), attribute);

    public override Target Copy() => new NamespaceTarget(Position, name, attribute);

    public override void Declare(SymbolTable symbols) => symbols.Read(name);

    public override void Resolve(Scope scope) => _variable = scope.Find(name, Position);
}
