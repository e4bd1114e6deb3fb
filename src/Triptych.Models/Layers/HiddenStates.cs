using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Carries the residual stream from layer to layer: keeps every state if they were asked for, else frees
/// each as soon as the next one exists, unless gradients need it.</summary>
internal struct HiddenStates(Tensor embeddings, bool collect)
{
    private readonly List<Tensor>? all = collect ? [embeddings] : null;

    public Tensor Current { get; private set; } = embeddings;

    public readonly IReadOnlyList<Tensor>? All => all;

    /// <summary>The state after a layer.</summary>
    public void Add(Tensor next)
    {
        if (all is not null)
            all.Add(next);
        else if (!next.RequiresGrad)
            Current.Dispose();
        Current = next;
    }

    /// <summary>Puts what the final norm made of the last state in its place.</summary>
    public void ReplaceLast(Tensor normalized)
    {
        if (all is not null)
            all[^1] = normalized;
        Current = normalized;
    }
}
