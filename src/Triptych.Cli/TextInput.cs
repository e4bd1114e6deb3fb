using System.Text;

namespace Triptych.Cli;

/// <summary>Reads texts from files and standard input; text is UTF-8, and what is not is an error with its place.</summary>
internal static class TextInput
{
    /// <summary>The largest file that is read as text.</summary>
    private const long MaxBytes = 1L << 30;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The whole text of a file.</summary>
    /// <exception cref="IOException">It cannot be read, or is not UTF-8.</exception>
    public static string ReadFile(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path}: is a folder, not a text file");
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path}: no such file");
        try
        {
            using var stream = File.OpenRead(path);
            return Read(stream, path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The whole text of standard input.</summary>
    public static string ReadStandardInput(Terminal terminal)
    {
        using var stream = terminal.OpenInput();
        return Read(stream, "standard input");
    }

    /// <summary>The lines of a text: they end with "\n" or "\r\n"; nothing follows the last line end.</summary>
    public static IEnumerable<string> Lines(string text)
    {
        int start = 0;
        while (start < text.Length)
        {
            int end = text.IndexOf('\n', start);
            if (end < 0)
                end = text.Length;
            yield return text[start..(end > start && end < text.Length && text[end - 1] == '\r' ? end - 1 : end)];
            start = end + 1;
        }
    }

    private static string Read(Stream stream, string name)
    {
        using var buffer = new MemoryStream();
        byte[] piece = new byte[64 << 10];
        for (int read; (read = stream.Read(piece)) > 0;)
        {
            buffer.Write(piece, 0, read);
            if (buffer.Length > MaxBytes)
                throw new IOException($"{name}: more than {MaxBytes >> 20} MiB of text");
        }

        var bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        try
        {
            return Strict.GetString(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{name}: not UTF-8: byte 0x{e.BytesUnknown?.FirstOrDefault():X2} at offset {FirstInvalid(bytes)}", e);
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int offset = 0;
        while (Rune.DecodeFromUtf8(bytes[offset..], out _, out int length) == System.Buffers.OperationStatus.Done)
            offset += length;
        return offset;
    }
}
