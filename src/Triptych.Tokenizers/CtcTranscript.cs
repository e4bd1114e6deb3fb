namespace Triptych.Tokenizers;

/// <summary>What a speech model heard, and when.</summary>
/// <param name="Text">The text.</param>
/// <param name="Characters">The characters, delimiters of words among them, as the vocabulary spells them.</param>
/// <param name="Words">The words between the delimiters, likewise.</param>
public sealed record CtcTranscript(string Text, IReadOnlyList<CtcSpan> Characters, IReadOnlyList<CtcSpan> Words);

/// <summary>A part of what a speech model heard. Its time is the place times the samples that one step of the model takes, over the sampling rate.</summary>
/// <param name="Text">The text.</param>
/// <param name="Start">The place of its first token.</param>
/// <param name="End">The place behind its last token.</param>
public readonly record struct CtcSpan(string Text, int Start, int End);
