using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>What SentencePiece brought to tokenizer.json: the Unigram model and the Precompiled normalizer.</summary>
internal static partial class TokenizerReader
{
    private static readonly double[] s_powers = [.. Enumerable.Range(0, 23).Select(exponent => double.Parse($"1e{exponent}", CultureInfo.InvariantCulture))];

    private static Unigram? ReadUnigram(JsonValue json, ModelScan? lists, bool exactScores)
    {
        JsonValue vocabulary = json.Required("vocab");
        if (!vocabulary.IsArray || vocabulary.Element.GetArrayLength() > Vocabulary.MaxId)
            throw vocabulary.Fail("expected an array of pieces with their scores");
        TokenList pieces = lists?.Vocabulary ?? new TokenList();
        double[] scores = lists?.Scores is List<Range> numbers ? ReadScores(lists, numbers, exactScores)
            : [.. vocabulary.Items().Select((piece, id) => AddPiece(piece, id, pieces, exactScores))];
        if (!Array.TrueForAll(scores, double.IsFinite))
            return lists is not null ? null : throw vocabulary.Fail("a score is out of range");
        int unknown = json.Member("unk_id") is not JsonValue unk ? -1
            : unk.AsInt() is >= 0 and int given && given < pieces.Count ? given : throw unk.Fail($"is not the id of one of {pieces.Count} pieces");
        return new Unigram(pieces, scores, unknown, json.Bool("byte_fallback", false), vocabulary.Fail);
    }

    /// <summary>A piece and its score as the file writes it.</summary>
    public static (string Piece, double Score) ReadExactPiece(JsonValue json)
    {
        JsonElement item = json.Element;
        if (!json.IsArray || item.GetArrayLength() != 2 || item[0].ValueKind != JsonValueKind.String || item[1].ValueKind != JsonValueKind.Number)
            throw json.Fail("expected a piece and its score");
        double score = item[1].GetDouble();
        return double.IsFinite(score) ? (json.Items().First().AsString(), score) : throw json.Fail("the score is out of range");
    }

    private static double AddPiece(JsonValue json, int id, TokenList pieces, bool exactScores)
    {
        (string piece, double score) = ReadExactPiece(json);
        pieces.Add(piece, id);
        return exactScores ? score : ParseScore(System.Text.Encoding.UTF8.GetBytes(json.Element[1].GetRawText()));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] ReadScores(ModelScan lists, List<Range> numbers, bool exactScores)
    {
        double[] scores = new double[numbers.Count];
        for (int i = 0; i < scores.Length; i++)
            scores[i] = exactScores ? double.Parse(lists[numbers[i]], NumberStyles.Float, CultureInfo.InvariantCulture) : ParseScore(lists[numbers[i]]);
        return scores;
    }

    /// <summary>
    /// A number as the reference reads it: the digits as an integer, rounded, then multiplied or divided, rounded again. The last bit can
    /// differ from the number that is nearest, and the last bit decides between segmentations of equal worth.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static double ParseScore(ReadOnlySpan<byte> text)
    {
        bool negative = text[0] == '-';
        text = negative ? text[1..] : text;
        int mark = text.IndexOfAny((byte)'e', (byte)'E');
        long exponent = mark < 0 ? 0 : int.TryParse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, null, out int written) ? written
            : text[mark + 1] == '-' ? int.MinValue : int.MaxValue;
        ulong digits = 0;
        bool fraction = false, full = false;
        foreach (byte c in mark < 0 ? text : text[..mark])
        {
            if (c == '.')
            {
                fraction = true;
                full = false;
                continue;
            }

            full |= digits > (ulong.MaxValue - (uint)(c - '0')) / 10;
            if (!full)
                digits = digits * 10 + (uint)(c - '0');
            exponent += full == fraction ? 0 : fraction ? -1 : 1;
        }

        double value = Scale(digits, exponent);
        return negative ? -value : value;
    }

    private static double Scale(double value, long exponent)
    {
        const int Highest = 308;
        for (; exponent < -Highest && value != 0; exponent += Highest)
            value /= 1e308;
        return value == 0 ? value : exponent < 0 ? value / PowerOf10((int)-exponent)
            : exponent <= Highest ? value * PowerOf10((int)exponent) : double.PositiveInfinity;
    }

    private static double PowerOf10(int exponent) => exponent < s_powers.Length ? s_powers[exponent]
        : double.Parse($"1e{exponent}", CultureInfo.InvariantCulture);

    private static PrecompiledNormalizer ReadPrecompiled(JsonValue json)
    {
        JsonValue map = json.Required("precompiled_charsmap");
        try
        {
            return new PrecompiledNormalizer(new CharsMap(Convert.FromBase64String(map.AsString()), map.Fail));
        }
        catch (FormatException e)
        {
            throw map.Fail($"not base64: {e.Message}");
        }
    }
}
