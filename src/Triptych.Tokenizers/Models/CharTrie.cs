using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Finds the tokens that a text begins with: a double array (Aoe, 1989) over UTF-16 units. Units are numbered by how often they occur in
/// the keys, so that the array stays dense; those in no key end a search at once. A node is the place that its followers are counted
/// from, which no other node has: then it is enough to check the number of the unit that led to a place.
/// </summary>
internal sealed class CharTrie
{
    /// <summary>The value of a place where no key ends.</summary>
    public const int None = -1;

    /// <summary>Where every search begins.</summary>
    public const int Root = 0;

    /// <summary>The parts of an entry, from the lowest bit on: the unit's number, the node, the value.</summary>
    public const int CodeBits = 16, NodeBits = 24;

    private const int MaxNode = (1 << NodeBits) - 1;

    private readonly int[] _codes;

    private readonly ulong[] _entries;

    /// <summary>Builds the array; of equal keys the last one counts, empty ones are left out.</summary>
    /// <param name="keys">The keys and their values, which are ids.</param>
    /// <param name="refuse">Makes the error for keys that are too many and too long.</param>
    public CharTrie(TokenList keys, Func<string, Exception> refuse)
        : this(new SortedKeys(keys), out ulong[]? entries) =>
        _entries = entries ?? throw refuse("the tokens have too many different beginnings");

    private CharTrie(SortedKeys keys, out ulong[]? entries)
    {
        _codes = new int[char.MaxValue + 1];
        keys.NumberUnits(_codes);
        MaxKeyLength = keys.MaxLength;
        entries = new Builder(keys, _codes).Build();
        _entries = entries ?? [];
    }

    public CharTrie(IEnumerable<(string Key, int Value)> keys, Func<string, Exception> refuse)
        : this(TokenList.Of(keys), refuse)
    {
    }

    public int MaxKeyLength { get; }

    /// <summary>The array, whose entries hold the number of the unit that leads there, the node, and one more than the value of the key that ends there.</summary>
    public ReadOnlySpan<ulong> Entries => _entries;

    /// <summary>Builds the array, or null where it would get too long.</summary>
    public static CharTrie? TryBuild(TokenList keys)
    {
        var trie = new CharTrie(new SortedKeys(keys), out ulong[]? entries);
        return entries is null ? null : trie;
    }

    /// <summary>The number of a unit; 0 where it is in no key.</summary>
    public int CodeOf(char unit) => _codes[unit];

    /// <summary>Takes one unit: moves on from a node and says which key ends there; false where no key goes on so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMove(ref int node, char unit, out int value) => TryMoveByCode(ref node, _codes[unit], out value);

    /// <summary>The same by a unit's number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMoveByCode(ref int node, int code, out int value)
    {
        ulong[] entries = _entries;
        int place = node + code;
        if ((uint)place < (uint)entries.Length)
        {
            ulong entry = entries[place];
            if ((ushort)entry == code && code != 0)
            {
                node = (int)(entry >> CodeBits) & MaxNode;
                value = (int)(entry >> (CodeBits + NodeBits)) - 1;
                return true;
            }
        }

        value = None;
        return false;
    }

    /// <summary>The length of the longest key that a text begins with and its value, or 0.</summary>
    public int FindLongest(ReadOnlySpan<char> text, out int value)
    {
        int node = Root;
        int length = 0;
        value = None;
        for (int at = 0; at < text.Length && TryMove(ref node, text[at], out int found); at++)
        {
            if (found != None)
                (length, value) = (at + 1, found);
        }

        return length;
    }

    /// <summary>Lays nodes into the array, each where all of its followers find a free place.</summary>
    private sealed class Builder(SortedKeys keys, int[] codes)
    {
        /// <summary>Free places that are tried for a node with several followers, before they go behind all others.</summary>
        private const int MaxTries = 48;

        /// <summary>The node of places that nothing follows: all that is counted from it lies behind the array.</summary>
        private const int Leaf = MaxNode;

        private readonly List<(int First, int Code)> _children = [];
        private ulong[] _entries = [];
        private bool[] _isNode = [];
        private int[] _nextFree = [];
        private int[] _previousFree = [];
        private int _firstFree = -1;
        private int _lastFree = -1;
        private int _end = 1;

        /// <summary>The array, or null where it gets too long.</summary>
        public ulong[]? Build()
        {
            Grow(1024);
            Take(Root);
            var pending = new Stack<(int Place, int From, int To, int Depth)>();
            pending.Push((Root, 0, keys.Count, 0));
            while (pending.TryPop(out (int Place, int From, int To, int Depth) range))
            {
                if (!TryPlace(range.Place, range.From, range.To, range.Depth, pending))
                    return null;
            }

            return LargeMemory.Copy<ulong>(_entries.AsSpan(0, _end));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private bool TryPlace(int place, int from, int to, int depth, Stack<(int Place, int From, int To, int Depth)> pending)
        {
            int value = None;
            for (int last = -1; from < to && keys.Length(from) == depth; from++)
            {
                if (keys.Order(from) > last)
                    (last, value) = (keys.Order(from), keys.Value(from));
            }

            _children.Clear();
            for (int i = from, unit = -1; i < to; i++)
            {
                char next = keys.Unit(i, depth);
                if (next != unit)
                    _children.Add((i, codes[next]));
                unit = next;
            }

            int node = _children.Count == 0 ? Leaf : depth == 0 ? Root : FindNode();
            if (node >= MaxNode - char.MaxValue && node != Leaf)
                return false;
            _entries[place] |= (ulong)node << CodeBits | (ulong)(value + 1) << (CodeBits + NodeBits);
            if (node != Leaf)
                _isNode[node] = true;
            for (int i = 0; i < _children.Count; i++)
            {
                int child = node + _children[i].Code;
                Grow(child + 1);
                Take(child);
                _entries[child] = (ulong)_children[i].Code;
                _end = Math.Max(_end, child + 1);
                pending.Push((child, _children[i].First, i + 1 < _children.Count ? _children[i + 1].First : to, depth + 1));
            }

            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int FindNode()
        {
            int first = _children[0].Code;
            int tries = 0;
            for (int place = _firstFree; place >= 0 && tries < MaxTries; place = _nextFree[place], tries++)
            {
                if (Fits(place - first))
                    return place - first;
            }

            int highest = first, lowest = first;
            foreach ((_, int code) in _children)
                (lowest, highest) = (Math.Min(lowest, code), Math.Max(highest, code));
            int node = Math.Max(0, _end - lowest);
            while (node < _isNode.Length && _isNode[node])
                node++;
            Grow(node + highest + 1);
            return node;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool Fits(int node)
        {
            if (node < 0 || _isNode[node])
                return false;
            foreach ((_, int code) in _children)
            {
                Grow(node + code + 1);
                if (_entries[node + code] != 0)
                    return false;
            }

            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Grow(int needed)
        {
            if (needed > _entries.Length)
                GrowBeyond(needed);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void GrowBeyond(int needed)
        {
            int length = _entries.Length;
            int capacity = Math.Max(needed, checked(length * 2));
            Array.Resize(ref _entries, capacity);
            Array.Resize(ref _isNode, capacity);
            Array.Resize(ref _nextFree, capacity);
            Array.Resize(ref _previousFree, capacity);
            for (int place = length; place < capacity; place++)
            {
                (_previousFree[place], _nextFree[place]) = (_lastFree, -1);
                if (_lastFree >= 0)
                    _nextFree[_lastFree] = place;
                else
                    _firstFree = place;
                _lastFree = place;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Take(int place)
        {
            (int previous, int next) = (_previousFree[place], _nextFree[place]);
            if (previous >= 0)
                _nextFree[previous] = next;
            else
                _firstFree = next;
            if (next >= 0)
                _previousFree[next] = previous;
            else
                _lastFree = previous;
        }
    }
}
