using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Tokenizers;

/// <summary>
/// Byte-pair training: joins the most frequent pair, the lower ids first among equals, until the vocabulary is full. The
/// queue is lazy: an entry whose count has changed goes back with the new one when it comes to the top. Several entries of
/// one pair may wait, each with the words where the pair appeared at one time; Hugging Face tokenizers counts and orders
/// them so, and the vocabularies are to be the same.
/// </summary>
internal sealed class MergeLearner
{
    private const int ReportEvery = 256;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly PairTable _pairs = new();
    private readonly PriorityQueue<ReadOnlyMemory<int>, Candidate> _queue = new();
    private readonly Neighbours _before = new();
    private readonly Neighbours _after = new();
    private readonly Dictionary<ulong, int> _lastRank = [];
    private readonly List<ulong> _merges = [];

    // The symbols of all words, one word after the other; those of a word move together as they are joined.
    private int[] _symbols = [];
    private int[] _letters = [];
    private Word[] _words = [];

    public required int VocabSize { get; init; }

    public required int MinFrequency { get; init; }

    public required IReadOnlyList<string> SpecialTokens { get; init; }

    public required IEnumerable<Rune> InitialAlphabet { get; init; }

    public required int? LimitAlphabet { get; init; }

    public required int MaxTokenLength { get; init; }

    /// <summary>What tokens inside a word begin with.</summary>
    public required string Prefix { get; init; }

    /// <summary>What tokens at the end of a word end with.</summary>
    public required string Suffix { get; init; }

    /// <summary>The vocabulary, by id.</summary>
    public List<string> Tokens { get; } = [];

    /// <summary>The merges, by rank. One that was learned twice has the rank of the last time.</summary>
    public IEnumerable<(int Left, int Right)> Merges => _merges
        .Where((pair, rank) => _lastRank[pair] == rank)
        .Select(pair => ((int)(pair >> 32), (int)(pair & uint.MaxValue)));

    /// <summary>Makes special tokens and letters the first tokens, and splits the words into letters.</summary>
    /// <param name="words">The words.</param>
    /// <param name="size">How many letters they have.</param>
    public void ReadWords(WordCounts words, LearningSize size)
    {
        foreach (string token in SpecialTokens)
            IdOf(token);
        var letters = new LetterTable(this);
        foreach (Rune letter in Alphabet(size.Letters))
            letters.Add(letter);

        _words = new Word[words.Count];
        _symbols = new int[size.Length];
        int i = 0, end = 0;
        WordReader reader = words.Read();
        while (reader.Read(out ReadOnlySpan<byte> word, out long count))
        {
            int start = end;
            for (int at = 0, units; at < word.Length; at += units)
            {
                Rune.DecodeFromUtf8(word[at..], out Rune letter, out units);
                int id = letters.IdOf(letter.Value, first: at == 0, last: at + units == word.Length);
                if (id >= 0)
                    _symbols[end++] = id;
            }

            _words[i++] = new Word { Weight = count, Start = start, Count = end - start };
        }
    }

    public void Learn(IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellationToken)
    {
        if (MaxTokenLength < int.MaxValue)
        {
            _letters = new int[_symbols.Length];
            Array.Fill(_letters, 1);
        }

        CountPairs();
        while (Tokens.Count < VocabSize && _queue.TryDequeue(out ReadOnlyMemory<int> words, out Candidate top))
        {
            long count = _pairs[top.Pair];
            if (count != top.Count)
            {
                _queue.Enqueue(words, top with { Count = count });
                continue;
            }

            if (count < 1 || count < MinFrequency)
                break;

            cancellationToken.ThrowIfCancellationRequested();
            int left = (int)(top.Pair >> 32);
            int right = (int)(top.Pair & uint.MaxValue);
            int id = IdOf(string.Concat(Tokens[left], WithoutPrefix(Tokens[right])));
            _lastRank[top.Pair] = _merges.Count;
            _merges.Add(top.Pair);
            Merge(words.Span, left, right, id);
            if (_merges.Count % ReportEvery == 0)
                progress?.Report(new TokenizerTrainingProgress("learn merges", Tokens.Count, VocabSize));
        }

        progress?.Report(new TokenizerTrainingProgress("learn merges", Tokens.Count, Tokens.Count));
    }

    private ReadOnlySpan<char> WithoutPrefix(string token) =>
        Prefix.Length > 0 && token.StartsWith(Prefix, StringComparison.Ordinal) ? token.AsSpan(Prefix.Length) : token;

    private int IdOf(string token)
    {
        ref int id = ref CollectionsMarshal.GetValueRefOrAddDefault(_ids, token, out bool known);
        if (!known)
        {
            id = Tokens.Count;
            Tokens.Add(token);
        }

        return id;
    }

    private IEnumerable<Rune> Alphabet(IReadOnlyDictionary<Rune, long> counts)
    {
        var letters = new Dictionary<Rune, long>(counts);
        foreach (Rune letter in InitialAlphabet)
            letters[letter] = long.MaxValue;
        IEnumerable<KeyValuePair<Rune, long>> kept = letters;
        if (LimitAlphabet is int limit)
            kept = letters.OrderByDescending(letter => letter.Value).ThenBy(letter => letter.Key).Take(limit);
        return kept.Select(letter => letter.Key).Order();
    }

    /// <summary>Counts the pairs of letters, and then notes their words in one array that has just enough room.</summary>
    private void CountPairs()
    {
        foreach (ref readonly Word word in _words.AsSpan())
        {
            ReadOnlySpan<int> own = _symbols.AsSpan(word.Start, word.Count);
            for (int i = 0; i + 1 < own.Length; i++)
                _pairs.Add(PairTable.PairOf(own[i], own[i + 1]), word.Weight);
        }

        int[] ends = new int[_pairs.Slots];
        foreach (ref readonly Word word in _words.AsSpan())
        {
            ReadOnlySpan<int> own = _symbols.AsSpan(word.Start, word.Count);
            for (int i = 0; i + 1 < own.Length; i++)
                ends[_pairs.SlotOf(PairTable.PairOf(own[i], own[i + 1]))]++;
        }

        int[] starts = new int[ends.Length];
        int all = 0;
        for (int slot = 0; slot < ends.Length; slot++)
            (starts[slot], ends[slot], all) = (all, all, all + ends[slot]);
        int[] places = new int[all];
        for (int index = 0; index < _words.Length; index++)
        {
            ReadOnlySpan<int> own = _symbols.AsSpan(_words[index].Start, _words[index].Count);
            for (int i = 0; i + 1 < own.Length; i++)
            {
                int slot = _pairs.SlotOf(PairTable.PairOf(own[i], own[i + 1]));
                if (ends[slot] == starts[slot] || places[ends[slot] - 1] != index)
                    places[ends[slot]++] = index;
            }
        }

        for (int slot = 0; slot < ends.Length; slot++)
        {
            if (_pairs.PairAt(slot) is ulong pair)
                Enqueue(pair, places.AsMemory(starts[slot]..ends[slot]));
        }
    }

    private void Enqueue(ulong pair, ReadOnlyMemory<int> words)
    {
        long count = _pairs[pair];
        if (count > 0)
            _queue.Enqueue(words, new Candidate(count, pair));
    }

    /// <summary>Joins a pair in words. All counts are right before new pairs are put into the queue.</summary>
    private void Merge(ReadOnlySpan<int> words, int left, int right, int id)
    {
        _before.Reserve(Tokens.Count);
        _after.Reserve(Tokens.Count);
        foreach (int word in words)
            Merge(word, left, right, id);
        foreach ((int token, long weight) in _before.TakeLost())
            _pairs.Add(PairTable.PairOf(token, left), -weight);
        foreach ((int token, long weight) in _after.TakeLost())
            _pairs.Add(PairTable.PairOf(right, token), -weight);
        foreach ((int token, long weight) in _before.Gained())
            _pairs.Add(PairTable.PairOf(token, id), weight);
        foreach ((int token, long weight) in _after.Gained())
            _pairs.Add(PairTable.PairOf(id, token), weight);
        foreach ((int token, ReadOnlyMemory<int> found) in _before.TakeGained())
            Enqueue(PairTable.PairOf(token, id), found);
        foreach ((int token, ReadOnlyMemory<int> found) in _after.TakeGained())
            Enqueue(PairTable.PairOf(id, token), found);
    }

    /// <summary>Joins a pair in one word. Pairs that would make too long a token are not counted up, and never become
    /// candidates there.</summary>
    private void Merge(int index, int left, int right, int id)
    {
        ref Word word = ref _words[index];
        Span<int> symbols = _symbols.AsSpan(word.Start, word.Count);
        Span<int> letters = _letters.Length == 0 ? [] : _letters.AsSpan(word.Start, word.Count);
        int write = 0;
        for (int read = 0; read < symbols.Length; read++, write++)
        {
            bool found = symbols[read] == left && read + 1 < symbols.Length && symbols[read + 1] == right;
            int length = letters.IsEmpty ? 0 : letters[read] + (found ? letters[read + 1] : 0);
            if (!found)
            {
                symbols[write] = symbols[read];
            }
            else
            {
                if (write > 0)
                {
                    _before.Lose(symbols[write - 1], word.Weight);
                    if (letters.IsEmpty || letters[write - 1] + length < MaxTokenLength)
                        _before.Gain(symbols[write - 1], word.Weight, index);
                }

                if (read + 2 < symbols.Length)
                {
                    int next = symbols[read + 2];
                    _after.Lose(next, word.Weight);

                    // The new token twice is one pair, whichever of the two was there before.
                    if (letters.IsEmpty || letters[read + 2] + length < MaxTokenLength)
                        (next == id ? _before : _after).Gain(next, word.Weight, index);
                }

                symbols[write] = id;
                read++;
            }

            if (!letters.IsEmpty)
                letters[write] = length;
        }

        word.Count = write;
    }

    /// <summary>The tokens of letters in each of their four places in a word.</summary>
    private sealed class LetterTable(MergeLearner learner)
    {
        private const int None = -1;

        private readonly Dictionary<int, int[]> _ids = [];

        public void Add(Rune letter) => _ids[letter.Value] = [learner.IdOf(letter.ToString()), None, None, None];

        /// <summary>The token, or -1 for a letter that is neither in the alphabet nor a special token.</summary>
        public int IdOf(int letter, bool first, bool last)
        {
            if (!_ids.TryGetValue(letter, out int[]? ids))
                _ids[letter] = ids = [learner._ids.GetValueOrDefault(new Rune(letter).ToString(), None), None, None, None];
            if (ids[0] == None)
                return None;
            int place = (!first && learner.Prefix.Length > 0 ? 1 : 0) + (last && learner.Suffix.Length > 0 ? 2 : 0);
            if (ids[place] == None)
            {
                string token = learner.Tokens[ids[0]];
                ids[place] = learner.IdOf(string.Concat(place % 2 == 1 ? learner.Prefix : "", token, place >= 2 ? learner.Suffix : ""));
            }

            return ids[place];
        }
    }

    private readonly record struct Candidate(long Count, ulong Pair) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other) =>
            Count != other.Count ? other.Count.CompareTo(Count) : Pair.CompareTo(other.Pair);
    }

    /// <summary>How often a word comes, and where its symbols are.</summary>
    private struct Word
    {
        public long Weight;
        public int Start;
        public int Count;
    }
}
