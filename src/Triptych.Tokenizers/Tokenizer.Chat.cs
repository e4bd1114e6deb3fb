using System.Collections.Concurrent;
using Triptych.Tokenizers.Loading;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers;

/// <content>Chats: the templates that come with a tokenizer, and transformers' <c>apply_chat_template</c>.</content>
public sealed partial class Tokenizer
{
    /// <summary>Templates that callers bring along are parsed anew beyond so many.</summary>
    private const int MaxParsedTemplates = 16;

    private readonly ConcurrentDictionary<string, ChatTemplate> _parsedTemplates = new(StringComparer.Ordinal);

    /// <summary>The chat templates that came with the tokenizer, by name; a single one is called <c>default</c>.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates => _files.ChatTemplates.Sources;

    /// <summary>The template that a chat is rendered with.</summary>
    /// <param name="options">A template or its name, and whether there are tools; null for the tokenizer's own choice: of several
    /// templates <c>tool_use</c> with tools, else <c>default</c>.</param>
    /// <exception cref="TokenizerException">The template is not valid.</exception>
    /// <exception cref="InvalidOperationException">There is no template, or none to choose.</exception>
    public ChatTemplate GetChatTemplate(ChatOptions? options = null)
    {
        ChatTemplateFiles files = _files.ChatTemplates;
        string? wanted = options?.ChatTemplate;
        if (wanted is not null && (files.IsSingle || !files.Sources.ContainsKey(wanted)))
            return Parsed(wanted, "chat_template");
        if (wanted is null && !files.IsSingle && options?.Tools is not null && files.Sources.ContainsKey("tool_use"))
            wanted = "tool_use";
        wanted ??= ChatTemplateFiles.Default;
        if (files.Sources.TryGetValue(wanted, out string? source))
            return Parsed(source, files.NameOf(wanted, _files.Path));
        throw new InvalidOperationException(files.Sources.Count == 0
            ? $"{_files.Path} comes without a chat template: set ChatOptions.ChatTemplate to one"
            : $"{_files.Path} comes with several chat templates and no default: set ChatOptions.ChatTemplate to one of "
                + string.Join(", ", files.Sources.Keys));
    }

    /// <summary>Renders a chat with a template of the tokenizer; its special tokens are variables (<c>bos_token</c>, ...).</summary>
    /// <param name="messages">The messages: JSON objects, dictionaries or <see cref="ChatMessage"/>s.</param>
    /// <param name="options">Tools, the generation prompt, the template, further variables.</param>
    /// <exception cref="TokenizerException">The template is not valid, or fails.</exception>
    /// <exception cref="ArgumentException">The messages or options are of no use, or contradict each other.</exception>
    /// <exception cref="InvalidOperationException">There is no template, or none to choose.</exception>
    public string ApplyChatTemplate(IEnumerable<object?> messages, ChatOptions? options = null) =>
        Render(messages, options, withGenerated: false).Text;

    /// <summary>Renders and encodes a chat. The template writes the special tokens, so that none are added.</summary>
    /// <param name="messages">The messages: JSON objects, dictionaries or <see cref="ChatMessage"/>s.</param>
    /// <param name="options">Tools, the generation prompt, the template, further variables.</param>
    /// <param name="encodeOptions">Truncation and padding; null for none.</param>
    /// <inheritdoc cref="ApplyChatTemplate" path="/exception"/>
    public Encoding EncodeChat(IEnumerable<object?> messages, ChatOptions? options = null, EncodeOptions? encodeOptions = null) =>
        Encode(ApplyChatTemplate(messages, options), null, WithoutSpecialTokens(encodeOptions));

    /// <summary>Renders and encodes a chat, and tells which tokens the assistant said: those of the template's generation blocks.</summary>
    /// <param name="messages">The messages: JSON objects, dictionaries or <see cref="ChatMessage"/>s.</param>
    /// <param name="options">Tools, the generation prompt, the template, further variables.</param>
    /// <param name="encodeOptions">Truncation and padding; null for none.</param>
    /// <inheritdoc cref="ApplyChatTemplate" path="/exception"/>
    public ChatEncoding EncodeChatWithAssistantMask(
        IEnumerable<object?> messages, ChatOptions? options = null, EncodeOptions? encodeOptions = null)
    {
        if (options?.ContinueFinalMessage is not null)
            throw new ArgumentException("ContinueFinalMessage does not go with a mask of the assistant's tokens", nameof(options));
        ChatRendering rendering = Render(messages, options, withGenerated: true);
        Encoding encoding = Encode(rendering.Text, null, WithoutSpecialTokens(encodeOptions));
        int[] mask = new int[encoding.Length];
        foreach (TextRange range in rendering.Generated)
        {
            if (range.Start == range.End)
                continue;
            if (encoding.CharToToken(range.Start) is not { } start)
                break;
            int end = encoding.CharToToken(range.End - 1) is > 0 and int last ? last + 1 : mask.Length;
            mask.AsSpan(start, Math.Max(0, end - start)).Fill(1);
        }

        return new ChatEncoding(rendering.Text, encoding, mask);
    }

    private static EncodeOptions WithoutSpecialTokens(EncodeOptions? options) =>
        (options ?? new EncodeOptions()) with { AddSpecialTokens = false };

    private ChatRendering Render(IEnumerable<object?> messages, ChatOptions? options, bool withGenerated)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatOptions();
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, string token) in _files.ModelTokens().Concat(SpecialTokens.Roles()))
            variables[name] = token;
        foreach ((string name, object? value) in options.Variables ?? new Dictionary<string, object?>())
            variables[name] = value;
        return ChatRenderer.Render(GetChatTemplate(options), messages, options with { Variables = variables }, withGenerated);
    }

    private ChatTemplate Parsed(string source, string name)
    {
        if (_parsedTemplates.TryGetValue(source, out ChatTemplate? known))
            return known;
        ChatTemplate template = ChatTemplate.Parse(source, name);
        if (_parsedTemplates.Count < MaxParsedTemplates)
            _parsedTemplates.TryAdd(source, template);
        return template;
    }
}
