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

internal sealed class ReplaceDecoder(TextPattern pattern, string content) : Decoder
{
    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(token => pattern.Replace(token, content));
}

/// <summary>Joins the original byte-pair encoding's tokens: the suffix that ends words becomes a space, save at the very end.</summary>
internal sealed class BpeDecoder(string suffix) : Decoder
{
    private readonly TextPattern _suffix = TextPattern.Literal(suffix);

    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => _suffix.Replace(token, i == tokens.Count - 1 ? "" : " "))];
}

/// <summary>
/// Connectionist temporal classification (Graves et al., 2006): repeated tokens count once, padding not at all, and the delimiter is
/// a space.
/// </summary>
internal sealed class CtcDecoder(string padToken, string delimiter, bool cleanUp) : Decoder
{
    private readonly TextPattern _padding = TextPattern.Literal(padToken);
    private readonly TextPattern _delimiter = TextPattern.Literal(delimiter);

    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        for (int i = 0; i < tokens.Count; i++)
        {
            if (i > 0 && tokens[i] == tokens[i - 1])
                continue;
            string text = _padding.Replace(tokens[i], "");
            if (cleanUp)
                text = _delimiter.Replace(WordPieceDecoder.CleanUpAll(text), " ");
            if (text.Length > 0)
                output.Add(text);
        }

        return output;
    }
}

/// <summary>Takes a character off the beginning and end of tokens, so many times at most.</summary>
internal sealed class StripDecoder(string content, int start, int stop) : Decoder
{
    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(Strip);

    private string Strip(string token)
    {
        ReadOnlySpan<char> rest = token;
        for (int i = 0; i < start && rest.StartsWith(content, StringComparison.Ordinal); i++)
            rest = rest[content.Length..];
        for (int i = 0; i < stop && rest.EndsWith(content, StringComparison.Ordinal); i++)
            rest = rest[..^content.Length];
        return rest.Length == token.Length ? token : rest.ToString();
    }
}

/// <summary>Turns runs of tokens such as <c>&lt;0xE2&gt;</c> into the characters whose bytes they are, into U+FFFD each where they are none.</summary>
internal sealed class ByteFallbackDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            if (ByteOf(token) is byte value)
            {
                bytes.Add(value);
                continue;
            }

            Flush(bytes, output);
            output.Add(token);
        }

        Flush(bytes, output);
        return output;
    }

    /// <summary>The byte of a token's name, or null.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(token[3] == '+' ? 4 : 3, token[3] == '+' ? 1 : 2),
            System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte value) ? value : null;

    private static void Flush(List<byte> bytes, List<string> output)
    {
        if (bytes.Count == 0)
            return;
        ReadOnlySpan<byte> run = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        if (System.Text.Unicode.Utf8.IsValid(run))
            output.Add(System.Text.Encoding.UTF8.GetString(run));
        else
            output.AddRange(Enumerable.Repeat("\uFFFD", run.Length));
        bytes.Clear();
    }
}

/// <summary>Undoes <see cref="MetaspacePreTokenizer"/>: the first token loses the mark that was put before the text.</summary>
internal sealed class MetaspaceDecoder(string replacement, bool prepended) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => token.Replace(replacement, i == 0 && prepended ? "" : " ", StringComparison.Ordinal))];
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
            output.Add(cleanUp ? CleanUpAll(text) : text);
        }

        return output;
    }

    /// <summary>The same as <see cref="CleanUp"/>, and one contraction more.</summary>
    public static string CleanUpAll(string text) => CleanUp(text).Replace(" do not", " don't", StringComparison.Ordinal);

    /// <summary>Takes out spaces before punctuation and English contractions, as transformers does.</summary>
    public static string CleanUp(string text) => text.Contains(' ')
        ? new StringBuilder(text).Replace(" .", ".").Replace(" ?", "?").Replace(" !", "!").Replace(" ,", ",").Replace(" ' ", "'")
            .Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" 's", "'s")
            .Replace(" 've", "'ve").Replace(" 're", "'re").ToString()
        : text;
}
