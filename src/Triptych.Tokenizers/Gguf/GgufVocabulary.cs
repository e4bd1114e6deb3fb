namespace Triptych.Tokenizers.Gguf;

/// <summary>What a token is for, under the numbers of <c>tokenizer.ggml.token_type</c>.</summary>
public enum GgufTokenType
{
    /// <summary>Not said.</summary>
    Undefined = 0,

    /// <summary>A piece of text.</summary>
    Normal = 1,

    /// <summary>Stands for what the vocabulary lacks.</summary>
    Unknown = 2,

    /// <summary>Begins, ends or divides texts.</summary>
    Control = 3,

    /// <summary>Text that is found before all else.</summary>
    UserDefined = 4,

    /// <summary>Fills up the vocabulary.</summary>
    Unused = 5,

    /// <summary>One byte, for characters that the vocabulary lacks.</summary>
    Byte = 6,
}

/// <summary>A tokenizer as GGUF files describe it; the properties are their <c>tokenizer.ggml</c> keys.</summary>
public sealed record GgufVocabulary
{
    /// <summary>SentencePiece's BPE: the neighbours whose token has the highest score are joined; characters without a token become bytes.</summary>
    public const string SentencePiece = "llama";

    /// <summary>Byte-level BPE with merges.</summary>
    public const string ByteLevel = "gpt2";

    /// <summary>WordPiece, as BERT has it, with marks before the tokens that begin words.</summary>
    public const string WordPiece = "bert";

    /// <summary>SentencePiece's Unigram, as T5 and XLM-R have it.</summary>
    public const string Unigram = "t5";

    /// <summary>The kind of model: <see cref="SentencePiece"/>, <see cref="ByteLevel"/>, <see cref="WordPiece"/> or <see cref="Unigram"/>.</summary>
    public required string Model { get; init; }

    /// <summary>How a byte-level tokenizer cuts words, such as <c>llama-bpe</c>.</summary>
    public string? Pre { get; init; }

    /// <summary>The tokens by id.</summary>
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>The scores of SentencePiece tokens, by id.</summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>What tokens are for, by id; all <see cref="GgufTokenType.Normal"/> if absent.</summary>
    public IReadOnlyList<GgufTokenType>? TokenTypes { get; init; }

    /// <summary>Pairs of tokens with a space between, the first learned first.</summary>
    public IReadOnlyList<string>? Merges { get; init; }

    /// <summary>The token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The token that ends a text.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>The token for the unknown.</summary>
    public int? UnknownTokenId { get; init; }

    /// <summary>The token that fills rows.</summary>
    public int? PaddingTokenId { get; init; }

    /// <summary>The token that begins a text, for WordPiece; <see cref="BosTokenId"/> if absent.</summary>
    public int? ClassifierTokenId { get; init; }

    /// <summary>The token that ends and divides texts, for WordPiece.</summary>
    public int? SeparatorTokenId { get; init; }

    /// <summary>The token that hides another one.</summary>
    public int? MaskTokenId { get; init; }

    /// <summary>Whether texts begin with <see cref="BosTokenId"/>; if absent, as llama.cpp has it for the kind of model.</summary>
    public bool? AddBosToken { get; init; }

    /// <summary>Whether texts end with <see cref="EosTokenId"/>.</summary>
    public bool? AddEosToken { get; init; }

    /// <summary>Whether texts end with <see cref="SeparatorTokenId"/>; true if absent, for WordPiece.</summary>
    public bool? AddSepToken { get; init; }

    /// <summary>Whether a space is put before a text; true if absent, for SentencePiece.</summary>
    public bool? AddSpacePrefix { get; init; }

    /// <summary>Whether several spaces become one and those at the ends none, for Unigram; false if absent.</summary>
    public bool? RemoveExtraWhitespaces { get; init; }

    /// <summary>SentencePiece's rules of normalization, compiled, for Unigram.</summary>
    public byte[]? PrecompiledCharsMap { get; init; }

    /// <summary>Whether texts are in lower case, for WordPiece; true if absent.</summary>
    public bool? Lowercase { get; init; }

    /// <summary>Whether letters lose their accents, for WordPiece; as <see cref="Lowercase"/> if absent.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>The template of chats.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The type of a token.</summary>
    public GgufTokenType TypeOf(int id) => TokenTypes?[id] ?? GgufTokenType.Normal;

    /// <summary>The tokenizer, which can be saved as tokenizer.json.</summary>
    /// <param name="path">The file, for errors.</param>
    /// <exception cref="TokenizerException">The description is incomplete, contradicts itself, or is of a kind that is not known.</exception>
    public Tokenizer ToTokenizer(string path) => new(new GgufTokenizerWriter(this, path).Write());

    /// <summary>Describes a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="vocabSize">The rows of the model's embedding; what the tokenizer lacks is filled with unused tokens.</param>
    /// <exception cref="NotSupportedException">GGUF has no place for such a tokenizer here.</exception>
    public static GgufVocabulary Of(Tokenizer tokenizer, int vocabSize)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return new GgufTokenizerReader(tokenizer).Read(vocabSize);
    }
}
