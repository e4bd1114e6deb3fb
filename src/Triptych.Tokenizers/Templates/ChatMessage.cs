namespace Triptych.Tokenizers.Templates;

/// <summary>A message of a chat.</summary>
/// <param name="Role">Whose it is: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>.</param>
/// <param name="Content">The text; or a list of parts; or null, where an assistant only calls tools.</param>
public sealed record ChatMessage(string Role, object? Content)
{
    /// <summary>Further fields, such as <c>tool_calls</c>.</summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = new Dictionary<string, object?>();

    internal object ToValue(string name)
    {
        var message = new DictValue();
        message.Set("role", Role);
        message.Set("content", ValueConverter.ToValue(Content, name));
        foreach ((string field, object? value) in Fields)
            message.Set(field, ValueConverter.ToValue(value, name));
        return message;
    }
}
