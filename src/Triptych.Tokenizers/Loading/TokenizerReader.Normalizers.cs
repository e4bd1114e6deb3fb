using Triptych.Tokenizers.Patterns;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>The normalizers of a tokenizer.json.</summary>
internal static partial class TokenizerReader
{
    private static Normalizer ReadNormalizer(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "BertNormalizer" => new BertNormalizer(
            json.Bool("clean_text", true), json.Bool("handle_chinese_chars", true),
            json.Bool("strip_accents", json.Bool("lowercase", true)), json.Bool("lowercase", true)),
        "Lowercase" => new LowercaseNormalizer(),
        "NFC" => new UnicodeNormalizer(compose: true, compatible: false),
        "NFD" => new UnicodeNormalizer(compose: false, compatible: false),
        "NFKC" => new UnicodeNormalizer(compose: true, compatible: true),
        "NFKD" => new UnicodeNormalizer(compose: false, compatible: true),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(json.Bool("strip_left", true), json.Bool("strip_right", true)),
        "Prepend" => new PrependNormalizer(json.Required("prepend").AsString()),
        "Replace" => new ReplaceNormalizer(ReadPattern(json.Required("pattern")), json.Required("content").AsString()),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Precompiled" => ReadPrecompiled(json),
        "Nmt" => new NmtNormalizer(),
        "Sequence" => new SequenceNormalizer(
            [.. json.Required("normalizers").Items().Select(part => ReadNormalizer(part, depth + 1))]),
        string type => throw json.Fail($"unknown normalizer type \"{type}\""),
    };

    /// <summary>A plain string or a regular expression; old files have the string alone.</summary>
    private static TextPattern ReadPattern(JsonValue json)
    {
        if (json.IsString)
            return TextPattern.Literal(json.AsString());
        if (json.OptionalString("String") is string literal)
            return TextPattern.Literal(literal);
        JsonValue regex = json.Required("Regex");
        return TextPattern.Regex(ReadRegex(regex));
    }

    private static Pattern ReadRegex(JsonValue json)
    {
        try
        {
            return new Pattern(json.AsString());
        }
        catch (PatternException e)
        {
            throw json.Fail($"the pattern cannot be used: {e.Message}");
        }
    }
}
