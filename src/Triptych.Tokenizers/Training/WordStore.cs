using System.Runtime.InteropServices;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <summary>Counts of words that go to a temporary file as sorted runs where memory is short.</summary>
internal sealed class WordStore(string folder) : IDisposable
{
    /// <summary>More words than this make arrays that are too large for the runtime when they are sorted.</summary>
    public const int MaxWords = 1 << 28;

    private WordTable _table = new();
    private WordRuns? _runs;
    private byte[] _utf8 = [];
    private byte[] _letters = [];

    /// <summary>How many different words are in memory.</summary>
    public int Count => _table.Count;

    /// <summary>The memory that they take.</summary>
    public long Bytes => _table.Bytes;

    public bool HasSpilled => _runs is not null;

    /// <summary>Adds the counts of words in UTF-16; unpaired surrogates become U+FFFD.</summary>
    /// <param name="utf16">The words.</param>
    /// <param name="asBytes">Whether words are to be made of the letters that stand for their bytes.</param>
    public void Add(WordTable utf16, bool asBytes = false)
    {
        WordReader reader = utf16.Read();
        while (reader.Read(out ReadOnlySpan<byte> word, out long count))
        {
            ReadOnlySpan<char> chars = MemoryMarshal.Cast<byte, char>(word);
            Reserve(ref _utf8, System.Text.Encoding.UTF8.GetMaxByteCount(chars.Length));
            ReadOnlySpan<byte> utf8 = _utf8.AsSpan(0, System.Text.Encoding.UTF8.GetBytes(chars, _utf8));
            _table.Add(asBytes ? ToByteLetters(utf8) : utf8, count);
        }

        if (_table.Count >= MaxWords)
            Spill();
    }

    /// <summary>Writes what is in memory to the file.</summary>
    public void Spill()
    {
        if (_table.Count == 0)
            return;
        _runs ??= WordRuns.Create(folder);
        _runs.Add(_table.ReadSorted(), 1, null, CancellationToken.None);
        _table = new WordTable();
    }

    /// <summary>All words that come often enough, in order where that is asked for. The store is empty then.</summary>
    public WordCounts Finish(bool sort, int minCount, Action<long, long>? merged, CancellationToken cancellationToken)
    {
        if (_runs is null)
        {
            var words = new WordsInMemory(_table, sort, minCount);
            _table = new WordTable();
            return words;
        }

        Spill();
        WordRuns runs = _runs;
        _runs = null;
        return runs.Merge(minCount, merged, cancellationToken);
    }

    public void Dispose() => _runs?.Dispose();

    private ReadOnlySpan<byte> ToByteLetters(ReadOnlySpan<byte> bytes)
    {
        Reserve(ref _letters, 2 * bytes.Length);
        int length = 0;
        foreach (byte b in bytes)
        {
            char letter = ByteAlphabet.CharOf(b);
            if (letter < 0x80)
            {
                _letters[length++] = (byte)letter;
                continue;
            }

            _letters[length++] = (byte)(0xC0 | letter >> 6);
            _letters[length++] = (byte)(0x80 | letter & 0x3F);
        }

        return _letters.AsSpan(0, length);
    }

    private static void Reserve(ref byte[] buffer, int bytes)
    {
        if (buffer.Length < bytes)
            buffer = new byte[Math.Max(bytes, buffer.Length * 2L > Array.MaxLength ? bytes : buffer.Length * 2)];
    }

    private sealed class WordsInMemory(WordTable table, bool sort, int minCount) : WordCounts
    {
        private WordTable? _table = table;

        public override long Count { get; } = minCount <= 1 ? table.Count : CountAll(new Frequent(table.Read(), minCount));

        public override WordReader Read()
        {
            ObjectDisposedException.ThrowIf(_table is null, this);
            return new Frequent(sort ? _table.ReadSorted() : _table.Read(), minCount);
        }

        public override void Dispose() => _table = null;

        private static long CountAll(WordReader words)
        {
            long all = 0;
            while (words.Read(out _, out _))
                all++;
            return all;
        }
    }

    private sealed class Frequent(WordReader words, int minCount) : WordReader
    {
        public override bool Read(out ReadOnlySpan<byte> word, out long count)
        {
            while (words.Read(out word, out count))
            {
                if (count >= minCount)
                    return true;
            }

            return false;
        }
    }
}
