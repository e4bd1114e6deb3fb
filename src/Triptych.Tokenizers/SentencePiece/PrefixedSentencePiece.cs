using System.Text;
using Triptych.Tokenizers.Models;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>
/// SigLIP's texts: without capitals, punctuation and superfluous white space, then as the model normalizes them behind a prefix, which keeps
/// it from taking away the mark that the text begins with.
/// </summary>
internal sealed class CanonicalNormalizer(SentencePieceNormalizer rest, string prefix, bool lowercases) : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        if (text.Length == 0)
            return;
        bool isFirst = text.Origins[0] == 0;
        Clean(text, isFirst);
        TextRange kept = isFirst ? new TextRange(0, PythonText.Stripped(text.Chars).End) : PythonText.Stripped(text.Chars);
        int before = text.NothingBefore;
        text.BeginRewrite();
        text.Append(prefix, before);
        text.AppendCurrent(kept.Start, kept.End);
        text.EndRewrite();
        rest.Normalize(text);
    }

    private void Clean(NormalizedString text, bool isFirst)
    {
        // Marks in the text are spaces; that before it is one of the text's.
        string source = (isFirst ? "\u2581" : "") + text.Chars.ToString().Replace(SentencePieceNormalizer.Mark, ' ');
        int shift = isFirst ? 1 : 0;
        int before = text.NothingBefore;
        var lower = new StringBuilder();
        bool afterSpace = false;
        text.BeginRewrite();
        for (int at = 0, units; at < source.Length; at += units)
        {
            NormalizedString.CodePointAt(source, at, out units);
            int origin = at < shift ? before : text.Origins[at - shift];
            lower.Clear();
            if (lowercases)
                CaseMapping.AppendLower(lower, source, at);
            else
                lower.Append(source, at, units);
            foreach (ReadOnlyMemory<char> chunk in lower.GetChunks())
            {
                foreach (char c in chunk.Span)
                {
                    if (char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)))
                        continue;
                    bool isSpace = PythonText.IsSpace(c);
                    if (!isSpace || !afterSpace)
                        text.Append(isSpace ? ' ' : c, origin);
                    afterSpace = isSpace;
                }
            }
        }

        text.EndRewrite();
    }
}

/// <summary>GPT-SW3's texts: without control characters, and two more of those that look like spaces made some.</summary>
internal sealed class PrintableNormalizer : Normalizer
{
    private static readonly SequenceNormalizer Spaces = new([new ReplaceNormalizer(TextPattern.Literal("\u3000"), " "), new ReplaceNormalizer(TextPattern.Literal("\uFFFC"), " ")]);

    public override void Normalize(NormalizedString text)
    {
        text.Filter(static code => code is not (<= 8 or >= 11 and <= 31 or >= 127 and <= 160 or 0xAD or 0x200B));
        Spaces.Normalize(text);
    }
}

/// <summary>A SentencePiece model without the first pieces, which the prefix takes up.</summary>
internal sealed class PrefixedSentencePiece(SentencePieceModel pieces, int skipped) : TokenizerModel(pieces.Vocabulary)
{
    public override string? ContinuingSubwordPrefix => null;

    public override int TextTokenId => pieces.TextTokenId;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        int before = output.Count;
        pieces.Tokenize(word, output);
        if (output.Count - before >= skipped)
            output.RemoveRange(before, skipped);
    }
}

/// <summary>Decodes the pieces between special tokens, each run by itself, with a space before a special token behind a run.</summary>
internal sealed class SpacedDecoder(SentencePieceDecoder pieces, IReadOnlySet<string> special, bool strips) : Pipeline.Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var text = new StringBuilder();
        var run = new List<string>();
        bool afterSpecial = false;
        foreach (string token in tokens)
        {
            bool isSpecial = special.Contains(token);
            if (!isSpecial)
                run.Add(token);
            else
                text.Append(afterSpecial ? "" : " ").AppendJoin("", pieces.Decode(run)).Append(token);
            if (isSpecial)
                run.Clear();
            afterSpecial = isSpecial;
        }

        string decoded = text.AppendJoin("", pieces.Decode(run)).ToString();
        return [strips ? PythonText.Strip(decoded) : decoded];
    }
}
