using System.Text;

namespace Triptych.Tokenizers.Models;

/// <summary>Each character is a token or unknown, as VITS has them: with a blank before, between and behind them, if there is one.</summary>
internal sealed class SpelledTokens(Vocabulary vocabulary, int unknown, int? blank) : TokenizerModel(vocabulary)
{
    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int last = 0;
        for (int at = 0, units; at < word.Length; at += units)
        {
            Rune.DecodeFromUtf16(word[at..], out _, out units);
            if (blank is int id)
                output.Add(new Piece(id, at, at + units));
            output.Add(new Piece(Vocabulary.IdOf(word.Slice(at, units)) is >= 0 and int known ? known : unknown, at, at + units));
            last = at;
        }

        if (blank is int end && word.Length > 0)
            output.Add(new Piece(end, last, word.Length));
    }
}
