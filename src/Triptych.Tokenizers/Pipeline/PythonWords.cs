using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>Cuts at white space as Python does, and leaves it out.</summary>
/// <param name="takesLineBreak">Whether a line feed right behind a word belongs to it.</param>
/// <param name="ofRegex">Whether white space is Unicode's, as the package regex has it, without Python's four control characters.</param>
internal sealed class PythonWords(bool takesLineBreak, bool ofRegex = false) : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        for (int at = 0; at < text.Length; at++)
        {
            if (IsSpace(text[at]))
                continue;
            int start = at;
            while (at < text.Length && !IsSpace(text[at]))
                at++;
            at += takesLineBreak && at < text.Length && text[at] == '\n' ? 1 : 0;
            output.Add(new Split(offset + start, offset + at));
            // The loop goes on behind the word, which may be another's beginning.
            at--;
        }
    }

    private bool IsSpace(char c) => ofRegex ? char.IsWhiteSpace(c) : PythonText.IsSpace(c);
}
