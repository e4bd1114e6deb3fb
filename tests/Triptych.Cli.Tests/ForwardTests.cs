using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Cli.Tests;

public sealed class ForwardTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;
    private readonly string output;

    public ForwardTests()
    {
        model = folder.At("model");
        output = folder.At("out.safetensors");
        TinyModels.SaveClassifier(model);
    }

    public void Dispose() => folder.Dispose();

    private string Inputs(params (string Name, Tensor Value)[] tensors)
    {
        string path = folder.At("in.safetensors");
        SafetensorsWriter.Write(path, tensors.Select(tensor => KeyValuePair.Create(tensor.Name, tensor.Value)));
        return path;
    }

    private static Tensor Ids(params long[] ids) => Tensor.From(ids, [1, ids.Length]);

    [Fact]
    public async Task Each_prefix_is_a_case()
    {
        string inputs = Inputs(
            ("single.in.input_ids", Ids(2, 7, 8, 3)),
            ("other.in.input_ids", Ids(2, 9, 3)),
            ("train.in.input_ids", Ids(2, 7, 3)),
            ("train.in.labels", Tensor.From([1L], [1])));
        var run = await CliRun.OfAsync("forward", model, "--inputs", inputs, "--out", output);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));

        using var file = SafetensorsFile.Open(output);
        Assert.Equal([1L, 2L], file.Entries["single.out.logits"].Shape);
        Assert.Equal([1L, 4L, 16L], file.Entries["single.out.hidden_states.2"].Shape);
        Assert.Equal([1L, 3L, 16L], file.Entries["other.out.hidden_states.0"].Shape);
        Assert.Empty(file.Entries["train.loss"].Shape);
        Assert.True(file.Load("train.grad_norm.classifier.weight").Item<float>() > 0);
    }

    [Fact]
    public async Task A_file_without_inputs_is_an_error() =>
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("input_ids", Ids(1))), "--out", output)).AssertFails(1, "in.safetensors", "PREFIX.in.NAME");

    [Fact]
    public async Task An_unknown_input_is_named() =>
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.pixel_values", Ids(1))), "--out", output)).AssertFails(1, "in.safetensors", "a.in.pixel_values");

    [Fact]
    public async Task A_sequence_over_the_position_limit_is_an_error() =>
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(new long[TinyModels.Context + 1]))), "--out", output))
            .AssertFails(1, $"{TinyModels.Context}");

    [Fact]
    public async Task A_missing_folder_is_an_error() =>
        (await CliRun.OfAsync("forward", folder.At("none"), "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", output)).AssertFails(1, "none", "does not exist");

    [Fact]
    public async Task A_folder_without_a_checkpoint_is_an_error()
    {
        File.Delete(Path.Combine(model, "model.safetensors"));
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", output)).AssertFails(1, model, "model.safetensors");
    }

    [Fact]
    public async Task A_truncated_checkpoint_is_an_error()
    {
        string path = Path.Combine(model, "model.safetensors");
        byte[] whole = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, whole[..^100]);
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", output)).AssertFails(1, "model.safetensors");
    }

    [Fact]
    public async Task An_unknown_model_type_names_the_nearest()
    {
        await ReplaceInConfigAsync("\"distilbert\"", "\"distilbort\"");
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", output)).AssertFails(1, "'distilbort'", "distilbert");
    }

    [Fact]
    public async Task A_head_that_the_checkpoint_lacks_names_its_weights()
    {
        await ReplaceInConfigAsync("DistilBertForSequenceClassification", "DistilBertForMaskedLM");
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", output)).AssertFails(1, "vocab_transform");
    }

    [Fact]
    public async Task An_unwritable_output_is_an_error()
    {
        string notAFolder = folder.Write("file", "");
        (await CliRun.OfAsync("forward", model, "--inputs", Inputs(("a.in.input_ids", Ids(1))), "--out", Path.Combine(notAFolder, "out.safetensors")))
            .AssertFails(1, "out.safetensors", "cannot be written");
    }

    private async Task ReplaceInConfigAsync(string old, string @new)
    {
        string path = Path.Combine(model, "config.json");
        string config = await File.ReadAllTextAsync(path);
        Assert.Contains(old, config, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, config.Replace(old, @new, StringComparison.Ordinal));
    }
}
