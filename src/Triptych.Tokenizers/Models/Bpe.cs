using System.Buffers;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>What a byte-pair encoding needs besides vocabulary and merges; the names are tokenizer.json's.</summary>
internal sealed record BpeOptions
{
    public string? UnknownToken { get; init; }

    public string? ContinuingSubwordPrefix { get; init; }

    public string? EndOfWordSuffix { get; init; }

    public bool FuseUnknown { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }

    /// <summary>The probability that a merge is passed over (BPE-dropout, Provilkov et al., 2019).</summary>
    public double Dropout { get; init; }
}

/// <summary>
/// Byte-pair encoding (Sennrich et al., 2016): of all neighbours the pair whose merge was learned first is joined, leftmost
/// first, until none is left. Short words by repeated scans, long ones with a queue; short words are remembered.
/// </summary>
internal sealed partial class Bpe : TokenizerModel
{
    private const int ScanLimit = 128;
    private const int CommonCharacters = 0x180;
    private const int LinearLimit = 16;
    private const int LongWord = 1 << 10;
    private const int LinearPays = 1 << 16;
    private const int CacheBits = 14;
    private const int MaxCachedLength = 48;

    private readonly BpeOptions _options;
    private readonly MergeTable _merges;
    private readonly int[] _symbols;
    private readonly UnknownToken? _unknown;
    private readonly int[]? _byteTokens;
    private readonly bool _bytesInOrder;
    private readonly Lazy<LinearMerger?> _linear;
    private readonly Lazy<ushort[]?> _byteUnits;
    private readonly Lazy<ushort[]> _commonUnits;
    private readonly Lazy<ulong[]> _unmerged;
    private long _longSymbols;
    private readonly CachedWord?[] _cache = new CachedWord?[1 << CacheBits];

    public Bpe(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
        : base(vocabulary)
    {
        _options = options;
        if (options.UnknownToken is string unknown)
            _unknown = new UnknownToken(vocabulary, unknown);

        _symbols = FindSymbols(vocabulary);
        if (options.ByteFallback)
            _byteTokens = vocabulary.FindByteTokens();

        _bytesInOrder = _byteTokens is null || (Array.TrueForAll(_byteTokens, id => id >= 0) && JoinsTexts);

        _merges = merges;
        _byteUnits = new Lazy<ushort[]?>(FindByteUnits);
        _commonUnits = new Lazy<ushort[]>(FindCommonUnits);
        _unmerged = new Lazy<ulong[]>(FindUnmerged);
        _linear = new Lazy<LinearMerger?>(() => LinearMerger.TryBuild(_merges, vocabulary.IdLimit, [.. CharacterTokens(vocabulary).Concat(_byteTokens ?? []).Where(id => id >= 0)]));
    }

    /// <summary>Whether a word that is a token is taken whole.</summary>
    public bool IgnoresMerges => _options.IgnoreMerges;

    /// <summary>Whether a token is the text that it stands for, without prefix or suffix.</summary>
    public bool JoinsTexts => _options is { ContinuingSubwordPrefix: null or "", EndOfWordSuffix: null or "" };

    /// <summary>Whether a character that is no token becomes tokens of its bytes, and no merge joins these with anything.</summary>
    public bool BytesStayAlone => _byteTokens is int[] bytes && Array.TrueForAll(bytes, id => id >= 0)
        && !_merges.InOrder().Any(merge => bytes.Contains(merge.Left) || bytes.Contains(merge.Right));

    public override bool IsDeterministic => _options.Dropout == 0;

    public override string? ContinuingSubwordPrefix => _options.ContinuingSubwordPrefix;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (word.Length > MaxCachedLength || _options.Dropout > 0)
        {
            TokenizeNew(word, output);
            return;
        }

        // Entries are immutable and a reference is written at once, so threads may race here without harm.
        ulong hash = TextHash.Of(word);
        ref CachedWord? slot = ref _cache[hash >> 64 - CacheBits];
        if (slot is CachedWord hit && hit.Hash == hash && word.SequenceEqual(hit.Text))
        {
            output.AddRange(hit.Pieces);
            return;
        }

        int before = output.Count;
        TokenizeNew(word, output);
        slot = new CachedWord(hash, word.ToString(), CollectionsMarshal.AsSpan(output)[before..].ToArray());
    }

    public override void TokenizeNew(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (_options.IgnoreMerges && Vocabulary.IdOf(word) is >= 0 and int whole)
            output.Add(new Piece(whole, 0, word.Length));
        else
            Merge(word, output);
    }

    /// <summary>The tokens of the characters that most words are made of.</summary>
    private static int[] FindSymbols(Vocabulary vocabulary) => [.. Enumerable.Range(0, CommonCharacters).Select(c => vocabulary.IdOf([(char)c]))];

    private static IEnumerable<int> CharacterTokens(Vocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.IdLimit; id++)
        {
            if (vocabulary.SpanOf(id) is [_] or [>= '\uD800' and < '\uDC00', _])
                yield return id;
        }
    }

    private void Merge(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (word.Length > LongWord && TryMergeCharacters(word, output))
            return;
        if (!_bytesInOrder)
        {
            MergeInTurn(word, output);
            return;
        }

        int capacity = checked(word.Length * (_byteTokens is null ? 1 : 3));
        Piece[]? rented = null;
        Span<Piece> symbols = capacity <= 128
            ? stackalloc Piece[capacity]
            : (rented = ArrayPool<Piece>.Shared.Rent(capacity)).AsSpan(0, capacity);
        int count = ReadSymbols(word, symbols);
        if (count < 0)
            MergeInTurn(word, output);
        else
            output.AddRange(symbols[..MergeAll(symbols[..count])]);
        if (rented is not null)
            ArrayPool<Piece>.Shared.Return(rented);
    }

    private int MergeAll(Span<Piece> symbols)
    {
        if (_options.Dropout > 0)
            return MergeWithDropout(symbols);
        if (symbols.Length > LinearLimit && FindLinear(symbols.Length) is LinearMerger linear && linear.Merge(symbols) is >= 0 and int count)
            return count;
        return symbols.Length > ScanLimit ? MergeByQueue(symbols) : MergeByScan(symbols);
    }

    /// <summary>The linear way takes a while to prepare, so the first long words go without.</summary>
    private LinearMerger? FindLinear(int length) =>
        _linear.IsValueCreated || Interlocked.Add(ref _longSymbols, length) > LinearPays ? _linear.Value : null;

    /// <summary>The characters as tokens and their number, or -1 where one has none at all.</summary>
    private int ReadSymbols(ReadOnlySpan<char> word, Span<Piece> symbols)
    {
        int count = 0;
        bool afterUnknown = false;
        for (int at = 0, end; at < word.Length; at = end)
        {
            end = at + (char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1);
            ReadOnlySpan<char> symbol = word[at..end];
            int id = SymbolOf(symbol, at == 0, end == word.Length);
            if (id >= 0)
            {
                symbols[count++] = new Piece(id, at, end);
                afterUnknown = false;
            }
            else if (_byteTokens is not null && AddBytes(symbol, at, symbols, ref count))
            {
                continue;
            }
            else if (_unknown is not null)
            {
                if (afterUnknown && _options.FuseUnknown)
                    symbols[count - 1] = symbols[count - 1] with { End = end };
                else
                    symbols[count++] = new Piece(_unknown.Id, at, end);
                afterUnknown = true;
            }
            else
            {
                return -1;
            }
        }

        return count;
    }

    private int SymbolOf(ReadOnlySpan<char> symbol, bool first, bool last)
    {
        bool prefixed = !first && _options.ContinuingSubwordPrefix is { Length: > 0 };
        bool suffixed = last && _options.EndOfWordSuffix is { Length: > 0 };
        if (prefixed || suffixed)
            return Affixed(prefixed ? _options.ContinuingSubwordPrefix : "", symbol, suffixed ? _options.EndOfWordSuffix : "");
        return symbol[0] < _symbols.Length ? _symbols[symbol[0]] : Vocabulary.IdOf(symbol);
    }

    private int Affixed(ReadOnlySpan<char> prefix, ReadOnlySpan<char> symbol, ReadOnlySpan<char> suffix)
    {
        int length = prefix.Length + symbol.Length + suffix.Length;
        if (length > Vocabulary.MaxTokenLength)
            return -1;
        Span<char> whole = length <= 128 ? stackalloc char[length] : new char[length];
        prefix.CopyTo(whole);
        symbol.CopyTo(whole[prefix.Length..]);
        suffix.CopyTo(whole[(prefix.Length + symbol.Length)..]);
        return Vocabulary.IdOf(whole);
    }

    private bool AddBytes(ReadOnlySpan<char> symbol, int at, Span<Piece> symbols, ref int count)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..System.Text.Encoding.UTF8.GetBytes(symbol, bytes)];
        foreach (byte b in bytes)
        {
            if (_byteTokens![b] < 0)
                return false;
        }

        foreach (byte b in bytes)
            symbols[count++] = new Piece(_byteTokens![b], at, at + symbol.Length);
        return true;
    }

    private int MergeByScan(Span<Piece> symbols)
    {
        int count = symbols.Length;
        Span<int> ranks = stackalloc int[ScanLimit];
        Span<int> merged = stackalloc int[ScanLimit];
        for (int i = 0; i + 1 < count; i++)
            ranks[i] = _merges.Find(symbols[i].Id, symbols[i + 1].Id, out merged[i]);

        while (count > 1)
        {
            int best = -1;
            int bestRank = MergeTable.None;
            for (int i = 0; i + 1 < count; i++)
            {
                if (ranks[i] < bestRank)
                    (best, bestRank) = (i, ranks[i]);
            }

            if (best < 0)
                break;

            symbols[best] = new Piece(merged[best], symbols[best].Start, symbols[best + 1].End);
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 2)..count].CopyTo(ranks[(best + 1)..]);
            merged[(best + 2)..count].CopyTo(merged[(best + 1)..]);
            count--;
            if (best + 1 < count)
                ranks[best] = _merges.Find(symbols[best].Id, symbols[best + 1].Id, out merged[best]);
            if (best > 0)
                ranks[best - 1] = _merges.Find(symbols[best - 1].Id, symbols[best].Id, out merged[best - 1]);
        }

        return count;
    }

    /// <summary>
    /// Merges of one rank are done together, from left to right, so that memory is read in order: a queue of all places of a
    /// text without spaces would jump about in it.
    /// </summary>
    private int MergeByQueue(Span<Piece> symbols)
    {
        const int Removed = -2;
        using var nextScratch = new Scratch<int>(symbols.Length);
        using var previousScratch = new Scratch<int>(symbols.Length);
        Span<int> next = nextScratch.Span, previous = previousScratch.Span;
        var queue = new RankQueue();
        for (int i = 0; i < symbols.Length; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
            if (i + 1 < symbols.Length)
                queue.Add(_merges.Find(symbols[i].Id, symbols[i + 1].Id, out _), i);
        }

        while (queue.TryTake(out int rank, out List<int>? places))
        {
            for (int i = 0; i < places.Count; i++)
            {
                int at = places[i];
                int right = next[at];
                if (previous[at] == Removed || right == symbols.Length
                    || _merges.Find(symbols[at].Id, symbols[right].Id, out int id) != rank)
                    continue;

                symbols[at] = new Piece(id, symbols[at].Start, symbols[right].End);
                previous[right] = Removed;
                next[at] = next[right];
                if (previous[at] >= 0)
                    queue.Add(_merges.Find(symbols[previous[at]].Id, id, out _), previous[at]);
                if (next[at] < symbols.Length)
                {
                    previous[next[at]] = at;
                    queue.Add(_merges.Find(id, symbols[next[at]].Id, out _), at);
                }

                if (queue.LowestRank < rank)
                {
                    foreach (int rest in places[(i + 1)..])
                        queue.Add(rank, rest);
                    break;
                }
            }
        }

        int count = 0;
        for (int i = 0; i < symbols.Length; i = next[i])
            symbols[count++] = symbols[i];
        return count;
    }

    /// <summary>Places that may be merged, lowest rank first.</summary>
    private sealed class RankQueue
    {
        private readonly Dictionary<int, List<int>> _places = [];
        private readonly PriorityQueue<int, int> _ranks = new();

        public int LowestRank => _ranks.TryPeek(out int rank, out _) ? rank : MergeTable.None;

        public void Add(int rank, int place)
        {
            if (rank == MergeTable.None)
                return;
            ref List<int>? places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, rank, out bool queued);
            if (!queued)
                _ranks.Enqueue(rank, rank);
            (places ??= []).Add(place);
        }

        public bool TryTake(out int rank, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out List<int>? places)
        {
            places = null;
            if (!_ranks.TryDequeue(out rank, out _))
                return false;
            _places.Remove(rank, out places);
            for (int i = 1; i < places!.Count; i++)
            {
                if (places[i] < places[i - 1])
                {
                    places.Sort();
                    break;
                }
            }

            return true;
        }
    }

    private sealed record CachedWord(ulong Hash, string Text, Piece[] Pieces);
}
