using Triptych.Tokenizers.Loading;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>What the usual post-processors do to a single text: trim its offsets, put special tokens around it.</summary>
internal sealed class TextFrame
{
    private readonly TrimOffsetsProcessor? _trim;
    private readonly int? _typeId;

    private TextFrame(TrimOffsetsProcessor? trim, Encoding before, Encoding after, int? typeId)
    {
        _trim = trim;
        _typeId = typeId;
        Before = before;
        After = after;
    }

    /// <summary>What is inserted before a text.</summary>
    public Encoding Before { get; }

    /// <summary>What is inserted after it.</summary>
    public Encoding After { get; }

    /// <summary>The frame of a post-processor, or null where it does something else.</summary>
    public static TextFrame? Find(PostProcessor? processor)
    {
        PostProcessor[] stages = processor is null ? [] : [.. processor.Flatten()];
        var trim = stages.Length > 0 ? stages[0] as TrimOffsetsProcessor : null;
        if (stages.Length == (trim is null ? 0 : 1))
            return new TextFrame(trim, Encoding.Empty, Encoding.Empty, typeId: null);
        if (stages.Length != (trim is null ? 1 : 2) || stages[^1] is not TemplateProcessor template || template.Single.Count(piece => piece.Sequence >= 0) != 1)
            return null;
        int at = template.Single.TakeWhile(piece => piece.Sequence < 0).Count();
        Encoding Join(IEnumerable<TemplatePiece> pieces) =>
            Encoding.Concat([.. pieces.Select(piece => Encoding.Inserted(piece.Ids, piece.Tokens, piece.TypeId))]);
        return new TextFrame(trim, Join(template.Single.Take(at)), Join(template.Single.Skip(at + 1)), template.Single[at].TypeId);
    }

    /// <summary>The encoding of a text.</summary>
    /// <param name="ids">Its ids.</param>
    /// <param name="offsets">Its offsets.</param>
    /// <param name="parts">What else is known of its tokens.</param>
    /// <param name="source">The text.</param>
    /// <param name="addSpecialTokens">Whether special tokens are inserted.</param>
    public Encoding Apply(ReadOnlySpan<int> ids, ReadOnlySpan<TextRange> offsets, TextParts parts, string source, bool addSpecialTokens)
    {
        Encoding before = addSpecialTokens ? Before : Encoding.Empty, after = addSpecialTokens ? After : Encoding.Empty;
        int[] allIds = LargeMemory.Allocate<int>(before.Length + ids.Length + after.Length);
        TextRange[] allOffsets = LargeMemory.Allocate<TextRange>(allIds.Length);
        before.Ids.CopyTo(allIds, 0);
        ids.CopyTo(allIds.AsSpan(before.Length));
        after.Ids.CopyTo(allIds, before.Length + ids.Length);
        allOffsets.AsSpan(0, before.Length).Clear();
        offsets.CopyTo(allOffsets.AsSpan(before.Length));
        allOffsets.AsSpan(before.Length + ids.Length).Clear();
        _trim?.Trim(parts, ids, allOffsets.AsSpan(before.Length, ids.Length), source);
        return new Encoding
        {
            Ids = allIds,
            Offsets = allOffsets,
            Lazy = parts with { Before = before, After = after, TypeId = _typeId ?? parts.TypeId },
        };
    }
}
