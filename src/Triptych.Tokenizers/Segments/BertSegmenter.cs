using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Segments;

/// <summary>BERT's texts, cut at plain white space and around Chinese characters; its normalizer works on each segment by itself.</summary>
internal sealed class BertSegmenter(BertNormalizer normalizer, BertPreTokenizer preTokenizer) : Segmenter
{
    private const char FirstMark = '\u0300';

    public static new BertSegmenter? Find(TokenizerParts parts) =>
        parts is { Normalizer: BertNormalizer normalizer, PreTokenizer: BertPreTokenizer preTokenizer } ? new(normalizer, preTokenizer) : null;

    public override Normalizer? NormalizerOf(bool first) => normalizer;

    public override PreTokenizer? PreTokenizerOf(bool first) => preTokenizer;

    public override bool TryCut(ReadOnlySpan<char> part, List<Split> segments)
    {
        int start = -1;
        for (int at = 0; at < part.Length; at++)
        {
            char c = part[at];
            if (c < FirstMark)
            {
                bool white = c is ' ' or '\t' or '\n' or '\r';
                if (white && start >= 0)
                    segments.Add(new Split(start, at));
                start = white ? -1 : start < 0 ? at : start;
                continue;
            }

            // What a mark at the beginning of a segment becomes depends on what stands before.
            if (start < 0 && UnicodeData.Is(c, CharClass.Mark))
                return false;
            if (normalizer.HandleChineseChars && BertNormalizer.IsChinese(c) && IsAlone(part, at))
            {
                if (start >= 0)
                    segments.Add(new Split(start, at));
                segments.Add(new Split(at, at + 1));
                start = -1;
            }
            else if (start < 0)
            {
                start = at;
            }
        }

        if (start >= 0)
            segments.Add(new Split(start, part.Length));
        return true;
    }

    /// <summary>No mark follows.</summary>
    private static bool IsAlone(ReadOnlySpan<char> part, int at) => at + 1 == part.Length || !UnicodeData.Is(part[at + 1], CharClass.Mark);
}
