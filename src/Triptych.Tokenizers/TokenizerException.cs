namespace Triptych.Tokenizers;

/// <summary>A tokenizer file cannot be used; the message names the file and the reason.</summary>
public sealed class TokenizerException : Exception
{
    /// <summary>Creates the error for one file.</summary>
    /// <param name="path">The file that cannot be used.</param>
    /// <param name="reason">Why, with the key inside the file where there is one.</param>
    /// <param name="inner">The error below, if any.</param>
    public TokenizerException(string path, string reason, Exception? inner = null)
        : base($"{path}: {reason}", inner)
    {
        Path = path;
        Reason = reason;
    }

    /// <summary>The file that cannot be used.</summary>
    public string Path { get; }

    /// <summary>Why it cannot be used.</summary>
    public string Reason { get; }
}
