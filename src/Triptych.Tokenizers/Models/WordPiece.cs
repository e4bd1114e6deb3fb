namespace Triptych.Tokenizers.Models;

/// <summary>
/// WordPiece: the longest token that the word starts with, then the longest continuation, and so on; a word that cannot be
/// covered is unknown as a whole (Schuster and Nakajima, 2012; Devlin et al., 2018).
/// </summary>
internal sealed class WordPiece : TokenizerModel
{
    private readonly Vocabulary _continuations;
    private readonly UnknownToken _unknown;
    private readonly int _maxChars;

    public WordPiece(
        Vocabulary vocabulary, string unknownToken, string prefix, int maxCharsPerWord, Func<string, Exception> refuse)
        : base(vocabulary)
    {
        _unknown = new UnknownToken(vocabulary, unknownToken);
        _maxChars = maxCharsPerWord;
        ContinuingSubwordPrefix = prefix;
        var continuations = new List<(string, int)>();
        for (int id = 0; id < vocabulary.IdLimit; id++)
        {
            if (vocabulary.TokenOf(id) is string token && token.StartsWith(prefix, StringComparison.Ordinal))
                continuations.Add((token[prefix.Length..], id));
        }

        _continuations = new Vocabulary(continuations, refuse);
    }

    public override string? ContinuingSubwordPrefix { get; }

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        if (word.Length > _maxChars && CountChars(word) > _maxChars)
        {
            output.Add(new Piece(_unknown.Id, 0, word.Length));
            return;
        }

        for (int start = 0; start < word.Length;)
        {
            Vocabulary vocabulary = start == 0 ? Vocabulary : _continuations;
            int end = Math.Min(word.Length, start + vocabulary.MaxTokenLength);
            int id = -1;
            for (; end > start; end--)
            {
                if (end < word.Length && char.IsLowSurrogate(word[end]))
                    continue;
                id = vocabulary.IdOf(word[start..end]);
                if (id >= 0)
                    break;
            }

            if (id < 0)
            {
                output.RemoveRange(before, output.Count - before);
                output.Add(new Piece(_unknown.Id, 0, word.Length));
                return;
            }

            output.Add(new Piece(id, start, end));
            start = end;
        }
    }

    private static int CountChars(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        foreach (char c in text)
            count -= char.IsLowSurrogate(c) ? 1 : 0;
        return count;
    }
}
