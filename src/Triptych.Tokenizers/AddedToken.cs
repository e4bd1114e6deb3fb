namespace Triptych.Tokenizers;

/// <summary>A token that is found in the text before the model sees it; the fields are tokenizer.json's.</summary>
public sealed record AddedToken
{
    /// <summary>The token's text.</summary>
    public required string Content { get; init; }

    /// <summary>Its id.</summary>
    public int Id { get; init; }

    /// <summary>Matches only where no word character stands beside it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Swallows the white space on its left.</summary>
    public bool LStrip { get; init; }

    /// <summary>Swallows the white space on its right.</summary>
    public bool RStrip { get; init; }

    /// <summary>Is looked for in the normalized text, itself normalized.</summary>
    public bool Normalized { get; init; }

    /// <summary>Is left out of decoded text when special tokens are skipped.</summary>
    public bool Special { get; init; }
}
