using System.Text.Json.Nodes;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Formats.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ReadsShardsOfSavePretrained()
    {
        using var sharded = Checkpoint.Open(Fixtures.Path("formats/sharded"));
        using var whole = SafetensorsFile.Open(Fixtures.Path("formats/sharded-reference.safetensors"));
        Assert.True(sharded.Files.Count > 1);
        Assert.Equal(whole.Entries.Keys.Order(), sharded.Names.Order());
        foreach (string name in sharded.Names)
            Assert.Equal(whole.Load(name).ToArray<float>(), sharded.Load(name).ToArray<float>());
        Assert.Equal(whole.Entries.Values.Sum(entry => entry.Length), sharded.TotalBytes);
    }

    [Fact]
    public void SavesShardsThenOneFileWithoutLeftovers()
    {
        var tensors = Enumerable.Range(0, 5).ToDictionary(i => $"w{i}", i => Tensor.Full([10], i));
        CheckpointWriter.Save(folder.Root, tensors, maxShardBytes: 80);
        Assert.Equal(
            ["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", "model.safetensors.index.json"],
            folder.Names);
        Assert.Equal(200, JsonFile.ReadObject(folder["model.safetensors.index.json"])["metadata"]!["total_size"]!.GetValue<int>());
        using (var checkpoint = Checkpoint.Open(folder.Root))
        {
            Assert.Equal(3, checkpoint.Load("w3").ToArray<float>()[9]);
            Assert.Equal([10L], checkpoint.Entry("w3").Shape);
        }

        folder.Put("config.json", "{}");
        CheckpointWriter.Save(folder.Root, tensors);
        Assert.Equal(["config.json", "model.safetensors"], folder.Names);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("a\\b.safetensors")]
    [InlineData("model.bin")]
    [InlineData("")]
    public void IndexMayOnlyNameFilesOfTheFolder(string shard)
    {
        var index = new JsonObject { ["weight_map"] = new JsonObject { ["w"] = shard } };
        JsonFile.Write(folder["model.safetensors.index.json"], index);
        Assert.Equal("w", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Root)).Key);
    }

    [Theory]
    [InlineData("{}", "weight_map")]
    [InlineData("""{"weight_map":{"w":3}}""", "does not name a file")]
    [InlineData("""{"weight_map":{"w":"s.safetensors"}}""", "s.safetensors is not in the folder")]
    [InlineData("""{"weight_map":{"w":"real.safetensors"}}""", "no such tensor")]
    [InlineData("""{"weight_map":{"w":"a.safetensors","w":"a.safetensors"}}""", "not valid")]
    public void BrokenIndexIsRefused(string index, string reason)
    {
        SafetensorsWriter.Write(folder["real.safetensors"], new Dictionary<string, Tensor> { ["x"] = Tensor.Ones([1]) });
        folder.Put("model.safetensors.index.json", index);
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingCheckpointSaysWhatWasLookedFor()
    {
        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder["none"])).Message, StringComparison.Ordinal);
        Assert.Contains("looked for model.safetensors", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Root)).Message, StringComparison.Ordinal);
        folder.Put("pytorch_model.bin", "x");
        Assert.Contains("save_pretrained", Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FailedWritesLeaveTheOldFile()
    {
        string path = folder.Put("f", "old");
        var error = Assert.Throws<CheckpointException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[3 << 20]);
            throw new IOException("No space left on device");
        }));
        Assert.Equal(path, error.Path);
        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => SafetensorsWriter.Write(
            path, new Dictionary<string, Tensor> { ["w"] = Tensor.Ones([4]) }, cancellationToken: cancelled.Token));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["f"], folder.Names);
        Assert.Throws<CheckpointException>(() => AtomicFile.WriteText(folder["no/such/folder"], "x"));
        Assert.Throws<CheckpointException>(() => AtomicFile.WriteText(folder.Root, "x"));
        AtomicFile.WriteText(path, "néw");
        Assert.Equal("néw", File.ReadAllText(path));
    }
}
