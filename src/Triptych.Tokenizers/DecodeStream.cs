namespace Triptych.Tokenizers;

/// <summary>
/// Decodes one id after another for display: text comes out as soon as it is certain, and the bytes of a character are held
/// back until it is whole. Not for use by several threads at once.
/// </summary>
public sealed class DecodeStream
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly List<int> _ids = [];
    private string _prefix = "";
    private int _prefixCount;

    internal DecodeStream(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Takes the next id.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The text that it completes, or null where nothing is certain yet.</returns>
    public string? Step(int id)
    {
        if (_prefix.Length == 0 && _ids.Count > 0)
            SkipSilent();
        _ids.Add(id);
        string text = _tokenizer.DecodeTokens(_ids, _skipSpecialTokens);
        return text.Length <= _prefix.Length || text.EndsWith('\uFFFD') ? null : Advance(text);
    }

    /// <summary>The text that is still held back, at the end.</summary>
    public string Flush()
    {
        string text = _tokenizer.DecodeTokens(_ids, _skipSpecialTokens);
        return text.Length <= _prefix.Length ? "" : Advance(text);
    }

    // Ids that stand for no text, such as special tokens, need not be decoded again.
    private void SkipSilent()
    {
        string text = _tokenizer.DecodeTokens(_ids, _skipSpecialTokens);
        if (!text.EndsWith('\uFFFD'))
            (_prefix, _prefixCount) = (text, _ids.Count);
    }

    private string Advance(string text)
    {
        int common = text.AsSpan().CommonPrefixLength(_prefix);
        if (common > 0 && common < text.Length && char.IsLowSurrogate(text[common]))
            common--;
        // The ids of the last step stay, since how a token is spelled can depend on the one before it.
        _ids.RemoveRange(0, _prefixCount);
        _prefix = _tokenizer.DecodeTokens(_ids, _skipSpecialTokens);
        _prefixCount = _ids.Count;
        return text[common..];
    }
}
