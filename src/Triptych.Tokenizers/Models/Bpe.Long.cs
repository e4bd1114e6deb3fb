using System.Buffers;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers.Models;

/// <summary>Byte-pair encoding straight from a text, with little memory: of its bytes, and of characters that are tokens.</summary>
internal sealed partial class Bpe
{
    /// <summary>Finds the tokens of a word's bytes, in linear time and with little memory.</summary>
    /// <param name="word">The word, without unpaired surrogates.</param>
    /// <param name="offset">Where it begins in the text.</param>
    /// <param name="sink">Takes the tokens.</param>
    /// <returns>False where nothing was done: the word must be merged as its characters are.</returns>
    public bool TryMergeBytes(ReadOnlySpan<char> word, int offset, TokenSink sink)
    {
        if (FindLinearOfText(word.Length) is not LinearMerger linear || _byteUnits.Value is not ushort[] table)
            return false;

        int length = System.Text.Encoding.UTF8.GetByteCount(word);
        if (_options.IgnoreMerges && TokenOfBytes(word, length) is >= 0 and int whole)
        {
            sink.Add(whole, offset, offset + word.Length, sink.NextWord++);
            return true;
        }

        ushort[] units = ArrayPool<ushort>.Shared.Rent(length);
        int[] tokens = ArrayPool<int>.Shared.Rent(length);
        if (length == word.Length)
            WriteAscii(word, table, units);
        else
            WriteBytes(word, table, units);
        int count = linear.Cover(units.AsSpan(0, length), tokens);
        sink.Reserve(Math.Max(0, count));
        if (count >= 0 && length == word.Length)
            AddAscii(tokens.AsSpan(0, count), linear, offset, sink);
        else if (count >= 0)
            Add(tokens.AsSpan(0, count), linear, word, offset, sink);
        ArrayPool<int>.Shared.Return(tokens);
        ArrayPool<ushort>.Shared.Return(units);
        return count >= 0;
    }

    /// <summary>The token of a word's bytes, or -1.</summary>
    private int TokenOfBytes(ReadOnlySpan<char> word, int length)
    {
        if (length > Vocabulary.MaxTokenLength)
            return -1;
        byte[]? rentedBytes = null;
        char[]? rentedChars = null;
        Span<byte> bytes = length <= 128 ? stackalloc byte[length] : (rentedBytes = ArrayPool<byte>.Shared.Rent(length)).AsSpan(0, length);
        Span<char> chars = length <= 128 ? stackalloc char[length] : (rentedChars = ArrayPool<char>.Shared.Rent(length)).AsSpan(0, length);
        System.Text.Encoding.UTF8.GetBytes(word, bytes);
        for (int i = 0; i < length; i++)
            chars[i] = ByteAlphabet.CharOf(bytes[i]);
        int id = Vocabulary.IdOf(chars);
        if (rentedBytes is not null)
            ArrayPool<byte>.Shared.Return(rentedBytes);
        if (rentedChars is not null)
            ArrayPool<char>.Shared.Return(rentedChars);
        return id;
    }

    /// <summary>Finds the tokens of a word's characters, in linear time and with little memory.</summary>
    /// <param name="word">The word.</param>
    /// <param name="before">What stands before it without being in the text, at most one character.</param>
    /// <param name="space">What stands for a space.</param>
    /// <param name="offset">Where the word begins in the text.</param>
    /// <param name="sink">Takes the tokens.</param>
    /// <returns>False where nothing was done: some character is no token.</returns>
    public bool TryMergeCharacters(ReadOnlySpan<char> word, ReadOnlySpan<char> before, char space, int offset, TokenSink sink)
    {
        if (FindLinearOfText(word.Length) is not LinearMerger linear)
            return false;
        int length = before.Length + word.Length;
        ushort[] units = ArrayPool<ushort>.Shared.Rent(length);
        bool done = false;
        if (TryWriteUnits(before, space, linear, units) && TryWriteUnits(word, space, linear, units.AsSpan(before.Length)))
        {
            int[] tokens = ArrayPool<int>.Shared.Rent(length);
            int count = linear.Cover(units.AsSpan(0, length), tokens);
            done = count >= 0;
            sink.Reserve(Math.Max(0, count));
            int number = done ? sink.NextWord++ : 0;
            for (int i = 0, at = -before.Length; i < count; i++)
            {
                int start = at;
                at += linear.LengthOf(tokens[i]);
                // What stands before the word has the place of its first character.
                sink.Add(linear.IdOf(tokens[i]), offset + Math.Max(0, start), offset + Math.Max(1, at), number);
            }

            ArrayPool<int>.Shared.Return(tokens);
        }

        ArrayPool<ushort>.Shared.Return(units);
        return done;
    }

    /// <summary>Finds the tokens of a long word each of whose UTF-16 units is a token; false where it is another one.</summary>
    private bool TryMergeCharacters(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (FindLinearOfText(word.Length) is not LinearMerger linear)
            return false;
        ushort[] units = ArrayPool<ushort>.Shared.Rent(word.Length);
        int[]? tokens = null;
        int count = -1;
        if (TryWriteUnits(word, ' ', linear, units))
        {
            tokens = ArrayPool<int>.Shared.Rent(word.Length);
            count = linear.Cover(units.AsSpan(0, word.Length), tokens);
        }

        output.EnsureCapacity(output.Count + Math.Max(0, count));
        for (int i = 0, at = 0; i < count; i++)
        {
            int end = at + linear.LengthOf(tokens![i]);
            output.Add(new Piece(linear.IdOf(tokens[i]), at, end));
            at = end;
        }

        if (tokens is not null)
            ArrayPool<int>.Shared.Return(tokens);
        ArrayPool<ushort>.Shared.Return(units);
        return count >= 0;
    }

    private LinearMerger? FindLinearOfText(int length) => JoinsTexts && IsDeterministic ? FindLinear(length) : null;

    private bool TryWriteUnits(ReadOnlySpan<char> word, char space, LinearMerger linear, Span<ushort> units)
    {
        ushort[] common = _commonUnits.Value;
        for (int i = 0; i < word.Length; i++)
        {
            char c = word[i] == ' ' ? space : word[i];
            ushort unit = c < common.Length ? common[c] : Vocabulary.IdOf([c]) is >= 0 and int id ? linear.UnitOf(id) : (ushort)0;
            if (unit == 0)
                return false;
            units[i] = unit;
        }

        return true;
    }

    private ushort[] FindCommonUnits() => [.. _symbols.Select(id => id < 0 ? (ushort)0 : _linear.Value!.UnitOf(id))];

    /// <summary>The units of all bytes, or null where one of them is no token.</summary>
    private ushort[]? FindByteUnits()
    {
        if (_linear.Value is not LinearMerger linear)
            return null;
        var units = new ushort[256];
        for (int value = 0; value < units.Length; value++)
        {
            int id = Vocabulary.IdOf([ByteAlphabet.CharOf((byte)value)]);
            units[value] = id < 0 ? (ushort)0 : linear.UnitOf(id);
            if (units[value] == 0)
                return null;
        }

        return units;
    }

    private static void WriteAscii(ReadOnlySpan<char> word, ushort[] table, ushort[] units)
    {
        for (int i = 0; i < word.Length; i++)
            units[i] = table[word[i]];
    }

    private static void WriteBytes(ReadOnlySpan<char> word, ushort[] table, ushort[] units)
    {
        int at = 0;
        for (int i = 0, size; i < word.Length; i += size)
        {
            int c = NormalizedString.CodePointAt(word, i, out size);
            if (c < 0x80)
            {
                units[at++] = table[c];
                continue;
            }

            if (c < 0x800)
            {
                units[at++] = table[0xC0 | c >> 6];
            }
            else
            {
                if (c < 0x10000)
                {
                    units[at++] = table[0xE0 | c >> 12];
                }
                else
                {
                    units[at++] = table[0xF0 | c >> 18];
                    units[at++] = table[0x80 | c >> 12 & 0x3F];
                }

                units[at++] = table[0x80 | c >> 6 & 0x3F];
            }

            units[at++] = table[0x80 | c & 0x3F];
        }
    }

    private static void AddAscii(ReadOnlySpan<int> tokens, LinearMerger linear, int offset, TokenSink sink)
    {
        int word = sink.NextWord++;
        foreach (int token in tokens)
        {
            int end = offset + linear.LengthOf(token);
            sink.Add(linear.IdOf(token), offset, end, word);
            offset = end;
        }
    }

    /// <summary>A token reaches from the character that its first byte is of to the end of the one that its last byte is of.</summary>
    private static void Add(ReadOnlySpan<int> tokens, LinearMerger linear, ReadOnlySpan<char> text, int offset, TokenSink sink)
    {
        int word = sink.NextWord++;
        int at = 0, end = 0, size = 0, bytes = 0, done = 0;
        foreach (int token in tokens)
        {
            // Where the last token ended within a character, this one begins with that character.
            int start = done < bytes ? at : end;
            done += linear.LengthOf(token);
            while (bytes < done)
            {
                at = end;
                int c = NormalizedString.CodePointAt(text, at, out size);
                end = at + size;
                bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            }

            sink.Add(linear.IdOf(token), offset + start, offset + end, word);
        }
    }
}
