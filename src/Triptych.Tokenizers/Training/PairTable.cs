using System.Numerics;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers;

/// <summary>Pairs of token ids with how often each comes and the words where it is new since the queue last heard of it.</summary>
internal sealed class PairTable
{
    private const ulong Empty = ulong.MaxValue;

    private Entry[] _entries = NewEntries(1 << 10);
    private int _shift = 64 - 10;
    private int _count;
    private List<ulong> _touched = [];

    /// <summary>How often a pair comes.</summary>
    public long this[ulong pair] => Find(pair).Count;

    public static ulong PairOf(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    /// <summary>Counts a pair down.</summary>
    public void Subtract(int left, int right, long weight) => Find(PairOf(left, right)).Count -= weight;

    /// <summary>Says beforehand that a pair will be counted up once more, so that there is just as much room for its words.</summary>
    public void Expect(int left, int right) => Find(PairOf(left, right)).Expected++;

    /// <summary>Counts a pair up and notes the word.</summary>
    public void Add(int left, int right, long weight, int word)
    {
        ulong pair = PairOf(left, right);
        ref Entry entry = ref Find(pair);
        entry.Count += weight;
        if (entry.Words is null)
        {
            entry.Words = new List<int>(entry.Expected) { word };
            entry.Expected = 0;
            _touched.Add(pair);
        }
        else if (entry.Words[^1] != word)
        {
            entry.Words.Add(word);
        }
    }

    /// <summary>Takes the pairs that were counted up, each with the words where that was.</summary>
    public IEnumerable<(ulong Pair, long Count, List<int> Words)> TakeNew()
    {
        foreach (ulong pair in _touched)
        {
            List<int> words = Find(pair).Words!;
            Find(pair).Words = null;
            yield return (pair, Find(pair).Count, words);
        }

        _touched.Clear();
        if (_touched.Capacity > 1 << 12)
            _touched = [];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Find(ulong pair)
    {
        Entry[] entries = _entries;
        for (int slot = SlotOf(pair); ; slot = slot + 1 & entries.Length - 1)
        {
            ref Entry entry = ref entries[slot];
            if (entry.Pair == pair)
                return ref entry;
            if (entry.Pair == Empty)
                return ref Insert(pair, slot);
        }
    }

    private ref Entry Insert(ulong pair, int slot)
    {
        if (++_count * 2L > _entries.Length)
        {
            Grow();
            slot = SlotOf(pair);
            while (_entries[slot].Pair != Empty)
                slot = slot + 1 & _entries.Length - 1;
        }

        _entries[slot].Pair = pair;
        return ref _entries[slot];
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = NewEntries(old.Length * 2);
        _shift = 64 - BitOperations.Log2((uint)_entries.Length);
        foreach (Entry entry in old)
        {
            if (entry.Pair == Empty)
                continue;
            int slot = SlotOf(entry.Pair);
            while (_entries[slot].Pair != Empty)
                slot = slot + 1 & _entries.Length - 1;
            _entries[slot] = entry;
        }
    }

    private int SlotOf(ulong pair) => (int)((pair * 0x9E3779B97F4A7C15 ^ pair >> 32) * 0xBF58476D1CE4E5B9 >> _shift);

    private static Entry[] NewEntries(int length)
    {
        var entries = new Entry[length];
        Array.Fill(entries, new Entry { Pair = Empty });
        return entries;
    }

    private struct Entry
    {
        public ulong Pair;
        public long Count;
        public List<int>? Words;
        public int Expected;
    }
}
