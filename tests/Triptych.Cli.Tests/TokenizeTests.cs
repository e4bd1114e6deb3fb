using System.Text.Json;
using Triptych.TestSupport;

namespace Triptych.Cli.Tests;

public sealed class TokenizeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string tokenizer = Fixtures.Path("tokenizers/bert-uncased.json");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_text_file_gives_a_line_of_json_for_each_text()
    {
        string input = folder.Write("texts.txt", "the movie\n\nGröße 😀!\r\n");
        var run = await CliRun.OfAsync("tokenize", tokenizer, "--input", input, "--out", folder.At("ids.jsonl"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));

        string[] lines = await File.ReadAllLinesAsync(folder.At("ids.jsonl"));
        Assert.Equal(3, lines.Length);
        var encodings = lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.All(encodings, encoding =>
        {
            int length = encoding.GetProperty("ids").GetArrayLength();
            Assert.Equal(length, encoding.GetProperty("tokens").GetArrayLength());
            Assert.Equal(length, encoding.GetProperty("offsets").GetArrayLength());
            Assert.Equal("[CLS]", encoding.GetProperty("tokens")[0].GetString());
            Assert.Equal("[SEP]", encoding.GetProperty("tokens")[length - 1].GetString());
        });
        Assert.Equal(2, encodings[1].GetProperty("ids").GetArrayLength());

        // The emoji is two UTF-16 units: "!" is at 8.
        var offsets = encodings[2].GetProperty("offsets").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetInt32()));
        Assert.Contains((8, 9), offsets);
    }

    [Fact]
    public async Task Json_strings_may_hold_line_breaks()
    {
        string input = folder.Write("texts.jsonl", "\"the\\nmovie\"\n\"film\"\n");
        var run = await CliRun.OfAsync("tokenize", tokenizer, "--input", input);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_text_shows_its_pieces_in_plain_columns()
    {
        var run = await CliRun.OfAsync("tokenize", tokenizer, "the movie");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("token", run.Out, StringComparison.Ordinal);
        Assert.Contains("[CLS]", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Out);
        Assert.DoesNotContain('│', run.Out);
    }

    [Fact]
    public async Task Special_tokens_can_be_left_out()
    {
        var run = await CliRun.OfAsync("tokenize", tokenizer, "the", "--json", "--no-special-tokens");
        Assert.DoesNotContain("[CLS]", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_are_counted()
    {
        var run = await CliRun.OfAsync("tokenize", tokenizer, "the", "the the", "--count", "--no-special-tokens");
        Assert.Equal((0, "1\n2\n"), (run.ExitCode, run.Out.ReplaceLineEndings("\n")));
    }

    [Fact]
    public async Task Ids_become_text_again()
    {
        var ids = await CliRun.OfAsync("tokenize", tokenizer, "the movie", "--json");
        string list = string.Join(", ", JsonDocument.Parse(ids.Out).RootElement.GetProperty("ids").EnumerateArray());
        var run = await CliRun.OfAsync("tokenize", tokenizer, "--decode", list, "--skip-special-tokens");
        Assert.Equal((0, "the movie"), (run.ExitCode, run.Out.TrimEnd()));
        string input = folder.Write("ids.txt", $"[{list}]\n");
        run = await CliRun.OfAsync("tokenize", tokenizer, "--decode", "--input", input);
        Assert.Equal((0, "[CLS] the movie [SEP]"), (run.ExitCode, run.Out.TrimEnd()));
        (await CliRun.OfAsync("tokenize", tokenizer, "--decode", "1 x")).AssertFails(2, "'x' is not a token id");
    }

    [Fact]
    public async Task Invalid_utf8_names_the_file_and_the_place()
    {
        string input = folder.Write("texts.txt", [(byte)'a', (byte)'b', 0xFF, (byte)'c']);
        (await CliRun.OfAsync("tokenize", tokenizer, "--input", input)).AssertFails(1, input, "not UTF-8", "0xFF", "offset 2");
    }

    [Fact]
    public async Task A_line_that_is_no_json_string_is_named()
    {
        string input = folder.Write("texts.jsonl", "\"fine\"\n{\"text\": 1}\n");
        (await CliRun.OfAsync("tokenize", tokenizer, "--input", input, "--out", folder.At("ids.jsonl"))).AssertFails(1, "texts.jsonl", "line 2");
        Assert.False(File.Exists(folder.At("ids.jsonl")));
    }

    [Fact]
    public async Task An_unwritable_output_is_an_error()
    {
        string notAFolder = folder.Write("file", "");
        string input = folder.Write("texts.txt", "the\n");
        (await CliRun.OfAsync("tokenize", tokenizer, "--input", input, "--out", Path.Combine(notAFolder, "ids.jsonl"))).AssertFails(1, "ids.jsonl");
    }

    [Fact]
    public async Task A_missing_tokenizer_is_an_error() =>
        (await CliRun.OfAsync("tokenize", folder.At("nothing"), "text")).AssertFails(1, "nothing");

    [Fact]
    public async Task A_missing_input_is_an_error() =>
        (await CliRun.OfAsync("tokenize", tokenizer, "--input", folder.At("missing.txt"))).AssertFails(1, "missing.txt", "no such file");

    [Fact]
    public async Task Ten_megabytes_are_tokenized()
    {
        string input = folder.Write("big.txt", string.Concat(Enumerable.Repeat("the movie was a film ", 500_000)));
        var run = await CliRun.OfAsync("tokenize", tokenizer, "--input", input, "--out", folder.At("ids.jsonl"));
        Assert.Equal(0, run.ExitCode);
        Assert.True(new FileInfo(folder.At("ids.jsonl")).Length > 10_000_000);
    }
}
