namespace Triptych.Tokenizers;

/// <summary>An end of a text.</summary>
public enum Side
{
    /// <summary>The end.</summary>
    Right,

    /// <summary>The beginning.</summary>
    Left,
}

/// <summary>Which text is cut when a pair is too long.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer of the two, or both to about the same length.</summary>
    LongestFirst,

    /// <summary>The first.</summary>
    OnlyFirst,

    /// <summary>The second.</summary>
    OnlySecond,
}

/// <summary>How texts that are too long are cut.</summary>
/// <param name="MaxLength">The most tokens that an encoding has, special tokens included.</param>
public sealed record Truncation(int MaxLength)
{
    /// <summary>Which text is cut.</summary>
    public TruncationStrategy Strategy { get; init; }

    /// <summary>How many tokens each overflowing part repeats of the one before it.</summary>
    public int Stride { get; init; }

    /// <summary>The side that is cut off; null for the tokenizer's own.</summary>
    public Side? Side { get; init; }
}

/// <summary>How encodings are filled up to one length.</summary>
public sealed record Padding
{
    /// <summary>Up to the longest of the batch.</summary>
    public static Padding Longest { get; } = new();

    /// <summary>A fixed length; null for the longest of the batch.</summary>
    public int? Length { get; init; }

    /// <summary>The length is rounded up to a multiple of this.</summary>
    public int? MultipleOf { get; init; }

    /// <summary>Where the padding goes; null for the tokenizer's own side.</summary>
    public Side? Side { get; init; }

    /// <summary>The padding token; null for the tokenizer's own.</summary>
    public string? Token { get; init; }

    /// <summary>Its id; null for the tokenizer's own.</summary>
    public int? Id { get; init; }

    /// <summary>The segment of padding.</summary>
    public int TypeId { get; init; }
}

/// <summary>What <see cref="Tokenizer.Encode(string, string?, EncodeOptions)"/> does besides tokenizing.</summary>
public sealed record EncodeOptions
{
    /// <summary>Whether the special tokens of the template are inserted.</summary>
    public bool AddSpecialTokens { get; init; } = true;

    /// <summary>Truncation, or null for none.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Padding, or null for none.</summary>
    public Padding? Padding { get; init; }

    /// <summary>
    /// Makes the merges that drop out, where the tokenizer has BPE-dropout, the same each time; null for other ones each time.
    /// </summary>
    public int? DropoutSeed { get; init; }
}
