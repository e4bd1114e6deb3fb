using System.Buffers.Binary;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>
/// A safetensors file, memory-mapped and validated: <see href="https://github.com/huggingface/safetensors"/>.
/// Loaded tensors look at the mapping without a copy where they can. They are private to this process: writing to one
/// changes neither the file nor other mappings. The file must not be truncated by somebody else while it is open.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile mapping;
    private readonly Dictionary<string, SafetensorsEntry> entries;
    private bool lent;
    private bool disposed;

    private SafetensorsFile(
        string path, MappedFile mapping, Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        Path = path;
        this.mapping = mapping;
        this.entries = entries;
        Metadata = metadata;
    }

    /// <summary>The path that the file was opened by.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => entries;

    /// <summary>The strings under <c>__metadata__</c>, such as format = pt; empty where there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps a file and validates its header; no tensor data is read yet.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated or invalid.</exception>
    public static unsafe SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        MappedFile mapping = MappedFile.Open(path, SafetensorsHeader.PrefixBytes);
        try
        {
            ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>((void*)mapping.Pointer, SafetensorsHeader.PrefixBytes));
            if (headerLength > SafetensorsHeader.MaxHeaderBytes)
                throw new CheckpointException(
                    path, "header", $"claims {headerLength} bytes, over the limit of {SafetensorsHeader.MaxHeaderBytes} (not a safetensors file?)");
            if ((long)headerLength > mapping.Length - SafetensorsHeader.PrefixBytes)
                throw new CheckpointException(
                    path, "header", $"claims {headerLength} bytes, but the file ends after {mapping.Length - SafetensorsHeader.PrefixBytes} (truncated?)");

            var json = new ReadOnlySpan<byte>((void*)(mapping.Pointer + SafetensorsHeader.PrefixBytes), (int)headerLength);
            var (entries, metadata) = SafetensorsHeader.Parse(path, headerLength, json, mapping.Length);
            return new SafetensorsFile(path, mapping, entries, metadata);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file has the tensor.</summary>
    public bool Contains(string name) => entries.ContainsKey(name);

    /// <summary>
    /// A tensor of the file: over the mapping where the dtype exists as it is, else a converted copy
    /// (I16 and U16 to int32, U32 and U64 to int64, 8-bit floats to float32).
    /// </summary>
    /// <exception cref="CheckpointException">The file has no such tensor, or its dtype, shape or values have no equal here.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public unsafe Tensor Load(string name)
    {
        SafetensorsEntry entry = Find(name);
        Shape shape = ToShape(entry);
        nint address = mapping.Pointer + (nint)entry.Offset;
        if (entry.DType.ToDType() is not { } dtype)
        {
            Tensor converted = SafetensorsConversion.Convert(Path, entry, shape, (byte*)address);
            GC.KeepAlive(mapping);
            return converted;
        }

        if (dtype == DType.Bool)
            SafetensorsConversion.RequireBools(Path, entry, (byte*)address);
        if (entry.Length == 0)
            return Tensor.Empty(shape, dtype);
        if (address % dtype.Size() == 0)
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

    /// <summary>The raw bytes of a tensor, of any dtype. The span is valid while this file is referenced and not disposed.</summary>
    /// <exception cref="CheckpointException">The file has no such tensor, or it is over 2 GB.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public unsafe ReadOnlySpan<byte> ReadBytes(string name)
    {
        SafetensorsEntry entry = Find(name);
        return entry.Length <= int.MaxValue
            ? new ReadOnlySpan<byte>((void*)(mapping.Pointer + (nint)entry.Offset), (int)entry.Length)
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
    }

    private SafetensorsEntry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(disposed, this);
        return entries.TryGetValue(name, out SafetensorsEntry? entry)
            ? entry
            : throw new CheckpointException(Path, name, "the file has no such tensor");
    }

    private Shape ToShape(SafetensorsEntry entry)
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
