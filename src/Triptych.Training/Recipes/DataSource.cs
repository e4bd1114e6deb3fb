using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Triptych.Training;

/// <summary>How texts lie in a file.</summary>
public enum DataFormat
{
    /// <summary>A text a line; empty lines don't count.</summary>
    Lines,

    /// <summary>Texts between empty lines; line breaks inside become spaces.</summary>
    Paragraphs,

    /// <summary>A plain-text book of Project Gutenberg: its preamble and licence are left out, paragraphs are put on one line each, and a
    /// text reaches to the next gap of several empty lines.</summary>
    Book,

    /// <summary>Columns between tabs; <see cref="DataSource.Text"/> and so on are numbers of columns from 0, or names in the first line.</summary>
    Tsv,

    /// <summary>A JSON object a line; <see cref="DataSource.Text"/> and so on are its fields.</summary>
    Jsonl,
}

/// <summary>A file of training data. Files ending in .gz are decompressed, of those ending in .zip one entry is read.</summary>
public sealed record DataSource
{
    // Sections of a book with less than this many characters are titles and tables of contents.
    private const int ShortestSection = 400;

    private static readonly string[] BookStarts = ["*** START OF", "***START OF"];

    private static readonly string[] BookEnds = ["*** END OF", "***END OF", "End of Project Gutenberg", "End of the Project Gutenberg"];

    /// <summary>The file, relative to the data folder or to the recipe.</summary>
    public required string Path { get; init; }

    /// <summary>The file inside a .zip.</summary>
    public string? Entry { get; init; }

    /// <summary>How texts lie in it.</summary>
    public DataFormat Format { get; init; }

    /// <summary>The column or field of the text.</summary>
    public string? Text { get; init; }

    /// <summary>The column or field of the second text of a pair.</summary>
    public string? Pair { get; init; }

    /// <summary>The column or field of the target text.</summary>
    public string? Target { get; init; }

    /// <summary>The column or field of the class: its name or its index.</summary>
    public string? Label { get; init; }

    /// <summary>How many times the texts are used in a pass.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Only this many texts from the start; null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Texts with fewer characters are left out.</summary>
    public int MinLength { get; init; }

    /// <summary>Sources whose texts are left out, so that nothing is tested that was learned.</summary>
    public IReadOnlyList<DataSource> Exclude { get; init; } = [];

    /// <summary>Whether typographic quotation marks and dashes become plain ones.</summary>
    public bool PlainPunctuation { get; init; }

    /// <summary>Whether a text that comes again is left out.</summary>
    public bool Distinct { get; init; }

    /// <summary>Reads the texts once, in the order of the file.</summary>
    /// <param name="locate">From a path of the recipe to a file.</param>
    /// <exception cref="TrainingException">The file is missing or not of the format.</exception>
    internal IEnumerable<TextRecord> Read(Func<string, string> locate)
    {
        if (Repeat < 1)
            throw new TrainingException($"{Path}: repeat is {Repeat}, it has to be 1 or more");
        var excluded = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var other in Exclude)
            excluded.UnionWith(other.Read(locate).Select(r => r.Text));
        string file = locate(Path);
        int count = 0;
        foreach (var record in Records(file))
        {
            if (count == Limit)
                yield break;
            if (record.Text.Length < Math.Max(1, MinLength) || excluded.Contains(record.Text))
                continue;
            if (Distinct && !excluded.Add(record.Text))
                continue;
            count++;
            yield return record;
        }

        if (count == 0)
            throw new TrainingException($"{file}: has no texts");
    }

    // Published corpora, TinyStories among them, have marks that were UTF-8 and were read as Windows-1252.
    private static string Plain(string text) => new StringBuilder(text)
        .Replace("\u00E2\u20AC\u0153", "\"").Replace("\u00E2\u20AC\u2122", "'").Replace("\u00E2\u20AC\u02DC", "'")
        .Replace("\u00E2\u20AC\u201D", "--").Replace("\u00E2\u20AC\u201C", "-").Replace("\u00E2\u20AC\u00A6", "...").Replace("\u00E2\u20AC", "\"")
        .Replace('\u2018', '\'').Replace('\u2019', '\'').Replace('\u201C', '"').Replace('\u201D', '"')
        .Replace("\u2014", "--").Replace('\u2013', '-').Replace("\u2026", "...").Replace('\u00A0', ' ').Replace("_", "").ToString();

    private IEnumerable<TextRecord> Records(string file) => Format switch
    {
        DataFormat.Lines => Lines(file).Where(l => !string.IsNullOrWhiteSpace(l.Text)).Select(l => new TextRecord(l.Text.Trim(), l.Number)),
        DataFormat.Paragraphs => Sections(Lines(file), 1, " "),
        DataFormat.Book => Book(file),
        DataFormat.Tsv => Tsv(file),
        _ => Jsonl(file),
    };

    private IEnumerable<(string Text, int Number)> Lines(string file)
    {
        using var reader = new StreamReader(Open(file), new UTF8Encoding(false, throwOnInvalidBytes: true));
        for (int number = 1; ; number++)
        {
            string? line;
            try
            {
                line = reader.ReadLine();
            }
            catch (Exception error) when (error is DecoderFallbackException or InvalidDataException or IOException)
            {
                string reason = error is DecoderFallbackException ? "invalid UTF-8" : error.Message;
                throw new TrainingException($"{file}, line {number} or soon after: {reason}", error);
            }

            if (line is null)
                yield break;
            yield return (PlainPunctuation ? Plain(line) : line, number);
        }
    }

    private Stream Open(string file)
    {
        try
        {
            if (file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
                return new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
            if (!file.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
                return File.OpenRead(file);
            var zip = ZipFile.OpenRead(file);
            var entry = zip.Entries.FirstOrDefault(e => e.FullName == Entry);
            if (entry is not null)
                return entry.Open();
            string known = string.Join(", ", zip.Entries.Take(5).Select(e => e.FullName));
            zip.Dispose();
            throw new TrainingException($"{file}: has no entry '{Entry}'; it has {known}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new TrainingException($"{file}: cannot be read: {error.Message}", error);
        }
    }

    // Texts between gaps of at least so many empty lines; a smaller gap separates paragraphs, which go on lines of their own.
    private static IEnumerable<TextRecord> Sections(IEnumerable<(string Text, int Number)> lines, int gap, string separator)
    {
        var text = new StringBuilder();
        int empty = 0, start = 0;
        foreach (var (line, number) in lines)
        {
            string trimmed = line.Trim();
            if (trimmed.Length == 0)
            {
                empty++;
                continue;
            }

            if (empty >= gap && text.Length > 0)
            {
                yield return new(text.ToString(), start);
                text.Clear();
            }

            if (text.Length == 0)
                start = number;
            else
                text.Append(empty > 0 ? separator : " ");
            text.Append(trimmed);
            empty = 0;
        }

        if (text.Length > 0)
            yield return new(text.ToString(), start);
    }

    private IEnumerable<TextRecord> Book(string file)
    {
        const int SectionGap = 3;
        var lines = Lines(file).ToList();
        int start = lines.FindIndex(l => StartsWithAny(l.Text, BookStarts));
        int end = lines.FindIndex(start + 1, l => StartsWithAny(l.Text, BookEnds));
        var body = lines[(start + 1)..(end < 0 ? lines.Count : end)];
        return Sections(body, SectionGap, "\n\n").Where(section => section.Text.Length >= ShortestSection);
    }

    private static bool StartsWithAny(string line, string[] markers) =>
        markers.Any(marker => line.StartsWith(marker, StringComparison.OrdinalIgnoreCase));

    private IEnumerable<TextRecord> Tsv(string file)
    {
        string[]? names = null;
        int Column(string? column, string[] cells, int number)
        {
            if (column is null)
                return -1;
            int index = int.TryParse(column, out int parsed) ? parsed : Array.IndexOf(names!, column);
            return (uint)index < (uint)cells.Length
                ? index
                : throw new TrainingException($"{file}, line {number}: there is no column '{column}' among its {cells.Length}");
        }

        bool named = new[] { Text, Pair, Target, Label }.Any(c => c is not null && !int.TryParse(c, out _));
        foreach (var (line, number) in Lines(file))
        {
            if (line.Length == 0)
                continue;
            string[] cells = line.Split('\t');
            if (named && names is null)
            {
                names = cells;
                continue;
            }

            string? Cell(string? column) => Column(column, cells, number) is >= 0 and var index ? cells[index].Trim() : null;
            yield return new(Cell(Text ?? "0")!, number) { Pair = Cell(Pair), Target = Cell(Target), Label = Cell(Label) };
        }
    }

    private IEnumerable<TextRecord> Jsonl(string file)
    {
        foreach (var (line, number) in Lines(file))
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            JsonElement json;
            try
            {
                json = JsonSerializer.Deserialize<JsonElement>(line);
            }
            catch (JsonException error)
            {
                throw new TrainingException($"{file}, line {number}: {error.Message}", error);
            }

            string? Field(string? name)
            {
                if (name is null)
                    return null;
                if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out var value))
                    throw new TrainingException($"{file}, line {number}: there is no field '{name}'");
                return value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
            }

            yield return new(Field(Text ?? "text")!, number) { Pair = Field(Pair), Target = Field(Target), Label = Field(Label) };
        }
    }
}

/// <summary>A text of a data source.</summary>
/// <param name="Text">The text.</param>
/// <param name="Line">The line that it begins on.</param>
internal sealed record TextRecord(string Text, int Line)
{
    public string? Pair { get; init; }

    public string? Target { get; init; }

    public string? Label { get; init; }
}
