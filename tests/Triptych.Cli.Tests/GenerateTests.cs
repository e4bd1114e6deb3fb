using System.Text.Json;

namespace Triptych.Cli.Tests;

public sealed class GenerateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public GenerateTests()
    {
        model = folder.At("model");
        TinyModels.SaveGenerator(model);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Ids_are_continued_without_a_tokenizer()
    {
        foreach (string file in Directory.GetFiles(model, "*token*"))
            File.Delete(file);
        var run = await CliRun.OfAsync("generate", model, "--ids", "5,6,7", "--max-new-tokens", "4", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var result = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal("5,6,7", string.Join(",", Ids(result, "prompt_ids")));
        Assert.Equal(Ids(result, "ids"), (int[])[.. Ids(result, "prompt_ids"), .. Ids(result, "new_ids")]);
        Assert.InRange(Ids(result, "new_ids").Length, 1, 4);
        Assert.Equal(JsonValueKind.Null, result.GetProperty("text").ValueKind);
    }

    [Fact]
    public async Task The_cache_takes_a_type()
    {
        string[] arguments = ["generate", model, "--ids", "5,6,7", "--max-new-tokens", "4", "--cache-type"];
        var wide = await CliRun.OfAsync([.. arguments, "f32"]);
        Assert.Equal((0, ""), (wide.ExitCode, wide.Error));
        Assert.Equal(wide.Out, (await CliRun.OfAsync([.. arguments, "f16"])).Out);
        (await CliRun.OfAsync([.. arguments, "q4"])).AssertFails(2, "--cache-type takes one of f32|f16|bf16|q8_0");
        (await CliRun.OfAsync([.. arguments, "q8_0"])).AssertFails(1, "multiple of 32");
    }

    [Fact]
    public async Task A_seed_makes_draws_repeatable()
    {
        string[] arguments = ["generate", model, "--prompt", "the movie", "--temperature", "1.5", "--max-new-tokens", "12", "--json", "--seed"];
        var first = await CliRun.OfAsync([.. arguments, "3"]);
        var second = await CliRun.OfAsync([.. arguments, "3"]);
        var other = await CliRun.OfAsync([.. arguments, "4"]);
        Assert.Equal((0, first.Out), (second.ExitCode, second.Out));
        Assert.NotEqual(first.Out, other.Out);
    }

    [Fact]
    public async Task Neither_prompt_nor_ids_is_a_usage_error() => (await CliRun.OfAsync("generate", model)).AssertFails(2, "--prompt", "--ids");

    [Fact]
    public async Task Greedy_with_a_temperature_is_a_usage_error() =>
        (await CliRun.OfAsync("generate", model, "--prompt", "a", "--greedy", "--temperature", "0.7")).AssertFails(2, "--greedy");

    [Theory]
    [InlineData("--ids", "1,x", "'x'")]
    [InlineData("--temperature", "-1", "--temperature")]
    [InlineData("--temperature", "NaN", "--temperature")]
    [InlineData("--max-new-tokens", "0", "--max-new-tokens")]
    [InlineData("--num-beams", "many", "--num-beams")]
    public async Task Impossible_values_are_usage_errors(string option, string value, string word) =>
        (await CliRun.OfAsync("generate", model, "--prompt", "a", option, value)).AssertFails(2, word);

    [Fact]
    public async Task An_id_outside_of_the_vocabulary_is_an_error() =>
        (await CliRun.OfAsync("generate", model, "--ids", "9999999")).AssertFails(1, "9999999", "vocabulary");

    [Fact]
    public async Task A_classifier_does_not_generate()
    {
        TinyModels.SaveClassifier(folder.At("classifier"));
        (await CliRun.OfAsync("generate", folder.At("classifier"), "--prompt", "a")).AssertFails(1, "does not generate");
    }

    private static int[] Ids(JsonElement result, string name) => [.. result.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
