using Spectre.Console;

namespace Triptych.Cli.Rendering;

/// <summary>Prose for people: wrapped to the terminal, titled, side by side where there is room.</summary>
internal static class TextBlock
{
    private const int NarrowestPair = 80;

    /// <summary>Two titled texts: beside each other in boxes on a terminal, one after the other in plain text.</summary>
    public static void WritePair(Terminal terminal, (string Title, string Text) left, (string Title, string Text) right)
    {
        if (!terminal.IsDecorated)
        {
            WriteTitled(terminal.Out, left, terminal.Width);
            WriteTitled(terminal.Out, right, terminal.Width);
        }
        else if (terminal.Width < NarrowestPair)
        {
            terminal.Console.Write(Boxed(left));
            terminal.Console.Write(Boxed(right));
        }
        else
        {
            terminal.Console.Write(new Grid().AddColumn().AddColumn().AddRow(Boxed(left), Boxed(right)));
        }
    }

    /// <summary>Breaks a text at spaces into lines of at most <paramref name="width"/> characters; longer words stay whole.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        foreach (string paragraph in text.ReplaceLineEndings("\n").Split('\n'))
        {
            int start = 0;
            while (paragraph.Length - start > width)
            {
                int end = paragraph.LastIndexOf(' ', start + width, width + 1);
                if (end <= start)
                    end = paragraph.IndexOf(' ', start + width);
                if (end < 0)
                    break;
                yield return paragraph[start..end];
                start = end + 1;
            }

            yield return paragraph[start..];
        }
    }

    private static void WriteTitled(TextWriter output, (string Title, string Text) block, int width)
    {
        output.WriteLine($"{block.Title}:");
        foreach (string line in Wrap(block.Text.Trim(), width - 2))
            output.WriteLine($"  {line}");
    }

    private static Panel Boxed((string Title, string Text) block) =>
        new(new Text(block.Text.Trim())) { Header = new PanelHeader(block.Title), Border = BoxBorder.Rounded, Expand = true };
}
