using System.Runtime.InteropServices;
using Triptych.Tokenizers.Models;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours those are joined whose piece has the highest score, leftmost first. Pieces that
/// are not to be used are taken apart again.
/// </summary>
internal sealed class SentencePieceBpe : SentencePieceModel
{
    private const int CacheBits = 14;
    private const int MaxCachedLength = 48;
    private const int None = -1;

    private readonly SentencePieceFile _file;
    private readonly Vocabulary _pieces;
    private readonly bool _hasUnused;
    private readonly bool _cutsAtMarks;
    private readonly CachedWord?[] _cache = new CachedWord?[1 << CacheBits];

    public SentencePieceBpe(SentencePieceFile file)
        : base(file)
    {
        _file = file;
        _pieces = new Vocabulary([.. file.Pieces.Select((piece, id) => (piece.Text, id)).Where(entry => IsText(file.Pieces[entry.id].Type))], file.Fail);
        _hasUnused = file.Pieces.Any(piece => piece.Type == PieceType.Unused);
        _cutsAtMarks = !file.Pieces.Any(piece => IsText(piece.Type) && ReachesAcross(piece.Text));
    }

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        for (int start = 0; start < word.Length;)
        {
            int end = _cutsAtMarks ? WordEnd(word, start) : word.Length;
            AddWord(word, start, end, before, output);
            start = end;
        }
    }

    private static bool IsText(PieceType type) => type is PieceType.Normal or PieceType.UserDefined or PieceType.Unused;

    private static bool ReachesAcross(string piece)
    {
        int at = piece.AsSpan().TrimStart(SentencePieceNormalizer.Mark).IndexOf(SentencePieceNormalizer.Mark);
        return at >= 0;
    }

    /// <summary>Up to the mark behind something else: no piece reaches across.</summary>
    private static int WordEnd(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        while (at < text.Length && text[at] == SentencePieceNormalizer.Mark)
            at++;
        int next = text[at..].IndexOf(SentencePieceNormalizer.Mark);
        return next < 0 ? text.Length : at + next;
    }

    private void AddWord(ReadOnlySpan<char> text, int start, int end, int before, List<Piece> output)
    {
        ReadOnlySpan<char> word = text[start..end];
        Piece[] pieces;
        if (word.Length > MaxCachedLength)
        {
            pieces = Merge(word);
        }
        else
        {
            // Entries are immutable and a reference is written at once, so threads may race here without harm.
            ulong hash = TextHash.Of(word);
            ref CachedWord? slot = ref _cache[hash >> 64 - CacheBits];
            if (slot is not CachedWord hit || hit.Hash != hash || !word.SequenceEqual(hit.Text))
                slot = hit = new CachedWord(hash, word.ToString(), Merge(word));
            pieces = hit.Pieces;
        }

        foreach (Piece piece in pieces)
            Add(text, new Piece(piece.Id, start + piece.Start, start + piece.End), before, output);
    }

    private Piece[] Merge(ReadOnlySpan<char> word)
    {
        List<Symbol> symbols = Split(word);
        Span<Symbol> all = CollectionsMarshal.AsSpan(symbols);
        var queue = new PriorityQueue<Pair, (float, int)>(ByScore.Instance);
        var parts = _hasUnused ? new Dictionary<string, int>(StringComparer.Ordinal) : null;
        for (int i = 1; i < all.Length; i++)
            Offer(word, all, i - 1, i, queue, parts);
        while (queue.TryDequeue(out Pair pair, out _))
        {
            ref Symbol left = ref all[pair.Left];
            ref Symbol right = ref all[pair.Right];
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length)
                continue;
            left.Length = pair.Length;
            right.Length = 0;
            left.Next = right.Next;
            if (left.Next != None)
                all[left.Next].Previous = pair.Left;
            Offer(word, all, left.Previous, pair.Left, queue, parts);
            Offer(word, all, pair.Left, left.Next, queue, parts);
        }

        var output = new List<Piece>();
        for (int i = 0; i != None; i = all[i].Next)
            AddParts(word, all[i].Start, all[i].Start + all[i].Length, parts, output);
        return [.. output];
    }

    private List<Symbol> Split(ReadOnlySpan<char> word)
    {
        var symbols = new List<Symbol>(word.Length);
        for (int start = 0; start < word.Length;)
        {
            int length = SymbolLength(word[start..], out bool defined);
            bool last = start + length == word.Length;
            symbols.Add(new Symbol
            {
                Start = start,
                Length = length,
                Frozen = defined,
                Previous = symbols.Count - 1,
                Next = last ? None : symbols.Count + 1,
            });
            start += length;
        }

        return symbols;
    }

    private void Offer(
        ReadOnlySpan<char> word, ReadOnlySpan<Symbol> symbols, int left, int right,
        PriorityQueue<Pair, (float, int)> queue, Dictionary<string, int>? parts)
    {
        if (left == None || right == None || symbols[left].Frozen || symbols[right].Frozen)
            return;
        int length = symbols[left].Length + symbols[right].Length;
        ReadOnlySpan<char> text = word.Slice(symbols[left].Start, length);
        int id = _pieces.IdOf(text);
        if (id < 0)
            return;
        queue.Enqueue(new Pair(left, right, length), (_file.Pieces[id].Score, left));
        if (parts is not null && _file.Pieces[id].Type == PieceType.Unused)
            parts[text.ToString()] = symbols[left].Length;
    }

    /// <summary>A piece, or the parts that it was made of where it is not to be used.</summary>
    private void AddParts(ReadOnlySpan<char> word, int start, int end, Dictionary<string, int>? parts, List<Piece> output)
    {
        var pending = new Stack<(int Start, int End)>();
        pending.Push((start, end));
        while (pending.TryPop(out (int Start, int End) range))
        {
            ReadOnlySpan<char> text = word[range.Start..range.End];
            int id = IdOrUnknown(text);
            if (parts is not null && _file.Pieces[id].Type == PieceType.Unused && parts.TryGetValue(text.ToString(), out int left))
            {
                pending.Push((range.Start + left, range.End));
                pending.Push((range.Start, range.Start + left));
            }
            else
            {
                output.Add(new Piece(id, range.Start, range.End));
            }
        }
    }

    private readonly record struct Pair(int Left, int Right, int Length);

    private struct Symbol
    {
        public int Start;
        public int Length;
        public int Previous;
        public int Next;
        public bool Frozen;
    }

    private sealed class ByScore : IComparer<(float Score, int Left)>
    {
        public static ByScore Instance { get; } = new();

        public int Compare((float Score, int Left) x, (float Score, int Left) y) =>
            x.Score != y.Score ? y.Score.CompareTo(x.Score) : x.Left.CompareTo(y.Left);
    }

    private sealed record CachedWord(ulong Hash, string Text, Piece[] Pieces);
}
