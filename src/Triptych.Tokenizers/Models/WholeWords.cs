using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Models;

/// <summary>Words that have an id of their own, whatever a model makes of others.</summary>
internal sealed class WholeWords(IReadOnlyDictionary<string, int> whole, TokenizerModel rest) : TokenizerModel(rest.Vocabulary)
{
    public override string? ContinuingSubwordPrefix => rest.ContinuingSubwordPrefix;

    public override int TextTokenId => rest.TextTokenId;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        if (whole.TryGetValue(word.ToString(), out int id))
            output.Add(new Piece(id, 0, word.Length));
        else
            rest.Tokenize(word, output);
    }
}

/// <summary>A model whose words are normalized each by itself.</summary>
internal sealed class NormalizedWords(Normalizer normalizer, TokenizerModel rest) : TokenizerModel(rest.Vocabulary)
{
    public override string? ContinuingSubwordPrefix => rest.ContinuingSubwordPrefix;

    public override int TextTokenId => rest.TextTokenId;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        var normalized = new NormalizedString();
        normalized.Load(word);
        normalizer.Normalize(normalized);
        int before = output.Count;
        rest.Tokenize(normalized.Chars, output);
        for (int i = before; i < output.Count; i++)
        {
            (int start, int end) = normalized.ToCharacters(output[i].Start, output[i].End, word);
            output[i] = output[i] with { Start = start, End = end };
        }
    }
}
