using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Tests;

/// <summary>Quantized models from folders and GGUF files, and what they compute.</summary>
public sealed class QuantizerTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("triptych").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void FolderAndItsGgufFileQuantizeToTheSameTensors()
    {
        string folder = SaveModel();
        ModelConverter.Convert(folder, At("plain.gguf"));
        var fromFolder = Quantizer.Quantize(folder, At("a.gguf"), QuantizationType.Q4_K_M);
        var fromFile = Quantizer.Quantize(At("plain.gguf"), At("b.gguf"), QuantizationType.Q4_K_M);
        Assert.Equal(fromFolder, fromFile);
        using GgufFile a = GgufFile.Open(At("a.gguf")), b = GgufFile.Open(At("b.gguf"));
        Assert.Contains(a.Entries.Values, entry => entry.Type == GgufTensorType.Q4_K);
        Assert.All(a.Names, name => Assert.True(a.ReadBytes(name).SequenceEqual(b.ReadBytes(name)), name));
    }

    [Theory]
    [InlineData(QuantizationType.Q8_0, 0.03f)]
    [InlineData(QuantizationType.Q6_K, 0.12f)]
    [InlineData(QuantizationType.Q4_K_M, 0.35f)]
    [InlineData(QuantizationType.IQ4_XS, 0.4f)]
    public void QuantizedModelsComputeAlmostTheSame(QuantizationType type, float bound)
    {
        string folder = SaveModel();
        Quantizer.Quantize(folder, At("small.gguf"), type);
        ModelConverter.Convert(At("small.gguf"), At("widened"), DType.Float32);
        float[] actual = Logits(At("small.gguf"));
        Assert.InRange(Difference(Logits(folder), actual), 1e-4f, bound);
        Assert.InRange(Difference(Logits(At("widened")), actual), 0, 0.03f);
    }

    [Fact]
    public void TheModelIsNotOverwritten()
    {
        string folder = SaveModel();
        Quantizer.Quantize(folder, At("x.gguf"), QuantizationType.F16);
        Assert.Contains("is the model itself", Assert.Throws<ArgumentException>(() => Quantizer.Quantize(At("x.gguf"), Path.Combine(root, ".", "x.gguf"), QuantizationType.Q8_0)).Message, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(root, name);

    private string SaveModel()
    {
        string folder = At("model");
        var config = ModelConfig.Parse(JsonNode.Parse("""
            { "model_type": "llama", "vocab_size": 96, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.05 }
            """)!.AsObject());
        using var model = ModelRegistry.Create(config, "LlamaForCausalLM", seed: 1);
        model.Save(folder);
        return folder;
    }

    // Relative to the largest.
    private static float Difference(float[] expected, float[] actual) =>
        expected.Zip(actual, (x, y) => MathF.Abs(x - y)).Max() / expected.Max(MathF.Abs);

    private static float[] Logits(string path)
    {
        using var model = AutoModelForCausalLM.Load(path);
        using var scope = new TensorScope();
        return model.Forward(new ModelInputs { InputIds = Tensor.From(new long[] { 3, 14, 15, 92, 65, 35 }, [1, 6]) }).Logits!.ToFloats();
    }
}
