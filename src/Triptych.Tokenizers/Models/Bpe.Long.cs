using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Segments;

namespace Triptych.Tokenizers.Models;

/// <summary>Byte-pair encoding straight from a text, with little memory: of its bytes, and of characters that are tokens.</summary>
internal sealed partial class Bpe
{
    private const int ShortLength = 256;
    private const int UnmergedMarks = 1 << 14;

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
        if (_options.IgnoreMerges && MayBeUnmerged(word, length) && TokenOfBytes(word, length) is >= 0 and int whole)
        {
            sink.Add(whole, offset, offset + word.Length, sink.NextWord++);
            return true;
        }

        if (length <= ShortLength)
            return TryMergeShort(word, length, linear, table, offset, sink);
        using var window = new LinearWindow(linear, length);
        var places = new BytePlaces(word, offset);
        int number = sink.NextWord, before = sink.Count, read = 0;
        while (read < word.Length)
        {
            int start = read, written = length == word.Length ? WriteAscii(word, ref read, table, window.Room) : WriteBytes(word, ref read, table, window.Room);
            if (!window.TryGoOn(written, read == word.Length, out ReadOnlySpan<LinearMerger.Found> tokens))
            {
                sink.Truncate(before);
                return false;
            }

            Reserve(sink, tokens.Length, read, start, word.Length);
            linear.GetIds(tokens, sink.Add(tokens.Length, number, out Span<TextRange> ranges));
            places.Find(tokens, ranges);
        }

        sink.NextWord = number + 1;
        return true;
    }

    /// <summary>The same for a word of not many bytes.</summary>
    [SkipLocalsInit]
    private static bool TryMergeShort(ReadOnlySpan<char> word, int length, LinearMerger linear, ushort[] table, int offset, TokenSink sink)
    {
        Span<ushort> units = stackalloc ushort[ShortLength];
        Span<LinearMerger.Found> tokens = stackalloc LinearMerger.Found[ShortLength];
        int read = 0, written = length == word.Length ? WriteAscii(word, ref read, table, units) : WriteBytes(word, ref read, table, units);
        int count = linear.Cover(units[..written], tokens);
        if (count < 0)
            return false;
        tokens = tokens[..count];
        linear.GetIds(tokens, sink.Add(count, sink.NextWord++, out Span<TextRange> ranges));
        var places = new BytePlaces(word, offset);
        places.Find(tokens, ranges);
        return true;
    }

    /// <summary>
    /// Whether a word may be a token that its bytes are not merged to: false for most words, by their length and the characters at their ends.
    /// </summary>
    private bool MayBeUnmerged(ReadOnlySpan<char> word, int length) =>
        length <= Vocabulary.MaxTokenLength && (length > word.Length || IsMarked(_unmerged.Value, UnmergedMark(word.Length, word[0], word[^1])));

    private ulong[] FindUnmerged()
    {
        var marks = new ulong[UnmergedMarks >> 6];
        for (int id = 0; id < Vocabulary.IdLimit; id++)
        {
            ReadOnlySpan<char> token = Vocabulary.SpanOf(id);
            if (token.IsEmpty || _linear.Value!.Has(id))
                continue;
            int mark = UnmergedMark(token.Length, (char)ByteAlphabet.ByteOf(token[0]), (char)ByteAlphabet.ByteOf(token[^1]));
            marks[mark >> 6] |= 1UL << mark;
        }

        return marks;
    }

    private static bool IsMarked(ulong[] marks, int mark) => (marks[mark >> 6] >> mark & 1) != 0;

    private static int UnmergedMark(int length, char first, char last) => ((length * 31 + first) * 31 + last) & (UnmergedMarks - 1);

    /// <summary>The token of a word's bytes, or -1.</summary>
    private int TokenOfBytes(ReadOnlySpan<char> word, int length)
    {
        using var bytes = new Scratch<byte>(length);
        using var chars = new Scratch<char>(length);
        System.Text.Encoding.UTF8.GetBytes(word, bytes.Span);
        for (int i = 0; i < length; i++)
            chars.Span[i] = ByteAlphabet.CharOf(bytes.Span[i]);
        return Vocabulary.IdOf(chars.Span);
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
        using var window = new LinearWindow(linear, length);
        int number = sink.NextWord, count = sink.Count, read = 0, at = -before.Length;
        while (read < word.Length)
        {
            int start = read, prefix = read == 0 ? before.Length : 0;
            Span<ushort> room = window.Room;
            read = Math.Min(word.Length, read + room.Length - prefix);
            if (!TryWriteUnits(before[..prefix], space, linear, room) || !TryWriteUnits(word[start..read], space, linear, room[prefix..])
                || !window.TryGoOn(prefix + read - start, read == word.Length, out ReadOnlySpan<LinearMerger.Found> tokens))
            {
                sink.Truncate(count);
                return false;
            }

            Reserve(sink, tokens.Length, read, start, word.Length);
            linear.GetIds(tokens, sink.Add(tokens.Length, number, out Span<TextRange> places));
            for (int i = 0; i < places.Length; i++)
            {
                int from = at;
                at += tokens[i].Length;
                // What stands before the word has the place of its first character.
                places[i] = new TextRange(offset + Math.Max(0, from), offset + Math.Max(1, at));
            }
        }

        sink.NextWord = number + 1;
        return true;
    }

    /// <summary>Finds the tokens of a long word each of whose UTF-16 units is a token; false where it is another one.</summary>
    private bool TryMergeCharacters(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (FindLinearOfText(word.Length) is not LinearMerger linear)
            return false;
        using var units = new Scratch<ushort>(word.Length);
        if (!TryWriteUnits(word, ' ', linear, units.Span))
            return false;
        using var scratch = new Scratch<LinearMerger.Found>(word.Length);
        Span<LinearMerger.Found> tokens = scratch.Span;
        int count = linear.Cover(units.Span, tokens);
        output.EnsureCapacity(output.Count + Math.Max(0, count));
        for (int i = 0, at = 0; i < count; i++)
        {
            int end = at + tokens[i].Length;
            output.Add(new Piece(linear.IdOf(tokens[i]), at, end));
            at = end;
        }

        return count >= 0;
    }

    /// <summary>Makes room for the tokens of a long word when the first of them are known, as many as the rest will have at their rate.</summary>
    private static void Reserve(TokenSink sink, int tokens, int read, int start, int length)
    {
        if (start == 0 && read < length)
            sink.Reserve((int)Math.Min(length, tokens * 1.1 * length / read));
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

    private static int WriteAscii(ReadOnlySpan<char> word, ref int read, ushort[] table, Span<ushort> room)
    {
        ReadOnlySpan<char> part = word[read..Math.Min(word.Length, read + room.Length)];
        for (int i = 0; i < part.Length; i++)
            room[i] = table[part[i]];
        read += part.Length;
        return part.Length;
    }

    private static int WriteBytes(ReadOnlySpan<char> word, ref int read, ushort[] table, Span<ushort> room)
    {
        int at = 0;
        for (int size; read < word.Length; read += size)
        {
            int c = word[read];
            size = 1;
            if (c < 0x80 && at < room.Length)
            {
                room[at++] = table[c];
                continue;
            }

            c = NormalizedString.CodePointAt(word, read, out size);
            if (at + Utf8Length(c) > room.Length)
                break;
            if (c < 0x800)
            {
                room[at++] = table[0xC0 | c >> 6];
            }
            else
            {
                if (c < 0x10000)
                {
                    room[at++] = table[0xE0 | c >> 12];
                }
                else
                {
                    room[at++] = table[0xF0 | c >> 18];
                    room[at++] = table[0x80 | c >> 12 & 0x3F];
                }

                room[at++] = table[0x80 | c >> 6 & 0x3F];
            }

            room[at++] = table[0x80 | c & 0x3F];
        }

        return at;
    }

    private static int Utf8Length(int c) => c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    /// <summary>
    /// The places of tokens of bytes in their text: each reaches from the character that its first byte is of to the end of the one that its
    /// last byte is of.
    /// </summary>
    private ref struct BytePlaces(ReadOnlySpan<char> text, int offset)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private int _at, _end, _bytes, _done, _plainEnd;

        /// <summary>Gives places to tokens.</summary>
        /// <param name="tokens">The next tokens.</param>
        /// <param name="places">Takes their places.</param>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Find(scoped ReadOnlySpan<LinearMerger.Found> tokens, scoped Span<TextRange> places)
        {
            (int at, int end, int bytes, int done) = (_at, _end, _bytes, _done);
            for (int i = 0; i < places.Length; i++)
            {
                int length = tokens[i].Length;
                if (bytes == done && IsPlain(end, length))
                {
                    // Bytes are characters.
                    places[i] = new TextRange(offset + end, offset + end + length);
                    end += length;
                    done = bytes += length;
                    continue;
                }

                // Where the last token ended within a character, this one begins with that character.
                int start = done < bytes ? at : end;
                done += length;
                while (bytes < done)
                {
                    at = end;
                    int size = 1, c = _text[at];
                    bytes += c < 0x80 ? 1 : Utf8Length(NormalizedString.CodePointAt(_text, at, out size));
                    end += size;
                }

                places[i] = new TextRange(offset + start, offset + end);
            }

            (_at, _end, _bytes, _done) = (at, end, bytes, done);
        }

        /// <summary>Whether a part of the text is ASCII.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool IsPlain(int start, int length)
        {
            if (start >= _plainEnd && start < _text.Length && _text[start] < 0x80)
            {
                int plain = _text[start..].IndexOfAnyExceptInRange('\0', '\x7F');
                _plainEnd = plain < 0 ? _text.Length : start + plain;
            }

            return length <= _plainEnd - start;
        }
    }
}
