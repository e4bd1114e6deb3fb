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
        string text = PythonText.Strip(string.Concat(Runs(tokens).Select(run => run.Text)));
        return [lowercases ? CaseMapping.Lower(text) : text];
    }

    /// <summary>The text, what it is made of, and its words, with their places among the tokens.</summary>
    public CtcTranscript Transcribe(List<string> tokens)
    {
        CtcSpan[] characters = [.. Runs(tokens)];
        return new CtcTranscript(Decode(tokens)[0], characters, [.. Words(characters)]);
    }

    private IEnumerable<CtcSpan> Runs(List<string> tokens)
    {
        for (int start = 0, end; start < tokens.Count; start = end)
        {
            string token = tokens[start];
            for (end = start + 1; end < tokens.Count && tokens[end] == token;)
                end++;
            if (token != blank)
                yield return new CtcSpan(token == delimiter ? shownDelimiter : token, start, end);
        }
    }

    private IEnumerable<CtcSpan> Words(CtcSpan[] characters)
    {
        for (int first = 0, next; first < characters.Length; first = next)
        {
            bool isWord = characters[first].Text != shownDelimiter;
            for (next = first + 1; next < characters.Length && characters[next].Text != shownDelimiter == isWord;)
                next++;
            if (isWord)
                yield return new CtcSpan(string.Concat(characters[first..next].Select(one => one.Text)), characters[first].Start, characters[next - 1].End);
        }
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
