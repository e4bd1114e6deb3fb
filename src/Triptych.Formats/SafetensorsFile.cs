using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>A safetensors file, memory-mapped and validated: <see href="https://github.com/huggingface/safetensors"/>.</summary>
public sealed class SafetensorsFile : TensorFile
{
    private readonly Dictionary<string, SafetensorsEntry> entries;

    private SafetensorsFile(
        string path, MappedFile mapping, Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata)
        : base(path, mapping)
    {
        this.entries = entries;
        Metadata = metadata;
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => entries;

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Names => entries.Keys;

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

    /// <summary>
    /// A tensor of the file: over the mapping where the dtype exists as it is, else a converted copy
    /// (I16 and U16 to int32, U32 and U64 to int64, 8-bit floats to float32).
    /// </summary>
    /// <inheritdoc/>
    public override unsafe Tensor Load(string name)
    {
        var entry = (SafetensorsEntry)Entry(name);
        Shape shape = ToShape(entry);
        if (entry.ElementType is not { } dtype)
        {
            Tensor converted = SafetensorsConversion.Convert(Path, entry, shape, (byte*)Address(entry));
            GC.KeepAlive(Mapping);
            return converted;
        }

        if (dtype == DType.Bool)
            SafetensorsConversion.RequireBools(Path, entry, (byte*)Address(entry));
        return View(entry, shape, dtype);
    }

    private protected override bool TryFind(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        bool found = entries.TryGetValue(name, out SafetensorsEntry? typed);
        entry = typed;
        return found;
    }
}
