using System.Text;

namespace Triptych.Cli.Tests;

/// <summary>Runs a command line in this process and holds what it wrote.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    public static async Task<CliRun> OfAsync(params string[] arguments) => await WithInputAsync([], arguments);

    public static async Task<CliRun> WithInputAsync(byte[] input, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int code = await CommandLine.RunAsync(arguments, new Terminal(() => new MemoryStream(input), output, error));
        return new(code, output.ToString(), error.ToString());
    }

    public static async Task<CliRun> WithInputAsync(string input, params string[] arguments) =>
        await WithInputAsync(Encoding.UTF8.GetBytes(input), arguments);

    /// <summary>Asserts that it failed with one line that contains the words, and wrote no results.</summary>
    public void AssertFails(int code, params string[] words)
    {
        Assert.Equal(code, ExitCode);
        Assert.Empty(Out);
        string line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("triptych: ", line, StringComparison.Ordinal);
        foreach (string word in words)
            Assert.Contains(word, line, StringComparison.Ordinal);
    }
}
