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
    public bool TryFindShortest(ReadOnlySpan<byte> text, out ReadOnlySpan<char> replacement) => Find(text, longest: false, out replacement) > 0;

    /// <summary>What the beginning of a text becomes by the longest rule for it; returns its length, 0 where there is none.</summary>
    public int FindLongest(ReadOnlySpan<byte> text, out ReadOnlySpan<char> replacement) => Find(text, longest: true, out replacement);

    private int Find(ReadOnlySpan<byte> text, bool longest, out ReadOnlySpan<char> replacement)
    {
        uint[] units = _units;
        uint position = Offset(units[0]);
        int found = 0;
        int start = 0;
        for (int i = 0; i < Math.Min(text.Length, MaxKeyLength) && text[i] != 0; i++)
        {
            position ^= text[i];
            if (position >= (uint)units.Length)
                break;
            uint unit = units[position];
            if ((unit & LabelBits) != text[i])
                break;
            position ^= Offset(unit);
            if ((unit & HasLeaf) == 0)
                continue;
            (found, start) = (i + 1, _textStarts[(int)(units[position] & ~IsValue)]);
            if (!longest)
                break;
        }

        replacement = default;
        if (found > 0)
        {
            replacement = _texts.AsSpan(start);
            int end = replacement.IndexOf('\0');
            replacement = end < 0 ? replacement : replacement[..end];
        }

        return found;
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
