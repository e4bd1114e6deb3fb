using Triptych.Cli.Rendering;
using Triptych.Training;

namespace Triptych.Cli.Tests;

public sealed class TrainTests
{
    private static readonly TrainingProgress Step = new()
    {
        Event = TrainingEvent.Step, Stage = "stories", Step = 50, TotalSteps = 200, Epoch = 0.25, Loss = 3.5, LearningRate = 1e-3,
        TokensPerSecond = 12345, Elapsed = TimeSpan.FromSeconds(65), Remaining = TimeSpan.FromSeconds(195),
    };

    private static string Show(bool isLive)
    {
        using var error = new StringWriter { NewLine = "\n" };
        using (var display = new TrainingDisplay(new Terminal(() => Stream.Null, TextWriter.Null, error, isErrorLive: isLive, width: 200)))
            display.Report(Step);
        return error.ToString();
    }

    [Fact]
    public void Redirected_progress_is_a_plain_line() =>
        Assert.Equal("stories: step 50/200  epoch 0.25  loss 3.5000  lr 1E-3  12,345 tokens/s  1:05 elapsed, 3:15 left\n", Show(isLive: false));

    [Fact]
    public void Live_progress_has_a_bar_and_goes_away()
    {
        string shown = Show(isLive: true);
        Assert.Contains("██████░░", shown, StringComparison.Ordinal);
        Assert.EndsWith("\r\e[K", shown, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', shown);
    }

    [Fact]
    public async Task A_missing_recipe_is_an_error() =>
        (await CliRun.OfAsync("train", "/no/such/recipe.json", "--output", "/no/such/output")).AssertFails(1, "recipe.json");

    [Fact]
    public async Task An_output_is_needed() => (await CliRun.OfAsync("train", "recipe.json")).AssertFails(2, "--output");
}
