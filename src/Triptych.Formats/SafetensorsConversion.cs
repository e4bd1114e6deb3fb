using System.Buffers.Binary;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Widens the dtypes that tensors do not have.</summary>
internal static unsafe class SafetensorsConversion
{
    private static readonly float[] E4M3 = Table(exponentBits: 4, bias: 7, Special.NanAtAllOnes);
    private static readonly float[] E5M2 = Table(exponentBits: 5, bias: 15, Special.Ieee);
    private static readonly float[] E4M3Fnuz = Table(exponentBits: 4, bias: 8, Special.NanAtNegativeZero);
    private static readonly float[] E5M2Fnuz = Table(exponentBits: 5, bias: 16, Special.NanAtNegativeZero);
    private static readonly float[] E8M0 = [.. Enumerable.Range(0, 256).Select(bits => bits == 255 ? float.NaN : MathF.ScaleB(1, bits - 127))];

    private enum Special
    {
        /// <summary>The highest exponent holds infinity and NaN.</summary>
        Ieee,

        /// <summary>Only all ones is NaN; there is no infinity.</summary>
        NanAtAllOnes,

        /// <summary>The bits of negative zero are the one NaN; there is no infinity.</summary>
        NanAtNegativeZero,
    }

    private delegate T Read<T>(ReadOnlySpan<byte> element);

    public static Tensor Convert(string path, SafetensorsEntry entry, Shape shape, byte* source) => entry.DType switch
    {
        SafetensorsDType.I16 => Map(path, entry, shape, source, 2, bytes => (int)BinaryPrimitives.ReadInt16LittleEndian(bytes)),
        SafetensorsDType.U16 => Map(path, entry, shape, source, 2, bytes => (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes)),
        SafetensorsDType.U32 => Map(path, entry, shape, source, 4, bytes => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes)),
        SafetensorsDType.U64 => Map(path, entry, shape, source, 8, bytes => checked((long)BinaryPrimitives.ReadUInt64LittleEndian(bytes))),
        SafetensorsDType.F8E4M3 => Map(path, entry, shape, source, 1, bytes => E4M3[bytes[0]]),
        SafetensorsDType.F8E5M2 => Map(path, entry, shape, source, 1, bytes => E5M2[bytes[0]]),
        SafetensorsDType.F8E4M3Fnuz => Map(path, entry, shape, source, 1, bytes => E4M3Fnuz[bytes[0]]),
        SafetensorsDType.F8E5M2Fnuz => Map(path, entry, shape, source, 1, bytes => E5M2Fnuz[bytes[0]]),
        SafetensorsDType.F8E8M0 => Map(path, entry, shape, source, 1, bytes => E8M0[bytes[0]]),
        _ => throw new CheckpointException(path, entry.Name, $"{entry.DType.Name()} cannot be loaded as a tensor; only its raw bytes can be read"),
    };

    /// <summary>A bool of any other byte would compare unequal to true and to false.</summary>
    public static void RequireBools(string path, SafetensorsEntry entry, byte* source)
    {
        for (long i = 0; i < entry.Length; i++)
        {
            if (source[i] > 1)
                throw new CheckpointException(path, entry.Name, $"element {i} is the byte {source[i]}, where a BOOL is 0 or 1");
        }
    }

    private static Tensor Map<T>(string path, SafetensorsEntry entry, Shape shape, byte* source, int size, Read<T> read) where T : unmanaged
    {
        if (shape.Count > int.MaxValue)
            throw new CheckpointException(path, entry.Name, $"has {shape.Count} elements of {entry.DType.Name()}, too many to convert");
        Tensor result = Tensor.Empty(shape, DTypeExtensions.Of<T>());
        try
        {
            foreach (ref T element in result.AsSpan<T>())
            {
                element = read(new ReadOnlySpan<byte>(source, size));
                source += size;
            }
        }
        catch (OverflowException error)
        {
            throw new CheckpointException(path, entry.Name, "holds a number over 2^63 - 1", error);
        }

        return result;
    }

    private static float[] Table(int exponentBits, int bias, Special special)
    {
        int mantissaBits = 7 - exponentBits;
        int topExponent = (1 << exponentBits) - 1;
        int topMantissa = (1 << mantissaBits) - 1;
        var table = new float[256];
        for (int bits = 0; bits < table.Length; bits++)
        {
            int exponent = (bits >> mantissaBits) & topExponent;
            int mantissa = bits & topMantissa;
            float magnitude = exponent == 0
                ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
                : MathF.ScaleB((1 << mantissaBits) + mantissa, exponent - bias - mantissaBits);
            if (special == Special.Ieee && exponent == topExponent)
                magnitude = mantissa == 0 ? float.PositiveInfinity : float.NaN;
            if (special == Special.NanAtAllOnes && exponent == topExponent && mantissa == topMantissa)
                magnitude = float.NaN;
            if (special == Special.NanAtNegativeZero && bits == 0x80)
                magnitude = float.NaN;
            table[bits] = bits < 0x80 ? magnitude : -magnitude;
        }

        return table;
    }
}
