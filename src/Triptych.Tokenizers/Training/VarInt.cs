namespace Triptych.Tokenizers;

/// <summary>Numbers in as few bytes as they need, seven bits each, the low ones first.</summary>
internal static class VarInt
{
    public const int MaxBytes = 10;

    /// <summary>Writes a number; how many bytes it took.</summary>
    public static int Write(Span<byte> output, ulong value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7)
            output[at++] = (byte)(value | 0x80);
        output[at++] = (byte)value;
        return at;
    }

    /// <summary>Reads a number; how many bytes it took.</summary>
    public static int Read(ReadOnlySpan<byte> input, out ulong value)
    {
        value = 0;
        int at = 0;
        for (; input[at] >= 0x80; at++)
            value |= (ulong)(input[at] & 0x7F) << 7 * at;
        value |= (ulong)input[at] << 7 * at;
        return at + 1;
    }
}
