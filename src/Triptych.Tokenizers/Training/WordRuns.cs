namespace Triptych.Tokenizers;

/// <summary>
/// Runs of sorted words with their counts in a temporary file. The file has no name any more once it is open where the system
/// allows that, and else goes when it is closed: whatever happens to the process, nothing stays behind.
/// </summary>
internal sealed class WordRuns : WordCounts
{
    private const int MaxFanIn = 64;
    private const int BufferBytes = 1 << 16;
    private const int ReportEvery = 1 << 16;

    private readonly string _folder;
    private readonly FileStream _file;
    private readonly List<Run> _runs = [];
    private readonly byte[] _header = new byte[2 * VarInt.MaxBytes];

    private WordRuns(string folder, FileStream file) => (_folder, _file) = (folder, file);

    /// <summary>How many words all runs have together; as many different ones once there is one run.</summary>
    public override long Count => _runs.Sum(run => run.Count);

    /// <exception cref="TokenizerException">There can be no file in the folder.</exception>
    public static WordRuns Create(string folder)
    {
        string path = Path.Combine(folder, $"triptych-words-{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = BufferBytes,
            Options = OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return Try(folder, () =>
        {
            var file = new FileStream(path, options);
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
            return new WordRuns(folder, file);
        });
    }

    /// <summary>Writes a run of sorted words.</summary>
    public void Add(WordReader words, int minCount, Action<long>? moved, CancellationToken cancellationToken) => Try(_folder, () =>
    {
        long start = _file.Position, written = 0;
        for (long read = 1; words.Read(out ReadOnlySpan<byte> word, out long count); read++)
        {
            if (read % ReportEvery == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                moved?.Invoke(read);
            }

            if (count < minCount)
                continue;
            int header = VarInt.Write(_header, (ulong)word.Length);
            header += VarInt.Write(_header.AsSpan(header), (ulong)count);
            _file.Write(_header.AsSpan(0, header));
            _file.Write(word);
            written++;
        }

        _file.Flush();
        _runs.Add(new Run(start, _file.Position, written));
        return written;
    });

    /// <summary>
    /// Merges the runs to one in a file of its own, adding up the counts of equal words, and leaves out words that come less often
    /// than <paramref name="minCount"/>. This file is closed.
    /// </summary>
    public WordRuns Merge(int minCount, Action<long, long>? moved, CancellationToken cancellationToken)
    {
        WordRuns runs = this;
        while (true)
        {
            using WordRuns from = runs;
            bool last = from._runs.Count <= MaxFanIn;
            var to = Create(_folder);
            try
            {
                long total = from.Count, done = 0;
                foreach (Run[] part in from._runs.Chunk(MaxFanIn))
                {
                    long before = done;
                    to.Add(new WordMerge(part.Select(from.Read)), last ? minCount : 1, read => moved?.Invoke(before + read, total), cancellationToken);
                    done += part.Sum(run => run.Count);
                }

                moved?.Invoke(total, total);
            }
            catch
            {
                to.Dispose();
                throw;
            }

            if (last)
                return to;
            runs = to;
        }
    }

    public override WordReader Read() => Read(_runs.Single());

    public override void Dispose() => _file.Dispose();

    private RunReader Read(Run run) => new(this, run);

    private static T Try<T>(string folder, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(folder, $"no temporary file for the words of the corpus: {e.Message}", e);
        }
    }

    private readonly record struct Run(long Start, long End, long Count);

    private sealed class RunReader(WordRuns runs, Run run) : WordReader
    {
        private byte[] _buffer = new byte[BufferBytes];
        private long _position = run.Start;
        private int _at;
        private int _filled;

        public override bool Read(out ReadOnlySpan<byte> word, out long count)
        {
            word = [];
            count = 0;
            if (_at == _filled && _position == run.End)
                return false;
            Fill(2 * VarInt.MaxBytes);
            _at += VarInt.Read(_buffer.AsSpan(_at), out ulong length);
            _at += VarInt.Read(_buffer.AsSpan(_at), out ulong times);
            Fill((int)length);
            word = _buffer.AsSpan(_at, (int)length);
            count = (long)times;
            _at += (int)length;
            return true;
        }

        /// <summary>Reads until so many bytes are there, or all that are left.</summary>
        private void Fill(int bytes)
        {
            if (_filled - _at >= bytes || _position == run.End)
                return;
            byte[] buffer = bytes > _buffer.Length ? new byte[bytes] : _buffer;
            _buffer.AsSpan(_at, _filled - _at).CopyTo(buffer);
            (_buffer, _at, _filled) = (buffer, 0, _filled - _at);
            while (_filled < bytes && _position < run.End)
            {
                int space = (int)Math.Min(_buffer.Length - _filled, run.End - _position);
                int read = Try(runs._folder, () => RandomAccess.Read(runs._file.SafeFileHandle, _buffer.AsSpan(_filled, space), _position));
                if (read == 0)
                    throw new TokenizerException(runs._folder, "a temporary file with words of the corpus was cut short");
                _filled += read;
                _position += read;
            }
        }
    }
}
