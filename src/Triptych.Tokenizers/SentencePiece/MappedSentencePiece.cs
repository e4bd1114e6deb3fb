using System.Text;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>
/// A SentencePiece model whose pieces get their ids from another vocabulary, as Marian and M2M-100 have them. A language such as
/// <c>&gt;&gt;fra&lt;&lt;</c> at the beginning of a text is a token of its own. What ids mean may be said by a third vocabulary.
/// </summary>
internal sealed class MappedSentencePiece : TokenizerModel
{
    private readonly SentencePieceModel _pieces;
    private readonly Vocabulary _encoder;
    private readonly int[] _ids;
    private readonly int _unknown;
    private readonly bool _takesLanguage;

    public MappedSentencePiece(SentencePieceModel pieces, Vocabulary encoder, Vocabulary decoder, int unknown, bool takesLanguage)
        : base(decoder)
    {
        (_pieces, _encoder, _unknown, _takesLanguage) = (pieces, encoder, unknown, takesLanguage);
        _ids = new int[pieces.Vocabulary.IdLimit];
        for (int id = 0; id < _ids.Length; id++)
            _ids[id] = IdOrUnknown(pieces.Vocabulary.TokenOf(id));
    }

    public override string? ContinuingSubwordPrefix => null;

    public override int TextTokenId => _unknown;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int start = _takesLanguage ? LanguageEnd(word) : 0;
        if (start > 0)
            output.Add(new Piece(IdOrUnknown(word[..start]), 0, start));
        int before = output.Count;
        _pieces.Tokenize(word[start..], output);
        for (int i = before; i < output.Count; i++)
        {
            Piece piece = output[i];
            (int from, int to) = (start + piece.Start, start + piece.End);
            output[i] = new Piece(piece.Id == _pieces.TextTokenId ? IdOrUnknown(word[from..to]) : _ids[piece.Id], from, to);
        }
    }

    /// <summary>Where a language at the beginning of a text ends, or 0.</summary>
    public static int LanguageEnd(ReadOnlySpan<char> text)
    {
        int end = text.StartsWith(">>", StringComparison.Ordinal) ? text.IndexOf("<<", StringComparison.Ordinal) : -1;
        return end < 0 ? 0 : end + 2;
    }

    private int IdOrUnknown(ReadOnlySpan<char> piece) => _encoder.IdOf(piece) is >= 0 and int id ? id : _unknown;
}

/// <summary>Leaves a language at the beginning as it is, and normalizes what follows.</summary>
internal sealed class LanguageNormalizer(SentencePieceNormalizer rest) : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        int end = MappedSentencePiece.LanguageEnd(text.Chars);
        if (end == 0)
        {
            rest.Normalize(text);
            return;
        }

        var part = new NormalizedString();
        part.Load(text, end, text.Length);
        rest.Normalize(part);
        text.BeginRewrite();
        text.AppendCurrent(0, end);
        text.AppendFrom(part, 0, part.Length);
        text.EndRewrite();
    }
}

/// <summary>Decodes the pieces between special tokens, each run by itself.</summary>
internal sealed class MappedDecoder(SentencePieceDecoder pieces, IReadOnlySet<string> special, bool marian) : Pipeline.Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        string decoded = Join(tokens, special, run => string.Concat(pieces.Decode(run)), marian ? " " : "");
        return [(marian ? decoded.Replace(SentencePieceNormalizer.Mark, ' ') : decoded).Trim()];
    }

    /// <summary>Joins special tokens, as they are, with what the runs of others between them become.</summary>
    /// <param name="tokens">All tokens.</param>
    /// <param name="special">Those that are special.</param>
    /// <param name="decode">Decodes a run, which may be empty.</param>
    /// <param name="behind">What follows each special token.</param>
    public static string Join(List<string> tokens, IReadOnlySet<string> special, Func<List<string>, string> decode, string behind)
    {
        var text = new StringBuilder();
        var run = new List<string>();
        foreach (string token in tokens)
        {
            if (!special.Contains(token))
            {
                run.Add(token);
                continue;
            }

            text.Append(decode(run)).Append(token).Append(behind);
            run.Clear();
        }

        return text.Append(decode(run)).ToString();
    }
}

/// <summary>Decodes the pieces between special tokens, each run by itself, with a space behind each special token.</summary>
internal sealed class TranscriptDecoder(SentencePieceDecoder pieces, IReadOnlySet<string> special, bool uppercases) : Pipeline.Decoder
{
    public override List<string> Decode(List<string> tokens) => [PythonText.Strip(MappedDecoder.Join(tokens, special, DecodeRun, " "))];

    private string DecodeRun(List<string> run)
    {
        string text = string.Concat(pieces.Decode(run));
        return uppercases ? CaseMapping.Upper(text) : text;
    }
}
