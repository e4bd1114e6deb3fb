namespace Triptych.Formats;

/// <summary>The one error for a file of a checkpoint that cannot be read or written: it names the file, the key and the reason.</summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Creates the error; its message is <c>path: key: reason</c>, or <c>path: reason</c> without a key.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="key">The tensor, JSON path or other part of the file that is wrong; null when it is the file as a whole.</param>
    /// <param name="reason">What is wrong.</param>
    /// <param name="inner">The error behind it, if any.</param>
    public CheckpointException(string path, string? key, string reason, Exception? inner = null)
        : base(key is null ? $"{path}: {reason}" : $"{path}: {Printable(key)}: {reason}", inner)
    {
        Path = path;
        Key = key;
        Reason = reason;
    }

    /// <summary>The file or folder.</summary>
    public string Path { get; }

    /// <summary>The part of the file that is wrong, or null.</summary>
    public string? Key { get; }

    /// <summary>What is wrong, without the path and the key.</summary>
    public string Reason { get; }

    /// <summary>Keys come from untrusted files: a long one or one with line breaks must not drown or forge a log line.</summary>
    internal static string Printable(string key)
    {
        const int Limit = 200;
        string shortened = key.Length <= Limit ? key : key[..Limit] + "…";
        return string.Concat(shortened.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
    }
}
