namespace Triptych.Tokenizers;

/// <summary>The special tokens of a tokenizer by their role, under the names of tokenizer_config.json.</summary>
public sealed record SpecialTokens
{
    /// <summary>Begins a text (<c>bos_token</c>).</summary>
    public string? Bos { get; init; }

    /// <summary>Ends a text (<c>eos_token</c>).</summary>
    public string? Eos { get; init; }

    /// <summary>Stands for the unknown (<c>unk_token</c>).</summary>
    public string? Unk { get; init; }

    /// <summary>Separates texts (<c>sep_token</c>).</summary>
    public string? Sep { get; init; }

    /// <summary>Fills rows (<c>pad_token</c>).</summary>
    public string? Pad { get; init; }

    /// <summary>Gathers what a classifier reads (<c>cls_token</c>).</summary>
    public string? Cls { get; init; }

    /// <summary>Hides a token (<c>mask_token</c>).</summary>
    public string? Mask { get; init; }

    /// <summary>BERT's tokens.</summary>
    public static SpecialTokens Bert { get; } =
        new() { Unk = "[UNK]", Sep = "[SEP]", Pad = "[PAD]", Cls = "[CLS]", Mask = "[MASK]" };

    /// <summary>RoBERTa's and BART's tokens.</summary>
    public static SpecialTokens Roberta { get; } = new()
    {
        Bos = "<s>", Eos = "</s>", Unk = "<unk>", Sep = "</s>", Pad = "<pad>", Cls = "<s>", Mask = "<mask>",
    };

    /// <summary>GPT-2's token.</summary>
    public static SpecialTokens Gpt2 { get; } = new() { Bos = "<|endoftext|>", Eos = "<|endoftext|>", Unk = "<|endoftext|>" };

    /// <summary>The roles that are filled, with tokenizer_config.json's names.</summary>
    public IEnumerable<(string Role, string Token)> Roles()
    {
        (string, string?)[] roles =
        [
            ("bos_token", Bos), ("eos_token", Eos), ("unk_token", Unk), ("sep_token", Sep), ("pad_token", Pad),
            ("cls_token", Cls), ("mask_token", Mask),
        ];
        foreach ((string role, string? token) in roles)
        {
            if (token is not null)
                yield return (role, token);
        }
    }

    /// <summary>Where no file named any role: the well-known tokens that the vocabulary has.</summary>
    internal SpecialTokens Complete(Func<string, bool> exists)
    {
        if (Roles().Any())
            return this;
        foreach (SpecialTokens known in (SpecialTokens[])[Bert, Roberta, Gpt2])
        {
            if (exists((known.Cls ?? known.Eos)!) && exists((known.Sep ?? known.Eos)!))
                return known.Or(new SpecialTokens(), exists);
        }

        return this;
    }

    /// <summary>Fills empty roles from another set.</summary>
    internal SpecialTokens Or(SpecialTokens other, Func<string, bool> exists)
    {
        string? Choose(string? mine, string? its) => mine is not null && exists(mine) ? mine
            : its is not null && exists(its) ? its : null;
        return new SpecialTokens
        {
            Bos = Choose(Bos, other.Bos), Eos = Choose(Eos, other.Eos), Unk = Choose(Unk, other.Unk),
            Sep = Choose(Sep, other.Sep), Pad = Choose(Pad, other.Pad), Cls = Choose(Cls, other.Cls),
            Mask = Choose(Mask, other.Mask),
        };
    }
}
