using Triptych.TestSupport;

namespace Triptych.Cli.Tests;

public sealed class ConvertTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_file_becomes_a_folder_and_the_folder_a_file()
    {
        string stories = Fixtures.Path("gguf/stories260K-q8_0.gguf");
        var toFolder = await CliRun.OfAsync("convert", stories, folder.At("folder"));
        Assert.Equal((0, "", $"{folder.At("folder")}: 47 tensors, 1.0 MB{Environment.NewLine}"), (toFolder.ExitCode, toFolder.Error, toFolder.Out));
        var toFile = await CliRun.OfAsync("convert", folder.At("folder"), folder.At("half.gguf"), "--to", "f16");
        Assert.Equal((0, "", $"{folder.At("half.gguf")}: 47 tensors, 0.5 MB{Environment.NewLine}"), (toFile.ExitCode, toFile.Error, toFile.Out));
        foreach (string model in (string[])[folder.At("folder"), folder.At("half.gguf")])
        {
            var told = await CliRun.OfAsync("generate", model, "--prompt", "Once upon a time", "--greedy", "--max-new-tokens", "20");
            Assert.StartsWith(", there was a little girl named Lily.", told.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_is_tokenized_with_and_inspected()
    {
        string stories = Fixtures.Path("gguf/stories260K-q8_0.gguf");
        Assert.Contains("q8_0", (await CliRun.OfAsync("inspect", stories)).Out, StringComparison.Ordinal);
        Assert.Contains("\"ids\":[1,", (await CliRun.OfAsync("tokenize", stories, "Once", "--json")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_converted_fails_in_a_line()
    {
        string stories = Fixtures.Path("gguf/stories260K-q8_0.gguf");
        (await CliRun.OfAsync("convert", stories, folder.At("x"), "--to", "q9")).AssertFails(2, "q9");
        (await CliRun.OfAsync("convert", stories, folder.At("x.gguf"))).AssertFails(1, "is a GGUF file already");
        (await CliRun.OfAsync("convert", folder.At("none"), folder.At("x.gguf"))).AssertFails(1, "no such model");
    }
}
