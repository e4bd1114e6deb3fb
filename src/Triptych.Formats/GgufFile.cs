using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>One tensor of a GGUF file, as its header describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Type">The element type in the file.</param>
/// <param name="Shape">The sizes, outermost first: ggml's order turned around, so that a weight is <c>[out, in]</c> as elsewhere.</param>
/// <param name="Offset">The first byte, counted from the start of the file.</param>
/// <param name="Length">The bytes that it takes.</param>
public sealed record GgufEntry(string Name, GgufTensorType Type, IReadOnlyList<long> Shape, long Offset, long Length)
    : TensorEntry(Name, Shape, Offset, Length)
{
    /// <inheritdoc/>
    public override DType? ElementType => Type.ToDType();

    /// <inheritdoc/>
    public override string TypeName => Type.ToString();
}

/// <summary>
/// A GGUF file of version 2 or 3, memory-mapped and validated: <see href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"/>.
/// </summary>
public sealed class GgufFile : TensorFile
{
    /// <summary>How file names end.</summary>
    public const string Extension = ".gguf";

    private readonly OrderedDictionary<string, GgufEntry> entries;

    private GgufFile(string path, MappedFile mapping, int version, GgufMetadata metadata, OrderedDictionary<string, GgufEntry> entries)
        : base(path, mapping)
    {
        this.entries = entries;
        Version = version;
        Metadata = metadata;
    }

    /// <summary>The version of the format.</summary>
    public int Version { get; }

    /// <summary>The metadata; arrays and strings are read from the file when they are asked for, until it is disposed.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors by name, in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufEntry> Entries => entries;

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Names => entries.Keys;

    /// <summary>Whether a path means a GGUF file: by its name, or by the first bytes of a file that is there.</summary>
    public static bool IsGguf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
            return false;
        if (path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            return true;
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> magic = stackalloc byte[4];
            return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("GGUF"u8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Maps a file and validates its header; no tensor data is read yet.</summary>
    /// <exception cref="CheckpointException">The file is missing, truncated or invalid.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        MappedFile mapping = MappedFile.Open(path, GgufHeader.PrefixBytes);
        try
        {
            var (version, metadata, entries) = GgufHeader.Parse(path, new MappedBytes(mapping).Memory, mapping.Length);
            return new GgufFile(path, mapping, version, metadata, entries);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>A tensor of the file, over the mapping: quantized ones stay in their blocks.</summary>
    /// <inheritdoc/>
    public override Tensor Load(string name)
    {
        TensorEntry entry = Entry(name);
        return entry.ElementType is { } dtype
            ? View(entry, ToShape(entry), dtype)
            : throw new CheckpointException(Path, name, $"is of type {entry.TypeName}, which can be described but not loaded");
    }

    private protected override bool TryFind(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        bool found = entries.TryGetValue(name, out GgufEntry? typed);
        entry = typed;
        return found;
    }

    /// <summary>The beginning of a mapped file as managed memory, which knows when the mapping is gone.</summary>
    private sealed unsafe class MappedBytes(MappedFile mapping) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new((void*)mapping.Pointer, (int)Math.Min(mapping.Length, int.MaxValue));

        public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)mapping.Pointer + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
