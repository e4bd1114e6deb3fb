using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Triptych.Cli.Tests;

/// <summary>The tool as a process of its own.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private const int Interrupt = 2;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private Process Start(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "triptych.exe" : "triptych");
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[EmbeddedModels.EnvironmentVariable] = folder.Path;
        return Process.Start(start)!;
    }

    private async Task<CliRun> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new(process.ExitCode, await output, await error);
    }

    [Fact]
    public async Task Results_go_to_standard_output_in_plain_utf8()
    {
        TinyModels.SaveClassifier(folder.At("model"));
        var run = await RunAsync("run", "text-classification", "Größe 😀", "--model", folder.At("model"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("Größe 😀", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Out);
    }

    [Fact]
    public async Task The_demo_shows_the_three_families()
    {
        TinyModels.SaveClassifier(folder.At("distilbert-sentiment"));
        TinyModels.SaveGenerator(folder.At("gpt2-stories"));
        TinyModels.SaveSummarizer(folder.At("bart-summary"));
        folder.Write("bart-summary/article.txt", "the movie was a film.");
        var run = await RunAsync("demo");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        // The generator's weights are random, and so is its text: an escape character alone may be in it.
        Assert.DoesNotContain("\e[", run.Out, StringComparison.Ordinal);
        Assert.Contains("\n$ triptych run text-generation \"Once upon a time\" --max-new-tokens 50 --temperature 0.7\nOnce upon a time", run.Out, StringComparison.Ordinal);
        Assert.All(
            ["This movie was absolutely fantastic!", "Article:", "Summary:", "encoder-only", "decoder-only", "encoder-decoder"],
            words => Assert.Contains(words, run.Out, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Failures_go_to_standard_error() =>
        (await RunAsync("run", "text-classification", "a", "--model", folder.At("nothing"))).AssertFails(1, "nothing");

    [Fact]
    public async Task Wrong_usage_returns_two() => (await RunAsync("run")).AssertFails(2, "TASK");

    [Fact]
    public async Task An_interrupt_ends_it_with_130()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are a matter of Unix");
        TinyModels.SaveGenerator(folder.At("model"));
        using var process = Start("bench", folder.At("model"), "--repeat", "1000000");
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.Equal(0, Kill(process.Id, Interrupt));
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }

        Assert.Equal(130, process.ExitCode);
        Assert.Equal("triptych: cancelled", (await process.StandardError.ReadToEndAsync()).Trim());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
