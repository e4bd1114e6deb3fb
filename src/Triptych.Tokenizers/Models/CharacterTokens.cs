using System.Text;

namespace Triptych.Tokenizers.Models;

/// <summary>Each character is a token or unknown.</summary>
internal sealed class CharacterTokens(Vocabulary vocabulary, string unknownToken) : TokenizerModel(vocabulary)
{
    private readonly UnknownToken _unknown = new(vocabulary, unknownToken);

    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        for (int at = 0, units; at < word.Length; at += units)
        {
            Rune.DecodeFromUtf16(word[at..], out _, out units);
            int id = Vocabulary.IdOf(word.Slice(at, units));
            output.Add(new Piece(id >= 0 ? id : _unknown.Id, at, at + units));
        }
    }
}
