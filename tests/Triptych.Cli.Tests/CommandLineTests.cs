using Triptych.TestSupport;

namespace Triptych.Cli.Tests;

public sealed class CommandLineTests
{
    public static TheoryData<string> Commands => [.. CommandLine.Names];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_has_an_example_of_the_command(string command)
    {
        var run = await CliRun.OfAsync(command, "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Error);
        Assert.Contains($"\n  triptych {command}", run.Out.Split("Examples:")[1], StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Out);
    }

    [Fact]
    public async Task Help_lists_every_command()
    {
        var run = await CliRun.OfAsync("--help");
        Assert.Equal(0, run.ExitCode);
        Assert.All(CommandLine.Names, name => Assert.Contains($"\n  {name} ", run.Out, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_a_usage_error() => (await CliRun.OfAsync()).AssertFails(2, "command");

    [Fact]
    public async Task An_unknown_command_names_the_nearest() =>
        (await CliRun.OfAsync("tokenise", "x")).AssertFails(2, "'tokenise'", "'tokenize'");

    [Fact]
    public async Task A_missing_argument_is_a_usage_error() => (await CliRun.OfAsync("tokenize")).AssertFails(2, "TOKENIZER", "triptych tokenize --help");

    [Fact]
    public async Task A_misspelt_option_is_not_taken_for_a_text() =>
        (await CliRun.OfAsync("tokenize", "folder", "--jsn", "text")).AssertFails(2, "--jsn");

    [Fact]
    public async Task Threads_below_one_are_a_usage_error() => (await CliRun.OfAsync("version", "--threads", "0")).AssertFails(2, "--threads");

    [Fact]
    public async Task Version_names_the_version_and_the_machine()
    {
        var run = await CliRun.OfAsync("version");
        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^triptych \d+\.\d+\.\d+", run.Out);
        Assert.Contains(".NET", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verbose_shows_the_stack_trace()
    {
        var run = await CliRun.OfAsync("tokenize", "/no/such/folder", "text", "--verbose");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_command_returns_130()
    {
        using var error = new StringWriter();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        using var files = new TemporaryFolder();
        string texts = files.Write("texts.txt", "one\ntwo\n");
        int code = await CommandLine.RunAsync(
            ["tokenize", Fixtures.Path("tokenizers/bert-uncased.json"), "--input", texts],
            new Terminal(() => Stream.Null, TextWriter.Null, error),
            cancelled.Token);
        Assert.Equal(130, code);
        Assert.Equal("triptych: cancelled", error.ToString().Trim());
    }
}
