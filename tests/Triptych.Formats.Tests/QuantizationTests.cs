using System.Security.Cryptography;
using System.Text.Json;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Formats.Tests;

/// <summary>Quantized files against those of llama-quantize.</summary>
public sealed class QuantizationTests
{
    public static TheoryData<QuantizationType> Types => new(Enum.GetValues<QuantizationType>());

    [Theory]
    [InlineData("shared")]
    [InlineData("unshared")]
    [InlineData("tied")]
    [InlineData("large")]
    [InlineData("experts")]
    [InlineData("gpt2")]
    public void TensorsHaveTheFormatsThatLlamaCppGivesThem(string model)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("quantization/mixes.json")));
        var formats = document.RootElement.GetProperty("formats").EnumerateArray()
            .Select(name => Enum.Parse<GgufTensorType>(name.GetString()!).ToDType()!.Value).ToArray();
        JsonElement recorded = document.RootElement.GetProperty("models").GetProperty(model);
        GgufMetadata metadata = Metadata(recorded.GetProperty("metadata").EnumerateObject());
        var tensors = recorded.GetProperty("tensors").EnumerateObject()
            .Select(tensor => new TensorSource(tensor.Name, DType.Float32, [.. tensor.Value.EnumerateArray().Select(size => size.GetInt32())], () => throw new InvalidOperationException()))
            .ToList();
        var shuffled = tensors.OrderBy(tensor => tensor.Name.Reverse().Aggregate(7, (sum, letter) => (sum * 31) + letter)).ToList();
        foreach (JsonProperty type in recorded.GetProperty("types").EnumerateObject())
        {
            var plan = QuantizationPlan.Make(metadata, shuffled, QuantizationTypes.Parse(type.Name), pure: false);
            Assert.Equal(tensors.Select(tensor => tensor.Name), plan.Select(entry => entry.Tensor.Name));
            string expected = string.Join('\n', tensors.Zip(type.Value.GetString()!, (tensor, letter) => $"{type.Name} {tensor.Name} {formats[letter - 'a'].Name()}"));
            Assert.Equal(expected, string.Join('\n', plan.Select(entry => $"{type.Name} {entry.Tensor.Name} {entry.Target.Name()}")));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void FilesAreThoseOfLlamaQuantize(QuantizationType type)
    {
        using var folder = new TempFolder();
        string path = folder["small.gguf"];
        var tensors = GgufQuantizer.Write(path, SmallMetadata(), Small(), type, pure: false);
        using var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("quantization/files.json")));
        Assert.Equal(expected.RootElement.GetProperty(type.ToString()).GetString(), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));

        using GgufFile file = GgufFile.Open(path);
        Assert.Equal((int)type, file.Metadata.GetInt32("general.file_type"));
        Assert.Equal(tensors.Select(tensor => (tensor.Name, (DType?)tensor.To)), file.Entries.Values.Select(entry => (entry.Name, entry.ElementType)));
        Assert.Equal(tensors.Sum(tensor => tensor.Bytes), file.Entries.Values.Sum(entry => entry.Length));
    }

    [Fact]
    public void PureFilesHaveOneFormat()
    {
        var plan = QuantizationPlan.Make(SmallMetadata(), Small(), QuantizationType.Q4_K_M, pure: true);
        Assert.All(plan, entry => Assert.Equal(entry.Tensor.Shape.Rank == 1 ? DType.Float32 : DType.Q4_K, entry.Target));
    }

    [Fact]
    public void ProgressGrowsToTheEndTensorByTensor()
    {
        using var folder = new TempFolder();
        var reports = new Reports();
        var tensors = GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), Small(), QuantizationType.Q8_0, progress: reports);
        Assert.Equal(tensors, reports.Select(report => report.Tensor).Distinct());
        Assert.Equal(reports.Select(report => report.Fraction).Order(), reports.Select(report => report.Fraction));
        Assert.Equal(1, reports[^1].Fraction);
    }

    [Theory]
    [InlineData(float.NaN, QuantizationType.Q4_0, "infinite or not a number")]
    [InlineData(float.NegativeInfinity, QuantizationType.Q8_0, "infinite or not a number")]
    [InlineData(1e30f, QuantizationType.Q4_K_M, "beyond the range of q6_k")]
    [InlineData(1e5f, QuantizationType.F16, "beyond the range of float16")]
    public void NumbersThatNoBlockHoldsAreNamed(float number, QuantizationType type, string reason)
    {
        using var folder = new TempFolder();
        var values = Tensor.Zeros([16, 256]);
        values.AsSpan<float>()[300] = number;
        var error = Assert.Throws<CheckpointException>(() =>
            GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), [TensorSource.Of("output.weight", values)], type));
        Assert.Equal("output.weight", error.Key);
        Assert.Contains(reason, error.Reason, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void LargeNumbersThatBlocksHoldAreNoError()
    {
        using var folder = new TempFolder();
        GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), [TensorSource.Of("output.weight", Tensor.Full([2, 256], 1e5))], QuantizationType.Q8_0);
        using GgufFile file = GgufFile.Open(folder["x.gguf"]);
        Assert.All(file.Load("output.weight").ToFloats(), value => Assert.Equal(1e5f, value, 100f));
    }

    [Fact]
    public void QuantizedTensorsAreNotQuantizedAnew()
    {
        var tensor = TensorSource.Of("output.weight", Tensor.Zeros([16, 256]).To(DType.Q4_0));
        using var folder = new TempFolder();
        var error = Assert.Throws<CheckpointException>(() => GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), [tensor], QuantizationType.Q8_0));
        Assert.Contains("is q4_0 already", error.Message, StringComparison.Ordinal);
        GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), [tensor], QuantizationType.Q4_0, pure: true);
    }

    [Fact]
    public void RowsWithoutWholeBlocksAreAnErrorWhereNothingReplacesThem()
    {
        var tensor = TensorSource.Of("blk.0.attn_q.weight", Tensor.Zeros([4, 40]));
        var error = Assert.Throws<CheckpointException>(() => QuantizationPlan.Make(SmallMetadata(), [tensor], QuantizationType.Q4_0, pure: false));
        Assert.Contains("rows of 40 numbers", error.Message, StringComparison.Ordinal);
        Assert.Equal(DType.Float16, QuantizationPlan.Make(SmallMetadata(), [tensor], QuantizationType.Q4_K_M, pure: false)[0].Target);
    }

    [Fact]
    public void CancellationLeavesNoFile()
    {
        using var folder = new TempFolder();
        using var cancellation = new CancellationTokenSource();
        var progress = new Reports { OnReport = report => { if (report.Fraction > 0.5) cancellation.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() =>
            GgufQuantizer.Write(folder["x.gguf"], SmallMetadata(), Small(), QuantizationType.Q6_K, progress: progress, cancellationToken: cancellation.Token));
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("q4_k_m", QuantizationType.Q4_K_M)]
    [InlineData("Q4_K", QuantizationType.Q4_K_M)]
    [InlineData("iq4_NL", QuantizationType.IQ4_NL)]
    [InlineData("bf16", QuantizationType.BF16)]
    public void NamesAreReadInAnyCase(string name, QuantizationType type) => Assert.Equal(type, QuantizationTypes.Parse(name));

    [Theory]
    [InlineData("q4")]
    [InlineData("15")]
    [InlineData("")]
    public void UnknownNamesListTheKnownOnes(string name) =>
        Assert.Contains("q4_k_m", Assert.Throws<ArgumentException>(() => QuantizationTypes.Parse(name)).Message, StringComparison.Ordinal);

    // As make_files.py makes them.
    private static GgufMetadata SmallMetadata() => new()
    {
        ["general.architecture"] = "llama",
        ["llama.context_length"] = 64u,
        ["llama.embedding_length"] = 256u,
        ["llama.block_count"] = 2u,
        ["llama.feed_forward_length"] = 256u,
        ["llama.attention.head_count"] = 4u,
        ["llama.attention.head_count_kv"] = 1u,
        ["llama.attention.layer_norm_rms_epsilon"] = 1e-5f,
        ["llama.vocab_size"] = 16u,
    };

    private static List<TensorSource> Small()
    {
        ulong state = 1;
        List<TensorSource> tensors = [Next("token_embd", 16, 256), Next("output_norm", 256), Next("output", 16, 256)];
        for (int layer = 0; layer < 2; layer++)
        {
            foreach (var (name, rows) in new[] { ("attn_norm", 0), ("ffn_norm", 0), ("attn_q", 32), ("attn_k", 16), ("attn_v", 16), ("attn_output", 32), ("ffn_gate", 16), ("ffn_up", 16), ("ffn_down", 16) })
                tensors.Add(rows == 0 ? Next($"blk.{layer}.{name}", 256) : Next($"blk.{layer}.{name}", rows, 256));
        }

        return tensors;

        TensorSource Next(string name, params int[] shape)
        {
            var tensor = Tensor.Empty(shape);
            foreach (ref float value in tensor.AsSpan<float>())
            {
                state = (state * 6364136223846793005) + 1442695040888963407;
                value = ((long)(state >> 40) - (1 << 23)) / (float)(1 << 26);
            }

            return TensorSource.Of(name + ".weight", tensor);
        }
    }

    private static GgufMetadata Metadata(IEnumerable<JsonProperty> properties)
    {
        var metadata = new GgufMetadata();
        foreach (JsonProperty property in properties)
        {
            metadata[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()!
                : property.Value.TryGetUInt32(out uint number) ? (GgufValue)number
                : property.Value.GetSingle();
        }

        return metadata;
    }

    private sealed class Reports : List<QuantizationProgress>, IProgress<QuantizationProgress>
    {
        public Action<QuantizationProgress>? OnReport { get; init; }

        public void Report(QuantizationProgress value)
        {
            Add(value);
            OnReport?.Invoke(value);
        }
    }
}
