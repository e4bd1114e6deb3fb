using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="DType">The element type in the file.</param>
/// <param name="Shape">The sizes, outermost first; empty for a scalar.</param>
/// <param name="Offset">The first byte, counted from the start of the file.</param>
/// <param name="Length">The bytes that it takes.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape, long Offset, long Length)
    : TensorEntry(Name, Shape, Offset, Length)
{
    /// <inheritdoc/>
    public override DType? ElementType => DType.ToDType();

    /// <inheritdoc/>
    public override string TypeName => DType.Name();
}

/// <summary>
/// Parses and validates the header: 8 bytes of little-endian length, then a JSON object (<see href="https://github.com/huggingface/safetensors#format"/>).
/// As the reference implementation demands, the tensors must cover the rest of the file without overlap, hole or remainder.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The bytes of the length field.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The reference implementation's limit on the JSON part; a longer one is a lying length, not a model.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    /// <summary>An honest header nests three deep.</summary>
    private const int MaxJsonDepth = 16;

    private const string MetadataKey = "__metadata__";

    public static (Dictionary<string, SafetensorsEntry> Entries, Dictionary<string, string> Metadata) Parse(
        string path, ulong headerLength, ReadOnlySpan<byte> json, long fileLength)
    {
        long dataStart = PrefixBytes + (long)headerLength;
        if (!Utf8.IsValid(json))
            throw new CheckpointException(path, "header", "is not valid UTF-8");

        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        bool sawMetadata = false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxJsonDepth });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new CheckpointException(path, "header", "is not a JSON object");

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                if (name == MetadataKey)
                {
                    if (sawMetadata)
                        throw new CheckpointException(path, name, "appears twice in the header");
                    sawMetadata = true;
                    ReadMetadata(path, ref reader, metadata);
                }
                else if (!entries.TryAdd(name, ReadEntry(path, name, ref reader, dataStart, fileLength)))
                {
                    throw new CheckpointException(path, name, "appears twice in the header");
                }
            }

            // Past the closing brace only white space may follow; the reader throws for anything else.
            while (reader.Read())
            {
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(path, "header", "is not valid JSON: " + error.Message, error);
        }

        RequireFullCover(path, entries.Values, dataStart, fileLength);
        return (entries, metadata);
    }

    private static void ReadMetadata(string path, ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, MetadataKey, "is not a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new CheckpointException(path, $"{MetadataKey}.{name}", "is not a string");
            if (!metadata.TryAdd(name, reader.GetString()!))
                throw new CheckpointException(path, $"{MetadataKey}.{name}", "appears twice in the header");
        }
    }

    private static SafetensorsEntry ReadEntry(string path, string name, ref Utf8JsonReader reader, long dataStart, long fileLength)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, name, "is not a JSON object with dtype, shape and data_offsets");

        SafetensorsDType? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            reader.Read();
            bool repeated = false;
            switch (field)
            {
                case "dtype":
                    repeated = dtype is not null;
                    dtype = ReadDType(path, name, ref reader);
                    break;
                case "shape":
                    repeated = shape is not null;
                    shape = ReadSizes(path, name, field, ref reader);
                    break;
                case "data_offsets":
                    repeated = offsets is not null;
                    offsets = ReadSizes(path, name, field, ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }

            if (repeated)
                throw new CheckpointException(path, name, $"has {field} twice");
        }

        if (dtype is null || shape is null || offsets is null)
            throw new CheckpointException(path, name, $"has no {(dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        if (offsets.Count != 2)
            throw new CheckpointException(path, name, $"data_offsets has {offsets.Count} numbers where 2 are due");

        (long begin, long end) = (offsets[0], offsets[1]);
        if (begin > end)
            throw new CheckpointException(path, name, $"data_offsets [{begin}, {end}] end before they begin");
        if (end > fileLength - dataStart)
            throw new CheckpointException(
                path, name, $"data_offsets [{begin}, {end}] reach past the end of the file, which has {fileLength - dataStart} bytes of data (truncated?)");

        long expected = ByteCount(path, name, dtype.Value, shape);
        if (expected != end - begin)
            throw new CheckpointException(
                path, name, $"{dtype.Value.Name()} [{string.Join(", ", shape)}] takes {expected} bytes, but data_offsets [{begin}, {end}] span {end - begin}");
        return new SafetensorsEntry(name, dtype.Value, shape.AsReadOnly(), dataStart + begin, end - begin);
    }

    private static SafetensorsDType ReadDType(string path, string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new CheckpointException(path, name, "dtype is not a string");
        string text = reader.GetString()!;
        return SafetensorsDTypes.TryParse(text, out SafetensorsDType type)
            ? type
            : throw new CheckpointException(path, name, $"unknown dtype '{CheckpointException.Printable(text)}' (known: {SafetensorsDTypes.Known})");
    }

    private static List<long> ReadSizes(string path, string name, string field, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new CheckpointException(path, name, $"{field} is not a list of numbers");
        var sizes = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size) || size < 0)
            {
                string found = reader.TokenType == JsonTokenType.Number ? Encoding.UTF8.GetString(reader.ValueSpan) : $"a {reader.TokenType}";
                throw new CheckpointException(path, name, $"{field} holds {CheckpointException.Printable(found)}, which is not a whole number from 0 to 2^63 - 1");
            }

            sizes.Add(size);
        }

        return sizes;
    }

    private static long ByteCount(string path, string name, SafetensorsDType dtype, List<long> shape)
    {
        try
        {
            long bits = dtype.Bits();
            foreach (long size in shape)
                bits = checked(bits * size);
            return bits % 8 == 0
                ? bits / 8
                : throw new CheckpointException(path, name, $"{dtype.Name()} [{string.Join(", ", shape)}] does not end on a whole byte");
        }
        catch (OverflowException error)
        {
            throw new CheckpointException(path, name, $"shape [{string.Join(", ", shape)}] overflows 64 bits", error);
        }
    }

    private static void RequireFullCover(string path, IEnumerable<SafetensorsEntry> entries, long dataStart, long fileLength)
    {
        long position = dataStart;
        foreach (SafetensorsEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length))
        {
            if (entry.Offset < position)
                throw new CheckpointException(path, entry.Name, $"overlaps the tensor before it by {position - entry.Offset} bytes");
            if (entry.Offset > position)
                throw new CheckpointException(path, entry.Name, $"{entry.Offset - position} bytes before it belong to no tensor");
            position += entry.Length;
        }

        if (position != fileLength)
            throw new CheckpointException(path, null, $"{fileLength - position} bytes at the end belong to no tensor");
    }
}
