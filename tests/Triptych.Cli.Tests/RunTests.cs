using System.Text.Json;

namespace Triptych.Cli.Tests;

public sealed class RunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string classifier, generator, summarizer;

    public RunTests()
    {
        classifier = folder.At("classifier");
        generator = folder.At("generator");
        summarizer = folder.At("summarizer");
        TinyModels.SaveClassifier(classifier);
        TinyModels.SaveGenerator(generator);
        TinyModels.SaveSummarizer(summarizer);
    }

    public void Dispose() => folder.Dispose();

    private static JsonElement Json(CliRun run)
    {
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return JsonDocument.Parse(Assert.Single(run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
    }

    [Fact]
    public async Task Classification_prints_a_plain_table()
    {
        var run = await CliRun.OfAsync("run", "text-classification", "a movie", "the film", "--model", classifier);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.DoesNotContain('\e', run.Out);
        Assert.Matches("^label +score +text\n(POSITIVE|NEGATIVE) +0\\.\\d{4} +a movie\n(POSITIVE|NEGATIVE) +0\\.\\d{4} +the film\n$", run.Out);
    }

    [Fact]
    public async Task Classification_as_json_has_an_entry_an_input()
    {
        var result = Json(await CliRun.OfAsync("run", "text-classification", "a movie", "the film", "--model", classifier, "--json"));
        Assert.Equal(2, result.GetArrayLength());
        Assert.Contains(result[0].GetProperty("label").GetString(), (string[])["POSITIVE", "NEGATIVE"]);
        Assert.InRange(result[0].GetProperty("score").GetDouble(), 0.5, 1);
    }

    [Fact]
    public async Task Classification_gives_all_labels_on_request()
    {
        var result = Json(await CliRun.OfAsync("run", "text-classification", "a movie", "--model", classifier, "--json", "--top-k", "2"));
        Assert.Equal(1, result.EnumerateArray().Sum(label => label.GetProperty("score").GetDouble()), 1e-5);
    }

    [Fact]
    public async Task Inputs_come_from_files_and_standard_input()
    {
        string file = folder.Write("texts.txt", "a movie\nthe film\n");
        var whole = Json(await CliRun.OfAsync("run", "text-classification", "--file", file, "--model", classifier, "--json"));
        var lines = Json(await CliRun.OfAsync("run", "text-classification", "--file", file, "--lines", "--model", classifier, "--json"));
        var input = Json(await CliRun.WithInputAsync("a movie\nthe film\n", "run", "text-classification", "-", "--lines", "--model", classifier, "--json"));
        Assert.Equal(1, whole.GetArrayLength());
        Assert.Equal(2, lines.GetArrayLength());
        Assert.Equal(lines.ToString(), input.ToString());
    }

    [Fact]
    public async Task Generation_streams_the_prompt_and_what_follows()
    {
        string[] arguments = ["run", "text-generation", "the movie", "--model", generator, "--max-new-tokens", "8", "--greedy"];
        var streamed = await CliRun.OfAsync(arguments);
        var json = Json(await CliRun.OfAsync([.. arguments, "--json"]));
        Assert.Equal((0, ""), (streamed.ExitCode, streamed.Error));
        Assert.StartsWith("the movie", streamed.Out, StringComparison.Ordinal);
        Assert.Equal(json[0].GetProperty("generated_text").GetString(), streamed.Out.TrimEnd('\n'));
    }

    [Fact]
    public async Task Summarization_shows_the_article_and_the_summary()
    {
        string article = folder.Write("article.txt", "the movie was a film.");
        string[] arguments = ["run", "summarization", "--file", article, "--model", summarizer, "--max-length", "12", "--min-length", "4"];
        var run = await CliRun.OfAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("Article:\n  the movie was a film.\nSummary:\n", run.Out, StringComparison.Ordinal);
        Assert.True(Json(await CliRun.OfAsync([.. arguments, "--json"]))[0].TryGetProperty("summary_text", out _));
    }

    [Fact]
    public async Task Features_have_a_vector_a_token()
    {
        var result = Json(await CliRun.OfAsync("run", "feature-extraction", "the", "--model", classifier, "--json"));
        Assert.Equal(16, result[0][0].GetArrayLength());
    }

    [Fact]
    public async Task Nothing_to_do_is_a_usage_error() =>
        (await CliRun.OfAsync("run", "text-classification", "--model", classifier)).AssertFails(2, "INPUT");

    [Fact]
    public async Task An_unknown_task_is_a_usage_error() => (await CliRun.OfAsync("run", "translation", "x")).AssertFails(2, "translation", "summarization");

    [Fact]
    public async Task A_question_is_needed() =>
        (await CliRun.OfAsync("run", "question-answering", "context", "--model", classifier)).AssertFails(2, "--question");

    [Theory]
    [InlineData("text-classification")]
    [InlineData("text-generation")]
    [InlineData("summarization")]
    public async Task An_empty_text_is_an_error(string task) => (await CliRun.OfAsync("run", task, "", "--model", classifier)).AssertFails(1, "empty");

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Ten_megabytes_are_an_error_that_names_the_limit()
    {
        string file = folder.Write("big.txt", string.Concat(Enumerable.Repeat("the movie was a film ", 500_000)));
        Assert.True(new FileInfo(file).Length > 10_000_000);
        (await CliRun.OfAsync("run", "text-classification", "--file", file, "--model", classifier)).AssertFails(1, "tokens", $"{TinyModels.Context}");
        (await CliRun.OfAsync("run", "text-generation", "--file", file, "--model", generator)).AssertFails(1, $"{TinyModels.Context}");
        var cut = await CliRun.OfAsync("run", "text-classification", "--file", file, "--model", classifier, "--truncation");
        Assert.Equal(0, cut.ExitCode);
        Assert.Contains("warning", cut.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invalid_utf8_on_standard_input_is_an_error() =>
        (await CliRun.WithInputAsync([(byte)'a', 0x80], "run", "text-classification", "-", "--model", classifier)).AssertFails(1, "standard input", "0x80", "offset 1");

    [Fact]
    public async Task A_task_that_the_architecture_cannot_do_says_why() =>
        (await CliRun.OfAsync("run", "text-generation", "a", "--model", classifier)).AssertFails(1, "text-generation", "both directions");

    [Fact]
    public async Task A_missing_head_names_its_weights() =>
        (await CliRun.OfAsync("run", "fill-mask", "a [MASK]", "--model", classifier)).AssertFails(1, "vocab_transform");

    [Fact]
    public async Task A_missing_model_is_an_error() =>
        (await CliRun.OfAsync("run", "text-classification", "a", "--model", folder.At("nothing"))).AssertFails(1, "nothing", "no such model");
}
