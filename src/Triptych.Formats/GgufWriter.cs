using System.Buffers.Binary;
using System.Text;

namespace Triptych.Formats;

/// <summary>Writes GGUF files of version 3.</summary>
public static class GgufWriter
{
    private const uint Version = 3;

    /// <summary>ggml's names have 64 bytes, a zero at the end among them.</summary>
    private const int MaxNameBytes = 63;

    /// <summary>Writes a file atomically, tensors in the order given, each loaded when its turn comes.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="metadata">The keys and values; <c>general.alignment</c> among them is what tensors are aligned to (32 if absent).</param>
    /// <param name="tensors">The tensors; no name twice.</param>
    /// <param name="progress">Told the bytes of tensor data written so far.</param>
    /// <param name="cancellationToken">Stops the writing; an old file then stays as it was.</param>
    /// <exception cref="ArgumentException">A name appears twice, or llama.cpp could not read the tensor: names of over 63 bytes, over 4
    /// dimensions, an element type that GGUF lacks.</exception>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Write(
        string path,
        GgufMetadata metadata,
        IReadOnlyCollection<TensorSource> tensors,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tensors);
        int alignment = GgufHeader.AlignmentOf(metadata);
        byte[] header = Header(metadata, tensors, alignment);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            long total = 0;
            foreach (TensorSource tensor in tensors)
            {
                tensor.Write(stream, written => progress?.Report(total += written), cancellationToken);
                Pad(stream, tensor.Bytes, alignment);
            }
        });
    }

    private static byte[] Header(GgufMetadata metadata, IReadOnlyCollection<TensorSource> tensors, int alignment)
    {
        using var stream = new MemoryStream();
        stream.Write("GGUF"u8);
        WriteUInt32(stream, Version);
        WriteUInt64(stream, (ulong)tensors.Count);
        WriteUInt64(stream, (ulong)metadata.Entries.Count);
        foreach ((string key, GgufValue value) in metadata.Entries)
        {
            GgufValue.WriteString(stream, key);
            WriteUInt32(stream, (uint)value.Type);
            stream.Write(value.Encoded);
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        long offset = 0;
        foreach (TensorSource tensor in tensors)
        {
            if (!seen.Add(tensor.Name))
                throw new ArgumentException($"the tensor name '{tensor.Name}' appears twice", nameof(tensors));
            if (Encoding.UTF8.GetByteCount(tensor.Name) > MaxNameBytes)
                throw new ArgumentException($"the tensor name '{tensor.Name}' has over {MaxNameBytes} bytes", nameof(tensors));
            if (tensor.Shape.Rank > 4)
                throw new ArgumentException($"'{tensor.Name}' has {tensor.Shape.Rank} dimensions, and GGUF's tensors 4 at most", nameof(tensors));
            GgufValue.WriteString(stream, tensor.Name);
            WriteUInt32(stream, (uint)tensor.Shape.Rank);
            for (int axis = tensor.Shape.Rank - 1; axis >= 0; axis--)
                WriteUInt64(stream, (ulong)tensor.Shape[axis]);
            WriteUInt32(stream, (uint)tensor.DType.ToGguf());
            WriteUInt64(stream, (ulong)offset);
            offset = GgufHeader.Align(offset + tensor.Bytes, alignment);
        }

        Pad(stream, stream.Length, alignment);
        return stream.ToArray();
    }

    private static void Pad(Stream stream, long position, int alignment)
    {
        for (long end = GgufHeader.Align(position, alignment); position < end; position++)
            stream.WriteByte(0);
    }

    private static void WriteUInt32(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteUInt64(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
