using System.IO.MemoryMappedFiles;

namespace Triptych.Formats;

/// <summary>
/// A whole file mapped into memory. The mapping is private (copy on write): pages are shared with the file cache until
/// something writes to them, and the file never changes, so a fine-tuning step in place on a loaded weight is safe.
/// Tensors keep this object as their owner, and its handle unmaps when the last one is gone.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedViewAccessor view;

    private MappedFile(MemoryMappedViewAccessor view, long length)
    {
        this.view = view;
        Length = length;
    }

    public long Length { get; }

    /// <summary>The first byte. The handle is not add-ref'd: a reference that nobody releases would keep the finalizer from unmapping.</summary>
    /// <exception cref="ObjectDisposedException">The file was unmapped.</exception>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(view.SafeMemoryMappedViewHandle.IsClosed, this);
            return view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)view.PointerOffset;
        }
    }

    /// <summary>Maps a file of at least <paramref name="minimumBytes"/> bytes.</summary>
    /// <exception cref="CheckpointException">The file is missing, unreadable or too short.</exception>
    public static MappedFile Open(string path, int minimumBytes)
    {
        try
        {
            if (Directory.Exists(path))
                throw new CheckpointException(path, null, "is a folder, not a file");
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
            long length = file.Length;
            if (length < minimumBytes)
                throw new CheckpointException(path, null, $"is truncated: {length} bytes, fewer than the {minimumBytes} that every such file has");
            using var mapping = MemoryMappedFile.CreateFromFile(
                file, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
            return new MappedFile(mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.CopyOnWrite), length);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(path, null, "does not exist", error);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or (IOException and not CheckpointException))
        {
            throw new CheckpointException(path, null, "cannot be read: " + error.Message, error);
        }
    }

    public void Dispose() => view.Dispose();
}
