using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// Large arrays that are written once from beginning to end. Where the system gives memory in pages of 4 KiB, most of the time goes into
/// handing them out one by one, so that it is asked for large ones.
/// </summary>
internal static partial class LargeMemory
{
    private const int AdviseHugePages = 14;
    private const nint HugePage = 1 << 21;

    /// <summary>An array of whatever is in memory.</summary>
    public static T[] Allocate<T>(int length)
        where T : unmanaged
    {
        T[] array = GC.AllocateUninitializedArray<T>(length);
        if (OperatingSystem.IsLinux() && (nint)length * Unsafe.SizeOf<T>() >= HugePage)
            Advise(MemoryMarshal.AsBytes(array.AsSpan()));
        return array;
    }

    /// <summary>An array with the same elements.</summary>
    public static T[] Copy<T>(ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        T[] array = Allocate<T>(elements.Length);
        elements.CopyTo(array);
        return array;
    }

    /// <summary>Makes room in a list.</summary>
    public static void Reserve<T>(List<T> list, int count)
        where T : unmanaged
    {
        int capacity = list.EnsureCapacity(checked(list.Count + count)), used = list.Count;
        if (!OperatingSystem.IsLinux() || (nint)capacity * Unsafe.SizeOf<T>() < HugePage)
            return;
        CollectionsMarshal.SetCount(list, capacity);
        Advise(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(list)));
        CollectionsMarshal.SetCount(list, used);
    }

    /// <summary>Only advice: the array may move, and the system may not follow it.</summary>
    private static unsafe void Advise(Span<byte> memory)
    {
        fixed (byte* start = memory)
        {
            nint from = (nint)start + HugePage - 1 & -HugePage, to = (nint)start + memory.Length & -HugePage;
            if (to > from)
                _ = Advise(from, (nuint)(to - from), AdviseHugePages);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
