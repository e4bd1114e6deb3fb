using System.Text;

namespace Triptych.Tokenizers.Loading;

/// <summary>Reads the text files that vocabularies had before there was tokenizer.json.</summary>
internal static class VocabularyTexts
{
    public const string Words = "vocab.txt";
    public const string Vocabulary = "vocab.json";
    public const string Merges = "merges.txt";

    /// <summary>A token on each line; of one that comes twice the last id counts.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepsSpaces">Whether white space at the end of a line belongs to the token.</param>
    public static Dictionary<string, int> ReadWords(string path, bool keepsSpaces = false)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        int id = 0;
        foreach (string line in ReadLines(path))
            ids[keepsSpaces ? line : line.TrimEnd()] = id++;
        return ids;
    }

    /// <summary>An object of tokens and their ids.</summary>
    /// <param name="path">The file.</param>
    /// <param name="part">The member that is meant, where the file has one such object for each language.</param>
    public static Dictionary<string, int> ReadVocabulary(string path, string? part = null)
    {
        using System.Text.Json.JsonDocument document = JsonValue.Parse(TokenizerFiles.ReadBytes(path), path);
        var root = new JsonValue(document.RootElement, path, "");
        root = part is null ? root : root.Required(part);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, JsonValue id) in root.Members())
        {
            if (!ids.TryAdd(token, id.AsId()))
                throw root.Fail($"token \"{token}\" comes twice");
        }

        return ids;
    }

    /// <summary>The names of the vocabularies, where the file has several.</summary>
    public static IReadOnlyCollection<string> ReadParts(string path)
    {
        using System.Text.Json.JsonDocument document = JsonValue.Parse(TokenizerFiles.ReadBytes(path), path);
        return [.. new JsonValue(document.RootElement, path, "").Members().Select(member => member.Name)];
    }

    /// <summary>Two tokens on each line, but for a first one that names a version.</summary>
    public static List<(string Left, string Right)> ReadMerges(string path)
    {
        var merges = new List<(string, string)>();
        int number = 0;
        foreach (string line in ReadLines(path))
        {
            number++;
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal))
                continue;
            int space = line.IndexOf(' ');
            if (space < 0 || line.IndexOf(' ', space + 1) >= 0)
                throw new TokenizerException(path, $"line {number}: \"{line}\" is not a pair of tokens");
            merges.Add((line[..space], line[(space + 1)..]));
        }

        return merges;
    }

    /// <summary>The first word of each line.</summary>
    public static IEnumerable<string> ReadFirstWords(string path)
    {
        int number = 0;
        foreach (string line in ReadLines(path))
        {
            number++;
            yield return line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [string first, ..] ? first
                : throw new TokenizerException(path, $"line {number} has no word");
        }
    }

    /// <summary>A word and a number on each line, apart by the last space; the number is not looked at.</summary>
    public static IEnumerable<string> ReadCountedWords(string path)
    {
        int number = 0;
        foreach (string line in ReadLines(path))
        {
            number++;
            string entry = line.Trim();
            int space = entry.LastIndexOf(' ');
            yield return space >= 0 ? entry[..space] : throw new TokenizerException(path, $"line {number}: \"{line}\" is not a token and its count");
        }
    }

    /// <summary>
    /// Two tokens on each line and, where they are counted, a number; where they are not, the first line is a heading. What follows the last
    /// line break does not count.
    /// </summary>
    public static List<(string Left, string Right)> ReadCountedMerges(string path, bool isCounted)
    {
        var merges = new List<(string, string)>();
        string[] lines = ReadLines(path, keepsEnd: true);
        for (int i = isCounted ? 0 : 1; i < lines.Length - 1; i++)
        {
            string[] words = lines[i].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            if (words.Length != (isCounted ? 3 : 2))
                throw new TokenizerException(path, $"line {i + 1}: \"{lines[i]}\" is not a pair of tokens{(isCounted ? " and its count" : "")}");
            merges.Add((words[0], words[1]));
        }

        return merges;
    }

    private static string[] ReadLines(string path, bool keepsEnd = false)
    {
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(TokenizerFiles.ReadBytes(path));
            string[] lines = text.TrimStart('\uFEFF').Split('\n');
            return [.. (lines[^1].Length == 0 && !keepsEnd ? lines[..^1] : lines).Select(line => line.TrimEnd('\r'))];
        }
        catch (DecoderFallbackException e)
        {
            throw new TokenizerException(path, $"invalid UTF-8: {e.Message}", e);
        }
    }
}
