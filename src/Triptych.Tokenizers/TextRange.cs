namespace Triptych.Tokenizers;

/// <summary>A part of a text in UTF-16 units, as .NET strings index: <c>text[Start..End]</c>.</summary>
/// <param name="Start">The first unit.</param>
/// <param name="End">One past the last unit.</param>
public readonly record struct TextRange(int Start, int End);
