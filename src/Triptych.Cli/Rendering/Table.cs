using System.Globalization;
using Spectre.Console;

namespace Triptych.Cli.Rendering;

/// <summary>How a column of a table is set.</summary>
internal enum Align
{
    Left,
    Right,
}

/// <summary>A table of results: boxed for a person at a terminal, aligned columns in plain text.</summary>
internal sealed class Table(params IReadOnlyList<(string Title, Align Align)> columns)
{
    private const string Gap = "  ";
    private readonly List<string[]> rows = [];

    public int RowCount => rows.Count;

    public void Add(params string[] cells) => rows.Add([.. cells.Select(Printable)]);

    public void Write(Terminal terminal)
    {
        if (terminal.IsDecorated)
            terminal.Console.Write(Boxed());
        else
            WritePlain(terminal.Out);
    }

    /// <summary>The table as Markdown.</summary>
    public void WriteMarkdown(TextWriter output)
    {
        output.WriteLine($"| {string.Join(" | ", columns.Select(column => column.Title))} |");
        output.WriteLine($"|{string.Concat(columns.Select(column => column.Align is Align.Right ? "---:|" : "---|"))}");
        foreach (string[] row in rows)
            output.WriteLine($"| {string.Join(" | ", row.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |");
    }

    private Spectre.Console.Table Boxed()
    {
        var table = new Spectre.Console.Table { Border = TableBorder.Rounded, BorderStyle = new Style(Color.Grey) };
        foreach (var (title, align) in columns)
        {
            var column = new TableColumn(new Markup(Markup.Escape(title), new Style(decoration: Decoration.Bold)));
            table.AddColumn(align is Align.Right ? column.RightAligned() : column);
        }

        foreach (string[] row in rows)
            table.AddRow(row.Select(cell => new Text(cell, StyleOf(cell))));
        return table;
    }

    private static Style StyleOf(string cell) => cell switch
    {
        "yes" => new Style(Color.Green),
        "no" => new Style(Color.Red),
        _ => Style.Plain,
    };

    private void WritePlain(TextWriter output)
    {
        string[] titles = [.. columns.Select(column => column.Title)];
        int[] widths = [.. titles.Select((title, i) => rows.Select(row => Width(row[i])).Append(Width(title)).Max())];
        foreach (string[] row in rows.Prepend(titles))
            output.WriteLine(string.Join(Gap, row.Select((cell, i) => Pad(cell, widths[i], columns[i].Align))).TrimEnd());
    }

    private static string Pad(string cell, int width, Align align)
    {
        string padding = new(' ', width - Width(cell));
        return align is Align.Right ? padding + cell : cell + padding;
    }

    private static int Width(string cell) => new StringInfo(cell).LengthInTextElements;

    private static string Printable(string cell) => string.Concat(cell.Select(c => char.IsControl(c) ? c switch
    {
        '\n' => "↵",
        '\t' => "→",
        _ => "\uFFFD",
    } : c.ToString()));
}
