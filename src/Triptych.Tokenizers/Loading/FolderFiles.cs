namespace Triptych.Tokenizers.Loading;

/// <summary>What is said where a folder's files are missing or cannot be used.</summary>
internal static class FolderFiles
{
    /// <summary>The path of a file that a class needs.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">The file's name.</param>
    /// <param name="name">The class.</param>
    /// <param name="orJson">Whether a tokenizer.json would do as well.</param>
    public static string Require(string folder, string file, string name, bool orJson = false) => Path.Combine(folder, file) is string path && File.Exists(path)
        ? path : throw Missing(folder, $"no {file} for {name}", orJson);

    public static TokenizerException Missing(string folder, string what, bool orJson = true) => new(folder, orJson ? $"there is no tokenizer.json and {what}" : $"there is {what}");

    /// <summary>Whether an exception tells of JSON of another kind than expected, in a file that is read member by member.</summary>
    public static bool IsOfContent(Exception e) => e is InvalidOperationException or FormatException or NullReferenceException;

    public static TokenizerException Unusable(string folder, Exception e) => new(folder, $"the files beside the vocabulary cannot be used: {e.Message}", e);

    /// <summary>Those of the named files that are there, to be saved as they are.</summary>
    public static List<(string Name, byte[] Content)> Originals(string folder, params IEnumerable<string> names) =>
        [.. names.Distinct(StringComparer.Ordinal).Select(file => Path.Combine(folder, file)).Where(File.Exists).Select(path => (Path.GetFileName(path), TokenizerFiles.ReadBytes(path)))];
}
