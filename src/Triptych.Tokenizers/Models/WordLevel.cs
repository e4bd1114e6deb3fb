namespace Triptych.Tokenizers.Models;

/// <summary>Whole words: each is a token or unknown.</summary>
internal sealed class WordLevel(Vocabulary vocabulary, string unknownToken) : TokenizerModel(vocabulary)
{
    private readonly UnknownToken _unknown = new(vocabulary, unknownToken);

    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int id = Vocabulary.IdOf(word);
        output.Add(new Piece(id >= 0 ? id : _unknown.Id, 0, word.Length));
    }
}
