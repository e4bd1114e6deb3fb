using System.Text.Json;
using Triptych.Tokenizers;

namespace Triptych.Cli.Tests;

public sealed class TrainTokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_trained_folder_loads()
    {
        var run = await CliRun.OfAsync("train-tokenizer", Corpus(), "--vocab-size", "300", "--special", "<s>", "</s>", "--output", folder.At("bpe"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("300 tokens", run.Out, StringComparison.Ordinal);
        Assert.Equal([1], Tokenizer.Load(folder.At("bpe")).Encode("</s>").Ids);

        run = await CliRun.OfAsync("train-tokenizer", Corpus(), "--model", "wordpiece", "--vocab-size", "80", "--json", "--output", folder.At("bert"));
        Assert.Equal(80, JsonDocument.Parse(run.Out).RootElement.GetProperty("vocab_size").GetInt32());
        var bert = Tokenizer.Load(folder.At("bert"));
        Assert.Equal(0, bert.PadTokenId);
        Assert.Equal("[CLS]", bert.Encode("THE").Tokens[0]);

        run = await CliRun.OfAsync("train-tokenizer", Corpus(), "--from", folder.At("bert"), "--vocab-size", "90", "--output", folder.At("again"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(90, Tokenizer.Load(folder.At("again")).VocabSize);
        Assert.Equal(bert.SpecialTokens, Tokenizer.Load(folder.At("again")).SpecialTokens);
    }

    [Fact]
    public async Task Special_tokens_have_attributes_and_rare_words_are_left_out()
    {
        var run = await CliRun.OfAsync("train-tokenizer", Corpus(), "--model", "wordlevel", "--special", "<unk>", "<mask>", "--lstrip", "<mask>",
            "--normalized", "<mask>", "--min-word-count", "200", "--memory", "64", "--temp", folder.At("."), "--output", folder.At("words"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var words = Tokenizer.Load(folder.At("words"));
        Assert.Equal(11, words.VocabSize);
        Assert.True(words.AddedTokens[1] is { Content: "<mask>", LStrip: true, RStrip: false, Normalized: true, Special: true });
        Assert.True(words.AddedTokens[0] is { LStrip: false, Normalized: false });
    }

    [Fact]
    public async Task Mistakes_are_named()
    {
        string corpus = Corpus();
        (await CliRun.OfAsync("train-tokenizer", corpus)).AssertFails(2, "--output");
        (await CliRun.OfAsync("train-tokenizer", corpus, "--model", "bigram", "-o", folder.At("x"))).AssertFails(2, "wordpiece");
        (await CliRun.OfAsync("train-tokenizer", corpus, "--model", "unigram", "--min-frequency", "2", "-o", folder.At("x"))).AssertFails(2, "--min-frequency");
        (await CliRun.OfAsync("train-tokenizer", corpus, "--lstrip", "<mask>", "-o", folder.At("x"))).AssertFails(2, "<mask>");
        (await CliRun.OfAsync("train-tokenizer", corpus, "--temp", folder.At("none"), "-o", folder.At("x"))).AssertFails(2, "none");
        (await CliRun.OfAsync("train-tokenizer", folder.At("none.txt"), "-o", folder.At("x"))).AssertFails(1, "none.txt");
        (await CliRun.OfAsync("train-tokenizer", corpus, "--vocab-size", "10", "-o", folder.At("x"))).AssertFails(1, "too small");
        Assert.False(Directory.Exists(folder.At("x")));
    }

    private string Corpus()
    {
        File.WriteAllLines(folder.At("corpus.txt"), Enumerable.Range(0, 200).Select(i => $"the quick brown fox jumps over lazy dog number {i}"));
        return folder.At("corpus.txt");
    }
}
