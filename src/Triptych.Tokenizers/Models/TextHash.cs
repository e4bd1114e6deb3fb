using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Models;

/// <summary>A quick hash of short texts, four units at a time; the tables it serves are built once and full of known tokens, or bounded caches.</summary>
internal static class TextHash
{
    private const ulong First = 0x9E3779B97F4A7C15, Second = 0xBF58476D1CE4E5B9;

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
}
