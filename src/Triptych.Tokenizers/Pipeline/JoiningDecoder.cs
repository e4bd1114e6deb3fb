using System.Text;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>Puts tokens together as the classes do that work in Python.</summary>
/// <param name="shown">What a token is shown as.</param>
/// <param name="separator">What stands between two tokens.</param>
/// <param name="removed">What the text is cleared of when all are together; null for nothing.</param>
/// <param name="strips">Whether white space around the text is taken away.</param>
internal sealed class JoiningDecoder(Func<string, string>? shown = null, string separator = "", string? removed = null, bool strips = false) : Decoder
{
    /// <summary>Words in pieces, whose mark of a space SentencePiece puts.</summary>
    public static JoiningDecoder Marks() => new(token => token.Replace('\u2581', ' '), strips: true);

    /// <summary>Words in pieces that all but the last end with <c>@@</c>.</summary>
    public static JoiningDecoder Continued() => new(separator: " ", removed: "@@ ", strips: true);

    public override List<string> Decode(List<string> tokens)
    {
        var text = new StringBuilder();
        for (int i = 0; i < tokens.Count; i++)
            text.Append(i == 0 ? "" : separator).Append(shown is null ? tokens[i] : shown(tokens[i]));
        string joined = removed is null ? text.ToString() : text.Replace(removed, "").ToString();
        return [strips ? PythonText.Strip(joined) : joined];
    }
}
