using System.Numerics;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers;

/// <summary>Pairs of token ids with how often each comes.</summary>
internal sealed class PairTable
{
    private const ulong Empty = ulong.MaxValue;

    private Entry[] _entries = NewEntries(1 << 10);
    private int _shift = 64 - 10;
    private int _count;

    /// <summary>One more than the highest slot.</summary>
    public int Slots => _entries.Length;

    /// <summary>How often a pair comes.</summary>
    public long this[ulong pair] => Add(pair, 0);

    public static ulong PairOf(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    /// <summary>Counts a pair up or down; how often it comes now.</summary>
    public long Add(ulong pair, long weight)
    {
        // A new pair may move the entries.
        int slot = SlotOf(pair);
        return _entries[slot].Count += weight;
    }

    /// <summary>The place of a pair, which is its own until another pair is new; it is made where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SlotOf(ulong pair)
    {
        Entry[] entries = _entries;
        for (int slot = HomeOf(pair); ; slot = slot + 1 & entries.Length - 1)
        {
            ulong found = entries[slot].Pair;
            if (found == pair)
                return slot;
            if (found == Empty)
                return Insert(pair, slot);
        }
    }

    /// <summary>The pair at a slot, or null.</summary>
    public ulong? PairAt(int slot) => _entries[slot].Pair is not Empty and ulong pair ? pair : null;

    private int Insert(ulong pair, int slot)
    {
        if (++_count * 2L > _entries.Length)
        {
            Grow();
            slot = FreeSlotOf(pair);
        }

        _entries[slot].Pair = pair;
        return slot;
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = NewEntries(old.Length * 2);
        _shift = 64 - BitOperations.Log2((uint)_entries.Length);
        foreach (Entry entry in old)
        {
            if (entry.Pair != Empty)
                _entries[FreeSlotOf(entry.Pair)] = entry;
        }
    }

    private int FreeSlotOf(ulong pair)
    {
        int slot = HomeOf(pair);
        while (_entries[slot].Pair != Empty)
            slot = slot + 1 & _entries.Length - 1;
        return slot;
    }

    private int HomeOf(ulong pair) => (int)((pair * 0x9E3779B97F4A7C15 ^ pair >> 32) * 0xBF58476D1CE4E5B9 >> _shift);

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
    }
}
