using System.Text.Json;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Cli.Tests;

public sealed class QuantizeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_file_is_named_after_model_and_type_and_lies_beside_it()
    {
        string model = Save("tiny-f32.gguf");
        var run = await CliRun.OfAsync("quantize", model, "--to", "Q4_K_M");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("bits a weight", run.Out, StringComparison.Ordinal);
        using var written = GgufFile.Open(folder.At("tiny-q4_k_m.gguf"));
        Assert.Equal(DType.Q6_K, written.Entry("output.weight").ElementType);
        Assert.Equal(DType.Q4_K, written.Entry("blk.0.attn_q.weight").ElementType);
        Assert.Equal(DType.Float32, written.Entry("output_norm.weight").ElementType);
    }

    [Fact]
    public async Task Json_tells_sizes_and_formats()
    {
        var run = await CliRun.OfAsync("quantize", Save("tiny.gguf"), "--to", "q8_0", "--pure", "--json", "--output", folder.At("small.gguf"));
        Assert.Equal(0, run.ExitCode);
        JsonElement result = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(folder.At("small.gguf"), result.GetProperty("output").GetString());
        Assert.Equal(2, result.GetProperty("formats").GetProperty("q8_0").GetInt32());
        using var written = GgufFile.Open(folder.At("small.gguf"));
        Assert.Equal(written.Entries.Values.Sum(entry => entry.Length), result.GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task Mistakes_are_named()
    {
        string model = Save("tiny.gguf");
        (await CliRun.OfAsync("quantize", model, "--to", "q4")).AssertFails(2, "q4", "q4_k_m");
        (await CliRun.OfAsync("quantize", model)).AssertFails(2, "--to");
        (await CliRun.OfAsync("quantize", model, "--to", "q8_0", "--output", model)).AssertFails(1, "is the model itself");
        (await CliRun.OfAsync("quantize", folder.At("none.gguf"), "--to", "q8_0")).AssertFails(1, "none.gguf");
        (await CliRun.OfAsync("quantize", model, "--to", "q8_0", "--output", folder.At("no/such/folder/x.gguf"))).AssertFails(1, "folder does not exist");
    }

    private string Save(string name)
    {
        var generator = new Generator(1);
        var metadata = new GgufMetadata
        {
            ["general.architecture"] = "llama",
            ["llama.block_count"] = 1u,
            ["llama.attention.head_count"] = 4u,
        };
        GgufWriter.Write(folder.At(name), metadata,
        [
            TensorSource.Of("blk.0.attn_q.weight", Tensor.Normal([32, 256], generator)),
            TensorSource.Of("output.weight", Tensor.Normal([16, 256], generator)),
            TensorSource.Of("output_norm.weight", Tensor.Ones([256])),
        ]);
        return folder.At(name);
    }
}
