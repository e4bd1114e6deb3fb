namespace Triptych.Tokenizers;

/// <summary>Merges sorted words to sorted words, each once, with its counts added up.</summary>
internal sealed class WordMerge : WordReader
{
    private readonly PriorityQueue<Source, Source> _sources = new(Comparer<Source>.Create((a, b) => a.Word.SequenceCompareTo(b.Word)));
    private byte[] _word = [];

    public WordMerge(IEnumerable<WordReader> readers)
    {
        foreach (WordReader reader in readers)
        {
            var source = new Source(reader);
            if (source.Move())
                _sources.Enqueue(source, source);
        }
    }

    public override bool Read(out ReadOnlySpan<byte> word, out long count)
    {
        word = [];
        count = 0;
        if (_sources.Count == 0)
            return false;

        // The source's own word goes when it moves on.
        ReadOnlySpan<byte> first = _sources.Peek().Word;
        if (first.Length > _word.Length)
            _word = new byte[Math.Max(first.Length, 2 * _word.Length)];
        first.CopyTo(_word);
        word = _word.AsSpan(0, first.Length);
        while (_sources.TryPeek(out Source? next, out _) && next.Word.SequenceEqual(word))
        {
            // It must not move on while it is in the queue, which compares it by its word.
            _sources.Dequeue();
            count += next.Count;
            if (next.Move())
                _sources.Enqueue(next, next);
        }

        return true;
    }

    private sealed class Source(WordReader reader)
    {
        private byte[] _word = [];
        private int _length;

        public ReadOnlySpan<byte> Word => _word.AsSpan(0, _length);

        public long Count { get; private set; }

        public bool Move()
        {
            if (!reader.Read(out ReadOnlySpan<byte> word, out long count))
                return false;
            if (word.Length > _word.Length)
                _word = new byte[Math.Max(word.Length, 2 * _word.Length)];
            word.CopyTo(_word);
            (_length, Count) = (word.Length, count);
            return true;
        }
    }
}
