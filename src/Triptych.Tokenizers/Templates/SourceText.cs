namespace Triptych.Tokenizers.Templates;

/// <summary>The source of a template: line ends are line feeds, and the last one is left out, as Jinja has it.</summary>
internal sealed class SourceText
{
    public SourceText(string source, string name)
    {
        Name = name;
        Text = Normalize(source);
        if (Text.EndsWith('\n'))
            Text = Text[..^1];
    }

    public string Name { get; }

    public string Text { get; }

    public static string Normalize(string text) =>
        text.Contains('\r') ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n') : text;

    public TokenizerException Fail(string message, int position, Exception? inner = null)
    {
        ReadOnlySpan<char> before = Text.AsSpan(0, Math.Clamp(position, 0, Text.Length));
        int line = before.Count('\n') + 1, column = before.Length - before.LastIndexOf('\n');
        return new TokenizerException(Name, $"line {line}, column {column}: {message}", inner);
    }
}
