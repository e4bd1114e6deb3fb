namespace Triptych.Tokenizers;

/// <summary>
/// A text as a model wants it: ids and what belongs to each of them. All arrays have the same length; do not change them. Ids and
/// offsets are there at once, the other arrays are made when they are asked for.
/// </summary>
public sealed partial class Encoding
{
    internal static readonly Encoding Empty = new();

    private string[]? _tokens;
    private int[]? _typeIds, _attentionMask, _specialTokensMask;
    private int?[]? _wordIds, _sequenceIds;

    /// <summary>The token ids, <c>[sequence]</c>.</summary>
    public int[] Ids { get; init; } = [];

    /// <summary>The tokens that the ids stand for.</summary>
    public string[] Tokens
    {
        get => _tokens ??= Lazy is { } lazy ? lazy.Tokens(Ids) : Join(encoding => encoding.Tokens);
        init => _tokens = value;
    }

    /// <summary>Where each token comes from in the original text, in UTF-16 units; (0, 0) for inserted tokens.</summary>
    public TextRange[] Offsets { get; init; } = [];

    /// <summary>The segment of each token: by most templates 0 for the first text and 1 for the second.</summary>
    public int[] TypeIds
    {
        get => _typeIds ??= Lazy is { } lazy ? lazy.Filled(encoding => encoding.TypeIds, lazy.TypeId) : Join(encoding => encoding.TypeIds);
        init => _typeIds = value;
    }

    /// <summary>1 for tokens, 0 for padding.</summary>
    public int[] AttentionMask
    {
        get => _attentionMask ??= Lazy is { } lazy ? lazy.Filled(encoding => encoding.AttentionMask, 1) : Join(encoding => encoding.AttentionMask);
        init => _attentionMask = value;
    }

    /// <summary>1 for tokens that were inserted (special tokens of the template, padding), 0 for the text's own.</summary>
    public int[] SpecialTokensMask
    {
        get => _specialTokensMask ??= Lazy is { } lazy ? lazy.Filled(encoding => encoding.SpecialTokensMask, 0) : Join(encoding => encoding.SpecialTokensMask);
        init => _specialTokensMask = value;
    }

    /// <summary>The word that each token belongs to, null for inserted tokens.</summary>
    public int?[] WordIds
    {
        get => _wordIds ??= Lazy is { } lazy ? lazy.WordIds() : Join(encoding => encoding.WordIds);
        init => _wordIds = value;
    }

    /// <summary>The text that each token comes from (0 or 1), null for inserted tokens.</summary>
    public int?[] SequenceIds
    {
        get => _sequenceIds ??= Lazy is { } lazy ? lazy.Filled(encoding => encoding.SequenceIds, lazy.Sequence) : Join(encoding => encoding.SequenceIds);
        init => _sequenceIds = value;
    }

    /// <summary>What truncation cut off, as further encodings that overlap by the stride.</summary>
    public IReadOnlyList<Encoding> Overflowing { get; init; } = [];

    /// <summary>The text that the offsets count in, where all of them count in the same.</summary>
    internal string? Source { get; init; }

    /// <summary>What the arrays of a text by itself are made from.</summary>
    internal TextParts? Lazy { get; init; }

    /// <summary>What the arrays of joined encodings are made from.</summary>
    private Encoding[] Parts { get; init; } = [];

    /// <summary>The number of tokens.</summary>
    public int Length => Ids.Length;

    /// <summary>The first token that covers a UTF-16 position of a text, or null.</summary>
    /// <param name="position">The position in the text.</param>
    /// <param name="sequence">Which text, 0 or 1.</param>
    public int? CharToToken(int position, int sequence = 0)
    {
        for (int i = 0; i < Length; i++)
        {
            if (SequenceIds[i] == sequence && Offsets[i].Start <= position && position < Offsets[i].End)
                return i;
        }

        return null;
    }

    /// <summary>The same with other overflowing parts and, where it is given, another segment; it may belong to no text.</summary>
    internal Encoding With(IReadOnlyList<Encoding> overflowing, int? typeId = null, bool hasSequence = true)
    {
        var copy = new Encoding
        {
            Ids = Ids,
            Offsets = Offsets,
            Source = Source,
            Overflowing = overflowing,
            Parts = Parts,
            Lazy = Lazy is not null && typeId is int type ? Lazy with { TypeId = type } : Lazy,
        };
        copy._tokens = _tokens;
        copy._attentionMask = _attentionMask;
        copy._specialTokensMask = _specialTokensMask;
        copy._wordIds = _wordIds;
        copy._sequenceIds = hasSequence ? _sequenceIds : new int?[Length];
        copy._typeIds = typeId is null ? _typeIds : Lazy is null ? Filled(Length, typeId.Value) : null;
        return copy;
    }

    internal Encoding Slice(int start, int end) => new()
    {
        Ids = Ids[start..end],
        Tokens = Tokens[start..end],
        Offsets = Offsets[start..end],
        TypeIds = TypeIds[start..end],
        AttentionMask = AttentionMask[start..end],
        SpecialTokensMask = SpecialTokensMask[start..end],
        WordIds = WordIds[start..end],
        SequenceIds = SequenceIds[start..end],
        Source = Source,
    };

    internal static Encoding Inserted(int[] ids, string[] tokens, int typeId, bool padding = false) => new()
    {
        Ids = ids,
        Tokens = tokens,
        Offsets = new TextRange[ids.Length],
        TypeIds = Filled(ids.Length, typeId),
        AttentionMask = Filled(ids.Length, padding ? 0 : 1),
        SpecialTokensMask = Filled(ids.Length, 1),
        WordIds = new int?[ids.Length],
        SequenceIds = new int?[ids.Length],
    };

    /// <summary>Joins two encodings; each of the one's overflowing parts is joined with each of the other's.</summary>
    internal Encoding Append(Encoding next)
    {
        if (Overflowing.Count == 0 && next.Overflowing.Count == 0)
            return AppendOnly(next);
        List<Encoding> overflowing = [];
        foreach (Encoding mine in Overflowing)
        {
            overflowing.Add(mine.AppendOnly(next));
            foreach (Encoding its in next.Overflowing)
                overflowing.Add(mine.AppendOnly(its));
        }

        foreach (Encoding its in next.Overflowing)
            overflowing.Add(AppendOnly(its));
        return AppendOnly(next).With(overflowing);
    }

    internal Encoding Truncate(int maxLength, int stride, Side side)
    {
        if (maxLength >= Length)
            return this;
        if (maxLength == 0)
            return Empty.With([this]);

        var parts = new List<Encoding>();
        int step = maxLength - stride;
        if (side == Side.Right)
        {
            for (int start = 0; ; start += step)
            {
                int end = Math.Min(start + maxLength, Length);
                parts.Add(Slice(start, end));
                if (end == Length)
                    break;
            }
        }
        else
        {
            for (int end = Length; ; end -= step)
            {
                int start = Math.Max(0, end - maxLength);
                parts.Add(Slice(start, end));
                if (start == 0)
                    break;
            }
        }

        return parts[0].With(parts[1..]);
    }

    internal Encoding Pad(int length, int id, string token, int typeId, Side side)
    {
        Encoding[] overflowing = [.. Overflowing.Select(part => part.Pad(length, id, token, typeId, side))];
        int missing = length - Length;
        if (missing <= 0)
            return With(overflowing);
        Encoding padding = Inserted(Filled(missing, id), Filled(missing, token), typeId, padding: true);
        return (side == Side.Right ? AppendOnly(padding) : padding.AppendOnly(this)).With(overflowing);
    }

    /// <summary>Joins encodings, without their overflowing parts.</summary>
    internal static Encoding Concat(ReadOnlySpan<Encoding> parts)
    {
        int length = 0;
        foreach (Encoding part in parts)
            length += part.Length;
        int[] ids = new int[length];
        var offsets = new TextRange[length];
        int at = 0;
        foreach (Encoding part in parts)
        {
            part.Ids.CopyTo(ids, at);
            part.Offsets.CopyTo(offsets, at);
            at += part.Length;
        }

        return new Encoding { Ids = ids, Offsets = offsets, Parts = parts.ToArray() };
    }

    private Encoding AppendOnly(Encoding next) => Concat([this, next]);

    private T[] Join<T>(Func<Encoding, T[]> field)
    {
        if (Parts.Length == 0)
            return [];
        var joined = new T[Length];
        int at = 0;
        foreach (Encoding part in Parts)
        {
            field(part).CopyTo(joined, at);
            at += part.Length;
        }

        return joined;
    }

    private static T[] Filled<T>(int length, T value)
    {
        var array = new T[length];
        Array.Fill(array, value);
        return array;
    }
}
