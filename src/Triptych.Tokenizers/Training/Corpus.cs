using System.Buffers;
using System.Text.Unicode;

namespace Triptych.Tokenizers;

internal delegate void TextHandler(ReadOnlySpan<char> text);

/// <summary>Some texts of a corpus, for one thread to work on.</summary>
internal abstract class TextBatch
{
    /// <summary>How much of the corpus it is, in the corpus's unit.</summary>
    public abstract long Size { get; }

    public abstract void Read(TextHandler handler);
}

/// <summary>Texts to learn from, in batches that are read one after the other and worked on in parallel.</summary>
internal abstract class Corpus
{
    public abstract string Name { get; }

    /// <summary>How much there is, or null where nobody knows.</summary>
    public abstract long? Total { get; }

    public abstract IEnumerable<TextBatch> Batches();
}

/// <summary>Texts in memory, or made one after the other; counted as texts.</summary>
internal sealed class TextCorpus(IEnumerable<string> texts) : Corpus
{
    private const int BatchTexts = 256;
    private const int BatchChars = 1 << 18;

    public override string Name => "training corpus";

    public override long? Total => texts.TryGetNonEnumeratedCount(out int count) ? count : null;

    public override IEnumerable<TextBatch> Batches()
    {
        var batch = new List<string>();
        long chars = 0;
        foreach (string text in texts)
        {
            if (text is null)
                throw new ArgumentException("a text of the corpus is null", nameof(texts));
            batch.Add(text);
            chars += text.Length;
            if (batch.Count < BatchTexts && chars < BatchChars)
                continue;
            yield return new Batch(batch);
            (batch, chars) = ([], 0);
        }

        if (batch.Count > 0)
            yield return new Batch(batch);
    }

    private sealed class Batch(List<string> texts) : TextBatch
    {
        public override long Size => texts.Count;

        public override void Read(TextHandler handler)
        {
            foreach (string text in texts)
                handler(text);
        }
    }
}

/// <summary>Lines of UTF-8 files, each with its line ending; counted in bytes.</summary>
internal sealed class FileCorpus : Corpus
{
    private const int BlockBytes = 1 << 18;

    private readonly IReadOnlyList<(string Name, Func<Stream> Open)> _files;
    private readonly int _maxLineBytes;

    private FileCorpus(IReadOnlyList<(string Name, Func<Stream> Open)> files, long? total, int maxLineBytes)
    {
        _files = files;
        _maxLineBytes = maxLineBytes;
        Total = total;
        Name = files.Count == 1 ? files[0].Name : "training corpus";
    }

    public override string Name { get; }

    public override long? Total { get; }

    /// <summary>Finds the files, so that a missing one is an error before any is read.</summary>
    public static FileCorpus Open(IReadOnlyList<string> paths, int maxLineBytes)
    {
        long total = 0;
        foreach (string path in paths)
        {
            if (string.IsNullOrEmpty(path))
                throw new ArgumentException("a path is null or empty", nameof(paths));
            var file = new FileInfo(path);
            if (!file.Exists)
                throw new TokenizerException(path, "no such file");
            total += file.Length;
        }

        return new FileCorpus([.. paths.Select(path => (path, new Func<Stream>(() => OpenFile(path))))], total, maxLineBytes);
    }

    public static FileCorpus Of(Stream stream, string name, int maxLineBytes) =>
        new([(name, () => new Unowned(stream))], null, maxLineBytes);

    public override IEnumerable<TextBatch> Batches() => _files.SelectMany(file => Read(file.Name, file.Open));

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(path, e.Message, e);
        }
    }

    private IEnumerable<TextBatch> Read(string name, Func<Stream> open)
    {
        using Stream stream = open();
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        int filled = 0;
        long offset = 0;
        while (true)
        {
            int read = ReadBlock(stream, block.AsSpan(filled), name);
            int complete = read == 0 ? filled : block.AsSpan(filled, read).LastIndexOf((byte)'\n') is >= 0 and int at ? filled + at + 1 : 0;
            filled += read;
            if (complete > 0)
            {
                byte[] rest = ArrayPool<byte>.Shared.Rent(Math.Max(BlockBytes, filled - complete));
                block.AsSpan(complete, filled - complete).CopyTo(rest);
                yield return new Block(block, complete, name, offset);
                (block, filled, offset) = (rest, filled - complete, offset + complete);
            }
            else if (filled == block.Length)
            {
                block = Grow(block, name, offset);
            }

            if (read == 0)
                break;
        }

        ArrayPool<byte>.Shared.Return(block);
    }

    private byte[] Grow(byte[] block, string name, long offset)
    {
        if (block.Length >= _maxLineBytes)
            throw new TokenizerException(name, $"the line at byte {offset} is longer than {_maxLineBytes} bytes (MaxLineBytes)");
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * block.Length, Math.Max(_maxLineBytes, block.Length + 1L)));
        block.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(block);
        return larger;
    }

    private static int ReadBlock(Stream stream, Span<byte> block, string name)
    {
        try
        {
            return stream.ReadAtLeast(block, Math.Min(block.Length, BlockBytes / 2), throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(name, e.Message, e);
        }
    }

    private sealed class Block(byte[] bytes, int length, string name, long offset) : TextBatch
    {
        public override long Size => length;

        public override void Read(TextHandler handler)
        {
            char[] chars = ArrayPool<char>.Shared.Rent(length);
            OperationStatus status = Utf8.ToUtf16(bytes.AsSpan(0, length), chars, out int read, out int written, replaceInvalidSequences: false);
            ArrayPool<byte>.Shared.Return(bytes);
            if (status != OperationStatus.Done)
                throw new TokenizerException(name, $"not UTF-8: byte {offset + read} begins no character");
            ReadOnlySpan<char> text = chars.AsSpan(0, written);
            while (!text.IsEmpty)
            {
                int end = text.IndexOf('\n') + 1;
                ReadOnlySpan<char> line = end > 0 ? text[..end] : text;
                handler(line);
                text = text[line.Length..];
            }

            ArrayPool<char>.Shared.Return(chars);
        }
    }

    /// <summary>A stream that stays open when its reader is done.</summary>
    private sealed class Unowned(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
