using Triptych.Tokenizers.SentencePiece;

namespace Triptych.Tokenizers.Loading;

/// <summary>A tokenizer in one file; what kind it is shows its content.</summary>
internal static class SingleFile
{
    public static TokenizerFiles Read(string path, byte[] content)
    {
        ReadOnlySpan<byte> text = content;
        text = text.StartsWith("\uFEFF"u8) ? text[3..] : text;
        // Protobuf begins with the number of a field and its kind, a byte below any visible character.
        bool json = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || text.IsEmpty || text.TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..];
        if (json)
            return Path.GetFileName(path) == TekkenFile.Name || TekkenFile.IsOne(text) ? TekkenFile.Load(path, content) : new TokenizerFiles(path, content);
        return TiktokenFile.IsOne(text) ? TiktokenFile.Load(path, content) : ReadSentencePiece(path, content);
    }

    private static TokenizerFiles ReadSentencePiece(string path, byte[] content)
    {
        SentencePieceFile file = SentencePieceFile.Read(content, path);
        return new TokenizerFiles(path, SentencePieceReader.Read(file), SentencePieceReader.SpecialTokensOf(file), [(Path.GetFileName(path), content)]);
    }
}
