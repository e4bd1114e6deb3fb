using System.Buffers;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>Finds added tokens, leftmost and longest first: first in the original text, then in the normalized one.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<int, string> _normalizedContents = [];
    private readonly Dictionary<string, AddedToken> _byContent = new(StringComparer.Ordinal);
    private readonly HashSet<string> _special = new(StringComparer.Ordinal);
    private readonly TokenTrie _plain = new();
    private readonly TokenTrie _normalized = new();

    private readonly bool _ofPython;

    /// <param name="tokens">The tokens.</param>
    /// <param name="normalizer">What normalizes the texts, and those of the tokens that are looked for in normalized ones.</param>
    /// <param name="isFound">Whether one is looked for in texts; null for all.</param>
    /// <param name="ofPython">Whether white space around them is what Python calls so, which has four control characters more.</param>
    public AddedVocabulary(IEnumerable<AddedToken> tokens, Normalizer? normalizer, Func<AddedToken, bool>? isFound = null, bool ofPython = false)
    {
        _ofPython = ofPython;
        foreach (AddedToken token in tokens)
        {
            _byId[token.Id] = token;
            _byContent[token.Content] = token;
            if (token.Special)
                _special.Add(token.Content);
        }

        // In Python two tokens may have the same id.
        foreach (AddedToken token in ofPython ? _byContent.Values : (IEnumerable<AddedToken>)_byId.Values)
        {
            if (isFound?.Invoke(token) is false)
                continue;
            string content = token.Content;
            if (token.Normalized && normalizer is not null)
            {
                content = normalizer.Normalize(content);
                if (content != token.Content)
                    _normalizedContents[token.Id] = content;
            }

            (token.Normalized ? _normalized : _plain).Add(content, token.Id);
        }

        if (normalizer is not null && !_normalized.IsEmpty)
        {
            NormalizedSigns = FindSigns();
            SignsAreKnown = NormalizedSigns is not null;
        }

        _plain.Freeze();
        _normalized.Freeze();
    }

    public IEnumerable<AddedToken> Tokens => _byId.Values.OrderBy(token => token.Id);

    public int MaxId => _byId.Count == 0 ? -1 : _byId.Keys.Max();

    public AddedToken? Find(string content) => _byContent.GetValueOrDefault(content);

    public AddedToken? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>The text that decoding starts from: normalized, as it was found.</summary>
    public string? TokenOf(int id) => _byId.TryGetValue(id, out AddedToken? token)
        ? _normalizedContents.GetValueOrDefault(id, token.Content) : null;

    public bool IsSpecial(string token) => _special.Contains(token);

    /// <summary>
    /// A sign of each token that is looked for in normalized text, such as its <c>&lt;</c>: where a normalizer leaves signs alone, a text
    /// without any of them has no such token. Null where there are none, or one without a sign.
    /// </summary>
    public SearchValues<char>? NormalizedSigns { get; }

    /// <summary>Whether there is no token for normalized text that could stand in a text unseen.</summary>
    public bool SignsAreKnown { get; } = true;

    /// <summary>Whether the text has any added token in it; where there is no normalizer, those for the normalized text too.</summary>
    public bool Occurs(ReadOnlySpan<char> text) => _plain.OccursIn(text) || _normalized.OccursIn(text);

    /// <summary>Cuts a text at added tokens, for tokenizers without a normalizer or without tokens for normalized texts.</summary>
    public void Extract(ReadOnlySpan<char> text, List<Split> output)
    {
        output.Clear();
        Extract(_plain, text, 0, output);
        if (_normalized.IsEmpty)
            return;
        Split[] parts = [.. output];
        output.Clear();
        foreach (Split part in parts)
        {
            if (part.AddedToken >= 0)
                output.Add(part);
            else
                Extract(_normalized, text[part.Start..part.End], part.Start, output);
        }
    }

    /// <summary>Cuts added tokens out and normalizes what is left.</summary>
    public void ExtractAndNormalize(PreTokenizedString text, Normalizer? normalizer)
    {
        if (!_plain.IsEmpty)
            text.Split((part, offset, output) => Extract(_plain, part, offset, output));
        if (normalizer is not null)
            text.Normalize(normalizer);
        if (!_normalized.IsEmpty)
            text.Split((part, offset, output) => Extract(_normalized, part, offset, output));
    }

    private SearchValues<char>? FindSigns()
    {
        var signs = new HashSet<char>();
        foreach (AddedToken token in _byId.Values.Where(token => token.Normalized))
        {
            string content = _normalizedContents.GetValueOrDefault(token.Id, token.Content);
            int sign = Array.FindIndex(content.ToCharArray(), c => char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)));
            if (sign < 0)
                return null;
            signs.Add(content[sign]);
        }

        return SearchValues.Create([.. signs]);
    }

    private void Extract(TokenTrie trie, ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        int done = 0;
        var search = new TokenTrie.Search(text.Length);
        for (int at = 0; trie.FindNext(text, at, ref search, out int start, out int end, out int id); at = end)
        {
            int stop = end;
            AddedToken token = _byId[id];
            if (token.SingleWord && (start > 0 && IsWordBefore(text, start) || stop < text.Length && IsWordAt(text, stop)))
                continue;
            if (token.RStrip)
            {
                while (stop < text.Length && IsWhite(text[stop]))
                    stop++;
            }

            if (token.LStrip)
            {
                while (start > done && IsWhite(text[start - 1]))
                    start--;
                start = Math.Max(start, done);
            }

            // White space that an earlier token swallowed may be a token too: it then belongs to both, unless this one looks to its left.
            if (done < start)
                output.Add(new Split(offset + done, offset + start));
            if (start < stop)
                output.Add(new Split(offset + start, offset + stop, id));
            done = Math.Max(start, stop);
        }

        if (done < text.Length)
            output.Add(new Split(offset + done, offset + text.Length));
    }

    private static bool IsWordAt(ReadOnlySpan<char> text, int at) =>
        UnicodeData.Is(NormalizedString.CodePointAt(text, at, out _), CharClass.Word);

    private static bool IsWordBefore(ReadOnlySpan<char> text, int at)
    {
        int start = at >= 2 && char.IsSurrogatePair(text[at - 2], text[at - 1]) ? at - 2 : at - 1;
        return IsWordAt(text, start);
    }

    private bool IsWhite(char c) => UnicodeData.Is(c, CharClass.White) || _ofPython && c is >= '\x1c' and <= '\x1f';
}
