namespace Triptych.Tokenizers.Pipeline;

/// <summary>A part of a text: an added token (with its id), or text that is still to be tokenized.</summary>
internal readonly record struct Split(int Start, int End, int AddedToken = Split.Text)
{
    public const int Text = -1;
}

/// <summary>Cuts a text; receives it from position 0 and adds the parts, shifted by <paramref name="offset"/>.</summary>
internal delegate void Splitter(ReadOnlySpan<char> text, int offset, List<Split> output);

/// <summary>A text cut into parts, on its way through normalizer and pre-tokenizer.</summary>
internal sealed class PreTokenizedString
{
    private readonly NormalizedString _part = new();
    private List<Split> _spare = [];

    public NormalizedString Text { get; } = new();

    public List<Split> Splits { get; private set; } = [];

    public void Load(ReadOnlySpan<char> original)
    {
        Text.Load(original);
        Splits.Clear();
        if (!original.IsEmpty)
            Splits.Add(new Split(0, original.Length));
    }

    /// <summary>Cuts every part that is not an added token; empty parts vanish.</summary>
    public void Split(Splitter splitter)
    {
        _spare.Clear();
        foreach (Split split in Splits)
        {
            if (split.AddedToken >= 0)
                _spare.Add(split);
            else
                splitter(Text.Chars[split.Start..split.End], split.Start, _spare);
        }

        (Splits, _spare) = (_spare, Splits);
    }

    /// <summary>Normalizes every part that is not an added token, each by itself.</summary>
    public void Normalize(Normalizer normalizer)
    {
        if (Splits.Count == 1 && Splits[0].AddedToken < 0)
        {
            normalizer.Normalize(Text);
            Splits.Clear();
            if (Text.Length > 0)
                Splits.Add(new Split(0, Text.Length));
            return;
        }

        Rewrite((split, text) =>
        {
            _part.Load(text, split.Start, split.End);
            normalizer.Normalize(_part);
            text.AppendFrom(_part, 0, _part.Length);
        });
    }

    /// <summary>Writes every part that is not an added token anew.</summary>
    public void Rewrite(Action<Split, NormalizedString> write)
    {
        _spare.Clear();
        Text.BeginRewrite();
        foreach (Split split in Splits)
        {
            int start = Text.RewriteLength;
            if (split.AddedToken >= 0)
                Text.AppendCurrent(split.Start, split.End);
            else
                write(split, Text);
            if (Text.RewriteLength > start)
                _spare.Add(new Split(start, Text.RewriteLength, split.AddedToken));
        }

        Text.EndRewrite();
        (Splits, _spare) = (_spare, Splits);
    }
}
