namespace Triptych.Tensors;

/// <summary>Native memory that one or more tensors look at.</summary>
internal sealed unsafe class Storage : IDisposable
{
    private readonly object? owner;
    private nint address;
    private bool isCollected;

    /// <summary>Takes a block from the pool; the current scope frees it, or the finalizer where there is none.</summary>
    public Storage(long bytes)
    {
        Bytes = bytes;
        address = (nint)NativePool.Rent(bytes);
        Scope = TensorScope.Current;
        if (Scope is null)
            LeaveToCollector();
        else
            Scope.Add(this);
    }

    /// <summary>Looks at memory that <paramref name="owner"/> keeps alive.</summary>
    public Storage(nint address, long bytes, object owner)
    {
        Bytes = bytes;
        this.address = address;
        this.owner = owner;
        GC.SuppressFinalize(this);
    }

    ~Storage() => Dispose();

    public long Bytes { get; }

    /// <summary>The scope that will free this, if any.</summary>
    public TensorScope? Scope { get; set; }

    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public byte* Pointer => address != 0 ? (byte*)address : ThrowFreed();

    public bool IsFreed => address == 0;

    /// <summary>Hands the block over to the garbage collector: it lives as long as something refers to it.</summary>
    public void LeaveToCollector()
    {
        Scope = null;
        if (owner is not null || isCollected)
            return;
        isCollected = true;
        CollectorBudget.Add(Bytes);
    }

    /// <summary>Gives the block back now. Tensors that still look at it throw when they are used.</summary>
    public void Dispose()
    {
        nint block = Interlocked.Exchange(ref address, 0);
        if (block == 0 || owner is not null)
            return;
        NativePool.Return((byte*)block, Bytes);
        if (isCollected)
            CollectorBudget.Remove(Bytes);
        GC.SuppressFinalize(this);
    }

    private static byte* ThrowFreed() =>
        throw new ObjectDisposedException(nameof(Tensor), "the tensor's memory was freed: its scope ended or it was disposed");
}
