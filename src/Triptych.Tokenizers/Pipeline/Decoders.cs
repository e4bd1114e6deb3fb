using System.Text;

namespace Triptych.Tokenizers.Pipeline;

/// <summary>The way back: from tokens to text. The pieces are joined at the end.</summary>
internal abstract class Decoder
{
    public abstract List<string> Decode(List<string> tokens);
}

internal sealed class SequenceDecoder(Decoder[] parts) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        parts.Aggregate(tokens, (current, part) => part.Decode(current));
}

internal sealed class FuseDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}

internal sealed class ByteLevelDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>(tokens.Sum(token => token.Length));
        foreach (string token in tokens)
        {
            int before = bytes.Count;
            foreach (char c in token)
            {
                int value = ByteAlphabet.ByteOf(c);
                if (value < 0)
                {
                    bytes.RemoveRange(before, bytes.Count - before);
                    bytes.AddRange(System.Text.Encoding.UTF8.GetBytes(token));
                    break;
                }

                bytes.Add((byte)value);
            }
        }

        return [System.Text.Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes))];
    }
}

internal sealed class WordPieceDecoder(string prefix, bool cleanUp) : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        foreach (string token in tokens)
        {
            string text = output.Count == 0 ? token
                : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
            output.Add(cleanUp ? CleanUp(text).Replace(" do not", " don't", StringComparison.Ordinal) : text);
        }

        return output;
    }

    /// <summary>Takes out spaces before punctuation and English contractions, as transformers does.</summary>
    public static string CleanUp(string text) => text.Contains(' ')
        ? new StringBuilder(text).Replace(" .", ".").Replace(" ?", "?").Replace(" !", "!").Replace(" ,", ",").Replace(" ' ", "'")
            .Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" 's", "'s")
            .Replace(" 've", "'ve").Replace(" 're", "'re").ToString()
        : text;
}
