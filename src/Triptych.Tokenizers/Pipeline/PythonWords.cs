using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>Cuts at what Python calls white space, and leaves it out.</summary>
/// <param name="takesLineBreak">Whether a line feed right behind a word belongs to it.</param>
internal sealed class PythonWords(bool takesLineBreak) : PreTokenizer
{
    public override void PreTokenize(PreTokenizedString text) => text.Split(Cut);

    private void Cut(ReadOnlySpan<char> text, int offset, List<Split> output)
    {
        for (int at = 0; at < text.Length; at++)
        {
            if (PythonText.IsSpace(text[at]))
                continue;
            int start = at;
            while (at < text.Length && !PythonText.IsSpace(text[at]))
                at++;
            at += takesLineBreak && at < text.Length && text[at] == '\n' ? 1 : 0;
            output.Add(new Split(offset + start, offset + at));
            // The loop goes on behind the word, which may be another's beginning.
            at--;
        }
    }
}
