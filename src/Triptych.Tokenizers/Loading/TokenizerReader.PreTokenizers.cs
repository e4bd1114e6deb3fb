using Triptych.Tokenizers.Patterns;
using Triptych.Tokenizers.Pipeline;
using Triptych.Tokenizers.Unicode;

namespace Triptych.Tokenizers.Loading;

/// <summary>The pre-tokenizers of a tokenizer.json.</summary>
internal static partial class TokenizerReader
{
    private static PreTokenizer ReadPreTokenizer(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "BertPreTokenizer" => new BertPreTokenizer(),
        "ByteLevel" => new ByteLevelPreTokenizer(json.Bool("add_prefix_space", true), json.Bool("use_regex", true)),
        "Metaspace" => new MetaspacePreTokenizer(ReadReplacement(json), ReadPrependScheme(json), json.Bool("split", true)),
        "Split" => ReadSplit(json),
        "CharDelimiterSplit" => new SplitPreTokenizer(
            TextPattern.Literal(ReadCharacter(json.Required("delimiter"))), DelimiterBehavior.Removed, invert: false),
        "Whitespace" => new WhitespacePreTokenizer(),
        "WhitespaceSplit" => ClassPreTokenizer.WhitespaceSplit,
        "Punctuation" => new ClassPreTokenizer(CharClass.Punctuation, ReadBehavior(json.Member("behavior"))),
        "Digits" => new ClassPreTokenizer(CharClass.Numeric, json.Bool("individual_digits", false)
            ? DelimiterBehavior.Isolated : DelimiterBehavior.Contiguous),
        "UnicodeScripts" => new UnicodeScriptsPreTokenizer(),
        "FixedLength" => new FixedLengthPreTokenizer(json.Int("length", 5) is > 0 and int length
            ? length : throw json.Fail("\"length\" must be at least 1")),
        "Sequence" => new SequencePreTokenizer(
            [.. json.Required("pretokenizers").Items().Select(part => ReadPreTokenizer(part, depth + 1))]),
        string type => throw json.Fail($"unknown pre-tokenizer type \"{type}\""),
    };

    private static string ReadReplacement(JsonValue json) =>
        json.Member("replacement") is JsonValue replacement ? ReadCharacter(replacement) : "\u2581";

    private static string ReadCharacter(JsonValue json)
    {
        string text = json.AsString();
        return text.Length == 1 || text.Length == 2 && char.IsSurrogatePair(text[0], text[1])
            ? text : throw json.Fail($"\"{text}\" is not one character");
    }

    // Older files have a flag in place of the scheme.
    private static PrependScheme ReadPrependScheme(JsonValue json) => json.OptionalString("prepend_scheme") switch
    {
        null => json.Bool("add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never,
        "always" => PrependScheme.Always,
        "first" => PrependScheme.First,
        "never" => PrependScheme.Never,
        string scheme => throw json.Fail($"unknown prepend scheme \"{scheme}\""),
    };

    private static PreTokenizer ReadSplit(JsonValue json)
    {
        JsonValue pattern = json.Required("pattern");
        DelimiterBehavior behavior = ReadBehavior(json.Member("behavior"));
        bool invert = json.Bool("invert", false);
        if (pattern.IsObject && pattern.Member("Regex") is JsonValue regex && FindSplitter(regex, behavior, invert) is Splitter known)
            return new PatternPreTokenizer(known);
        return new SplitPreTokenizer(ReadPattern(pattern), behavior, invert);
    }

    /// <summary>A way to cut without the regular expression engine, where there is one.</summary>
    private static Splitter? FindSplitter(JsonValue regex, DelimiterBehavior behavior, bool invert)
    {
        string source = regex.AsString();
        if (behavior == DelimiterBehavior.Removed && invert)
            return SplitPatterns.FindMatches(source);
        if (behavior != DelimiterBehavior.Isolated)
            return null;
        return SplitPatterns.Find(source) ?? ReadRuns(regex);
    }

    private static Splitter? ReadRuns(JsonValue regex)
    {
        try
        {
            return RunSplitter.Find(regex.AsString()) is RunSplitter runs ? runs.Split : null;
        }
        catch (PatternException e)
        {
            throw regex.Fail($"the pattern cannot be used: {e.Message}");
        }
    }

    private static DelimiterBehavior ReadBehavior(JsonValue? json) => json?.AsString() switch
    {
        null or "Isolated" => DelimiterBehavior.Isolated,
        "Removed" => DelimiterBehavior.Removed,
        "MergedWithPrevious" => DelimiterBehavior.MergedWithPrevious,
        "MergedWithNext" => DelimiterBehavior.MergedWithNext,
        "Contiguous" => DelimiterBehavior.Contiguous,
        string behavior => throw json!.Value.Fail($"unknown behavior \"{behavior}\""),
    };
}
