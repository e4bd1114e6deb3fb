namespace Triptych.Tokenizers.Templates;

/// <summary>What rendering a template may use, so that no template can hang a program or fill its memory.</summary>
public sealed record TemplateLimits
{
    /// <summary>The limits where none are given.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>Operations: each operator, call, attribute and turn of a loop is one, and so are some hundred characters compared.</summary>
    public long MaxSteps { get; init; } = 20_000_000;

    /// <summary>Characters and list items (which count eight) of all values that expressions make, kept or not.</summary>
    public long MaxAllocation { get; init; } = 128L << 20;

    /// <summary>UTF-16 units of the rendered text.</summary>
    public int MaxOutputLength { get; init; } = 64 << 20;

    /// <summary>Macros and recursive loops that call each other.</summary>
    public int MaxDepth { get; init; } = 200;
}
