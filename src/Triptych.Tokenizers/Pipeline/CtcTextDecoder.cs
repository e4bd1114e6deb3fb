using System.Text;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>
/// Wav2Vec2's way back: of repeated tokens one, without the blank between those that do repeat, and a delimiter between words.
/// </summary>
internal sealed class CtcTextDecoder(string blank, string delimiter, string shownDelimiter, bool lowercases) : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var text = new StringBuilder();
        for (int i = 0; i < tokens.Count; i++)
        {
            if ((i == 0 || tokens[i] != tokens[i - 1]) && tokens[i] != blank)
                text.Append(tokens[i] == delimiter ? shownDelimiter : tokens[i]);
        }

        string stripped = PythonText.Strip(text.ToString());
        return [lowercases ? CaseMapping.Lower(stripped) : stripped];
    }
}

/// <summary>Upper case with every character that it makes, as Python has it.</summary>
internal sealed class UppercaseNormalizer : Normalizer
{
    public override void Normalize(NormalizedString text)
    {
        var upper = new StringBuilder();
        text.BeginRewrite();
        for (int at = 0, units; at < text.Length; at += units)
        {
            var rune = new Rune(NormalizedString.CodePointAt(text.Chars, at, out units));
            upper.Clear();
            CaseMapping.AppendUpper(upper, rune);
            foreach (ReadOnlyMemory<char> chunk in upper.GetChunks())
            {
                foreach (char c in chunk.Span)
                    text.Append(c, text.Origins[at]);
            }
        }

        text.EndRewrite();
    }
}
