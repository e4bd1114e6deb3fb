using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Tokenizers;

/// <summary>
/// Byte-pair training: joins the most frequent pair, the lower ids first among equals, until the vocabulary is full. The
/// queue is lazy: an entry whose count has changed goes back with the new one when it comes to the top.
/// </summary>
internal sealed class MergeLearner
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, long> _counts = [];
    private readonly Dictionary<ulong, List<int>> _places = [];
    private readonly PriorityQueue<List<int>, Candidate> _queue = new();
    private readonly Dictionary<ulong, int> _lastRank = [];
    private readonly List<ulong> _merges = [];

    public required int VocabSize { get; init; }

    public required int MinFrequency { get; init; }

    public required IReadOnlyList<string> SpecialTokens { get; init; }

    public required IEnumerable<char> InitialAlphabet { get; init; }

    public required int? LimitAlphabet { get; init; }

    public required int MaxTokenLength { get; init; }

    /// <summary>What tokens inside a word begin with.</summary>
    public required string Prefix { get; init; }

    /// <summary>The vocabulary, by id.</summary>
    public List<string> Tokens { get; } = [];

    /// <summary>The merges, by rank. One that was learned twice has the rank of the last time.</summary>
    public IEnumerable<(int Left, int Right)> Merges => _merges
        .Where((pair, rank) => _lastRank[pair] == rank)
        .Select(pair => ((int)(pair >> 32), (int)(pair & uint.MaxValue)));

    public void Learn(
        IReadOnlyList<KeyValuePair<string, long>> words,
        IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        foreach (string token in SpecialTokens)
            IdOf(token);
        foreach (Rune letter in Alphabet(words))
            IdOf(letter.ToString());
        List<Symbol>[] symbols = [.. words.Select(word => ReadWord(word.Key))];
        for (int i = 0; i < symbols.Length; i++)
        {
            for (int k = 0; k + 1 < symbols[i].Count; k++)
                Change(symbols[i][k], symbols[i][k + 1], i, words[i].Value);
        }

        Enqueue();
        while (Tokens.Count < VocabSize && _queue.TryDequeue(out List<int>? places, out Candidate top))
        {
            cancellationToken.ThrowIfCancellationRequested();
            long count = _counts[top.Pair];
            if (count != top.Count)
            {
                _queue.Enqueue(places, top with { Count = count });
                continue;
            }

            if (count < 1 || count < MinFrequency)
                break;

            int left = (int)(top.Pair >> 32);
            int right = (int)(top.Pair & uint.MaxValue);
            string tail = Tokens[right];
            if (Prefix.Length > 0 && tail.StartsWith(Prefix, StringComparison.Ordinal))
                tail = tail[Prefix.Length..];
            int id = IdOf(Tokens[left] + tail);
            _lastRank[top.Pair] = _merges.Count;
            _merges.Add(top.Pair);
            foreach (int place in places)
                Merge(symbols[place], left, right, id, place, words[place].Value);
            Enqueue();
            if (Tokens.Count % 256 == 0)
                progress?.Report(new TokenizerTrainingProgress("learn merges", Tokens.Count, VocabSize));
        }

        progress?.Report(new TokenizerTrainingProgress("learn merges", Tokens.Count, Tokens.Count));
    }

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

    private IEnumerable<Rune> Alphabet(IReadOnlyList<KeyValuePair<string, long>> words)
    {
        var letters = new Dictionary<Rune, long>();
        foreach ((string word, long count) in words)
        {
            foreach (Rune letter in word.EnumerateRunes())
                CollectionsMarshal.GetValueRefOrAddDefault(letters, letter, out _) += count;
        }

        foreach (char letter in InitialAlphabet)
            letters[new Rune(letter)] = long.MaxValue;
        IEnumerable<KeyValuePair<Rune, long>> kept = letters;
        if (LimitAlphabet is int limit)
            kept = letters.OrderByDescending(letter => letter.Value).ThenBy(letter => letter.Key).Take(limit);
        return kept.Select(letter => letter.Key).Order();
    }

    private List<Symbol> ReadWord(string word)
    {
        var symbols = new List<Symbol>(word.Length);
        bool first = true;
        foreach (Rune letter in word.EnumerateRunes())
        {
            string token = letter.ToString();
            if (_ids.ContainsKey(token))
                symbols.Add(new Symbol(IdOf(first ? token : Prefix + token), 1));
            first = false;
        }

        return symbols;
    }

    private void Merge(List<Symbol> symbols, int left, int right, int id, int place, long weight)
    {
        int write = 0;
        for (int read = 0; read < symbols.Count; read++, write++)
        {
            if (symbols[read].Id != left || read + 1 >= symbols.Count || symbols[read + 1].Id != right)
            {
                symbols[write] = symbols[read];
                continue;
            }

            Symbol first = symbols[read];
            Symbol second = symbols[read + 1];
            var merged = new Symbol(id, first.Length + second.Length);
            if (write > 0)
            {
                Change(symbols[write - 1], first, place, -weight);
                if (symbols[write - 1].Length + merged.Length < MaxTokenLength)
                    Change(symbols[write - 1], merged, place, weight);
            }

            if (read + 2 < symbols.Count)
            {
                Change(second, symbols[read + 2], place, -weight);
                if (symbols[read + 2].Length + merged.Length < MaxTokenLength)
                    Change(merged, symbols[read + 2], place, weight);
            }

            symbols[write] = merged;
            read++;
        }

        symbols.RemoveRange(write, symbols.Count - write);
    }

    /// <summary>Counts a pair up or down; where it appears it becomes a candidate at the next <see cref="Enqueue"/>.</summary>
    private void Change(Symbol left, Symbol right, int place, long weight)
    {
        ulong pair = (ulong)(uint)left.Id << 32 | (uint)right.Id;
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += weight;
        if (weight < 0)
            return;
        List<int> places = CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _) ??= [];
        if (places.Count == 0 || places[^1] != place)
            places.Add(place);
    }

    private void Enqueue()
    {
        foreach ((ulong pair, List<int> places) in _places)
        {
            if (_counts[pair] is > 0 and long count)
                _queue.Enqueue(places, new Candidate(count, pair));
        }

        _places.Clear();
    }

    private readonly record struct Symbol(int Id, int Length);

    private readonly record struct Candidate(long Count, ulong Pair) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other) =>
            Count != other.Count ? other.Count.CompareTo(Count) : Pair.CompareTo(other.Pair);
    }
}
