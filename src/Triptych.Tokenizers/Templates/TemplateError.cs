namespace Triptych.Tokenizers.Templates;

/// <summary>An error inside a template; <see cref="ChatTemplate"/> says which template and where.</summary>
internal sealed class TemplateError(string message, int position = -1) : Exception(message)
{
    /// <summary>Where in the source, or -1 for where the renderer is.</summary>
    public int Position { get; } = position;
}
