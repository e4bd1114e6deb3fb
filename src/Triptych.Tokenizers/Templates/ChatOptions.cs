namespace Triptych.Tokenizers.Templates;

/// <summary>How a chat is rendered: the parameters of transformers' <c>apply_chat_template</c>.</summary>
public sealed record ChatOptions
{
    /// <summary>The tools that the model can call, each a JSON schema (an object or dictionary); null for none.</summary>
    public IEnumerable<object?>? Tools { get; init; }

    /// <summary>Documents to answer from, each an object or dictionary with <c>title</c> and <c>text</c>; null for none.</summary>
    public IEnumerable<object?>? Documents { get; init; }

    /// <summary>Whether the text ends with what begins an answer of the assistant.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>
    /// The field of the last message that the model is to continue, usually <c>content</c>: the text ends with it. Null if a new
    /// message follows.
    /// </summary>
    public string? ContinueFinalMessage { get; init; }

    /// <summary>The name of one of a tokenizer's templates, or a template; null for the tokenizer's own choice.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Further variables; they come before a tokenizer's special tokens of the same name.</summary>
    public IReadOnlyDictionary<string, object?>? Variables { get; init; }

    /// <summary>What the template may use.</summary>
    public TemplateLimits Limits { get; init; } = TemplateLimits.Default;

    /// <summary>The clock of <c>strftime_now</c>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>A rendered chat.</summary>
/// <param name="Text">The text.</param>
/// <param name="Generated">The parts of it that generation blocks made: what the assistant said.</param>
public sealed record ChatRendering(string Text, IReadOnlyList<TextRange> Generated);

/// <summary>A chat as a model wants it.</summary>
/// <param name="Text">The rendered text.</param>
/// <param name="Encoding">Its tokens.</param>
/// <param name="AssistantMask">1 for tokens that the assistant said, 0 for others, <c>[sequence]</c>.</param>
public sealed record ChatEncoding(string Text, Encoding Encoding, int[] AssistantMask);
