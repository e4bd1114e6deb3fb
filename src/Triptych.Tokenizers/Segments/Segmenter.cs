using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Segments;

/// <summary>Cuts a text where the stages before the model, and the model, work on both sides independently.</summary>
internal abstract class Segmenter
{
    /// <summary>Whether the first segment of a part goes through other stages than the rest.</summary>
    /// <param name="offset">Where the part begins in the text.</param>
    public virtual bool FirstDiffers(int offset) => false;

    /// <summary>Whether all segments of a part are one word.</summary>
    public virtual bool OneWord => false;

    /// <summary>Whether parts between added tokens are worked on independently.</summary>
    public virtual bool AllowsAddedTokens => true;

    /// <summary>Whether the normalizer may make a sign of another character.</summary>
    public virtual bool ChangesCharacters => true;

    /// <summary>Whether segments but the first are words; where there is a pre-tokenizer left, it makes letters of their bytes.</summary>
    public virtual bool SegmentsAreWords => false;

    /// <summary>Cuts a part of a text; false where it must go through the stages as a whole.</summary>
    public abstract bool TryCut(ReadOnlySpan<char> part, List<Split> segments);

    /// <summary>Finds the tokens of a segment without its stages, where the model can do that.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="first">Whether it goes through the stages of a first one.</param>
    /// <param name="offset">Where it begins in the text.</param>
    /// <param name="sink">Receives the tokens.</param>
    /// <returns>Whether it was done; otherwise nothing was.</returns>
    public virtual bool TryTokenize(ReadOnlySpan<char> segment, bool first, int offset, TokenSink sink) => false;

    /// <summary>What a segment is still normalized with.</summary>
    public abstract Normalizer? NormalizerOf(bool first);

    /// <summary>What a segment is still cut with.</summary>
    public abstract PreTokenizer? PreTokenizerOf(bool first);

    /// <summary>The way to cut for a tokenizer, or null where none is known to be safe.</summary>
    public static Segmenter? Find(TokenizerParts parts) =>
        WordSegmenter.Find(parts) ?? BertSegmenter.Find(parts) ?? PairSegmenter.Find(parts) ?? (Segmenter?)SpaceSegmenter.Find(parts);

    /// <summary>Whether every surrogate is one of a pair.</summary>
    protected static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (int at = text.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0; at += 2)
        {
            if (at + 1 >= text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
                return false;
            int next = text[(at + 2)..].IndexOfAnyInRange('\uD800', '\uDFFF');
            if (next < 0)
                return true;
            at += next;
        }

        return true;
    }
}
