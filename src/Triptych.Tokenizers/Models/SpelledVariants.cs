using System.Globalization;
using System.Text;

namespace Triptych.Tokenizers.Models;

/// <summary>
/// GPT-NeoX-Japanese's tokens: of those with up to three characters that a text goes on with, the one with the lowest id, or the longest that
/// begins with <c>&lt;</c>; else the name of a kind of signs, or bytes.
/// </summary>
internal sealed class SpelledVariants : TokenizerModel
{
    private const int MaxCharacters = 3;
    private const char Mark = '<';

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _spellings;
    private readonly int _unknown;
    private readonly int _longestMarked;
    private readonly int[] _bytes;
    private readonly int _sign;
    private readonly int _rareSign;

    /// <param name="vocabulary">The tokens as they are shown.</param>
    /// <param name="spellings">The ids of all spellings.</param>
    /// <param name="unknown">The id for what has none, or -1.</param>
    public SpelledVariants(Vocabulary vocabulary, Dictionary<string, int> spellings, int unknown)
        : base(vocabulary)
    {
        _spellings = spellings.GetAlternateLookup<ReadOnlySpan<char>>();
        _unknown = unknown;
        _longestMarked = spellings.Keys.Where(word => word.StartsWith(Mark)).Select(word => word.Length).DefaultIfEmpty(0).Max();
        int IdOf(string token) => spellings.GetValueOrDefault(token, unknown);
        _bytes = [.. Enumerable.Range(0, 256).Select(value => IdOf(string.Create(CultureInfo.InvariantCulture, $"<|byte{value}|>")))];
        (_sign, _rareSign) = (IdOf("<KIGOU>"), IdOf("<U2000U2BFF>"));
    }

    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        for (int at = 0, end; at < word.Length; at = end)
        {
            int id = word[at] == Mark ? FindMarked(word, at, out end) : FindLowest(word, at, MaxCharacters, out end);
            if (id >= 0)
                output.Add(new Piece(id, at, end));
            else
                end = AppendSign(word, at, output);
        }
    }

    private static int Next(ReadOnlySpan<char> text, int at) => at + (char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1);

    private int FindMarked(ReadOnlySpan<char> text, int at, out int end)
    {
        const int MinMarked = 3;
        for (end = Math.Min(text.Length, at + _longestMarked); end > at; end--)
        {
            ReadOnlySpan<char> part = text[at..end];
            bool isLong = part.Length > MinMarked || part.Length == MinMarked && !char.IsSurrogate(part[^1]);
            if (isLong && _spellings.TryGetValue(part, out int id))
                return id;
        }

        return FindLowest(text, at, MaxCharacters - 1, out end);
    }

    private int FindLowest(ReadOnlySpan<char> text, int at, int count, out int end)
    {
        int best = -1;
        end = at;
        for (int stop = at, i = 0; i < count && stop < text.Length; i++)
        {
            stop = Next(text, stop);
            if (_spellings.TryGetValue(text[at..stop], out int id) && (best < 0 || id <= best))
                (best, end) = (id, stop);
        }

        return best;
    }

    private int AppendSign(ReadOnlySpan<char> text, int at, List<Piece> output)
    {
        Rune.DecodeFromUtf16(text[at..], out Rune rune, out int units);
        int end = at + units;
        switch (rune.Value)
        {
            case >= 0xA1 and <= 0xBF or >= 0x1C0 and <= 0x1C3 or >= 0x2B9 and <= 0x2FF or >= 0x300 and <= 0x362:
                Append(_sign, at, end, output);
                break;
            case >= 0x2000 and <= 0x2BFF:
                Append(_rareSign, at, end, output);
                break;
            default:
                Span<byte> bytes = stackalloc byte[4];
                foreach (byte value in bytes[..rune.EncodeToUtf8(bytes)])
                    Append(_bytes[value], at, end, output);
                break;
        }

        return end;
    }

    private void Append(int id, int start, int end, List<Piece> output) => output.Add(new Piece(
        id >= 0 ? id : _unknown >= 0 ? _unknown : throw new InvalidOperationException("the text needs the unknown token, which is not in the vocabulary"), start, end));
}
