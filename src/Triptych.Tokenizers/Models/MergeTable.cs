using System.Numerics;

namespace Triptych.Tokenizers.Models;

/// <summary>From a pair of token ids to the rank of its merge and the token that it makes.</summary>
internal sealed partial class MergeTable
{
    /// <summary>The rank of a pair that has no merge.</summary>
    public const int None = int.MaxValue;

    private const ulong Empty = ulong.MaxValue;

    private readonly (ulong Pair, int Rank, int Id)[] _entries;
    private readonly int _shift;

    public MergeTable(int count)
    {
        int bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, count * 2)));
        _entries = new (ulong, int, int)[1 << bits];
        _shift = 64 - bits;
        Array.Fill(_entries, (Empty, None, -1));
    }

    public void Set(int left, int right, int rank, int id)
    {
        ulong pair = (ulong)(uint)left << 32 | (uint)right;
        int slot = SlotOf(pair);
        while (_entries[slot].Pair != Empty && _entries[slot].Pair != pair)
            slot = slot + 1 & _entries.Length - 1;
        _entries[slot] = (pair, rank, id);
    }

    /// <summary>All merges, in no order.</summary>
    public IEnumerable<(int Left, int Right, int Rank, int Id)> All() => _entries.Where(entry => entry.Pair != Empty)
        .Select(entry => ((int)(entry.Pair >> 32), (int)(entry.Pair & uint.MaxValue), entry.Rank, entry.Id));

    public int Find(int left, int right, out int id)
    {
        ulong pair = (ulong)(uint)left << 32 | (uint)right;
        for (int slot = SlotOf(pair); ; slot = slot + 1 & _entries.Length - 1)
        {
            ref readonly var entry = ref _entries[slot];
            if (entry.Pair == pair || entry.Pair == Empty)
            {
                id = entry.Id;
                return entry.Rank;
            }
        }
    }

    private int SlotOf(ulong pair) => (int)((pair * 0x9E3779B97F4A7C15 ^ pair >> 32) * 0xBF58476D1CE4E5B9 >> _shift);
}
