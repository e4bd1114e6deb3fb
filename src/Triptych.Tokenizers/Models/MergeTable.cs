using System.Numerics;
using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Models;

/// <summary>Two tokens that are joined, and the token that they make.</summary>
internal readonly record struct Merge(int Left, int Right, int Id);

/// <summary>A merge and its rank.</summary>
internal readonly record struct RankedMerge(int Left, int Right, int Rank, int Id);

/// <summary>
/// From a pair of token ids to the rank of its merge and the token that it makes. A slot holds the merge's number and bits of its hash, so
/// that pairs without a merge, which are most, are told by the slots alone.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that has no merge.</summary>
    public const int None = int.MaxValue;

    private readonly Merge[] _merges;
    private readonly uint[] _slots;
    private readonly int _shift;
    private readonly uint _numbers;
    private readonly bool _ranksAreIds;

    /// <summary>Makes the table; of equal pairs the last one counts.</summary>
    /// <param name="merges">The merges in the order of their ranks; the table takes them over.</param>
    /// <param name="ranksAreIds">Whether a merge has the rank of what it makes, as in tiktoken, and not its place in the list.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MergeTable(Merge[] merges, bool ranksAreIds = false)
    {
        _merges = merges;
        _ranksAreIds = ranksAreIds;
        int bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, checked(merges.Length + (merges.Length >> 1)))));
        _slots = new uint[1 << bits];
        _shift = 64 - bits;
        _numbers = BitOperations.RoundUpToPowerOf2((uint)merges.Length + 2) - 1;
        for (int i = 0; i < merges.Length; i++)
            FindSlot(merges[i].Left, merges[i].Right, out uint tag) = tag | (uint)(i + 1);
    }

    /// <summary>All merges in the order of their ranks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RankedMerge[] InOrder()
    {
        // Of equal pairs only the last one has a slot.
        ulong[] places = new ulong[_merges.Length];
        int count = 0;
        foreach (uint slot in _slots)
        {
            if (slot == 0)
                continue;
            uint number = (slot & _numbers) - 1;
            places[count++] = (ulong)(_ranksAreIds ? _merges[number].Id : 0) << 32 | number;
        }

        Array.Sort(places, 0, count);
        var all = new RankedMerge[count];
        for (int i = 0; i < count; i++)
        {
            int number = (int)(uint)places[i];
            (int left, int right, int id) = _merges[number];
            all[i] = new RankedMerge(left, right, _ranksAreIds ? id : number, id);
        }

        return all;
    }

    public int Find(int left, int right, out int id)
    {
        int number = (int)(FindSlot(left, right, out _) & _numbers) - 1;
        if (number < 0)
        {
            id = -1;
            return None;
        }

        id = _merges[number].Id;
        return _ranksAreIds ? id : number;
    }

    /// <summary>A pair's slot; 0 where the pair has no merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint FindSlot(int left, int right, out uint tag)
    {
        ulong pair = (ulong)(uint)left << 32 | (uint)right;
        ulong hash = (pair * TextHash.First ^ pair >> 32) * TextHash.Second;
        tag = (uint)(hash >> 16) & ~_numbers;
        for (int at = (int)(hash >> _shift); ; at = at + 1 & _slots.Length - 1)
        {
            ref uint slot = ref _slots[at];
            if (slot == 0)
                return ref slot;
            if (((slot ^ tag) & ~_numbers) != 0)
                continue;
            ref readonly Merge merge = ref _merges[(slot & _numbers) - 1];
            if (merge.Left == left && merge.Right == right)
                return ref slot;
        }
    }
}
