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
    public CharTrie(IReadOnlyList<(string Key, int Value)> keys)
    {
        CountUnits(keys);
        (string Key, int Value, int Order)[] sorted = [.. keys.Select((key, order) => (key.Key, key.Value, order)).Where(key => key.Key.Length > 0)];
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Key, b.Key) is not 0 and int order ? order : a.Order.CompareTo(b.Order));
        _entries = new Builder(sorted, _codes).Build();
        MaxKeyLength = sorted.Length == 0 ? 0 : sorted.Max(key => key.Key.Length);
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

    private void CountUnits(IReadOnlyList<(string Key, int Value)> keys)
    {
        int[] counts = new int[char.MaxValue + 1];
        foreach ((string key, _) in keys)
        {
            foreach (char c in key)
                counts[c]++;
        }

        int[] units = [.. Enumerable.Range(0, counts.Length).Where(unit => counts[unit] > 0)];
        Array.Sort(units, (a, b) => counts[b] != counts[a] ? counts[b].CompareTo(counts[a]) : a.CompareTo(b));
        for (int i = 0; i < units.Length; i++)
            _codes[units[i]] = i + 1;
    }

    /// <summary>A place of the array: the node that it follows, where its own followers are counted from, and the key that ends here.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private readonly record struct Entry(int Parent, int Base, int Value);

    /// <summary>Lays nodes into the array, each with its followers where all of them find a free place.</summary>
    private sealed class Builder((string Key, int Value, int Order)[] keys, int[] codes)
    {
        /// <summary>Free places that are tried for a node with several followers, before they go behind all others.</summary>
        private const int MaxTries = 48;

        private const int Free = -2;

        private readonly List<int> _children = [];
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
            pending.Push((Root, 0, keys.Length, 0));
            while (pending.TryPop(out (int Node, int From, int To, int Depth) range))
                Place(range.Node, range.From, range.To, range.Depth, pending);
            return _entries.AsSpan(0, _end).ToArray();
        }

        private void Place(int node, int from, int to, int depth, Stack<(int Node, int From, int To, int Depth)> pending)
        {
            int value = None;
            for (; from < to && keys[from].Key.Length == depth; from++)
                value = keys[from].Value;
            _children.Clear();
            for (int i = from; i < to; i++)
            {
                if (i == from || keys[i].Key[depth] != keys[i - 1].Key[depth])
                    _children.Add(i);
            }

            int start = _children.Count == 0 ? 0 : FindBase(depth);
            _entries[node] = new Entry(_entries[node].Parent, start, value);
            for (int i = 0; i < _children.Count; i++)
            {
                int child = start + codes[keys[_children[i]].Key[depth]];
                Take(child);
                _entries[child] = new Entry(node, 0, None);
                _end = Math.Max(_end, child + 1);
                pending.Push((child, _children[i], i + 1 < _children.Count ? _children[i + 1] : to, depth + 1));
            }
        }

        private int FindBase(int depth)
        {
            int first = codes[keys[_children[0]].Key[depth]];
            int tries = 0;
            for (int place = _firstFree; place >= 0 && tries < MaxTries; place = _nextFree[place], tries++)
            {
                if (Fits(place - first, depth))
                    return place - first;
            }

            int highest = _children.Max(child => codes[keys[child].Key[depth]]);
            int lowest = _children.Min(child => codes[keys[child].Key[depth]]);
            int start = _end - lowest;
            Grow(start + highest + 1);
            return start;
        }

        private bool Fits(int start, int depth)
        {
            foreach (int child in _children)
            {
                int place = start + codes[keys[child].Key[depth]];
                if (place < 0)
                    return false;
                Grow(place + 1);
                if (_entries[place].Parent != Free)
                    return false;
            }

            return true;
        }

        private void Grow(int needed)
        {
            int length = _entries.Length;
            if (needed <= length)
                return;
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
