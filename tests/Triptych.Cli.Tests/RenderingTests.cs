using Triptych.Cli.Rendering;

namespace Triptych.Cli.Tests;

public sealed class RenderingTests
{
    private static string Draw(bool decorated, Action<Terminal> draw, int width = 100)
    {
        using var output = new StringWriter { NewLine = "\n" };
        draw(new Terminal(() => Stream.Null, output, TextWriter.Null, decorated, width: width));
        return output.ToString();
    }

    [Fact]
    public void A_plain_table_is_aligned_columns()
    {
        var table = new Table(("label", Align.Left), ("score", Align.Right));
        table.Add("POSITIVE", "0.9");
        table.Add("NEG", "0.1234");
        Assert.Equal("label      score\nPOSITIVE     0.9\nNEG       0.1234\n", Draw(false, table.Write));
    }

    [Fact]
    public void A_decorated_table_has_a_box()
    {
        var table = new Table(("label", Align.Left));
        table.Add("[not markup]");
        string drawn = Draw(true, table.Write);
        Assert.Contains("╭", drawn, StringComparison.Ordinal);
        Assert.Contains("[not markup]", drawn, StringComparison.Ordinal);
    }

    [Fact]
    public void Control_characters_never_reach_the_terminal()
    {
        var table = new Table(("text", Align.Left));
        table.Add("a\e[31mb\nc");
        Assert.DoesNotContain('\e', Draw(false, table.Write));
        Assert.Contains("↵", Draw(false, table.Write), StringComparison.Ordinal);
    }

    [Fact]
    public void Markdown_escapes_bars()
    {
        var table = new Table(("a", Align.Left), ("b", Align.Right));
        table.Add("x|y", "1");
        using var output = new StringWriter { NewLine = "\n" };
        table.WriteMarkdown(output);
        Assert.Equal("| a | b |\n|---|---:|\n| x\\|y | 1 |\n", output.ToString());
    }

    [Theory]
    [InlineData("one two three", 7, "one two|three")]
    [InlineData("one two three", 8, "one two|three")]
    [InlineData("unbreakable", 4, "unbreakable")]
    [InlineData("a unbreakable b", 4, "a|unbreakable|b")]
    [InlineData("a\n\nb", 10, "a||b")]
    [InlineData("", 10, "")]
    public void Wrapping_breaks_at_spaces(string text, int width, string lines) =>
        Assert.Equal(lines.Split('|'), TextBlock.Wrap(text, width));

    [Fact]
    public void A_pair_stands_side_by_side_where_there_is_room()
    {
        static void Pair(Terminal terminal) => TextBlock.WritePair(terminal, ("Article", "left"), ("Summary", "right"));
        Assert.Contains(Draw(true, Pair).Split('\n'), line => line.Contains("left", StringComparison.Ordinal) && line.Contains("right", StringComparison.Ordinal));
        Assert.DoesNotContain(Draw(true, Pair, 60).Split('\n'), line => line.Contains("left", StringComparison.Ordinal) && line.Contains("right", StringComparison.Ordinal));
        Assert.Equal("Article:\n  left\nSummary:\n  right\n", Draw(false, Pair));
    }
}
