using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers;

/// <content>Source and target texts, and their languages, of tokenizers that translate.</content>
public sealed partial class Tokenizer
{
    private readonly Tokenizer? _source;
    private Tokenizer? _target;

    private Tokenizer(Tokenizer model, TokenizerFiles files, PostProcessor? postProcessor, Tokenizer? source)
    {
        _files = files;
        _parts = model._parts with { PostProcessor = postProcessor };
        _segments = model._segments;
        _frame = TextFrame.Find(postProcessor);
        _source = source;
        Defaults = model.Defaults;
        SpecialTokens = model.SpecialTokens;
    }

    /// <summary>The language of the texts, as mBART, NLLB, M2M-100 and SeamlessM4T name it (<c>src_lang</c>); null where there is none to choose.</summary>
    public string? SourceLanguage => _files.Languages?.Source is { Length: > 0 } source ? source : null;

    /// <summary>
    /// The language of target texts (<c>tgt_lang</c>), or of what a speech model hears (Wav2Vec2's <c>target_lang</c>); null where there is none to
    /// choose, or none was chosen.
    /// </summary>
    public string? TargetLanguage => _files.Languages?.Target is { Length: > 0 } target ? target : _files.Vocabularies?.Current;

    /// <summary>
    /// The tokenizer of target texts, such as translations to learn from (<c>text_target</c> of transformers): it marks them with the target
    /// language, and Marian's uses the model of that language. Where target texts are no different it is this one.
    /// </summary>
    /// <exception cref="InvalidOperationException">No target language was chosen.</exception>
    /// <exception cref="TokenizerException">The files of target texts cannot be used.</exception>
    public Tokenizer Target => _source is not null ? this : _target ??= MakeTarget();

    /// <summary>
    /// The same tokenizer for other languages. Vocabulary and model are shared, but for Wav2Vec2's, which has a vocabulary for each target
    /// language: its files are read as with that <c>target_lang</c>.
    /// </summary>
    /// <param name="source">The language of the texts; null leaves it as it is.</param>
    /// <param name="target">The language of target texts; null leaves it as it is.</param>
    /// <exception cref="ArgumentException">There is no token for a language.</exception>
    /// <exception cref="InvalidOperationException">The tokenizer does not mark texts with a language.</exception>
    public Tokenizer WithLanguages(string? source = null, string? target = null)
    {
        if (_source is not null)
            return _source.WithLanguages(source, target).Target;
        if (_files.Vocabularies is LanguageVocabularies vocabularies)
            return WithVocabulary(vocabularies, source, target);
        LanguageRules rules = _files.Languages ?? throw new InvalidOperationException($"the tokenizer of {_files.Path} does not mark texts with a language");
        foreach ((string? language, string argument) in (ReadOnlySpan<(string?, string)>)[(source, nameof(source)), (target, nameof(target))])
        {
            if (language is not null && LanguageTokenId(language) is null)
                throw new ArgumentException($"the tokenizer of {_files.Path} has no token for the language \"{language}\"", argument);
        }

        rules = rules with { Source = source ?? rules.Source, Target = target ?? rules.Target };
        JsonObject processor = rules.Processor(rules.Source, isTarget: false, IdOfSpecial);
        return new Tokenizer(this, _files.WithLanguages(rules, processor), Read(processor), source: null);
    }

    /// <summary>The id of a language's token, which begins what is generated in that language (<c>forced_bos_token_id</c>); null where it has none.</summary>
    /// <param name="language">The language as the model names it, such as <c>de_DE</c>, <c>deu_Latn</c>, <c>de</c> or <c>deu</c>.</param>
    public int? LanguageTokenId(string language)
    {
        ArgumentNullException.ThrowIfNull(language);
        return _files.Languages is LanguageRules rules ? TokenToId(rules.TokenOf(language)) : null;
    }

    private Tokenizer WithVocabulary(LanguageVocabularies vocabularies, string? source, string? target)
    {
        if (source is not null)
            throw new ArgumentException($"the tokenizer of {_files.Path} has languages to hear, the target ones, and no others", nameof(source));
        if (target is null || target == vocabularies.Current)
            return this;
        return vocabularies.All.Contains(target) ? new Tokenizer(vocabularies.Load(target))
            : throw new ArgumentException($"the tokenizer of {_files.Path} has no vocabulary for the language \"{target}\"", nameof(target));
    }

    private Tokenizer MakeTarget()
    {
        if (_files.TargetParts is TokenizerParts parts)
            return new Tokenizer(_files, parts, this);
        if (_files.Languages is not LanguageRules rules)
            return this;
        string language = rules.Target ?? throw new InvalidOperationException(
            $"no target language was chosen for the tokenizer of {_files.Path}: name it with {nameof(WithLanguages)}");
        return new Tokenizer(this, _files, Read(rules.Processor(language, isTarget: true, IdOfSpecial)), source: this);
    }

    private int IdOfSpecial(string token) => TokenToId(token) ?? UnkTokenId ?? throw new TokenizerException(_files.Path, $"the special token \"{token}\" is not in the vocabulary");

    private PostProcessor Read(JsonObject processor)
    {
        using JsonDocument document = JsonDocument.Parse(processor.ToJsonString());
        return TokenizerReader.ReadTemplate(new Loading.JsonValue(document.RootElement, _files.Path, "post_processor"));
    }
}
