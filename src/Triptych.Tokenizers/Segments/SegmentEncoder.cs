using System.Runtime.InteropServices;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Segments;

/// <summary>
/// The quick way through the first three stages. A text is cut where the stages work on both sides independently, so that what they make
/// of a segment can be remembered and used again; what is not remembered goes through the stages themselves.
/// </summary>
internal sealed class SegmentEncoder
{
    /// <summary>What is looked at of a large text to see how much memory it will need.</summary>
    private const int SampleLength = 1 << 16;

    [ThreadStatic]
    private static Workspace? s_workspace;

    private readonly TokenizerParts _parts;
    private readonly Segmenter? _segmenter;
    private readonly SegmentCache _cache = new();

    public SegmentEncoder(TokenizerParts parts)
    {
        _parts = parts;
        _segmenter = parts.Model.IsDeterministic && parts.Added.SignsAreKnown ? Segmenter.Find(parts) : null;
    }

    /// <summary>Whether there is a quick way.</summary>
    public bool CutsTexts => _segmenter is not null;

    /// <summary>Appends the tokens of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="sink">Receives them.</param>
    /// <param name="whole">Whether the text goes through the stages as a whole; the result is the same.</param>
    public void Encode(ReadOnlySpan<char> text, TokenSink sink, bool whole = false)
    {
        Workspace workspace = s_workspace ??= new Workspace();
        if (whole || _segmenter is null || MayHaveNormalizedTokens(text))
        {
            EncodeWhole(text, sink, workspace);
            return;
        }

        if (!_parts.Added.Occurs(text))
        {
            EncodePart(text, 0, sink, workspace);
            return;
        }

        if (!_segmenter.AllowsAddedTokens)
        {
            EncodeWhole(text, sink, workspace);
            return;
        }

        List<Split> splits = workspace.Parts;
        _parts.Added.Extract(text, splits);
        foreach (Split split in splits)
        {
            ReadOnlySpan<char> part = text[split.Start..split.End];
            if (split.AddedToken >= 0)
                sink.AddFound(_parts.Added.Find(split.AddedToken)!, part, new TextRange(split.Start, split.End));
            else
                EncodePart(part, split.Start, sink, workspace);
        }
    }

    private bool MayHaveNormalizedTokens(ReadOnlySpan<char> text) => _parts.Added.NormalizedSigns is { } signs
        && (text.ContainsAny(signs) || (_segmenter!.ChangesCharacters && !System.Text.Ascii.IsValid(text)));

    /// <summary>A part without added tokens.</summary>
    private void EncodePart(ReadOnlySpan<char> part, int offset, TokenSink sink, Workspace workspace)
    {
        if (part.IsEmpty)
            return;
        List<Split> segments = workspace.Segments;
        segments.Clear();
        bool isLarge = part.Length >= Workspace.KeptLength;
        if (isLarge)
        {
            _segmenter!.TryCut(part[..SampleLength], segments);
            int count = Estimate(segments.Count, SampleLength, part.Length);
            segments.Clear();
            LargeMemory.Reserve(segments, count);
        }

        if (!_segmenter!.TryCut(part, segments))
        {
            EncodeStages(part, offset, _parts.Normalizer, _parts.PreTokenizer, sink, workspace);
            workspace.Shrink();
            return;
        }

        int word = sink.NextWord, before = sink.Count, known = isLarge ? SampleLength : int.MaxValue;
        bool differs = _segmenter.FirstDiffers(offset);
        foreach (ref readonly Split place in CollectionsMarshal.AsSpan(segments))
        {
            if (place.Start >= known)
            {
                sink.Reserve(Estimate(sink.Count - before, place.Start, part.Length - place.Start));
                known = int.MaxValue;
            }

            ReadOnlySpan<char> segment = part[place.Start..place.End];
            if (differs || segment.Length > SegmentCache.MaxLength)
            {
                if (!_segmenter.TryTokenize(segment, differs, offset + place.Start, sink))
                    EncodeStages(segment, offset + place.Start, _segmenter.NormalizerOf(differs), _segmenter.PreTokenizerOf(differs), sink, workspace);
                differs = false;
            }
            else
            {
                ulong hash = TextHash.Of(segment);
                if (!_cache.TryAdd(segment, hash, sink, offset + place.Start))
                    AddNew(segment, hash, offset + place.Start, sink, workspace);
            }

            if (_segmenter.OneWord)
                sink.NextWord = word;
        }

        if (_segmenter.OneWord && segments.Count > 0)
            sink.NextWord++;
        workspace.Shrink();
    }

    /// <summary>How many there will be, where so many were in a part of known length, and a little more.</summary>
    private static int Estimate(int count, int known, int length) => (int)Math.Min(length, count * 1.1 * length / known);

    /// <summary>A segment that is not remembered. It is from now on, unless it is as quickly done again and may never come again.</summary>
    private void AddNew(ReadOnlySpan<char> segment, ulong hash, int offset, TokenSink sink, Workspace workspace)
    {
        bool isMet = _cache.Meet(hash);
        if (!isMet && _segmenter!.TryTokenize(segment, first: false, offset, sink))
            return;
        TokenSink tokens = workspace.Sink;
        tokens.Clear();
        if (!isMet || !_segmenter!.TryTokenize(segment, first: false, 0, tokens))
            EncodeStages(segment, 0, _segmenter!.NormalizerOf(first: false), _segmenter.PreTokenizerOf(first: false), tokens, workspace);
        SegmentTokens entry = _cache.Store(segment, hash, tokens);
        sink.Add(entry, offset, tokens.Found);
    }

    private void EncodeStages(ReadOnlySpan<char> text, int offset, Normalizer? normalizer, PreTokenizer? preTokenizer, TokenSink sink, Workspace workspace)
    {
        PreTokenizedString work = workspace.Text;
        work.Load(text);
        if (normalizer is not null)
            work.Normalize(normalizer);
        preTokenizer?.PreTokenize(work);
        Tokenize(work, text, offset, sink, workspace);
    }

    private void EncodeWhole(ReadOnlySpan<char> text, TokenSink sink, Workspace workspace)
    {
        PreTokenizedString work = workspace.Text;
        work.Load(text);
        _parts.Added.ExtractAndNormalize(work, _parts.Normalizer);
        _parts.PreTokenizer?.PreTokenize(work);
        Tokenize(work, text, 0, sink, workspace);
        workspace.Shrink();
    }

    private void Tokenize(PreTokenizedString work, ReadOnlySpan<char> original, int offset, TokenSink sink, Workspace workspace)
    {
        List<Piece> pieces = workspace.Pieces;
        foreach (Split split in work.Splits)
        {
            if (split.AddedToken >= 0)
            {
                ReadOnlySpan<char> found = work.Text.Chars[split.Start..split.End];
                sink.AddFound(_parts.Added.Find(split.AddedToken)!, found, work.Text.ToOriginal(split.Start, split.End, original));
                continue;
            }

            pieces.Clear();
            if (split.End - split.Start >= Workspace.KeptLength)
                LargeMemory.Reserve(pieces, split.End - split.Start);
            if (_segmenter is null)
                _parts.Model.Tokenize(work.Text.Chars[split.Start..split.End], pieces);
            else
                _parts.Model.TokenizeNew(work.Text.Chars[split.Start..split.End], pieces);
            sink.Reserve(pieces.Count);
            int word = sink.NextWord++;
            int shownAsText = _parts.Model.TextTokenId;
            foreach (Piece piece in pieces)
            {
                (int start, int end) = (split.Start + piece.Start, split.Start + piece.End);
                TextRange place = work.Text.ToOriginal(start, end, original);
                place = new TextRange(offset + place.Start, offset + place.End);
                if (piece.Id == shownAsText)
                    sink.AddText(piece.Id, work.Text.Chars[start..end], place, word);
                else
                    sink.Add(piece.Id, place.Start, place.End, word);
            }
        }
    }

    /// <summary>What a thread keeps between calls.</summary>
    private sealed class Workspace
    {
        public const int KeptLength = 1 << 20;

        public PreTokenizedString Text { get; private set; } = new();

        public List<Piece> Pieces { get; private set; } = [];

        public List<Split> Segments { get; private set; } = [];

        public List<Split> Parts { get; private set; } = [];

        /// <summary>For a segment that will be remembered.</summary>
        public TokenSink Sink { get; } = new();

        /// <summary>Lets go of the buffers of a huge text.</summary>
        public void Shrink()
        {
            if (Text.Text.Length > KeptLength || Pieces.Count > KeptLength)
            {
                Text = new PreTokenizedString();
                Pieces = [];
            }

            if (Segments.Capacity > KeptLength)
                Segments = [];
            if (Parts.Capacity > KeptLength)
                Parts = [];
        }
    }
}
