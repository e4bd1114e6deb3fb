using System.Collections.Frozen;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>The element types of GGUF tensors, under ggml's numbers.</summary>
public enum GgufTensorType : uint
{
    /// <summary>IEEE 754 single precision.</summary>
    F32 = 0,
    /// <summary>IEEE 754 half precision.</summary>
    F16 = 1,
    /// <summary>Blocks of 32 elements of 4 bits, with a scale.</summary>
    Q4_0 = 2,
    /// <summary>Blocks of 32 elements of 4 bits, with a scale and a minimum.</summary>
    Q4_1 = 3,
    /// <summary>Blocks of 32 elements of 5 bits, with a scale.</summary>
    Q5_0 = 6,
    /// <summary>Blocks of 32 elements of 5 bits, with a scale and a minimum.</summary>
    Q5_1 = 7,
    /// <summary>Blocks of 32 elements of 8 bits, with a scale.</summary>
    Q8_0 = 8,
    /// <summary>Blocks of 32 elements of 8 bits, with a scale and a sum.</summary>
    Q8_1 = 9,
    /// <summary>Blocks of 256 elements of 2 bits.</summary>
    Q2_K = 10,
    /// <summary>Blocks of 256 elements of 3 bits.</summary>
    Q3_K = 11,
    /// <summary>Blocks of 256 elements of 4 bits.</summary>
    Q4_K = 12,
    /// <summary>Blocks of 256 elements of 5 bits.</summary>
    Q5_K = 13,
    /// <summary>Blocks of 256 elements of 6 bits.</summary>
    Q6_K = 14,
    /// <summary>Blocks of 256 elements of 8 bits, with sums.</summary>
    Q8_K = 15,
    /// <summary>Blocks of 256 elements from a codebook, 2.06 bits each.</summary>
    IQ2_XXS = 16,
    /// <summary>Blocks of 256 elements from a codebook, 2.31 bits each.</summary>
    IQ2_XS = 17,
    /// <summary>Blocks of 256 elements from a codebook, 3.06 bits each.</summary>
    IQ3_XXS = 18,
    /// <summary>Blocks of 256 elements from a codebook, 1.56 bits each.</summary>
    IQ1_S = 19,
    /// <summary>Blocks of 32 elements of 4 bits with unevenly spaced values.</summary>
    IQ4_NL = 20,
    /// <summary>Blocks of 256 elements from a codebook, 3.44 bits each.</summary>
    IQ3_S = 21,
    /// <summary>Blocks of 256 elements from a codebook, 2.56 bits each.</summary>
    IQ2_S = 22,
    /// <summary>Blocks of 256 elements of 4 bits with unevenly spaced values.</summary>
    IQ4_XS = 23,
    /// <summary>Signed byte.</summary>
    I8 = 24,
    /// <summary>Signed 16-bit integer.</summary>
    I16 = 25,
    /// <summary>Signed 32-bit integer.</summary>
    I32 = 26,
    /// <summary>Signed 64-bit integer.</summary>
    I64 = 27,
    /// <summary>IEEE 754 double precision.</summary>
    F64 = 28,
    /// <summary>Blocks of 256 elements from a codebook, 1.75 bits each.</summary>
    IQ1_M = 29,
    /// <summary>bfloat16: the upper half of a float32.</summary>
    BF16 = 30,
    /// <summary>Blocks of 256 elements of -1, 0 or 1, 1.69 bits each.</summary>
    TQ1_0 = 34,
    /// <summary>Blocks of 256 elements of -1, 0 or 1, 2.06 bits each.</summary>
    TQ2_0 = 35,
    /// <summary>Blocks of 32 elements of 4-bit floating point (OCP Microscaling).</summary>
    MXFP4 = 39,
}

/// <summary>Block sizes and conversions of <see cref="GgufTensorType"/>.</summary>
public static class GgufTensorTypes
{
    private static readonly FrozenDictionary<GgufTensorType, DType> ToTensors = new Dictionary<GgufTensorType, DType>
    {
        [GgufTensorType.F32] = DType.Float32,
        [GgufTensorType.F16] = DType.Float16,
        [GgufTensorType.BF16] = DType.BFloat16,
        [GgufTensorType.F64] = DType.Float64,
        [GgufTensorType.I8] = DType.Int8,
        [GgufTensorType.I32] = DType.Int32,
        [GgufTensorType.I64] = DType.Int64,
        [GgufTensorType.Q4_0] = DType.Q4_0,
        [GgufTensorType.Q4_1] = DType.Q4_1,
        [GgufTensorType.Q5_0] = DType.Q5_0,
        [GgufTensorType.Q5_1] = DType.Q5_1,
        [GgufTensorType.Q8_0] = DType.Q8_0,
        [GgufTensorType.Q2_K] = DType.Q2_K,
        [GgufTensorType.Q3_K] = DType.Q3_K,
        [GgufTensorType.Q4_K] = DType.Q4_K,
        [GgufTensorType.Q5_K] = DType.Q5_K,
        [GgufTensorType.Q6_K] = DType.Q6_K,
        [GgufTensorType.IQ4_NL] = DType.IQ4_NL,
        [GgufTensorType.IQ4_XS] = DType.IQ4_XS,
        [GgufTensorType.MXFP4] = DType.MXFP4,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<DType, GgufTensorType> FromTensors =
        ToTensors.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>The tensor type with the same bits, or null where there is none.</summary>
    public static DType? ToDType(this GgufTensorType type) => ToTensors.TryGetValue(type, out DType dtype) ? dtype : null;

    /// <summary>The type that a tensor is written as.</summary>
    /// <exception cref="ArgumentOutOfRangeException">GGUF has no such type.</exception>
    public static GgufTensorType ToGguf(this DType dtype) => FromTensors.TryGetValue(dtype, out GgufTensorType type)
        ? type : throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "GGUF has no such type");

    /// <summary>The elements of a block and its bytes; an element has its own block in types without blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type is unknown.</exception>
    public static (int Elements, int Bytes) Block(this GgufTensorType type) => type switch
    {
        _ when type.ToDType() is { } dtype => (dtype.BlockSize(), dtype.BlockBytes()),
        GgufTensorType.I16 => (1, 2),
        GgufTensorType.Q8_1 => (32, 36),
        GgufTensorType.Q8_K => (256, 292),
        GgufTensorType.IQ1_S => (256, 50),
        GgufTensorType.IQ1_M => (256, 56),
        GgufTensorType.IQ2_XXS => (256, 66),
        GgufTensorType.IQ2_XS => (256, 74),
        GgufTensorType.IQ2_S => (256, 82),
        GgufTensorType.IQ3_XXS => (256, 98),
        GgufTensorType.IQ3_S => (256, 110),
        GgufTensorType.TQ1_0 => (256, 54),
        GgufTensorType.TQ2_0 => (256, 66),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown type"),
    };
}
