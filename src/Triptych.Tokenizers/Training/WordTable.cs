using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers;

/// <summary>
/// A hash table of words and their counts that takes little more memory than the words do: each is its count, its length and its
/// UTF-8 bytes in a chunk, and a slot of the table is its address and some bits of its hash.
/// </summary>
internal sealed class WordTable
{
    private const int ChunkBits = 20;
    private const int AddressBits = 40;
    private const int CountBytes = sizeof(long);
    private const int MaxHeader = CountBytes + VarInt.MaxBytes;
    private const int SortBytes = 2 * sizeof(ulong);

    private readonly List<byte[]> _chunks = [];
    private ulong[] _slots = new ulong[1 << 10];
    private int _used;
    private long[]? _sorted;

    public int Count { get; private set; }

    /// <summary>The memory that it takes, sorting included.</summary>
    public long Bytes { get; private set; } = sizeof(ulong) << 10;

    public void Add(ReadOnlySpan<byte> word, long count)
    {
        ulong hash = HashOf(word);
        int slot = Find(hash, word, out long address);
        if (address >= 0)
        {
            Span<byte> found = EntryAt(address);
            BinaryPrimitives.WriteInt64LittleEndian(found, BinaryPrimitives.ReadInt64LittleEndian(found) + count);
            return;
        }

        if (Count + 1 > _slots.Length / 4 * 3)
        {
            Grow();
            slot = Find(hash, word, out _);
        }

        _slots[slot] = SlotOf(hash, Append(word, count));
        _sorted = null;
        Count++;
        Bytes += SortBytes;
    }

    /// <summary>The words as they came.</summary>
    public WordReader Read() => new Unsorted(this);

    /// <summary>The words in the order of their bytes, which is that of code points.</summary>
    public WordReader ReadSorted() => new Sorted(this, _sorted ??= SortedAddresses());

    private long[] SortedAddresses()
    {
        ulong[] keys = new ulong[Count];
        long[] addresses = new long[Count];
        int at = 0;
        foreach (ulong slot in _slots)
        {
            if (slot == 0)
                continue;
            addresses[at] = AddressOf(slot);
            keys[at] = FirstBytes(Parse(addresses[at], out _));
            at++;
        }

        Array.Sort(keys, addresses);
        for (int from = 0, to; from < keys.Length; from = to)
        {
            to = from + 1;
            while (to < keys.Length && keys[to] == keys[from])
                to++;
            if (to - from > 1)
                addresses.AsSpan(from, to - from).Sort((a, b) => Parse(a, out _).SequenceCompareTo(Parse(b, out _)));
        }

        return addresses;
    }

    private static ulong FirstBytes(ReadOnlySpan<byte> word)
    {
        if (word.Length >= sizeof(ulong))
            return BinaryPrimitives.ReadUInt64BigEndian(word);
        Span<byte> padded = stackalloc byte[sizeof(ulong)];
        word.CopyTo(padded);
        padded[word.Length..].Clear();
        return BinaryPrimitives.ReadUInt64BigEndian(padded);
    }

    /// <summary>The runtime's hash has a secret of its own for each process: no corpus can be made to collide.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> word)
    {
        int hash = string.GetHashCode(MemoryMarshal.Cast<byte, char>(word));
        uint rest = (uint)(word.Length & 1) == 0 ? 0 : word[^1] + 1u;
        return ((uint)hash ^ (ulong)rest << 32) * 0x9E3779B97F4A7C15;
    }

    /// <summary>The slot of a word, and its address or -1.</summary>
    private int Find(ulong hash, ReadOnlySpan<byte> word, out long address)
    {
        ulong tag = SlotOf(hash, 0) >> AddressBits;
        for (int slot = PlaceOf(hash); ; slot = slot + 1 & _slots.Length - 1)
        {
            ulong found = _slots[slot];
            address = AddressOf(found);
            if (found == 0 || found >> AddressBits == tag && Parse(address, out _).SequenceEqual(word))
                return slot;
        }
    }

    private int PlaceOf(ulong hash) => (int)(hash >> 64 - BitOperations.Log2((uint)_slots.Length));

    // Addresses count from one, so that an empty slot is zero.
    private static ulong SlotOf(ulong hash, long address) => hash << AddressBits | (ulong)(address + 1);

    private static long AddressOf(ulong slot) => (long)(slot & (1UL << AddressBits) - 1) - 1;

    private void Grow()
    {
        ulong[] old = _slots;
        _slots = new ulong[old.Length * 2];
        Bytes += (long)sizeof(ulong) * old.Length;
        foreach (ulong slot in old)
        {
            if (slot == 0)
                continue;
            ulong hash = HashOf(Parse(AddressOf(slot), out _));
            int place = PlaceOf(hash);
            while (_slots[place] != 0)
                place = place + 1 & _slots.Length - 1;
            _slots[place] = slot;
        }
    }

    private long Append(ReadOnlySpan<byte> word, long count)
    {
        if (_chunks.Count == 0 || _used + MaxHeader + word.Length > _chunks[^1].Length)
        {
            _chunks.Add(new byte[Math.Max(1 << ChunkBits, MaxHeader + word.Length)]);
            Bytes += _chunks[^1].Length;
            _used = 0;
        }

        long address = (long)(_chunks.Count - 1) << ChunkBits | (long)_used;
        Span<byte> entry = _chunks[^1].AsSpan(_used);
        BinaryPrimitives.WriteInt64LittleEndian(entry, count);
        int at = CountBytes;
        at += VarInt.Write(entry[at..], (ulong)word.Length);
        word.CopyTo(entry[at..]);
        _used += at + word.Length;
        return address;
    }

    private Span<byte> EntryAt(long address) =>
        _chunks[(int)(address >> ChunkBits)].AsSpan((int)(address & (1 << ChunkBits) - 1));

    private ReadOnlySpan<byte> Parse(long address, out long count) => Parse(EntryAt(address), out count, out _);

    private static ReadOnlySpan<byte> Parse(ReadOnlySpan<byte> entry, out long count, out int size)
    {
        count = BinaryPrimitives.ReadInt64LittleEndian(entry);
        int start = CountBytes + VarInt.Read(entry[CountBytes..], out ulong length);
        size = start + (int)length;
        return entry[start..size];
    }

    private sealed class Unsorted(WordTable table) : WordReader
    {
        private int _left = table.Count;
        private int _chunk;
        private int _at;

        public override bool Read(out ReadOnlySpan<byte> word, out long count)
        {
            if (_left == 0)
            {
                word = [];
                count = 0;
                return false;
            }

            // Counts are at least one, so that zeros are the rest of a chunk where no word fitted in.
            while (_at + MaxHeader > table._chunks[_chunk].Length || BinaryPrimitives.ReadInt64LittleEndian(table._chunks[_chunk].AsSpan(_at)) == 0)
                (_chunk, _at) = (_chunk + 1, 0);
            word = Parse(table._chunks[_chunk].AsSpan(_at), out count, out int size);
            _at += size;
            _left--;
            return true;
        }
    }

    private sealed class Sorted(WordTable table, long[] addresses) : WordReader
    {
        private int _at;

        public override bool Read(out ReadOnlySpan<byte> word, out long count)
        {
            word = [];
            count = 0;
            if (_at == addresses.Length)
                return false;
            word = table.Parse(addresses[_at++], out count);
            return true;
        }
    }
}
