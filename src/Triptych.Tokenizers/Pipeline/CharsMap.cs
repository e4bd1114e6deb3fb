using System.Buffers.Binary;
using System.Text;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// SentencePiece's normalization rules: a double array over bytes (Yata's Darts-clone) from text to the place where what it becomes
/// stands in a list of strings that end with zero.
/// </summary>
internal sealed class CharsMap
{
    /// <summary>No rule of SentencePiece is nearly as long; a damaged array must not lead on for ever.</summary>
    private const int MaxKeyLength = 256;

    private const int MaxUtf8Length = 4;
    private const uint IsValue = 1u << 31;
    private const uint HasLeaf = 1u << 8;
    private const uint LabelBits = IsValue | 0xFF;

    private readonly uint[] _units;
    private readonly string _texts;
    private readonly int[] _textStarts;
    private readonly ulong[] _begins = new ulong[(char.MaxValue + 1) / 64];

    /// <summary>Reads the bytes of a <c>precompiled_charsmap</c>.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="refuse">Makes the error for what cannot be used.</param>
    public CharsMap(ReadOnlySpan<byte> bytes, Func<string, Exception> refuse)
    {
        uint size = bytes.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        if (bytes.Length < sizeof(uint) || size > bytes.Length - sizeof(uint) || size % sizeof(uint) != 0 || size == 0)
            throw refuse($"a charsmap of {bytes.Length} bytes cannot have an array of {size} bytes");
        _units = new uint[size / sizeof(uint)];
        for (int i = 0; i < _units.Length; i++)
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(sizeof(uint) * (i + 1))..]);
        ReadOnlySpan<byte> texts = bytes[(sizeof(uint) + (int)size)..];
        if (!System.Text.Unicode.Utf8.IsValid(texts))
            throw refuse("the texts of the charsmap are not UTF-8");
        _texts = System.Text.Encoding.UTF8.GetString(texts);
        _textStarts = CharIndices(texts);
        CheckValues(refuse);
        MarkBeginnings();
    }

    /// <summary>Whether a rule may begin with a character of the basic plane; true for surrogates.</summary>
    public bool MayBegin(char c) => (_begins[c >> 6] >> (c & 63) & 1) != 0;

    /// <summary>What a text becomes by the shortest rule that it begins with; false where there is none.</summary>
    public bool TryFindShortest(ReadOnlySpan<byte> text, out ReadOnlySpan<char> replacement)
    {
        replacement = default;
        uint position = Offset(_units[0]);
        int value = -1;
        for (int i = 0; i < text.Length && TryMove(text.Slice(i, 1), ref position, ref value); i++)
        {
            if (value < 0)
                continue;
            replacement = TextAt(value);
            return true;
        }

        return false;
    }

    /// <summary>What the beginning of a text becomes by the longest rule for it; returns its length, 0 where there is none.</summary>
    public int FindLongest(ReadOnlySpan<char> text, out ReadOnlySpan<char> replacement)
    {
        replacement = default;
        if (!MayBegin(text[0]))
            return 0;
        Span<byte> utf8 = stackalloc byte[MaxUtf8Length];
        uint position = Offset(_units[0]);
        int found = 0;
        int value = 0;
        for (int at = 0; at < Math.Min(text.Length, MaxKeyLength);)
        {
            Rune.DecodeFromUtf16(text[at..], out Rune rune, out int units);
            at += units;
            if (!TryMove(utf8[..rune.EncodeToUtf8(utf8)], ref position, ref value))
                break;
            if (value < 0)
                continue;
            found = at;
            replacement = TextAt(value);
        }

        return found;
    }

    /// <summary>Follows the bytes of a character; the value of the rule that ends behind them, or -1.</summary>
    private bool TryMove(scoped ReadOnlySpan<byte> bytes, ref uint position, ref int value)
    {
        value = -1;
        foreach (byte b in bytes)
        {
            position ^= b;
            if (b == 0 || position >= (uint)_units.Length || (_units[position] & LabelBits) != b)
                return false;
            uint unit = _units[position];
            position ^= Offset(unit);
            value = (unit & HasLeaf) != 0 ? (int)(_units[position] & ~IsValue) : -1;
        }

        return true;
    }

    private ReadOnlySpan<char> TextAt(int value)
    {
        ReadOnlySpan<char> text = _texts.AsSpan(_textStarts[value]);
        int end = text.IndexOf('\0');
        return end < 0 ? text : text[..end];
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1u << 9) >> 6);

    private static int[] CharIndices(ReadOnlySpan<byte> utf8)
    {
        var indices = new int[utf8.Length];
        int chars = 0;
        for (int i = 0; i < utf8.Length;)
        {
            Rune.DecodeFromUtf8(utf8[i..], out Rune rune, out int length);
            indices.AsSpan(i, length).Fill(-1);
            indices[i] = chars;
            chars += rune.Utf16SequenceLength;
            i += length;
        }

        return indices;
    }

    private void CheckValues(Func<string, Exception> refuse)
    {
        for (uint position = 0; position < _units.Length; position++)
        {
            uint unit = _units[position];
            if ((unit & IsValue) != 0 || (unit & HasLeaf) == 0)
                continue;
            uint leaf = position ^ Offset(unit);
            if (leaf >= _units.Length)
                throw refuse($"unit {position} of the charsmap leads to unit {leaf} of {_units.Length}");
            uint value = _units[leaf] & ~IsValue;
            if (value >= _textStarts.Length || _textStarts[(int)value] < 0)
                throw refuse($"unit {leaf} of the charsmap names byte {value}, where no text of {_textStarts.Length} bytes begins");
        }
    }

    private void MarkBeginnings()
    {
        Span<byte> utf8 = stackalloc byte[MaxUtf8Length];
        for (int c = 0; c <= char.MaxValue; c++)
        {
            bool begins = char.IsSurrogate((char)c) || c == 0;
            if (!begins)
                begins = LeadsOn(utf8[..new Rune((char)c).EncodeToUtf8(utf8)]);
            if (begins)
                _begins[c >> 6] |= 1UL << (c & 63);
        }
    }

    /// <summary>Whether a rule begins with these bytes, or with some of them.</summary>
    private bool LeadsOn(ReadOnlySpan<byte> bytes)
    {
        uint position = Offset(_units[0]);
        foreach (byte value in bytes)
        {
            position ^= value;
            if (position >= (uint)_units.Length || (_units[position] & LabelBits) != value)
                return false;
            if ((_units[position] & HasLeaf) != 0)
                return true;
            position ^= Offset(_units[position]);
        }

        return true;
    }
}
