using System.Buffers.Binary;

namespace Triptych.TestSupport;

/// <summary>Damages files in the ways that break parsers: flipped bits, lying lengths, pieces cut out, doubled and exchanged, an early end.</summary>
internal sealed class FileMutator(int seed)
{
    private static readonly ulong[] Lies =
    [
        0, 1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 63, 64, 127, 128, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000,
        0x1FFFFFFFFFFFFFFF, 0x2000000000000000, 0x3FFFFFFFFFFFFFFF, 0x4000000000000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFF0, 0xFFFFFFFFFFFFFFFF,
    ];

    private readonly Random random = new(seed);

    /// <summary>A damaged copy.</summary>
    /// <param name="original">The file.</param>
    /// <param name="headerBytes">Its beginning, where most of the damage goes.</param>
    public byte[] Mutate(byte[] original, int headerBytes)
    {
        byte[] bytes = [.. original];
        for (int edits = 1 + random.Next(4); edits > 0 && bytes.Length > 0; edits--)
            bytes = Edit(bytes, Math.Min(random.Next(8) == 0 ? bytes.Length : headerBytes, bytes.Length));
        return bytes;
    }

    private byte[] Edit(byte[] bytes, int within)
    {
        int at = random.Next(within);
        int length = Math.Min(1 + random.Next(random.Next(3) == 0 ? 64 : 8), bytes.Length - at);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2 or 3 or 4:
                Lie(bytes.AsSpan(at));
                return bytes;
            case 5:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 6:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 7:
                int other = random.Next(Math.Max(1, bytes.Length - length));
                bytes.AsSpan(other, length).CopyTo(bytes.AsSpan(at));
                return bytes;
            default:
                return random.Next(3) == 0 ? bytes[..at] : bytes;
        }
    }

    private void Lie(Span<byte> place)
    {
        ulong value = Lies[random.Next(Lies.Length)];
        if (place.Length >= sizeof(ulong) && random.Next(2) == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(place, value);
        else if (place.Length >= sizeof(uint))
            BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)value);
    }
}
