using System.Text;

namespace Triptych.Tokenizers.Models;

/// <summary>The bytes of a text in UTF-8 as tokens, as ByT5 has them (Xue et al., 2021): behind so many other tokens, in their order.</summary>
internal sealed class ByteTokens(Vocabulary vocabulary, int first) : TokenizerModel(vocabulary)
{
    public override string? ContinuingSubwordPrefix => null;

    public override void Tokenize(ReadOnlySpan<char> word, List<Piece> output)
    {
        Span<byte> bytes = stackalloc byte[4];
        for (int at = 0, units; at < word.Length; at += units)
        {
            Rune.DecodeFromUtf16(word[at..], out Rune rune, out units);
            int count = rune.EncodeToUtf8(bytes);
            foreach (byte value in bytes[..count])
                output.Add(new Piece(first + value, at, at + units));
        }
    }
}
