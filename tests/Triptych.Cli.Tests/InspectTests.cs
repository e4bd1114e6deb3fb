using System.Text.Json;
using Triptych.TestSupport;

namespace Triptych.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public InspectTests() => TinyModels.SaveClassifier(folder.At("model"));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task It_says_what_a_checkpoint_is_and_why_it_cannot_generate()
    {
        var run = await CliRun.OfAsync("inspect", folder.At("model"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches("family +encoder-only", run.Out);
        Assert.Matches("context length +64", run.Out);
        Assert.Matches("text-classification +yes", run.Out);
        Assert.Matches("text-generation +no +.*both directions", run.Out);
        Assert.DoesNotContain('\e', run.Out);
    }

    [Fact]
    public async Task As_json_there_is_an_object_for_each_model()
    {
        var run = await CliRun.OfAsync("inspect", folder.At("model"), folder.At("model"), "--json");
        string[] lines = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        var report = JsonDocument.Parse(lines[0]).RootElement;
        Assert.Equal("distilbert", report.GetProperty("model_type").GetString());
        Assert.True(report.GetProperty("parameters").GetInt64() > 1000);
        Assert.True(report.GetProperty("tasks").GetArrayLength() >= 7);
    }

    [Fact]
    public async Task The_supported_architectures_are_listed_as_markdown()
    {
        var run = await CliRun.OfAsync("models", "--markdown");
        Assert.Equal(0, run.ExitCode);
        Assert.All(["bert", "distilbert", "roberta", "gpt2", "bart"], type => Assert.Contains($"| {type} |", run.Out, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_readme_has_the_table_of_the_registry()
    {
        var run = await CliRun.OfAsync("models", "--markdown");
        string readme = await File.ReadAllTextAsync(Path.Combine(Fixtures.Root, "..", "..", "README.md"), TestContext.Current.CancellationToken);
        Assert.Contains(run.Out.Trim(), readme, StringComparison.Ordinal);
    }
}
