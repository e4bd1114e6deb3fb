namespace Triptych.Tokenizers.Templates;

/// <summary>The variables of one run of the template, a macro or a recursive loop.</summary>
internal sealed class Activation
{
    public Activation(RenderState state, FunctionScope function, Activation? parent)
    {
        State = state;
        Parent = parent;
        Slots = new object?[function.SlotCount];
        Array.Fill(Slots, RenderState.Missing);
    }

    private Activation(RenderState state) => (State, Slots) = (state, [RenderState.Missing]);

    /// <summary>One for expressions whose names are not resolved yet; they all are one variable, which is missing.</summary>
    public static Activation OfConstants(RenderState state) => new(state);

    public RenderState State { get; }

    public Activation? Parent { get; }

    public object?[] Slots { get; }
}

/// <summary>Where a variable lives: so many activations out, in this slot.</summary>
internal readonly record struct VariableReference(int Hops, int Slot)
{
    public object? Get(Activation activation) => Owner(activation).Slots[Slot];

    public void Set(Activation activation, object? value) => Owner(activation).Slots[Slot] = value;

    private Activation Owner(Activation activation)
    {
        for (int i = 0; i < Hops; i++)
            activation = activation.Parent!;
        return activation;
    }
}

/// <summary>What happens to the variables of a scope when it is entered and left.</summary>
internal sealed class ScopeEntry((VariableReference Target, LoadKind Kind, string Name, VariableReference Source)[] loads)
{
    public void Enter(Activation activation)
    {
        foreach ((VariableReference target, LoadKind kind, string name, VariableReference source) in loads)
        {
            if (kind == LoadKind.Resolve)
                target.Set(activation, activation.State.Resolve(name));
            else if (kind == LoadKind.Alias)
                target.Set(activation, source.Get(activation));
            else if (kind == LoadKind.Undefined)
                target.Set(activation, RenderState.Missing);
        }
    }

    public void Leave(Activation activation)
    {
        foreach ((VariableReference target, _, _, _) in loads)
            target.Set(activation, RenderState.Missing);
    }
}
