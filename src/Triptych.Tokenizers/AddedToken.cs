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

    /// <summary>Whether anything but text and id is set that a plain special token has not.</summary>
    internal bool HasAttributes => SingleWord || LStrip || RStrip || Normalized;

    /// <summary>A plain special token.</summary>
    /// <param name="content">Its text.</param>
    public static implicit operator AddedToken(string content) => FromString(content);

    /// <summary>A plain special token.</summary>
    /// <param name="content">Its text.</param>
    public static AddedToken FromString(string content) => new() { Content = content, Special = true };
}
