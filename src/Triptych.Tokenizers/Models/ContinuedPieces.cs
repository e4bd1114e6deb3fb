using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding as subword-nmt does it (Sennrich et al., 2016): the pair of the lowest rank is merged wherever it stands in the word
/// before the next is looked for; the last symbol of a word ends with <c>&lt;/w&gt;</c> in merges, and all others with <c>@@</c> in the vocabulary,
/// where the model has such marks.
/// </summary>
internal sealed class ContinuedPieces : TokenizerModel
{
    /// <summary>Symbols that no merge knows are all alike.</summary>
    private const int Unmerged = -1;

    private readonly Dictionary<string, int> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Left, int Right), (int Rank, int Merged)> _merges = [];
    private readonly UnknownToken _unknown;
    private readonly string _end;
    private readonly string _continued;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="merges">The merges by rank; of one that comes twice the later place counts.</param>
    /// <param name="unknownToken">The token for what the vocabulary lacks.</param>
    /// <param name="marked">Whether the marks are there.</param>
    public ContinuedPieces(Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> merges, string unknownToken, bool marked = true)
        : base(vocabulary)
    {
        (_end, _continued) = marked ? ("</w>", "@@") : ("", "");
        _unknown = new UnknownToken(vocabulary, unknownToken);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            _merges[(SymbolOf(left), SymbolOf(right))] = (rank, SymbolOf(left + right));
        }
    }

    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        List<Symbol> symbols = Split(word);
        if (symbols.Count > 1)
            Merge(symbols);
        int at = 0;
        while (at < symbols.Count)
        {
            int next = symbols[at].Next;
            bool isLast = next == symbols.Count;
            (int start, int end) = (symbols[at].Start, isLast ? word.Length : symbols[next].Start);
            int id = isLast ? Vocabulary.IdOf(word[start..end]) : Vocabulary.IdOf(string.Concat(word[start..end], _continued));
            output.Add(new Piece(id >= 0 ? id : _unknown.Id, start, end));
            at = next;
        }
    }

    private int SymbolOf(string symbol)
    {
        ref int id = ref CollectionsMarshal.GetValueRefOrAddDefault(_symbols, symbol, out bool exists);
        if (!exists)
            id = _symbols.Count - 1;
        return id;
    }

    private List<Symbol> Split(ReadOnlySpan<char> word)
    {
        var lookup = _symbols.GetAlternateLookup<ReadOnlySpan<char>>();
        var symbols = new List<Symbol>();
        for (int at = 0, units; at < word.Length; at += units)
        {
            Rune.DecodeFromUtf16(word[at..], out _, out units);
            ReadOnlySpan<char> symbol = word.Slice(at, units);
            if (at + units == word.Length)
                symbol = string.Concat(symbol, _end);
            symbols.Add(new Symbol(lookup.TryGetValue(symbol, out int id) ? id : Unmerged, at, symbols.Count - 1, symbols.Count + 1));
        }

        return symbols;
    }

    private void Merge(List<Symbol> symbols)
    {
        Span<Symbol> all = CollectionsMarshal.AsSpan(symbols);
        var queue = new PriorityQueue<(int Left, int Right), (int Rank, int At)>();
        for (int at = 0; at + 1 < all.Length; at++)
            Enqueue(all, at, queue);
        var round = new List<int>();
        while (queue.TryPeek(out _, out (int Rank, int At) first))
        {
            // All places of the pair, before those that come of merging it.
            round.Clear();
            while (queue.TryPeek(out (int Left, int Right) pair, out (int Rank, int At) place) && place.Rank == first.Rank)
            {
                queue.Dequeue();
                if (all[place.At].Id == pair.Left && all[place.At].Next < all.Length && all[all[place.At].Next].Id == pair.Right)
                    round.Add(place.At);
            }

            MergeRound(all, round, first.Rank, queue);
        }
    }

    private void MergeRound(Span<Symbol> all, List<int> round, int rank, PriorityQueue<(int Left, int Right), (int Rank, int At)> queue)
    {
        foreach (int at in round)
        {
            ref Symbol left = ref all[at];
            // The one before may have taken this symbol or the one behind it.
            if (left.Next >= all.Length || !_merges.TryGetValue((left.Id, all[left.Next].Id), out (int Rank, int Merged) merge) || merge.Rank != rank)
                continue;
            ref Symbol right = ref all[left.Next];
            left.Id = merge.Merged;
            right.Id = Unmerged;
            left.Next = right.Next;
            if (left.Next < all.Length)
            {
                all[left.Next].Previous = at;
                Enqueue(all, at, queue);
            }

            if (left.Previous >= 0)
                Enqueue(all, left.Previous, queue);
        }
    }

    private void Enqueue(ReadOnlySpan<Symbol> all, int at, PriorityQueue<(int Left, int Right), (int Rank, int At)> queue)
    {
        (int left, int right) = (all[at].Id, all[all[at].Next].Id);
        if (_merges.TryGetValue((left, right), out (int Rank, int Merged) merge))
            queue.Enqueue((left, right), (merge.Rank, at));
    }

    private record struct Symbol(int Id, int Start, int Previous, int Next);
}
