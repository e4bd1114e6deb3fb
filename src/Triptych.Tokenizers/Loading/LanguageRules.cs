using System.Text.Json.Nodes;

namespace Triptych.Tokenizers.Loading;

/// <summary>How a tokenizer of many languages marks the language of a text.</summary>
/// <param name="Source">The language of source texts.</param>
/// <param name="Target">The language of target texts, or null where it has to be named first.</param>
/// <param name="TokenOf">The token of a language.</param>
/// <param name="Template">The templates of one text and of two, with that token, for source or target texts.</param>
internal sealed record LanguageRules(string Source, string? Target, Func<string, string> TokenOf, Func<string, bool, (string Single, string Pair)> Template)
{
    /// <summary>Whether the token of a language that the vocabulary lacks is shown as the unknown token, whose id it has.</summary>
    public bool ShowsUnknown { get; init; }

    /// <summary>The post-processor of source texts or of target texts.</summary>
    public JsonObject Processor(string language, bool isTarget, Func<string, int> idOf)
    {
        (string single, string pair) = Template(TokenOf(language), isTarget);
        return StageJson.Template(single, pair, idOf);
    }
}

/// <summary>A vocabulary for each language in one file.</summary>
/// <param name="Current">The language whose vocabulary is used.</param>
/// <param name="All">The languages.</param>
/// <param name="Load">Reads the files with the vocabulary of another.</param>
internal sealed record LanguageVocabularies(string Current, IReadOnlyCollection<string> All, Func<string, TokenizerFiles> Load);
