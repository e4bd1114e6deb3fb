namespace Triptych.Tokenizers;

/// <summary>What bounds the counting of words.</summary>
/// <param name="Bytes">The memory that counts may take before they go to a file.</param>
/// <param name="Folder">Where the file is.</param>
/// <param name="MinCount">How often words must come to count at all.</param>
/// <param name="MaxWords">The most words that may be left, or null for no limit.</param>
internal sealed record WordLimits(long Bytes, string Folder, int MinCount = 1, int? MaxWords = null);
