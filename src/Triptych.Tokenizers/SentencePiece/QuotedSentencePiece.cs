using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>
/// Words as ALBERT's and BertJapanese's Python code hands them to a SentencePiece model: white space is one space, quotes made of two signs are
/// one, and a comma behind a digit is a piece of its own.
/// </summary>
internal sealed class QuotedSentencePiece(SentencePieceModel pieces, SentencePieceNormalizer normalizer) : TokenizerModel(pieces.Vocabulary)
{
    private readonly int _comma = pieces.Vocabulary.IdOf(",");

    public override string? ContinuingSubwordPrefix => null;

    public override int TextTokenId => pieces.TextTokenId;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        NormalizedString text = Quote(word);
        normalizer.Normalize(text);
        var found = new List<Piece>();
        pieces.Tokenize(text.Chars, found);
        foreach (Piece piece in found)
        {
            (int start, int end) = text.ToCharacters(piece.Start, piece.End, word);
            ReadOnlySpan<char> shown = text.Chars[piece.Start..piece.End];
            if (shown.Length > 1 && shown[^1] == ',' && EndsWithDigit(shown[..^1]))
                AppendNumber(shown[..^1], new TextRange(start, end), output);
            else
                output.Add(piece with { Start = start, End = end });
        }
    }

    private static bool EndsWithDigit(ReadOnlySpan<char> text) =>
        System.Text.Rune.DecodeLastFromUtf16(text, out System.Text.Rune last, out _) == System.Buffers.OperationStatus.Done && PythonText.IsDigit(last);

    private static NormalizedString Quote(ReadOnlySpan<char> word)
    {
        var text = new NormalizedString();
        text.Load(word);
        text.BeginRewrite();
        bool afterSpace = true;
        TextRange kept = PythonText.Stripped(text.Chars);
        for (int at = kept.Start; at < kept.End; at++)
        {
            char c = text.Chars[at];
            bool isSpace = PythonText.IsSpace(c);
            if (isSpace && !afterSpace)
                text.Append(' ', text.Origins[at]);
            if (c is '`' or '\'' && at + 1 < kept.End && text.Chars[at + 1] == c)
                text.Append('"', text.Origins[at++]);
            else if (!isSpace)
                text.Append(c, text.Origins[at]);
            afterSpace = isSpace;
        }

        text.EndRewrite();
        return text;
    }

    /// <summary>The digits anew, as a text of their own but for the mark that is put before it, and the comma.</summary>
    private void AppendNumber(ReadOnlySpan<char> number, TextRange place, List<Piece> output)
    {
        var digits = new NormalizedString();
        digits.Load(number.ToString().Replace(SentencePieceNormalizer.Mark.ToString(), "", StringComparison.Ordinal));
        normalizer.Normalize(digits);
        var found = new List<Piece>();
        pieces.Tokenize(digits.Chars, found);
        for (int i = 0; i < found.Count; i++)
        {
            Piece piece = found[i];
            ReadOnlySpan<char> shown = digits.Chars[piece.Start..piece.End];
            bool losesMark = i == 0 && number[0] != SentencePieceNormalizer.Mark && shown[0] == SentencePieceNormalizer.Mark;
            if (!losesMark)
                output.Add(new Piece(piece.Id, place.Start, place.End));
            else if (shown.Length > 1)
                output.Add(new Piece(IdOf(shown[1..]), place.Start, place.End));
        }

        output.Add(new Piece(_comma >= 0 ? _comma : pieces.TextTokenId, place.Start, place.End));
    }

    private int IdOf(ReadOnlySpan<char> piece) => pieces.Vocabulary.IdOf(piece) is >= 0 and int id ? id : pieces.TextTokenId;
}
