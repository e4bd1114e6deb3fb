using System.Diagnostics.CodeAnalysis;

namespace Triptych.Tensors;

/// <summary>
/// Frees the tensors that were made on this thread while it was the innermost scope, all at once and at a known time.
/// Scopes nest; a result leaves with <see cref="Keep"/>. Without any scope the garbage collector frees tensors.
/// </summary>
/// <example><code>
/// using var scope = new TensorScope();
/// var logits = model.Forward(inputs).Logits;
/// int next = (int)Functional.ArgMax(logits, -1).Item&lt;long&gt;();
/// </code></example>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic]
    private static TensorScope? current;

    private readonly TensorScope? parent;
    private readonly int thread = Environment.CurrentManagedThreadId;
    private List<Storage> storages;
    private bool keepAll;
    private bool disposed;

    [ThreadStatic]
    private static Stack<List<Storage>>? spareLists;

    /// <summary>Opens a scope on this thread.</summary>
    public TensorScope()
    {
        parent = current;
        current = this;
        storages = (spareLists ??= new()).TryPop(out var list) ? list : [];
    }

    internal static TensorScope? Current => current;

    /// <summary>Moves a tensor's memory to the enclosing scope, or to the garbage collector where there is none.
    /// A tensor with a gradient history takes along all that its history needs.</summary>
    /// <returns>The tensor itself.</returns>
    [return: NotNullIfNotNull(nameof(tensor))]
    public Tensor? Keep(Tensor? tensor)
    {
        if (tensor is null)
            return tensor;
        if (tensor.Node is not null)
            keepAll = true;
        var storage = tensor.Storage;
        if (storage.Scope == this)
            Hand(storage);
        return tensor;
    }

    /// <summary>Frees everything that was made inside and not kept.</summary>
    /// <exception cref="InvalidOperationException">An inner scope is still open, or this is another thread.</exception>
    public void Dispose()
    {
        if (disposed)
            return;
        if (current != this || thread != Environment.CurrentManagedThreadId)
            throw new InvalidOperationException("a TensorScope must end on its own thread, after the scopes inside it");
        disposed = true;
        current = parent;
        foreach (var storage in storages)
        {
            if (storage.Scope != this)
                continue;
            if (keepAll)
                Hand(storage);
            else
                storage.Dispose();
        }

        storages.Clear();
        spareLists!.Push(storages);
        storages = null!;
    }

    internal void Add(Storage storage) => storages.Add(storage);

    /// <summary>Takes a tensor's memory over from the scope that it was made in, or from the garbage collector.</summary>
    internal void Adopt(Tensor tensor)
    {
        tensor.Storage.Scope = this;
        Add(tensor.Storage);
    }

    private void Hand(Storage storage)
    {
        if (parent is null)
        {
            storage.LeaveToCollector();
            return;
        }

        storage.Scope = parent;
        parent.Add(storage);
    }
}
