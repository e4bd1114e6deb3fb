using System.Collections.Frozen;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>The element types of safetensors, in the order in which its reference implementation sorts tensors (reversed).</summary>
public enum SafetensorsDType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>4-bit float (MX), two to a byte.</summary>
    F4,
    /// <summary>6-bit float, 2 exponent and 3 mantissa bits (MX).</summary>
    F6E2M3,
    /// <summary>6-bit float, 3 exponent and 2 mantissa bits (MX).</summary>
    F6E3M2,
    /// <summary>Unsigned byte.</summary>
    U8,
    /// <summary>Signed byte.</summary>
    I8,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits (OCP).</summary>
    F8E5M2,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, no infinity (OCP, torch's float8_e4m3fn).</summary>
    F8E4M3,
    /// <summary>8-bit power-of-two scale (MX).</summary>
    F8E8M0,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, no negative zero (bias 8).</summary>
    F8E4M3Fnuz,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, no negative zero (bias 16).</summary>
    F8E5M2Fnuz,
    /// <summary>Signed 16-bit integer.</summary>
    I16,
    /// <summary>Unsigned 16-bit integer.</summary>
    U16,
    /// <summary>IEEE 754 half precision.</summary>
    F16,
    /// <summary>bfloat16: the upper half of a float32.</summary>
    BF16,
    /// <summary>Signed 32-bit integer.</summary>
    I32,
    /// <summary>Unsigned 32-bit integer.</summary>
    U32,
    /// <summary>IEEE 754 single precision.</summary>
    F32,
    /// <summary>Complex number of two float32.</summary>
    C64,
    /// <summary>IEEE 754 double precision.</summary>
    F64,
    /// <summary>Signed 64-bit integer.</summary>
    I64,
    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Names, sizes and conversions of <see cref="SafetensorsDType"/>.</summary>
public static class SafetensorsDTypes
{
    private static readonly (SafetensorsDType Type, string Name, int Bits)[] Table =
    [
        (SafetensorsDType.Bool, "BOOL", 8),
        (SafetensorsDType.F4, "F4", 4),
        (SafetensorsDType.F6E2M3, "F6_E2M3", 6),
        (SafetensorsDType.F6E3M2, "F6_E3M2", 6),
        (SafetensorsDType.U8, "U8", 8),
        (SafetensorsDType.I8, "I8", 8),
        (SafetensorsDType.F8E5M2, "F8_E5M2", 8),
        (SafetensorsDType.F8E4M3, "F8_E4M3", 8),
        (SafetensorsDType.F8E8M0, "F8_E8M0", 8),
        (SafetensorsDType.F8E4M3Fnuz, "F8_E4M3FNUZ", 8),
        (SafetensorsDType.F8E5M2Fnuz, "F8_E5M2FNUZ", 8),
        (SafetensorsDType.I16, "I16", 16),
        (SafetensorsDType.U16, "U16", 16),
        (SafetensorsDType.F16, "F16", 16),
        (SafetensorsDType.BF16, "BF16", 16),
        (SafetensorsDType.I32, "I32", 32),
        (SafetensorsDType.U32, "U32", 32),
        (SafetensorsDType.F32, "F32", 32),
        (SafetensorsDType.C64, "C64", 64),
        (SafetensorsDType.F64, "F64", 64),
        (SafetensorsDType.I64, "I64", 64),
        (SafetensorsDType.U64, "U64", 64),
    ];

    private static readonly FrozenDictionary<string, SafetensorsDType> ByName =
        Table.ToFrozenDictionary(row => row.Name, row => row.Type, StringComparer.Ordinal);

    /// <summary>The name in the file's header, such as <c>F32</c> or <c>F8_E4M3</c>.</summary>
    public static string Name(this SafetensorsDType type) => Table[(int)type].Name;

    /// <summary>Bits of an element.</summary>
    public static int Bits(this SafetensorsDType type) => Table[(int)type].Bits;

    /// <summary>The tensor type with the same bits, or null where there is none.</summary>
    public static DType? ToDType(this SafetensorsDType type) => type switch
    {
        SafetensorsDType.Bool => DType.Bool,
        SafetensorsDType.U8 => DType.UInt8,
        SafetensorsDType.I8 => DType.Int8,
        SafetensorsDType.F16 => DType.Float16,
        SafetensorsDType.BF16 => DType.BFloat16,
        SafetensorsDType.I32 => DType.Int32,
        SafetensorsDType.F32 => DType.Float32,
        SafetensorsDType.F64 => DType.Float64,
        SafetensorsDType.I64 => DType.Int64,
        _ => null,
    };

    /// <summary>The type that a tensor is written as.</summary>
    public static SafetensorsDType ToSafetensors(this DType type) => type switch
    {
        DType.Bool => SafetensorsDType.Bool,
        DType.UInt8 => SafetensorsDType.U8,
        DType.Int8 => SafetensorsDType.I8,
        DType.Float16 => SafetensorsDType.F16,
        DType.BFloat16 => SafetensorsDType.BF16,
        DType.Int32 => SafetensorsDType.I32,
        DType.Float32 => SafetensorsDType.F32,
        DType.Float64 => SafetensorsDType.F64,
        DType.Int64 => SafetensorsDType.I64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "safetensors has no such type"),
    };

    internal static bool TryParse(string name, out SafetensorsDType type) => ByName.TryGetValue(name, out type);

    internal static string Known => string.Join(", ", Table.Select(row => row.Name));
}
