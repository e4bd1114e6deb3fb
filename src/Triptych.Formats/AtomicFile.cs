using System.Security.Cryptography;
using System.Text;

namespace Triptych.Formats;

/// <summary>
/// Writes files so that a reader, or a crash, sees either the old content or the new: a temporary file in the same folder
/// is written, flushed to the disk and renamed over the target.
/// </summary>
public static class AtomicFile
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>. If that fails, the old file is untouched.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="write">Writes the content; what it throws is thrown on, I/O errors as <see cref="CheckpointException"/>.</param>
    /// <exception cref="CheckpointException">The file cannot be written: a full disk, a read-only folder, no such folder.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        string full = Path.GetFullPath(path);
        string temporary = Path.Combine(Path.GetDirectoryName(full) ?? full, $".{RandomNumberGenerator.GetHexString(16, lowercase: true)}.tmp");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                // Not disposed on purpose: after a failed write, Dispose would write once more and hide the first error.
                var buffered = new BufferedStream(file, BufferBytes);
                write(buffered);
                buffered.Flush();
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception error)
        {
            TryDelete(temporary);
            if (error is DirectoryNotFoundException)
                throw new CheckpointException(path, null, "cannot be written: its folder does not exist", error);
            if (error is UnauthorizedAccessException or (IOException and not CheckpointException))
                throw new CheckpointException(path, null, "cannot be written: " + error.Message.Replace(temporary, path, StringComparison.Ordinal), error);
            throw;
        }
    }

    /// <summary>Writes bytes as <see cref="Write"/> does.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void WriteBytes(string path, ReadOnlyMemory<byte> content) => Write(path, stream => stream.Write(content.Span));

    /// <summary>Writes text as UTF-8 without a byte order mark, as <see cref="Write"/> does.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void WriteText(string path, string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        WriteBytes(path, Encoding.UTF8.GetBytes(content));
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to report; a leftover temporary file is harmless.
        }
    }
}
