using System.Buffers;
using System.Numerics;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding of long words in linear time. The merges of a text lead to the one sequence of tokens in which all neighbours would
/// come out of their joined text as they are. It is found from left to right: the longest token that suits the one before it, and steps
/// back where none does (van Antwerpen and Neubeck, 2024, "So many tokens, so little time"). A token is always made by the same merge,
/// that which its own text ends with; tokens whose text becomes something else never come out.
/// </summary>
internal sealed class LinearMerger
{
    private const int None = -1;

    /// <summary>Symbols of all tokens together; the trie takes 32 bytes for each.</summary>
    private const long MaxSymbols = 1 << 24;

    private readonly MergeTable _merges;
    private readonly Node[] _tokens;
    private readonly int[] _firsts;
    private readonly (ulong Key, int Node)[] _edges;
    private readonly int _shift;
    private readonly List<int> _tokenOfNode = [None];

    private LinearMerger(MergeTable merges, Node[] tokens, int symbols)
    {
        _merges = merges;
        _tokens = tokens;
        _firsts = new int[tokens.Length];
        int bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, symbols * 2)));
        _edges = new (ulong, int)[1 << bits];
        _shift = 64 - bits;
        Array.Fill(_edges, (ulong.MaxValue, None));
    }

    /// <summary>The merger of a table, or null where its tokens are too long in all.</summary>
    public static LinearMerger? TryBuild(MergeTable merges, int idLimit)
    {
        (int Left, int Right, int Rank, int Id)[] all = [.. merges.All().OrderBy(merge => merge.Rank)];
        var tokens = new Node[idLimit];
        Array.Fill(tokens, new Node(None, None, None, 1, None));
        bool[] isMade = new bool[idLimit];
        foreach ((_, _, _, int id) in all)
            isMade[id] = true;
        long symbols = 0;
        foreach ((int left, int right, int rank, int id) in all)
        {
            bool known = (!isMade[left] || tokens[left].Rank != None) && (!isMade[right] || tokens[right].Rank != None);
            if (!known || tokens[id].Rank != None || !Suits(merges, tokens, left, right, rank))
                continue;
            tokens[id] = new Node(left, right, rank, tokens[left].Length + tokens[right].Length, None);
            symbols += tokens[id].Length;
        }

        if (symbols > MaxSymbols)
            return null;
        var merger = new LinearMerger(merges, tokens, (int)symbols);
        merger.AddTokens();
        return merger;
    }

    /// <summary>Merges symbols in place; their number afterwards, or -1 where no sequence was found.</summary>
    public int Merge(Span<Piece> symbols)
    {
        int[] stack = ArrayPool<int>.Shared.Rent(symbols.Length);
        ulong[] dead = ArrayPool<ulong>.Shared.Rent((symbols.Length >> 6) + 1);
        dead.AsSpan(0, (symbols.Length >> 6) + 1).Clear();
        int count = Cover(symbols, stack, dead);
        for (int i = 0, at = 0; i < count; i++)
        {
            int end = at + _tokens[stack[i]].Length;
            symbols[i] = new Piece(stack[i], symbols[at].Start, symbols[end - 1].End);
            at = end;
        }

        ArrayPool<ulong>.Shared.Return(dead);
        ArrayPool<int>.Shared.Return(stack);
        return count;
    }

    private int Cover(ReadOnlySpan<Piece> symbols, int[] stack, ulong[] dead)
    {
        int count = 0, at = 0, token = LongestAt(symbols, 0);
        while (at < symbols.Length)
        {
            int end = at + _tokens[token].Length;
            if ((dead[end >> 6] >> end & 1) == 0 && (count == 0 || Suits(_merges, _tokens, stack[count - 1], token, MergeTable.None)))
            {
                stack[count++] = token;
                at = end;
                if (at < symbols.Length)
                    token = LongestAt(symbols, at);
                continue;
            }

            token = _tokens[token].Shorter;
            if (token != None)
                continue;
            if (count == 0)
                return None;
            dead[at >> 6] |= 1UL << at;
            token = stack[--count];
            at -= _tokens[token].Length;
        }

        return count;
    }

    /// <summary>Whether two tokens come out of their joined text as they are: no merge reaches across before both are made.</summary>
    private static bool Suits(MergeTable merges, Node[] tokens, int left, int right, int limit)
    {
        while (true)
        {
            if (merges.Find(left, right, out _) < limit)
                return false;
            ref readonly Node first = ref tokens[left];
            ref readonly Node second = ref tokens[right];
            if (first.Rank == None && second.Rank == None)
                return true;
            // The one that is made last is taken apart. Of two merges with one rank the left one comes first.
            if (first.Rank > second.Rank)
            {
                limit = first.Rank;
                left = first.Right;
            }
            else
            {
                limit = second.Rank + 1;
                right = second.Left;
            }
        }
    }

    private int LongestAt(ReadOnlySpan<Piece> symbols, int at)
    {
        int token = symbols[at].Id;
        int node = _firsts[token];
        if (node == 0)
            return token;
        while (++at < symbols.Length && (node = Find(node, symbols[at].Id)) != None)
        {
            if (_tokenOfNode[node] != None)
                token = _tokenOfNode[node];
        }

        return token;
    }

    private void AddTokens()
    {
        var symbols = new List<int>();
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_tokens[id].Rank == None)
                continue;
            Expand(id, symbols);
            _tokenOfNode[Insert(symbols)] = id;
        }

        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_tokens[id].Rank == None)
                continue;
            Expand(id, symbols);
            int shorter = symbols[0], node = _firsts[symbols[0]];
            for (int i = 1; i + 1 < symbols.Count; i++)
            {
                node = Find(node, symbols[i]);
                if (_tokenOfNode[node] != None)
                    shorter = _tokenOfNode[node];
            }

            _tokens[id] = _tokens[id] with { Shorter = shorter };
        }
    }

    private void Expand(int id, List<int> symbols)
    {
        symbols.Clear();
        var rest = new Stack<int>([id]);
        while (rest.TryPop(out int token))
        {
            if (_tokens[token].Rank == None)
            {
                symbols.Add(token);
                continue;
            }

            rest.Push(_tokens[token].Right);
            rest.Push(_tokens[token].Left);
        }
    }

    private int Insert(List<int> symbols)
    {
        ref int first = ref _firsts[symbols[0]];
        if (first == 0)
            first = NewNode();
        int node = first;
        for (int i = 1; i < symbols.Count; i++)
        {
            int slot = Slot(node, symbols[i]);
            if (_edges[slot].Node == None)
                _edges[slot] = (Key(node, symbols[i]), NewNode());
            node = _edges[slot].Node;
        }

        return node;
    }

    private int NewNode()
    {
        _tokenOfNode.Add(None);
        return _tokenOfNode.Count - 1;
    }

    private int Find(int node, int symbol) => _edges[Slot(node, symbol)].Node;

    /// <summary>Where an edge is, or would be.</summary>
    private int Slot(int node, int symbol)
    {
        ulong key = Key(node, symbol);
        int slot = (int)((key * 0x9E3779B97F4A7C15 ^ key >> 29) * 0xBF58476D1CE4E5B9 >> _shift);
        while (_edges[slot].Key != key && _edges[slot].Node != None)
            slot = slot + 1 & _edges.Length - 1;
        return slot;
    }

    private static ulong Key(int node, int symbol) => (ulong)(uint)node << 32 | (uint)symbol;

    /// <summary>A token: its parts and the rank of their merge, its length in symbols, and the longest token that it begins with.</summary>
    private readonly record struct Node(int Left, int Right, int Rank, int Length, int Shorter);
}
