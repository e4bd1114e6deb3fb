using System.Buffers.Binary;
using System.Text;

namespace Triptych.Formats;

/// <summary>
/// Parses and validates what stands before the data of a GGUF file (<see href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"/>):
/// magic, version, counts, metadata, descriptions of the tensors. Counts and lengths are compared with the bytes that are left before
/// anything of their size is made, so that a lying file costs no more time and memory than its own length.
/// </summary>
internal ref struct GgufHeader
{
    /// <summary>Magic, version and the two counts.</summary>
    public const int PrefixBytes = 24;

    /// <summary>An array's type and count.</summary>
    public const int ArrayHeaderBytes = sizeof(uint) + sizeof(ulong);

    /// <summary>The format's limit on names of keys and, by the same measure, of tensors.</summary>
    public const int MaxNameBytes = ushort.MaxValue;

    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;

    /// <summary>The widest page of any system that files are aligned for is far below.</summary>
    private const int MaxAlignment = 1 << 24;

    /// <summary>ggml's tensors have four dimensions.</summary>
    private const int MaxDimensions = 4;

    /// <summary>Arrays of arrays are allowed; nobody has made use of it.</summary>
    private const int MaxDepth = 4;

    private const uint Magic = 0x46554747;
    private const int SmallestValue = sizeof(ulong) + sizeof(uint) + sizeof(byte);
    private const int SmallestTensor = sizeof(ulong) + sizeof(uint) + sizeof(uint) + sizeof(ulong);

    private readonly string path;
    private readonly ReadOnlyMemory<byte> memory;
    private readonly ReadOnlySpan<byte> bytes;
    private readonly long fileLength;
    private string key = "header";
    private int position;

    private GgufHeader(string path, ReadOnlyMemory<byte> memory, long fileLength)
    {
        this.path = path;
        this.memory = memory;
        this.fileLength = fileLength;
        bytes = memory.Span;
    }

    /// <summary>Parses a file.</summary>
    /// <param name="path">The file, for errors.</param>
    /// <param name="memory">The file from its beginning: all of it, or the first 2 GB.</param>
    /// <param name="fileLength">The bytes of the file.</param>
    /// <exception cref="CheckpointException">The file is invalid.</exception>
    public static (int Version, GgufMetadata Metadata, OrderedDictionary<string, GgufEntry> Entries) Parse(
        string path, ReadOnlyMemory<byte> memory, long fileLength)
    {
        var header = new GgufHeader(path, memory, fileLength);
        int version = header.ReadVersion();
        int tensors = header.ReadCount("tensors", SmallestTensor);
        int values = header.ReadCount("metadata entries", SmallestValue);
        GgufMetadata metadata = header.ReadMetadata(values);
        return (version, metadata, header.ReadEntries(tensors, AlignmentOf(metadata)));
    }

    /// <summary>The bytes of a number; null for strings, arrays and unknown types.</summary>
    public static int? FixedSize(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => null,
    };

    /// <summary>What tensors are aligned to in the file.</summary>
    public static int AlignmentOf(GgufMetadata metadata)
    {
        int alignment = metadata.GetInt32(AlignmentKey) ?? DefaultAlignment;
        return alignment is > 0 and <= MaxAlignment && int.IsPow2(alignment)
            ? alignment
            : throw new CheckpointException(metadata.Path, AlignmentKey, $"is {alignment}, not a power of two up to {MaxAlignment}");
    }

    public static long Align(long position, int alignment) => (position + alignment - 1) & -alignment;

    private int ReadVersion()
    {
        uint magic = ReadUInt32();
        if (magic != Magic)
            throw Fail("begins with other bytes than GGUF: not a GGUF file");
        uint version = ReadUInt32();
        if (version is 2 or 3)
            return (int)version;
        throw Fail(BinaryPrimitives.ReverseEndianness(version) is 2 or 3 ? "is a big-endian file, of which only little-endian ones are read"
            : version == 1 ? "is of version 1, with 32-bit lengths, which was replaced in 2023; versions 2 and 3 are read"
            : $"is of version {version}; versions 2 and 3 are read");
    }

    private GgufMetadata ReadMetadata(int count)
    {
        var metadata = new GgufMetadata(path);
        for (int i = 0; i < count; i++)
        {
            key = $"metadata entry {i}";
            string name = ReadName();
            key = name;
            var type = (GgufValueType)ReadUInt32();
            int start = position;
            SkipValue(type, MaxDepth);
            if (!metadata.TryAdd(name, new GgufValue(type, memory[start..position])))
                throw Fail("appears twice in the metadata");
        }

        return metadata;
    }

    private void SkipValue(GgufValueType type, int depth)
    {
        if (type == GgufValueType.String)
        {
            SkipString();
            return;
        }

        if (FixedSize(type) is { } size)
        {
            Skip(size);
            return;
        }

        if (type != GgufValueType.Array)
            throw Fail($"has the unknown type {(uint)type}");
        if (depth == 0)
            throw Fail($"nests arrays deeper than {MaxDepth}");
        var elementType = (GgufValueType)ReadUInt32();
        int smallest = FixedSize(elementType) ?? (elementType == GgufValueType.Array ? ArrayHeaderBytes : sizeof(ulong));
        int count = ReadCount("elements", smallest);
        if (FixedSize(elementType) is not null)
        {
            Skip(count * smallest);
            return;
        }

        if (elementType is not (GgufValueType.String or GgufValueType.Array))
            throw Fail($"has elements of the unknown type {(uint)elementType}");
        for (int i = 0; i < count; i++)
            SkipValue(elementType, depth - 1);
    }

    private OrderedDictionary<string, GgufEntry> ReadEntries(int count, int alignment)
    {
        var described = new List<(string Name, GgufTensorType Type, long[] Shape, ulong Offset)>(count);
        for (int i = 0; i < count; i++)
        {
            key = $"tensor {i}";
            string name = ReadName();
            key = name;
            long[] shape = ReadShape();
            GgufTensorType type = ReadType();
            described.Add((name, type, shape, ReadUInt64()));
        }

        var entries = new OrderedDictionary<string, GgufEntry>(count, StringComparer.Ordinal);
        long dataStart = Align(position, alignment);
        foreach (var (name, type, shape, offset) in described)
        {
            key = name;
            long length = ByteCount(type, shape);
            if (offset % (ulong)alignment != 0)
                throw Fail($"begins at byte {offset} of the data, which is not a multiple of the alignment of {alignment}");
            if (dataStart > fileLength || offset > (ulong)(fileLength - dataStart) || length > fileLength - dataStart - (long)offset)
                throw Fail($"its {length} bytes from byte {offset} of the data reach past the end of the file, which has {Math.Max(0, fileLength - dataStart)} bytes of data (truncated?)");
            if (!entries.TryAdd(name, new GgufEntry(name, type, shape, dataStart + (long)offset, length)))
                throw Fail("appears twice among the tensors");
        }

        RequireNoOverlap(path, entries.Values);
        return entries;
    }

    /// <summary>Sizes come innermost first and are turned around, as tensors have them.</summary>
    private long[] ReadShape()
    {
        uint rank = ReadUInt32();
        if (rank > MaxDimensions)
            throw Fail($"has {rank} dimensions, over the limit of {MaxDimensions}");
        var shape = new long[rank];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ulong size = ReadUInt64();
            shape[i] = size <= long.MaxValue ? (long)size : throw Fail($"has a dimension of {size}");
        }

        return shape;
    }

    private GgufTensorType ReadType()
    {
        var type = (GgufTensorType)ReadUInt32();
        return Enum.IsDefined(type) ? type : throw Fail($"has the unknown tensor type {(uint)type}");
    }

    private readonly long ByteCount(GgufTensorType type, long[] shape)
    {
        var (elements, blockBytes) = type.Block();
        if (elements > 1 && (shape.Length == 0 || shape[^1] % elements != 0))
            throw Fail($"rows of {(shape.Length == 0 ? 1 : shape[^1])} elements do not divide into the blocks of {elements} that {type} has");
        try
        {
            long count = 1;
            foreach (long size in shape)
                count = checked(count * size);
            return checked(count / elements * blockBytes);
        }
        catch (OverflowException error)
        {
            throw new CheckpointException(path, key, $"shape [{string.Join(", ", shape)}] overflows 64 bits", error);
        }
    }

    private static void RequireNoOverlap(string path, IEnumerable<GgufEntry> entries)
    {
        long end = 0;
        foreach (GgufEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length))
        {
            if (entry.Offset < end)
                throw new CheckpointException(path, entry.Name, $"overlaps the tensor before it by {end - entry.Offset} bytes");
            end = entry.Offset + entry.Length;
        }
    }

    private int ReadCount(string what, int smallest)
    {
        ulong count = ReadUInt64();
        return count <= (ulong)((bytes.Length - position) / smallest)
            ? (int)count
            : throw Fail($"claims {count} {what}, more than the {bytes.Length - position} bytes that are left can hold (truncated?)");
    }

    private string ReadName()
    {
        int length = ReadCount("bytes of a name", 1);
        if (length > MaxNameBytes)
            throw Fail($"has a name of {length} bytes, over the limit of {MaxNameBytes}");
        ReadOnlySpan<byte> name = bytes.Slice(position, length);
        if (!System.Text.Unicode.Utf8.IsValid(name))
            throw Fail("has a name that is not valid UTF-8");
        position += length;
        return Encoding.UTF8.GetString(name);
    }

    private void SkipString()
    {
        int length = ReadCount("bytes of text", 1);
        position += length;
    }

    private void Skip(int count)
    {
        Need(count);
        position += count;
    }

    private uint ReadUInt32()
    {
        Need(sizeof(uint));
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
        position += sizeof(uint);
        return value;
    }

    private ulong ReadUInt64()
    {
        Need(sizeof(ulong));
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
        position += sizeof(ulong);
        return value;
    }

    private readonly void Need(int count)
    {
        if (count > bytes.Length - position)
            throw Fail($"the file ends in the middle of it, at byte {bytes.Length} (truncated?)");
    }

    private readonly CheckpointException Fail(string reason) => new(path, key, reason);
}
