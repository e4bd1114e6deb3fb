namespace Triptych.Tokenizers.Templates;

/// <summary>Renders chats by the rules of transformers 5.12.</summary>
internal static class ChatRenderer
{
    private const string Tag = "CONTINUE_FINAL_MESSAGE_TAG ";

    public static ChatRendering Render(ChatTemplate template, IEnumerable<object?> messages, ChatOptions options, bool withGenerated)
    {
        if (options.ContinueFinalMessage is not null && options.AddGenerationPrompt)
        {
            throw new ArgumentException("ContinueFinalMessage and AddGenerationPrompt exclude each other: either the last message goes on, "
                + "or a new one begins", nameof(options));
        }

        var variables = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (options.Variables is not null)
        {
            foreach ((string name, object? value) in options.Variables)
                variables[name] = value;
        }

        var chat = (ListValue)ValueConverter.ToValue(messages, nameof(messages))!;
        string? final = options.ContinueFinalMessage is { } field ? MarkFinal(template, ref chat, field) : null;
        Add(variables, "messages", chat);
        Add(variables, "tools", Objects(options.Tools, "Tools"));
        Add(variables, "documents", Objects(options.Documents, "Documents"));
        Add(variables, "add_generation_prompt", options.AddGenerationPrompt);
        List<TextRange>? generated = withGenerated ? [] : null;
        string text = template.Render(variables, options.Limits, options.TimeProvider, generated);
        return new ChatRendering(final is null ? text : CutBehind(text, final), generated ?? []);
    }

    private static void Add(Dictionary<string, object?> variables, string name, object? value)
    {
        if (!variables.TryAdd(name, value))
            throw new ArgumentException($"ChatOptions.Variables has the name {name}, which is given by other means", nameof(variables));
    }

    private static object? Objects(IEnumerable<object?>? items, string name)
    {
        if (items is null)
            return null;
        var list = (ListValue)ValueConverter.ToValue(items, name)!;
        return Array.TrueForAll(list.Items, item => item is DictValue) ? list
            : throw new ArgumentException($"{name} must be objects or dictionaries", name);
    }

    /// <summary>Puts a tag behind the text to be continued, and returns the text.</summary>
    private static string MarkFinal(ChatTemplate template, ref ListValue chat, string field)
    {
        if (chat.Count == 0 || chat.Items[^1] is not DictValue last)
            throw new ArgumentException("ContinueFinalMessage is set but there is no message to continue", nameof(chat));
        if (!last.TryGet(field, out object? content) || content is null)
            throw new ArgumentException($"ContinueFinalMessage is set but the final message has no \"{field}\" to continue", nameof(chat));
        if (!template.Source.Contains(field, StringComparison.Ordinal))
            throw new ArgumentException($"ContinueFinalMessage is \"{field}\", a field that the chat template does not use", nameof(chat));
        string text;
        object? marked;
        if (content is SequenceValue parts)
        {
            int at = Array.FindLastIndex(parts.Items, part => part is DictValue dict && dict.Contains("text"));
            if (at < 0)
                throw new ArgumentException("ContinueFinalMessage is set but the final message has no text to continue", nameof(chat));
            var part = (DictValue)parts.Items[at]!;
            text = TextOf(part, "text");
            marked = parts.Make(With(parts.Items, at, Marked(part, "text", text + Tag)));
        }
        else
        {
            text = TextOf(last, field);
            marked = text + Tag;
        }

        chat = new ListValue(With(chat.Items, chat.Count - 1, Marked(last, field, marked)));
        return text;
    }

    private static string TextOf(DictValue dict, string field) => dict.TryGet(field, out object? value) && value is string text ? text
        : throw new ArgumentException($"ContinueFinalMessage is set but \"{field}\" of the final message is no text", nameof(field));

    private static object?[] With(object?[] items, int index, object? item) => [.. items[..index], item, .. items[(index + 1)..]];

    private static DictValue Marked(DictValue dict, string field, object? value)
    {
        var copy = new DictValue(dict.Count);
        for (int i = 0; i < dict.Count; i++)
            copy.Set(dict.KeyAt(i), dict.ValueAt(i));
        copy.Set(field, value);
        return copy;
    }

    private static string CutBehind(string text, string final)
    {
        string tag = Tag.TrimEnd();
        int at = text.LastIndexOf(tag, StringComparison.Ordinal);
        if (at < 0 || !text.Contains(Trim(final), StringComparison.Ordinal))
        {
            throw new ArgumentException("ContinueFinalMessage is set but the final message does not appear in the rendered chat: "
                + "the template may drop parts of it", nameof(final));
        }

        bool keepsSpace = text.AsSpan(at).StartsWith(Tag, StringComparison.Ordinal);
        return keepsSpace ? text[..at] : TrimEnd(text[..at]);
    }

    private static string Trim(string text)
    {
        int start = 0;
        while (start < text.Length && PythonText.IsSpace(text[start]))
            start++;
        return TrimEnd(text[start..]);
    }

    private static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && PythonText.IsSpace(text[end - 1]))
            end--;
        return text[..end];
    }
}
