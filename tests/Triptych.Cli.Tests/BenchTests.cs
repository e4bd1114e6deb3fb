using System.Text.Json;

namespace Triptych.Cli.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_classifier_is_measured_without_decoding()
    {
        TinyModels.SaveClassifier(folder.At("model"));
        var run = await CliRun.OfAsync("bench", folder.At("model"), "--json", "--prefill", "16", "--repeat", "3");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var result = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(JsonValueKind.Null, result.GetProperty("decode_tokens_per_second").ValueKind);
        AssertSpeed(result.GetProperty("prefill_tokens_per_second"));
        Assert.True(result.GetProperty("load_seconds").GetDouble() > 0);
        Assert.True(result.GetProperty("first_token_seconds").GetDouble() > 0);
        Assert.True(result.GetProperty("peak_memory_bytes").GetInt64() > 10 << 20);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bart")]
    public async Task A_generator_is_measured_with_decoding(string kind)
    {
        if (kind == "gpt2")
            TinyModels.SaveGenerator(folder.At("model"));
        else
            TinyModels.SaveSummarizer(folder.At("model"));
        var run = await CliRun.OfAsync("bench", folder.At("model"), "--json", "--prefill", "16", "--decode", "8", "--batch", "2", "--repeat", "3");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var result = JsonDocument.Parse(run.Out).RootElement;
        AssertSpeed(result.GetProperty("prefill_tokens_per_second"));
        AssertSpeed(result.GetProperty("decode_tokens_per_second"));
    }

    [Fact]
    public async Task Lengths_over_the_context_are_an_error()
    {
        TinyModels.SaveGenerator(folder.At("model"));
        (await CliRun.OfAsync("bench", folder.At("model"), "--prefill", "60", "--decode", "8")).AssertFails(1, "--prefill 60", $"{TinyModels.Context} tokens");
    }

    [Fact]
    public async Task Lengths_that_are_not_given_fit_the_context()
    {
        TinyModels.SaveGenerator(folder.At("model"));
        var run = await CliRun.OfAsync("bench", folder.At("model"), "--repeat", "1");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("prefill      32", run.Out, StringComparison.Ordinal);
        Assert.Contains("decode       32", run.Out, StringComparison.Ordinal);
    }

    private static void AssertSpeed(JsonElement speed)
    {
        double best = speed.GetProperty("best").GetDouble(), median = speed.GetProperty("median").GetDouble(), worst = speed.GetProperty("worst").GetDouble();
        Assert.True(best >= median && median >= worst && worst > 0);
        Assert.Equal(3, speed.GetProperty("n").GetInt32());
    }
}
