using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// A quick hash of short texts, four units at a time. Its multipliers are other ones in each process, so that no file can be made whose
/// tokens all meet in one place.
/// </summary>
internal static class TextHash
{
    /// <summary>Odd numbers with nothing else to them.</summary>
    public static readonly ulong First = RandomOdd(), Second = RandomOdd();

    /// <summary>The hash; its high bits are the best.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ReadOnlySpan<char> text)
    {
        ref byte data = ref Unsafe.As<char, byte>(ref MemoryMarshal.GetReference(text));
        nint bytes = (nint)text.Length * sizeof(char), at = 0;
        ulong hash = (ulong)bytes * First;
        for (; at + sizeof(ulong) <= bytes; at += sizeof(ulong))
            hash = (hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref data, at))) * Second ^ hash >> 31;
        ulong rest = 0;
        if ((bytes & 4) != 0)
        {
            rest = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref data, at));
            at += sizeof(uint);
        }

        if ((bytes & 2) != 0)
            rest = rest << 16 | Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref data, at));
        hash = (hash ^ rest) * Second;
        return (hash ^ hash >> 29) * First;
    }

    private static ulong RandomOdd() => (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue) | 1;
}
