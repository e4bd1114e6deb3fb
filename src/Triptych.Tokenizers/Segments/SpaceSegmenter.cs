using System.Buffers;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// SentencePiece's texts, cut before a single space between visible characters. The space becomes the mark that begins a word, and no
/// token reaches across it.
/// </summary>
internal sealed class SpaceSegmenter : Segmenter
{
    private const char Mark = '\u2581';

    private readonly Normalizer? _normalizer, _normalizerOfRest;
    private readonly PreTokenizer? _preTokenizer;
    private readonly bool _onlyFirst, _newlineIsAlone;
    private readonly EdgeTable? _edges;
    private readonly SearchValues<char> _spaces;

    private SpaceSegmenter(TokenizerParts parts, Normalizer? normalizerOfRest, bool onlyFirst, EdgeTable? edges, string spaces)
    {
        _edges = edges;
        _normalizer = parts.Normalizer;
        _normalizerOfRest = normalizerOfRest;
        _preTokenizer = parts.PreTokenizer;
        _onlyFirst = onlyFirst;
        // A line feed that no token has beside other characters begins a segment wherever it stands.
        _newlineIsAlone = parts.PreTokenizer is null && !ChangesCharacters && !AnyTokenContains(parts.Model, '\n');
        _spaces = SearchValues.Create(_newlineIsAlone ? spaces + '\n' : spaces);
    }

    public override bool FirstDiffers(int offset) => _normalizer != _normalizerOfRest;

    public override bool OneWord => _preTokenizer is null or MetaspacePreTokenizer { Split: false };

    public override bool AllowsAddedTokens => !_onlyFirst;

    public override bool ChangesCharacters => _normalizer is not null && _normalizer.Flatten().Any(normalizer => normalizer is not (PrependNormalizer or ReplaceNormalizer { Pattern: " " }));

    public static new SpaceSegmenter? Find(TokenizerParts parts)
    {
        Normalizer[] normalizers = parts.Normalizer is null ? [] : [.. parts.Normalizer.Flatten()];
        PreTokenizer[] cuts = parts.PreTokenizer is null ? [] : [.. parts.PreTokenizer.Flatten()];
        MetaspacePreTokenizer? metaspace = cuts.Length > 0 ? cuts[^1] as MetaspacePreTokenizer : null;
        bool known = cuts.Length == 0 || (metaspace is { Replacement: "\u2581" } && (cuts.Length == 1 || (cuts.Length == 2 && cuts[0] == ClassPreTokenizer.WhitespaceSplit)));
        if (!known)
            return null;
        // Without a pre-tokenizer the normalizer must be what makes spaces marks, as LLaMA 2 has it.
        bool marks = normalizers.Any(normalizer => normalizer is ReplaceNormalizer { Pattern: " ", Content: "\u2581" });
        bool uncut = metaspace is null || !metaspace.Split;
        if ((metaspace is null && !marks) || (uncut && !NoTokenReachesAcross(parts.Model)))
            return null;
        if (!Array.TrueForAll(normalizers, IsLocal) || normalizers.Skip(1).Any(normalizer => normalizer is PrependNormalizer))
            return null;
        Normalizer[] rest = [.. normalizers.Where(normalizer => normalizer is not PrependNormalizer).Select(WithoutLeft)];
        Normalizer? normalizerOfRest = rest.SequenceEqual(normalizers) ? parts.Normalizer : rest.Length == 0 ? null : new SequenceNormalizer(rest);
        var others = new SequenceNormalizer([.. rest.Where(normalizer => normalizer is not ReplaceNormalizer { Pattern: " " })]);
        EdgeTable? edges = normalizers.Any(normalizer => normalizer is PrecompiledNormalizer) ? new EdgeTable(others) : null;
        string spaces = string.Concat(" \n\t".Where(space => others.Normalize($"a{space}a") == "a a"));
        return !spaces.Contains(' ') ? null
            : new SpaceSegmenter(parts, normalizerOfRest, metaspace is { Scheme: PrependScheme.First }, edges, spaces);
    }

    public override Normalizer? NormalizerOf(bool first) => first ? _normalizer : _normalizerOfRest;

    public override PreTokenizer? PreTokenizerOf(bool first) => _preTokenizer;

    public override bool TryCut(ReadOnlySpan<char> part, List<Split> segments)
    {
        if (_edges is not null && !IsEdge(part[0]) && _edges.Vanishes(part[..Graphemes.ClusterEnd(part, 0)]))
            return false;
        int start = 0;
        for (int at = 1; at < part.Length; at++)
        {
            int skip = part[at..].IndexOfAny(_spaces);
            if (skip < 0)
                break;
            at += skip;
            bool alone = _newlineIsAlone && part[at] == '\n';
            if (!alone && !(IsEdge(part[at - 1]) && IsEdgeBehindSpaces(part[at..])))
                continue;
            segments.Add(new Split(start, at));
            start = at;
        }

        segments.Add(new Split(start, part.Length));
        return true;
    }

    private bool IsEdgeBehindSpaces(ReadOnlySpan<char> part) => part.IndexOfAnyExcept(_spaces) is >= 0 and int run && IsEdge(part[run]);

    private bool IsEdge(char c) => IsVisible(c) && (_edges is null || _edges.IsSafe(c));

    /// <summary>A character that no normalizer takes away, joins with a neighbour or makes a space; some are left out that could be in.</summary>
    private static bool IsVisible(char c) => c < 0x80
        ? c is > ' ' and < '\u007F'
        : UnicodeData.Is(c, CharClass.Letter) && c is not ('\u115F' or '\u1160' or '\u3164' or '\uFFA0');

    private static bool AnyTokenContains(TokenizerModel model, char c) =>
        Enumerable.Range(0, model.Vocabulary.IdLimit).Any(id => model.Vocabulary.SpanOf(id) is { Length: > 1 } token && token.Contains(c));

    private static bool IsLocal(Normalizer normalizer) => normalizer switch
    {
        UnicodeNormalizer or LowercaseNormalizer or StripAccentsNormalizer or PrecompiledNormalizer or PrependNormalizer => true,
        StripNormalizer { Right: true } => true,
        ReplaceNormalizer { Expression: " {2,}" or @"\s{2,}|[\n\r\t]" or @"[\n\r\t]" or @"\n", Content: " " } => true,
        ReplaceNormalizer { Pattern: " ", Content: "\u2581" } => true,
        ReplaceNormalizer { Pattern: string pattern } replace => replace.Content.Length > 0 && !replace.Content.Any(char.IsWhiteSpace) && !pattern.Any(char.IsWhiteSpace),
        _ => false,
    };

    /// <summary>What stripping does to a segment behind another one, which begins with its space.</summary>
    private static Normalizer WithoutLeft(Normalizer normalizer) =>
        normalizer is StripNormalizer { Left: true } ? new StripNormalizer(left: false, right: true) : normalizer;

    /// <summary>Whether a mark stands only at the beginning of tokens, so that no merge joins a word with the next.</summary>
    private static bool NoTokenReachesAcross(TokenizerModel model)
    {
        if (model is not Bpe { IgnoresMerges: false } || model.Vocabulary.IdOf([Mark]) < 0)
            return false;
        for (int id = 0; id < model.Vocabulary.IdLimit; id++)
        {
            ReadOnlySpan<char> token = model.Vocabulary.SpanOf(id);
            for (int i = 1; i < token.Length; i++)
            {
                if (token[i] == Mark && token[i - 1] != Mark)
                    return false;
            }
        }

        return true;
    }
}
