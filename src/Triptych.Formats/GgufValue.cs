using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Triptych.Formats;

/// <summary>The types of GGUF metadata, under the numbers of the format.</summary>
public enum GgufValueType : uint
{
    /// <summary>Unsigned byte.</summary>
    UInt8 = 0,
    /// <summary>Signed byte.</summary>
    Int8 = 1,
    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16 = 2,
    /// <summary>Signed 16-bit integer.</summary>
    Int16 = 3,
    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32 = 4,
    /// <summary>Signed 32-bit integer.</summary>
    Int32 = 5,
    /// <summary>IEEE 754 single precision.</summary>
    Float32 = 6,
    /// <summary>A byte, 0 or 1.</summary>
    Bool = 7,
    /// <summary>UTF-8 text with its length before it.</summary>
    String = 8,
    /// <summary>Values of one type.</summary>
    Array = 9,
    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64 = 10,
    /// <summary>Signed 64-bit integer.</summary>
    Int64 = 11,
    /// <summary>IEEE 754 double precision.</summary>
    Float64 = 12,
}

/// <summary>
/// A value of GGUF metadata in the form that it has in the file. It is decoded when it is asked for, so that opening a file does not
/// make strings of a vocabulary that nobody needs. Values of a file can be read until the file is disposed.
/// </summary>
public sealed class GgufValue
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlyMemory<byte> encoded;

    internal GgufValue(GgufValueType type, ReadOnlyMemory<byte> encoded)
    {
        Type = type;
        this.encoded = encoded;
        if (type != GgufValueType.Array)
            return;
        ElementType = (GgufValueType)BinaryPrimitives.ReadUInt32LittleEndian(encoded.Span);
        Count = (int)BinaryPrimitives.ReadUInt64LittleEndian(encoded.Span[sizeof(uint)..]);
    }

    /// <summary>The type.</summary>
    public GgufValueType Type { get; }

    /// <summary>The type of an array's elements; null for other types.</summary>
    public GgufValueType? ElementType { get; }

    /// <summary>The elements of an array; 1 for other types.</summary>
    public int Count { get; } = 1;

    /// <summary>The value as it stands in a file, without its type.</summary>
    internal ReadOnlySpan<byte> Encoded => encoded.Span;

    private ReadOnlySpan<byte> Elements => encoded.Span[GgufHeader.ArrayHeaderBytes..];

    /// <summary>A string.</summary>
    public static implicit operator GgufValue(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var stream = new MemoryStream();
        WriteString(stream, value);
        return new(GgufValueType.String, stream.ToArray());
    }

    /// <summary>A 32-bit number without sign, which GGUF has for sizes and ids.</summary>
    public static implicit operator GgufValue(uint value) => new(GgufValueType.UInt32, BitConverter.GetBytes(value));

    /// <summary>A 32-bit number.</summary>
    public static implicit operator GgufValue(int value) => new(GgufValueType.Int32, BitConverter.GetBytes(value));

    /// <summary>A number in single precision.</summary>
    public static implicit operator GgufValue(float value) => new(GgufValueType.Float32, BitConverter.GetBytes(value));

    /// <summary>True or false.</summary>
    public static implicit operator GgufValue(bool value) => new(GgufValueType.Bool, new[] { value ? (byte)1 : (byte)0 });

    /// <summary>An array of strings.</summary>
    public static GgufValue Array(IReadOnlyCollection<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var stream = new MemoryStream();
        WriteArrayHeader(stream, GgufValueType.String, values.Count);
        foreach (string value in values)
            WriteString(stream, value);
        return new(GgufValueType.Array, stream.ToArray());
    }

    /// <summary>An array of 32-bit numbers.</summary>
    public static GgufValue Array(ReadOnlySpan<int> values) => Array(GgufValueType.Int32, values.Length, MemoryMarshal.AsBytes(values));

    /// <summary>An array of numbers in single precision.</summary>
    public static GgufValue Array(ReadOnlySpan<float> values) => Array(GgufValueType.Float32, values.Length, MemoryMarshal.AsBytes(values));

    /// <summary>The text of a string; null for other types.</summary>
    /// <exception cref="DecoderFallbackException">It is not UTF-8.</exception>
    public string? AsString()
    {
        if (Type != GgufValueType.String)
            return null;
        string text = StrictUtf8.GetString(encoded.Span[sizeof(ulong)..]);
        GC.KeepAlive(this);
        return text;
    }

    /// <summary>A whole number of any width that fits; null for other types.</summary>
    public long? AsInt64()
    {
        long? number = Type is GgufValueType.Float32 or GgufValueType.Float64 or GgufValueType.Bool ? null : Whole(Type, encoded.Span);
        GC.KeepAlive(this);
        return number;
    }

    /// <summary>A number of any type; null for other types.</summary>
    public double? AsDouble()
    {
        double? number = Type switch
        {
            GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(encoded.Span),
            GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(encoded.Span),
            _ => AsInt64(),
        };
        GC.KeepAlive(this);
        return number;
    }

    /// <summary>True or false; null for other types.</summary>
    public bool? AsBoolean()
    {
        bool? truth = Type == GgufValueType.Bool ? encoded.Span[0] != 0 : null;
        GC.KeepAlive(this);
        return truth;
    }

    /// <summary>The texts of an array of strings; null for other types.</summary>
    /// <exception cref="DecoderFallbackException">One is not UTF-8.</exception>
    public string[]? AsStrings()
    {
        if (ElementType != GgufValueType.String)
            return null;
        var texts = new string[Count];
        ReadOnlySpan<byte> rest = Elements;
        for (int i = 0; i < texts.Length; i++)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(rest);
            texts[i] = StrictUtf8.GetString(rest.Slice(sizeof(ulong), length));
            rest = rest[(sizeof(ulong) + length)..];
        }

        GC.KeepAlive(this);
        return texts;
    }

    /// <summary>The numbers of an array of whole numbers that fit; null for other types.</summary>
    public long[]? AsInt64s()
    {
        if (ElementType is not { } type || GgufHeader.FixedSize(type) is not { } size)
            return null;
        var numbers = new long[Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (Whole(type, Elements[(i * size)..]) is not { } number)
                return null;
            numbers[i] = number;
        }

        GC.KeepAlive(this);
        return numbers;
    }

    /// <summary>The numbers of an array in single precision; null for other types.</summary>
    public float[]? AsSingles()
    {
        if (ElementType != GgufValueType.Float32)
            return null;
        float[] numbers = MemoryMarshal.Cast<byte, float>(Elements).ToArray();
        GC.KeepAlive(this);
        return numbers;
    }

    private static GgufValue Array(GgufValueType type, int count, ReadOnlySpan<byte> elements)
    {
        var stream = new MemoryStream();
        WriteArrayHeader(stream, type, count);
        stream.Write(elements);
        return new(GgufValueType.Array, stream.ToArray());
    }

    private static void WriteArrayHeader(Stream stream, GgufValueType type, int count)
    {
        Span<byte> header = stackalloc byte[GgufHeader.ArrayHeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[sizeof(uint)..], (ulong)count);
        stream.Write(header);
    }

    internal static void WriteString(Stream stream, string value)
    {
        byte[] text = StrictUtf8.GetBytes(value);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)text.Length);
        stream.Write(length);
        stream.Write(text);
    }

    private static long? Whole(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.UInt8 => bytes[0],
        GgufValueType.Int8 => (sbyte)bytes[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        GgufValueType.UInt64 => BinaryPrimitives.ReadInt64LittleEndian(bytes) is >= 0 and long number ? number : null,
        _ => null,
    };
}
