using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// Finds the tokens that a text begins with: a double array (Aoe, 1989) over UTF-16 units. Units are numbered by how often they occur in
/// the keys, so that the array stays dense; those in no key end a search at once.
/// </summary>
internal sealed class CharTrie
{
    /// <summary>The value of a place where no key ends.</summary>
    public const int None = -1;

    /// <summary>Where every search begins.</summary>
    public const int Root = 0;

    private readonly int[] _codes = new int[char.MaxValue + 1];
    private readonly Entry[] _entries;

    /// <summary>Builds the array; of equal keys the last one counts, empty ones are left out.</summary>
    public CharTrie(TokenList keys)
    {
        var sorted = new SortedKeys(keys);
        sorted.NumberUnits(_codes);
        MaxKeyLength = sorted.MaxLength;
        _entries = new Builder(sorted, _codes).Build();
    }

    public CharTrie(IEnumerable<(string Key, int Value)> keys)
        : this(TokenList.Of(keys))
    {
    }

    public int MaxKeyLength { get; }

    /// <summary>Takes one unit: moves on from a node and says which key ends there; false where no key goes on so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMove(ref int node, char unit, out int value)
    {
        int code = _codes[unit];
        int next = _entries[node].Base + code;
        if (code == 0 || (uint)next >= (uint)_entries.Length)
        {
            value = None;
            return false;
        }

        ref readonly Entry entry = ref _entries[next];
        value = entry.Value;
        if (entry.Parent != node)
            return false;
        node = next;
        return true;
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

    /// <summary>A place of the array: the node that it follows, where its own followers are counted from, and the key that ends here.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private readonly record struct Entry(int Parent, int Base, int Value);

    /// <summary>Lays nodes into the array, each with its followers where all of them find a free place.</summary>
    private sealed class Builder(SortedKeys keys, int[] codes)
    {
        /// <summary>Free places that are tried for a node with several followers, before they go behind all others.</summary>
        private const int MaxTries = 48;

        private const int Free = -2;

        private readonly List<(int First, int Code)> _children = [];
        private Entry[] _entries = [];
        private int[] _nextFree = [];
        private int[] _previousFree = [];
        private int _firstFree = -1;
        private int _lastFree = -1;
        private int _end = 1;

        public Entry[] Build()
        {
            Grow(1024);
            Take(Root);
            _entries[Root] = new Entry(-1, 0, None);
            var pending = new Stack<(int Node, int From, int To, int Depth)>();
            pending.Push((Root, 0, keys.Count, 0));
            while (pending.TryPop(out (int Node, int From, int To, int Depth) range))
                Place(range.Node, range.From, range.To, range.Depth, pending);
            return _entries.AsSpan(0, _end).ToArray();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Place(int node, int from, int to, int depth, Stack<(int Node, int From, int To, int Depth)> pending)
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

            int start = _children.Count == 0 ? 0 : FindBase();
            _entries[node] = new Entry(_entries[node].Parent, start, value);
            for (int i = 0; i < _children.Count; i++)
            {
                int child = start + _children[i].Code;
                Take(child);
                _entries[child] = new Entry(node, 0, None);
                _end = Math.Max(_end, child + 1);
                pending.Push((child, _children[i].First, i + 1 < _children.Count ? _children[i + 1].First : to, depth + 1));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int FindBase()
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
            int start = _end - lowest;
            Grow(start + highest + 1);
            return start;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool Fits(int start)
        {
            foreach ((_, int code) in _children)
            {
                int place = start + code;
                if (place < 0)
                    return false;
                Grow(place + 1);
                if (_entries[place].Parent != Free)
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
            Array.Resize(ref _nextFree, capacity);
            Array.Resize(ref _previousFree, capacity);
            for (int place = length; place < capacity; place++)
            {
                _entries[place] = new Entry(Free, 0, None);
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
