using System.Text;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.SentencePiece;

/// <summary>SentencePiece's way back: marks become spaces, bytes characters, and what was put before the text is taken away.</summary>
internal sealed class SentencePieceDecoder : Pipeline.Decoder
{
    private readonly Dictionary<string, PieceType> _types = new(StringComparer.Ordinal);
    private readonly SentencePieceRules _rules;
    private readonly string _unknownSurface;
    private readonly Normalizer? _denormalizer;

    public SentencePieceDecoder(SentencePieceFile file, Normalizer? denormalizer)
    {
        (_rules, _unknownSurface, _denormalizer) = (file.Normalizer, file.Training.UnkSurface, denormalizer);
        // Where a piece of text has the name of another token, that one is meant.
        foreach (SentencePieceEntry piece in file.Pieces.OrderBy(piece => piece.Type is PieceType.Unknown or PieceType.Control or PieceType.Byte))
            _types[piece.Text] = piece.Type is PieceType.Unknown or PieceType.Control or PieceType.Byte ? piece.Type : PieceType.Normal;
    }

    public override List<string> Decode(List<string> tokens)
    {
        var text = new StringBuilder();
        var bytes = new List<byte>();
        bool atStart = true;
        bool prefixSeen = false;
        foreach (string token in tokens)
        {
            // What is no piece comes out as it is.
            PieceType type = _types.GetValueOrDefault(token, PieceType.Unused);
            if (type == PieceType.Byte)
            {
                bytes.Add(ByteFallbackDecoder.ByteOf(token)!.Value);
                continue;
            }

            Flush(bytes, text);
            atStart &= !prefixSeen && text.Length == 0;
            string piece = type switch
            {
                PieceType.Control => "",
                PieceType.Unknown => _unknownSurface,
                _ => token,
            };
            prefixSeen = false;
            if (type == PieceType.Normal && atStart && (_rules.AddDummyPrefix || _rules.RemoveExtraWhitespaces)
                && piece[0] == SentencePieceNormalizer.Mark)
            {
                piece = piece[1..];
                // Where extra white space is removed, more of it is taken away.
                prefixSeen = !_rules.RemoveExtraWhitespaces;
            }

            text.Append(type == PieceType.Normal ? piece.Replace(SentencePieceNormalizer.Mark, ' ') : piece);
        }

        Flush(bytes, text);
        string decoded = text.ToString();
        return [_denormalizer is null ? decoded : _denormalizer.Normalize(decoded)];
    }

    private static void Flush(List<byte> bytes, StringBuilder text)
    {
        ReadOnlySpan<byte> rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        while (!rest.IsEmpty)
        {
            // What is no character is taken byte by byte.
            bool valid = Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == System.Buffers.OperationStatus.Done;
            text.Append(rune);
            rest = rest[(valid ? length : 1)..];
        }

        bytes.Clear();
    }
}
