using System.Numerics;
using System.Runtime.InteropServices;

namespace Triptych.Tensors;

/// <summary>
/// Reuses native blocks by size class, so that a warm step touches memory that is mapped and likely in cache.
/// Classes are a power of two in four steps: at most a quarter of a block is waste.
/// </summary>
internal static unsafe class NativePool
{
    /// <summary>Wide enough for a cache line and for the widest vector.</summary>
    public const int Alignment = 64;

    // What is kept beyond use; above it, blocks go back to the system.
    private const long MaxRetainedBytes = 2L << 30;
    private const int StepsPerDoubling = 4;
    private const int SmallestLog2 = 8;
    private const int LargestLog2 = 47;
    private const long MaxBlockBytes = 1L << LargestLog2;

    private static readonly Bucket[] Buckets = CreateBuckets();
    private static long retained;
    private static long rented;

    /// <summary>Bytes handed out and not yet given back.</summary>
    public static long RentedBytes => Volatile.Read(ref rented);

    /// <summary>Bytes kept for reuse.</summary>
    public static long RetainedBytes => Volatile.Read(ref retained);

    public static byte* Rent(long bytes)
    {
        if (bytes > MaxBlockBytes)
            throw new InsufficientMemoryException($"a tensor of {bytes} bytes is larger than any memory");
        int index = Class(bytes, out long size);
        if (Buckets[index].TryPop(out nint block))
            Interlocked.Add(ref retained, -size);
        else
            block = (nint)NativeMemory.AlignedAlloc((nuint)size, Alignment);
        Interlocked.Add(ref rented, size);
        return (byte*)block;
    }

    public static void Return(byte* block, long bytes)
    {
        int index = Class(bytes, out long size);
        Interlocked.Add(ref rented, -size);
        if (Interlocked.Add(ref retained, size) <= MaxRetainedBytes)
        {
            Buckets[index].Push((nint)block);
            return;
        }

        Interlocked.Add(ref retained, -size);
        NativeMemory.AlignedFree(block);
    }

    /// <summary>Gives all kept blocks back to the system.</summary>
    public static void Trim()
    {
        for (int i = 0; i < Buckets.Length; i++)
        {
            while (Buckets[i].TryPop(out nint block))
            {
                Interlocked.Add(ref retained, -ClassSize(i));
                NativeMemory.AlignedFree((void*)block);
            }
        }
    }

    private static int Class(long bytes, out long size)
    {
        long clamped = Math.Max(bytes, 1L << SmallestLog2);
        int log2 = BitOperations.Log2((ulong)clamped - 1);
        if (log2 < SmallestLog2)
        {
            size = 1L << SmallestLog2;
            return 0;
        }

        long step = (1L << log2) / StepsPerDoubling;
        int part = (int)((clamped - 1 - (1L << log2)) / step);
        int index = 1 + ((log2 - SmallestLog2) * StepsPerDoubling) + part;
        size = ClassSize(index);
        return index;
    }

    private static long ClassSize(int index)
    {
        if (index == 0)
            return 1L << SmallestLog2;
        int log2 = SmallestLog2 + ((index - 1) / StepsPerDoubling);
        long step = (1L << log2) / StepsPerDoubling;
        return (1L << log2) + (((index - 1) % StepsPerDoubling) + 1) * step;
    }

    private static Bucket[] CreateBuckets()
    {
        var buckets = new Bucket[1 + ((LargestLog2 - SmallestLog2) * StepsPerDoubling)];
        for (int i = 0; i < buckets.Length; i++)
            buckets[i] = new Bucket();
        return buckets;
    }

    private sealed class Bucket
    {
        private readonly Lock gate = new();
        private nint[] blocks = [];
        private int count;

        public void Push(nint block)
        {
            lock (gate)
            {
                if (count == blocks.Length)
                    Array.Resize(ref blocks, Math.Max(8, count * 2));
                blocks[count++] = block;
            }
        }

        public bool TryPop(out nint block)
        {
            lock (gate)
            {
                block = count > 0 ? blocks[--count] : 0;
                return block != 0;
            }
        }
    }
}
