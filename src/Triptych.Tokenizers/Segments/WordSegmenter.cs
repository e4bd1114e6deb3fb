using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Segments;

/// <summary>Where the text itself is cut into words, as byte-level tokenizers do: a segment is a word.</summary>
internal sealed class WordSegmenter : Segmenter
{
    /// <summary>The list of a huge text is not kept.</summary>
    private const int KeptSplits = 1 << 20;

    private readonly Splitter[] _splitters;
    private readonly bool _addPrefixSpace, _composes;
    private readonly PreTokenizer? _rest, _restOfFirst;

    /// <summary>The model, where all that is left to do to a segment is to make its bytes characters.</summary>
    private readonly Bpe? _bytes;

    [ThreadStatic]
    private static List<Split>? s_spare;

    private WordSegmenter(Splitter[] splitters, ByteLevelPreTokenizer? bytes, bool composes, TokenizerModel model)
    {
        _bytes = bytes is null ? null : model as Bpe;
        _splitters = splitters;
        _composes = composes;
        _addPrefixSpace = bytes is { AddPrefixSpace: true };
        _rest = bytes is null ? null : new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: false);
        _restOfFirst = _addPrefixSpace ? new ByteLevelPreTokenizer(addPrefixSpace: true, useRegex: false) : _rest;
    }

    public override bool FirstDiffers(int offset) => _addPrefixSpace;

    public override bool SegmentsAreWords => true;

    public static new WordSegmenter? Find(TokenizerParts parts)
    {
        bool composes = parts.Normalizer is UnicodeNormalizer { IsCanonicalComposition: true };
        if (parts.PreTokenizer is null || (parts.Normalizer is not null && !composes))
            return null;
        PreTokenizer[] stages = [.. parts.PreTokenizer.Flatten()];
        ByteLevelPreTokenizer? bytes = stages[^1] as ByteLevelPreTokenizer;
        PreTokenizer[] cuts = bytes is null ? stages : stages[..^1];
        if (bytes is { AddPrefixSpace: true } && (cuts.Length > 0 || !bytes.UseRegex))
            return null;
        List<Splitter> splitters = [];
        foreach (PreTokenizer cut in cuts)
        {
            if (cut.Splitter is not Splitter splitter)
                return null;
            splitters.Add(splitter);
        }

        if (bytes is { UseRegex: true })
            splitters.Add(Gpt2Splitter.Split);
        return splitters.Count == 0 ? null : new WordSegmenter([.. splitters], bytes, composes, parts.Model);
    }

    public override bool TryTokenize(ReadOnlySpan<char> segment, bool first, int offset, TokenSink sink) =>
        !first && _bytes is not null && _bytes.TryMergeBytes(segment, offset, sink);

    public override Normalizer? NormalizerOf(bool first) => null;

    public override PreTokenizer? PreTokenizerOf(bool first) => first ? _restOfFirst : _rest;

    public override bool TryCut(ReadOnlySpan<char> part, List<Split> segments)
    {
        if (!IsWellFormed(part) || (_composes && !Composition.IsStable(part)))
            return false;
        // A space that is put before a letter or number belongs to the word that begins there; elsewhere it may change the words.
        if (_addPrefixSpace && part[0] != ' ' && TextKinds.At(part, 0, out _) is not (TextKind.Letter or TextKind.Number))
            return false;
        _splitters[0](part, 0, segments);
        for (int i = 1; i < _splitters.Length; i++)
        {
            List<Split> whole = s_spare ??= [];
            whole.Clear();
            whole.AddRange(segments);
            segments.Clear();
            foreach (Split split in whole)
                _splitters[i](part[split.Start..split.End], split.Start, segments);
            if (whole.Capacity > KeptSplits)
                s_spare = null;
        }

        return true;
    }
}
