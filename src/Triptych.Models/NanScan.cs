using System.Numerics;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>Searches tensors for values that are not numbers.</summary>
internal static class NanScan
{
    private const ushort HalfInfinity = 0x7C00, BFloat16Infinity = 0x7F80, WithoutSign = 0x7FFF;

    /// <summary>Whether a contiguous tensor of a floating-point type holds a NaN.</summary>
    public static bool HasNaN(this Tensor tensor) => tensor.Count > int.MaxValue
        ? Enumerable.Range(0, tensor.Shape[0]).Any(row => tensor.Select(0, row).HasNaN())
        : tensor.DType switch
        {
            DType.Float32 => HasNaN(tensor.AsSpan<float>()),
            DType.Float64 => HasNaN(tensor.AsSpan<double>()),
            DType.Float16 => HasAbove(MemoryMarshal.Cast<Half, ushort>(tensor.AsSpan<Half>()), HalfInfinity),
            DType.BFloat16 => HasAbove(MemoryMarshal.Cast<BFloat16, ushort>(tensor.AsSpan<BFloat16>()), BFloat16Infinity),
            _ => false,
        };

    private static bool HasNaN<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPoint<T>
    {
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        foreach (var vector in vectors)
        {
            if (!Vector.EqualsAll(vector, vector))
                return true;
        }

        foreach (var value in values[(vectors.Length * Vector<T>.Count)..])
        {
            if (T.IsNaN(value))
                return true;
        }

        return false;
    }

    // The magnitude bits of a NaN exceed those of infinity.
    private static bool HasAbove(ReadOnlySpan<ushort> bits, ushort infinity)
    {
        var vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(bits);
        foreach (var vector in vectors)
        {
            if (Vector.GreaterThanAny(vector & new Vector<ushort>(WithoutSign), new Vector<ushort>(infinity)))
                return true;
        }

        foreach (ushort value in bits[(vectors.Length * Vector<ushort>.Count)..])
        {
            if ((value & WithoutSign) > infinity)
                return true;
        }

        return false;
    }
}
