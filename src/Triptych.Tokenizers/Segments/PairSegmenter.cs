using System.Runtime.CompilerServices;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// Texts that a byte-pair encoding takes as one word, as LLaMA 2, Mistral and Gemma have it. Whatever is merged is a token, so nothing is
/// merged across two characters that stand beside each other in no token, and the text may be cut there.
/// </summary>
internal sealed class PairSegmenter : Segmenter
{
    private const char Mark = '\u2581';
    private const int LongStretch = 64;

    private readonly Normalizer? _normalizer;
    private readonly PreTokenizer? _preTokenizer, _preTokenizerOfRest;
    private readonly bool _normalizerPrepends, _prepends, _prependsToText;
    private readonly char _space;
    private readonly Bpe _model;
    private readonly Lazy<PairTable> _pairs;

    private PairSegmenter(TokenizerParts parts, Bpe model, bool prepends, bool marks)
    {
        _model = model;
        _space = marks ? Mark : ' ';
        _normalizerPrepends = prepends;
        _normalizer = parts.Normalizer;
        _preTokenizer = parts.PreTokenizer;
        _preTokenizerOfRest = marks ? new MetaspacePreTokenizer("\u2581", PrependScheme.Never, split: false) : null;
        _prepends = prepends || parts.PreTokenizer is MetaspacePreTokenizer { Scheme: PrependScheme.Always };
        _prependsToText = _prepends || parts.PreTokenizer is MetaspacePreTokenizer { Scheme: PrependScheme.First };
        _pairs = new Lazy<PairTable>(() => new PairTable(model, _space));
    }

    public override bool OneWord => true;

    public override bool ChangesCharacters => false;

    public static new PairSegmenter? Find(TokenizerParts parts)
    {
        if (parts.Model is not Bpe { IgnoresMerges: false, JoinsTexts: true } model)
            return null;
        Normalizer[] normalizers = parts.Normalizer is null ? [] : [.. parts.Normalizer.Flatten()];
        bool prepends = normalizers is [PrependNormalizer { Content: "\u2581" }, ..];
        Normalizer[] rest = prepends ? normalizers[1..] : normalizers;
        bool marks = rest.Length > 0;
        if (!Array.TrueForAll(rest, normalizer => normalizer is ReplaceNormalizer { Pattern: " ", Content: "\u2581" }))
            return null;
        return parts.PreTokenizer switch
        {
            null => new PairSegmenter(parts, model, prepends, marks),
            MetaspacePreTokenizer { Replacement: "\u2581", Split: false } => new PairSegmenter(parts, model, prepends, marks: true),
            // Gemma's: where spaces are marks there is nothing to cut at.
            SplitPreTokenizer { Pattern: " " } when marks => new PairSegmenter(parts, model, prepends, marks),
            _ => null,
        };
    }

    public override bool FirstDiffers(int offset) => offset == 0 ? _prependsToText : _prepends;

    public override bool TryTokenize(ReadOnlySpan<char> segment, bool first, int offset, TokenSink sink)
    {
        bool prepends = first && (_normalizerPrepends || segment[0] is not (' ' or Mark));
        return _model.TryMergeCharacters(segment, prepends ? [Mark] : [], _space, offset, sink);
    }

    public override Normalizer? NormalizerOf(bool first) => first ? _normalizer : null;

    public override PreTokenizer? PreTokenizerOf(bool first) => first ? _preTokenizer : _preTokenizerOfRest;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override bool TryCut(ReadOnlySpan<char> part, List<Split> segments)
    {
        PairTable pairs = _pairs.Value;
        int start = 0, stretch = 0, cuts = segments.Count;
        for (int at = 1; at < part.Length; at++)
        {
            if (pairs.MayJoin(part[at - 1], part[at]))
                continue;
            bool ends = pairs.EndsStretch(part[at - 1], part[at]);
            // What goes on for long without a space will hardly be met again, and is merged as quickly as it is looked up.
            if (at - stretch > LongStretch)
            {
                segments.RemoveRange(cuts, segments.Count - cuts);
                start = stretch;
                if (!ends)
                    continue;
            }

            segments.Add(new Split(start, at));
            start = at;
            if (!ends)
                continue;
            stretch = at;
            cuts = segments.Count;
        }

        segments.Add(new Split(start, part.Length));
        return true;
    }
}
