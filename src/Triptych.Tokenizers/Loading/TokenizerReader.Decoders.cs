using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>The decoders of a tokenizer.json.</summary>
internal static partial class TokenizerReader
{
    private static Decoder ReadDecoder(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "ByteLevel" => new ByteLevelDecoder(),
        "WordPiece" => new WordPieceDecoder(json.OptionalString("prefix") ?? "##", json.Bool("cleanup", true)),
        "BPEDecoder" => new BpeDecoder(json.OptionalString("suffix") ?? "</w>"),
        "CTC" => new CtcDecoder(json.OptionalString("pad_token") ?? "<pad>", json.OptionalString("word_delimiter_token") ?? "|",
            json.Bool("cleanup", true)),
        "Fuse" => new FuseDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Metaspace" => new MetaspaceDecoder(ReadReplacement(json), ReadPrependScheme(json) != PrependScheme.Never),
        "Replace" => new ReplaceDecoder(ReadPattern(json.Required("pattern")), json.Required("content").AsString()),
        "Strip" => new StripDecoder(ReadCharacter(json.Required("content")), json.Int("start", 0), json.Int("stop", 0)),
        "Sequence" => new SequenceDecoder([.. json.Required("decoders").Items().Select(part => ReadDecoder(part, depth + 1))]),
        string type => throw json.Fail($"unknown decoder type \"{type}\""),
    };
}
