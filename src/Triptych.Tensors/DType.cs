using System.Globalization;
using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>The element type of a <see cref="Tensor"/>.</summary>
public enum DType : byte
{
    /// <summary>IEEE 754 single precision.</summary>
    Float32,

    /// <summary>IEEE 754 half precision.</summary>
    Float16,

    /// <summary>The upper half of a single: 8 bits of exponent, 7 of mantissa.</summary>
    BFloat16,

    /// <summary>IEEE 754 double precision.</summary>
    Float64,

    /// <summary>Signed 64-bit integer: token ids, positions, labels.</summary>
    Int64,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 8-bit integer.</summary>
    Int8,

    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,

    /// <summary>A byte that is 0 or 1: masks.</summary>
    Bool,

    // Block formats, as in GGUF files: runs of 32 or 256 elements along a tensor's last dimension share scales.

    /// <summary>32 elements of 4 bits with a scale: 4.5 bits each.</summary>
    Q4_0,

    /// <summary>32 elements of 4 bits with a scale and a minimum: 5 bits each.</summary>
    Q4_1,

    /// <summary>32 elements of 5 bits with a scale: 5.5 bits each.</summary>
    Q5_0,

    /// <summary>32 elements of 5 bits with a scale and a minimum: 6 bits each.</summary>
    Q5_1,

    /// <summary>32 elements of 8 bits with a scale: 8.5 bits each.</summary>
    Q8_0,

    /// <summary>256 elements of 2 bits, with 4-bit scales and minima for each 16: 2.625 bits each.</summary>
    Q2_K,

    /// <summary>256 elements of 3 bits, with 6-bit scales for each 16: 3.4375 bits each.</summary>
    Q3_K,

    /// <summary>256 elements of 4 bits, with 6-bit scales and minima for each 32: 4.5 bits each.</summary>
    Q4_K,

    /// <summary>256 elements of 5 bits, with 6-bit scales and minima for each 32: 5.5 bits each.</summary>
    Q5_K,

    /// <summary>256 elements of 6 bits, with 8-bit scales for each 16: 6.5625 bits each.</summary>
    Q6_K,

    /// <summary>32 elements of 4 bits that index a table of 16 unevenly spaced values, with a scale: 4.5 bits each.</summary>
    IQ4_NL,

    /// <summary>256 elements as in <see cref="IQ4_NL"/>, with 6-bit scales for each 32: 4.25 bits each.</summary>
    IQ4_XS,

    /// <summary>32 elements of 4-bit floating point (E2M1) with a power of two as scale (OCP Microscaling, 2023): 4.25 bits each.</summary>
    MXFP4,
}

/// <summary>Facts about the values of <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes an element takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The dtype is a block format: an element has no size of its own.</exception>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float16 or DType.BFloat16 => 2,
        DType.Float64 or DType.Int64 => 8,
        DType.Int8 or DType.UInt8 or DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, dtype.IsQuantized() ? "elements of a block format have no size" : "unknown dtype"),
    };

    /// <summary>Whether the type is a block format, such as <see cref="DType.Q4_K"/>.</summary>
    public static bool IsQuantized(this DType dtype) => dtype is >= DType.Q4_0 and <= DType.MXFP4;

    /// <summary>Elements of a block: 32 or 256, and 1 for types that have no blocks.</summary>
    public static int BlockSize(this DType dtype) => dtype switch
    {
        < DType.Q4_0 => 1,
        DType.Q2_K or DType.Q3_K or DType.Q4_K or DType.Q5_K or DType.Q6_K or DType.IQ4_XS => 256,
        _ => 32,
    };

    /// <summary>Bytes of a block; of an element for types that have no blocks.</summary>
    public static int BlockBytes(this DType dtype) => dtype switch
    {
        DType.Q4_0 or DType.IQ4_NL => 18,
        DType.Q4_1 => 20,
        DType.Q5_0 => 22,
        DType.Q5_1 => 24,
        DType.Q8_0 => 34,
        DType.Q2_K => 84,
        DType.Q3_K => 110,
        DType.Q4_K => 144,
        DType.Q5_K => 176,
        DType.Q6_K => 210,
        DType.IQ4_XS => 136,
        DType.MXFP4 => 17,
        _ => dtype.Size(),
    };

    /// <summary>Bytes of elements that lie together and fill whole blocks.</summary>
    public static long BytesOf(this DType dtype, long elements) =>
        dtype < DType.Q4_0 ? elements * dtype.Size() : elements / dtype.BlockSize() * dtype.BlockBytes();

    /// <summary>The name that PyTorch and config.json use, such as <c>float32</c>, or GGUF's in lower case, such as <c>q4_k</c>.</summary>
    public static string Name(this DType dtype) => dtype switch
    {
        DType.Float32 => "float32",
        DType.Float16 => "float16",
        DType.BFloat16 => "bfloat16",
        DType.Float64 => "float64",
        DType.Int64 => "int64",
        DType.Int32 => "int32",
        DType.Int8 => "int8",
        DType.UInt8 => "uint8",
        DType.Bool => "bool",
        DType.Q4_0 => "q4_0",
        DType.Q4_1 => "q4_1",
        DType.Q5_0 => "q5_0",
        DType.Q5_1 => "q5_1",
        DType.Q8_0 => "q8_0",
        DType.Q2_K => "q2_k",
        DType.Q3_K => "q3_k",
        DType.Q4_K => "q4_k",
        DType.Q5_K => "q5_k",
        DType.Q6_K => "q6_k",
        DType.IQ4_NL => "iq4_nl",
        DType.IQ4_XS => "iq4_xs",
        DType.MXFP4 => "mxfp4",
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "unknown dtype"),
    };

    /// <summary>Whether each element is a floating-point number of its own; block formats are not.</summary>
    public static bool IsFloatingPoint(this DType dtype) =>
        dtype is DType.Float32 or DType.Float16 or DType.BFloat16 or DType.Float64;

    /// <summary>The dtype that stores <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No dtype stores the type.</exception>
    public static DType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return DType.Float32;
        if (typeof(T) == typeof(Half)) return DType.Float16;
        if (typeof(T) == typeof(BFloat16)) return DType.BFloat16;
        if (typeof(T) == typeof(double)) return DType.Float64;
        if (typeof(T) == typeof(long)) return DType.Int64;
        if (typeof(T) == typeof(int)) return DType.Int32;
        if (typeof(T) == typeof(sbyte)) return DType.Int8;
        if (typeof(T) == typeof(byte)) return DType.UInt8;
        if (typeof(T) == typeof(bool)) return DType.Bool;
        throw new NotSupportedException($"no dtype stores {typeof(T).Name}");
    }
}

/// <summary>A 16-bit float with the exponent range of a single ("brain float").</summary>
/// <param name="Bits">The upper 16 bits of the single with the same value.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>The nearest bfloat16, ties to even; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x7FFFFFFF) > 0x7F800000
            ? new((ushort)((bits >> 16) | 0x40))
            : new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>The same value as a single, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <inheritdoc/>
    public override string ToString() => ((float)this).ToString(CultureInfo.InvariantCulture);
}
