using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Writes safetensors files as Hugging Face does: widest dtypes first, then by name, data aligned to 8 bytes.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    private static readonly IReadOnlyDictionary<string, string> DefaultMetadata = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>Writes a file atomically. Tensors with gaps are made contiguous one at a time.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="tensors">Names and tensors; no name twice.</param>
    /// <param name="metadata">The strings under <c>__metadata__</c>; by default format = pt, which transformers demands.</param>
    /// <param name="progress">Told the bytes of tensor data written so far.</param>
    /// <param name="cancellationToken">Stops the writing; the old file then stays as it was.</param>
    /// <exception cref="ArgumentException">A name appears twice or is reserved.</exception>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(path, tensors.Select(pair => TensorSource.Of(pair.Key, pair.Value)), metadata, progress, cancellationToken);
    }

    /// <summary>Writes a file atomically, of tensors that are loaded one at a time.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{KeyValuePair{string, Tensor}}, IReadOnlyDictionary{string, string}, IProgress{long}, CancellationToken)"/>
    public static void Write(
        string path,
        IEnumerable<TensorSource> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        TensorSource[] ordered =
            [.. tensors.OrderByDescending(tensor => tensor.DType.ToSafetensors()).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)];
        ReadOnlyMemory<byte> header = Header(ordered, metadata ?? DefaultMetadata);

        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[SafetensorsHeader.PrefixBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header.Span);

            long total = 0;
            foreach (TensorSource tensor in ordered)
                tensor.Write(stream, written => progress?.Report(total += written), cancellationToken);
        });
    }

    private static ReadOnlyMemory<byte> Header(TensorSource[] ordered, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            var seen = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
            foreach (TensorSource tensor in ordered)
            {
                if (!seen.Add(tensor.Name))
                    throw new ArgumentException($"the tensor name '{tensor.Name}' is reserved or appears twice", nameof(ordered));
                long end = offset + tensor.Bytes;
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.ToSafetensors().Name());
                json.WriteStartArray("shape");
                foreach (int size in tensor.Shape.ToArray())
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                offset = end;
            }

            json.WriteEndObject();
        }

        int padding = (Alignment - (buffer.WrittenCount % Alignment)) % Alignment;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenMemory;
    }
}
