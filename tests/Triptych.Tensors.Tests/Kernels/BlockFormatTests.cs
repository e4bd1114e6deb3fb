using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Triptych.TestSupport;

namespace Triptych.Tensors.Tests.Kernels;

/// <summary>Every block format against ggml's own library, byte by byte.</summary>
public sealed unsafe class BlockFormatTests
{
    private const int Width = 512;

    public static TheoryData<DType, string> Formats => new()
    {
        { DType.Q4_0, "q4_0" }, { DType.Q4_1, "q4_1" }, { DType.Q5_0, "q5_0" }, { DType.Q5_1, "q5_1" }, { DType.Q8_0, "q8_0" },
        { DType.Q2_K, "q2_K" }, { DType.Q3_K, "q3_K" }, { DType.Q4_K, "q4_K" }, { DType.Q5_K, "q5_K" }, { DType.Q6_K, "q6_K" },
        { DType.IQ4_NL, "iq4_nl" }, { DType.IQ4_XS, "iq4_xs" }, { DType.MXFP4, "mxfp4" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void EncodesAsGgml(DType type, string name)
    {
        float[] source = Source();
        byte[] expected = Read(name + ".blocks"), actual = new byte[type.BytesOf(source.Length)];
        fixed (float* from = source)
        fixed (byte* to = actual)
            BlockQuantization.Quantize(type, from, to, source.Length);
        AssertSameBlocks(type, expected, actual);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void EncodesEachRowAlikeAlone(DType type, string name)
    {
        float[] source = Source();
        byte[] expected = Read(name + ".blocks"), actual = new byte[expected.Length];
        int block = type.BlockSize();
        fixed (float* from = source)
        fixed (byte* to = actual)
        {
            for (int at = 0; at < source.Length; at += block)
                BlockQuantization.Quantize(type, from + at, to + type.BytesOf(at), block);
        }

        AssertSameBlocks(type, expected, actual);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void DecodesAsGgml(DType type, string name)
    {
        string[] expected = File.ReadAllLines(Fixtures.Path($"quantization/{name}.sha256"));
        Assert.Equal(expected[0], DigestOfNumbers(type, Read(name + ".blocks")));
        Assert.Equal(expected[1], DigestOfNumbers(type, Read(name + ".random")));
    }

    private static string DigestOfNumbers(DType type, byte[] blocks)
    {
        float[] numbers = new float[blocks.Length / type.BlockBytes() * type.BlockSize()];
        fixed (byte* from = blocks)
        fixed (float* to = numbers)
            BlockQuantization.Dequantize(type, from, to, numbers.Length);
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = float.IsNaN(numbers[i]) ? BitConverter.UInt32BitsToSingle(0x7FC00000) : numbers[i];
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(numbers)));
    }

    private static void AssertSameBlocks(DType type, byte[] expected, byte[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        int difference = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(difference == expected.Length, $"row {difference / type.BytesOf(Width)}, byte {difference % type.BlockBytes()} of a block");
    }

    private static float[] Source() => MemoryMarshal.Cast<byte, float>(Read("source.f32")).ToArray();

    private static byte[] Read(string name) => File.ReadAllBytes(Fixtures.Path("quantization/" + name));
}
