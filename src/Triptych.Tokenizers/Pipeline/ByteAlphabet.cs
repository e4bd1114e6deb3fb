using System.Runtime.CompilerServices;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>GPT-2's alphabet: a visible character for each of the 256 bytes (Radford et al., 2019).</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = Build();
    private static readonly short[] Bytes = Invert();

    /// <summary>The character that stands for a space.</summary>
    public static char Space { get; } = Chars[' '];

    public static IEnumerable<char> All => Chars;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static char CharOf(byte value) => Chars[value];

    /// <summary>The byte that a character stands for, or -1.</summary>
    public static int ByteOf(char c) => c < Bytes.Length ? Bytes[c] : -1;

    /// <summary>Appends a part of a text to its next version, byte by byte.</summary>
    public static void Write(NormalizedString content, int start, int end)
    {
        Span<byte> bytes = stackalloc byte[4];
        for (int i = start, units; i < end; i += units)
        {
            int origin = content.Origins[i];
            char c = content.Chars[i];
            if (c < 0x80)
            {
                units = 1;
                content.Append(CharOf((byte)c), origin);
                continue;
            }

            var rune = new System.Text.Rune(NormalizedString.CodePointAt(content.Chars, i, out units));
            foreach (byte b in bytes[..rune.EncodeToUtf8(bytes)])
                content.Append(CharOf(b), origin);
        }
    }

    private static char[] Build()
    {
        char[] chars = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            chars[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return chars;
    }

    private static short[] Invert()
    {
        short[] bytes = new short[0x180];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[Chars[b]] = (short)b;
        return bytes;
    }
}
