using System.Diagnostics.CodeAnalysis;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>One tensor of a checkpoint file, as the file describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Shape">The sizes, outermost first; empty for a scalar.</param>
/// <param name="Offset">The first byte, counted from the start of the file.</param>
/// <param name="Length">The bytes that it takes.</param>
public abstract record TensorEntry(string Name, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>The tensor type with the same bits; null where there is none.</summary>
    public abstract DType? ElementType { get; }

    /// <summary>The element type's name in the file's format.</summary>
    public abstract string TypeName { get; }
}

/// <summary>
/// A memory-mapped file of named tensors. Loaded tensors look at the mapping without a copy where they can. They are private
/// to this process: writing to one changes neither the file nor other mappings. The file must not be truncated by somebody
/// else while it is open.
/// </summary>
public abstract class TensorFile : IDisposable
{
    private readonly MappedFile mapping;
    private bool lent;
    private bool disposed;

    private protected TensorFile(string path, MappedFile mapping)
    {
        Path = path;
        this.mapping = mapping;
    }

    /// <summary>The path that the file was opened by.</summary>
    public string Path { get; }

    /// <summary>The names of the tensors.</summary>
    public abstract IReadOnlyCollection<string> Names { get; }

    private protected MappedFile Mapping => mapping;

    /// <summary>Whether the file has the tensor.</summary>
    public bool Contains(string name) => TryFind(name, out _);

    /// <summary>The tensor's type, shape and place.</summary>
    /// <exception cref="CheckpointException">The file has no such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public TensorEntry Entry(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(disposed, this);
        return TryFind(name, out TensorEntry? entry) ? entry : throw new CheckpointException(Path, name, "the file has no such tensor");
    }

    /// <summary>A tensor of the file.</summary>
    /// <exception cref="CheckpointException">The file has no such tensor, or its type, shape or values have no equal here.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public abstract Tensor Load(string name);

    /// <summary>The raw bytes of a tensor, of any type. The span is valid while this file is referenced and not disposed.</summary>
    /// <exception cref="CheckpointException">The file has no such tensor, or it is over 2 GB.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public unsafe ReadOnlySpan<byte> ReadBytes(string name)
    {
        TensorEntry entry = Entry(name);
        return entry.Length <= int.MaxValue
            ? new ReadOnlySpan<byte>((void*)Address(entry), (int)entry.Length)
            : throw new CheckpointException(Path, name, $"has {entry.Length} bytes, more than a span can hold");
    }

    /// <summary>Closes the file. Tensors that were loaded stay valid: the mapping goes with the last of them.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        if (!lent)
            mapping.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract bool TryFind(string name, [NotNullWhen(true)] out TensorEntry? entry);

    private protected nint Address(TensorEntry entry) => mapping.Pointer + (nint)entry.Offset;

    /// <summary>The entry's bytes as a tensor: over the mapping, or copied where they don't lie aligned to their elements.</summary>
    private protected unsafe Tensor View(TensorEntry entry, Shape shape, DType dtype)
    {
        if (entry.Length == 0)
            return Tensor.Empty(shape, dtype);
        nint address = Address(entry);
        if (dtype.IsQuantized() || address % dtype.Size() == 0)
        {
            lent = true;
            return Tensor.Wrap(address, entry.Length, shape, dtype, mapping);
        }

        Tensor copy = Tensor.Empty(shape, dtype);
        TensorBytes.ForEachPiece(copy, bytes =>
        {
            new ReadOnlySpan<byte>((void*)address, bytes.Length).CopyTo(bytes);
            address += bytes.Length;
        });
        GC.KeepAlive(mapping);
        return copy;
    }

    /// <summary>The entry's sizes, as far as tensors can have them.</summary>
    private protected Shape ToShape(TensorEntry entry)
    {
        if (entry.Shape.Count > Shape.MaxRank)
            throw new CheckpointException(Path, entry.Name, $"has {entry.Shape.Count} dimensions, over the limit of {Shape.MaxRank}");
        var sizes = new int[entry.Shape.Count];
        for (int i = 0; i < sizes.Length; i++)
        {
            sizes[i] = entry.Shape[i] <= int.MaxValue
                ? (int)entry.Shape[i]
                : throw new CheckpointException(Path, entry.Name, $"dimension {i} is {entry.Shape[i]}, over the limit of {int.MaxValue}");
        }

        return sizes;
    }
}
