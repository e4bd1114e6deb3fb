using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>Byte-pair encoding's rare ways: merges that drop out at random, and byte tokens of which some are missing.</summary>
internal sealed partial class Bpe
{
    private int MergeWithDropout(Span<Piece> symbols)
    {
        const int Removed = -2;
        Random random = MergeDropout.Random;
        int[] next = [.. Enumerable.Range(1, symbols.Length)];
        int[] previous = [.. Enumerable.Range(-1, symbols.Length)];
        var queue = new PriorityQueue<int, (int Rank, int Place)>();
        var skipped = new List<(int Place, (int, int) Order)>();
        for (int i = 0; i + 1 < symbols.Length; i++)
            Enqueue(queue, symbols[i].Id, symbols[i + 1].Id, i);

        while (queue.TryDequeue(out int at, out (int Rank, int Place) order))
        {
            // A merge that was passed over comes back after the next one that is not.
            if (random.NextDouble() < _options.Dropout)
            {
                skipped.Add((at, order));
                continue;
            }

            queue.EnqueueRange(skipped);
            skipped.Clear();
            int right = previous[at] == Removed ? symbols.Length : next[at];
            if (right == symbols.Length || _merges.Find(symbols[at].Id, symbols[right].Id, out int id) != order.Rank)
                continue;
            symbols[at] = new Piece(id, symbols[at].Start, symbols[right].End);
            previous[right] = Removed;
            next[at] = next[right];
            if (previous[at] >= 0)
                Enqueue(queue, symbols[previous[at]].Id, id, previous[at]);
            if (next[at] < symbols.Length)
            {
                previous[next[at]] = at;
                Enqueue(queue, id, symbols[next[at]].Id, at);
            }
        }

        int count = 0;
        for (int i = 0; i < symbols.Length; i = next[i])
            symbols[count++] = symbols[i];
        return count;
    }

    private void Enqueue(PriorityQueue<int, (int Rank, int Place)> queue, int left, int right, int place)
    {
        int rank = _merges.Find(left, right, out _);
        if (rank != MergeTable.None)
            queue.Enqueue(place, (rank, place));
    }

    /// <summary>
    /// As the reference does where some characters fall back to bytes and others do not, or are dropped for want of an unknown token: an
    /// unknown token waits until a known character or the end, behind the bytes that come in between, and the offsets are counted along
    /// the tokens as they then stand.
    /// </summary>
    private void MergeInTurn(ReadOnlySpan<char> word, List<Piece> output)
    {
        var symbols = new List<Piece>(word.Length);
        int position = 0;
        int waiting = 0;
        void Add(int id, int bytes) => symbols.Add(new Piece(id, position, position += bytes));
        for (int at = 0, end; at < word.Length; at = end)
        {
            end = at + (char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1);
            ReadOnlySpan<char> symbol = word[at..end];
            int bytes = System.Text.Encoding.UTF8.GetByteCount(symbol);
            if (SymbolOf(symbol, at == 0, end == word.Length) is >= 0 and int id)
            {
                if (waiting > 0)
                    Add(_unknown!.Id, waiting);
                waiting = 0;
                Add(id, bytes);
            }
            else if (ByteTokens(symbol, at == 0, end == word.Length) is int[] tokens)
            {
                foreach (int token in tokens)
                    Add(token, 1);
            }
            else if (_unknown is not null)
            {
                int unknown = _unknown.Id;
                if (waiting > 0 && !_options.FuseUnknown)
                {
                    Add(unknown, waiting);
                    waiting = 0;
                }

                waiting += bytes;
            }
        }

        if (waiting > 0)
            Add(_unknown!.Id, waiting);
        Span<Piece> pieces = CollectionsMarshal.AsSpan(symbols);
        pieces = pieces[..MergeAll(pieces)];
        int[] units = UnitsOfBytes(word);
        foreach (Piece piece in pieces)
        {
            int first = units[Math.Min(piece.Start, units.Length - 1)];
            int last = units[Math.Min(piece.End, units.Length) - 1];
            output.Add(new Piece(piece.Id, first, last + (char.IsHighSurrogate(word[last]) ? 2 : 1)));
        }
    }

    private int[]? ByteTokens(ReadOnlySpan<char> symbol, bool first, bool last)
    {
        if (_byteTokens is null)
            return null;
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(string.Concat(
            first ? "" : _options.ContinuingSubwordPrefix, symbol, last ? _options.EndOfWordSuffix : ""));
        int[] tokens = Array.ConvertAll(bytes, b => _byteTokens[b]);
        return Array.TrueForAll(tokens, token => token >= 0) ? tokens : null;
    }

    /// <summary>For each byte of the word's UTF-8 the place of its character.</summary>
    private static int[] UnitsOfBytes(ReadOnlySpan<char> word)
    {
        var units = new List<int>(word.Length);
        int at = 0;
        foreach (System.Text.Rune rune in word.EnumerateRunes())
        {
            for (int i = 0; i < rune.Utf8SequenceLength; i++)
                units.Add(at);
            at += rune.Utf16SequenceLength;
        }

        return [.. units];
    }
}

/// <summary>The random numbers of BPE-dropout: the thread's own where a seed was given, else shared.</summary>
internal static class MergeDropout
{
    [ThreadStatic]
    private static Random? s_seeded;

    public static Random Random => s_seeded ?? Random.Shared;

    /// <summary>Begins the numbers of a seed on this thread, or, for null, numbers that nobody knows.</summary>
    public static void Use(int? seed) => s_seeded = seed is int value ? new Random(value) : null;
}
