using System.Text.Json;

namespace Triptych.Cli.Tests;

public sealed class PerplexityTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PerplexityTests()
    {
        TinyModels.SaveGenerator(folder.At("model"));
        File.WriteAllText(folder.At("text.txt"), string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog.\n", 40)));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_text_is_measured_and_compared()
    {
        var run = await CliRun.OfAsync("perplexity", folder.At("model"), folder.At("text.txt"), "--context", "32", "--compare", folder.At("model"), "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var result = JsonDocument.Parse(run.Out).RootElement;
        double perplexity = result.GetProperty("perplexity").GetDouble();
        Assert.InRange(perplexity, 100, 1e5); // random weights know nothing
        Assert.Equal(result.GetProperty("chunks").GetInt32() * 15, result.GetProperty("tokens").GetInt32());
        Assert.Equal(perplexity, result.GetProperty("compare").GetProperty("perplexity").GetDouble());
        Assert.Equal(0, result.GetProperty("compare").GetProperty("kl_divergence").GetDouble());
        Assert.Equal(1, result.GetProperty("compare").GetProperty("same_top").GetDouble());
    }

    [Fact]
    public async Task Figures_are_shown_in_words()
    {
        var run = await CliRun.OfAsync("perplexity", folder.At("model"), folder.At("text.txt"), "--chunks", "1", "--stride", "8", "--compare", folder.At("model"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("8 tokens, 1 pieces of 64", run.Out, StringComparison.Ordinal);
        Assert.Contains("KL divergence from it 0", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_fit_is_an_error()
    {
        (await CliRun.OfAsync("perplexity", folder.At("model"), folder.At("text.txt"), "--context", "65")).AssertFails(1, "context of 65", $"{TinyModels.Context}");
        (await CliRun.OfAsync("perplexity", folder.At("model"), folder.At("none.txt"))).AssertFails(1, "none.txt", "no such file");
    }
}
