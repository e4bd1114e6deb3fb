using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>The keys of a trie in the order of their units, without the empty ones.</summary>
internal sealed class SortedKeys
{
    private const int FewKeys = 8;

    private readonly char[] _text;
    private readonly Key[] _keys;

    public SortedKeys(TokenList keys)
    {
        _text = keys.Text;
        _keys = GC.AllocateUninitializedArray<Key>(keys.Count);
        for (int i = 0; i < keys.Count; i++)
        {
            (int start, int length) = (keys.Starts[i], keys[i].Length);
            if (length > 0)
                _keys[Count++] = new Key(start, length, keys.Id(i), i);
            MaxLength = Math.Max(MaxLength, length);
        }

        Sort();
    }

    public int Count { get; }

    public int MaxLength { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Length(int index) => _keys[index].Length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public char Unit(int index, int depth) => _text[_keys[index].Start + depth];

    public int Value(int index) => _keys[index].Value;

    /// <summary>The key's place among all before they were sorted.</summary>
    public int Order(int index) => _keys[index].Order;

    /// <summary>Numbers units from 1 by how often they occur, the most frequent first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void NumberUnits(int[] codes)
    {
        foreach (ref readonly Key key in _keys.AsSpan(0, Count))
        {
            foreach (char c in _text.AsSpan(key.Start, key.Length))
                codes[c]++;
        }

        var order = new List<long>();
        for (int unit = 0; unit < codes.Length; unit++)
        {
            if (codes[unit] > 0)
                order.Add((long)-codes[unit] << 16 | (uint)unit);
        }

        order.Sort();
        for (int i = 0; i < order.Count; i++)
            codes[order[i] & char.MaxValue] = i + 1;
    }

    /// <summary>Three-way radix quicksort (Bentley and Sedgewick, 1997): no unit is compared twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sort()
    {
        var pending = new Stack<(int From, int To, int Depth)>();
        pending.Push((0, Count, 0));
        while (pending.TryPop(out (int From, int To, int Depth) range))
        {
            (int from, int to, int depth) = range;
            if (to - from <= FewKeys)
            {
                SortFew(from, to, depth);
                continue;
            }

            int pivot = Middle(At(from, depth), At((from + to) / 2, depth), At(to - 1, depth));
            int less = from, more = to;
            for (int i = from; i < more;)
            {
                int unit = At(i, depth);
                if (unit > pivot)
                {
                    more--;
                    (_keys[more], _keys[i]) = (_keys[i], _keys[more]);
                    continue;
                }

                if (unit < pivot)
                {
                    (_keys[less], _keys[i]) = (_keys[i], _keys[less]);
                    less++;
                }

                i++;
            }

            pending.Push((from, less, depth));
            pending.Push((more, to, depth));
            if (pivot >= 0)
                pending.Push((less, more, depth + 1));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SortFew(int from, int to, int depth)
    {
        for (int i = from + 1; i < to; i++)
        {
            Key key = _keys[i];
            ReadOnlySpan<char> text = _text.AsSpan(key.Start + depth, key.Length - depth);
            int at = i;
            for (; at > from && text.SequenceCompareTo(_text.AsSpan(_keys[at - 1].Start + depth, _keys[at - 1].Length - depth)) < 0; at--)
                _keys[at] = _keys[at - 1];
            _keys[at] = key;
        }
    }

    /// <summary>A unit of a key, or -1 behind its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int At(int index, int depth) => depth < _keys[index].Length ? _text[_keys[index].Start + depth] : -1;

    private static int Middle(int a, int b, int c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));

    private readonly record struct Key(int Start, int Length, int Value, int Order);
}
