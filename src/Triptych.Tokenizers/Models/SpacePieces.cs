namespace Triptych.Tokenizers.Models;

/// <summary>Byte-level pieces of which a space alone is a token of its own.</summary>
internal sealed class SpacePieces(TokenizerModel rest, int space) : TokenizerModel(rest.Vocabulary)
{
    /// <summary>A space as byte-level vocabularies show it.</summary>
    private const char Shown = '\u0120';

    public override string? ContinuingSubwordPrefix => rest.ContinuingSubwordPrefix;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        rest.Tokenize(word, output);
        for (int i = before; i < output.Count; i++)
        {
            Piece piece = output[i];
            if (piece.End - piece.Start == 1 && word[piece.Start] == Shown)
                output[i] = piece with { Id = space };
        }
    }
}
