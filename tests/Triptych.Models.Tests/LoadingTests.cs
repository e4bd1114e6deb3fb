using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models.Encoders;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Models.Tests;

/// <summary>What happens when a folder does not fit, and what is put right silently as transformers does.</summary>
public sealed class LoadingTests
{
    private static readonly string DistilBert = Fixtures.Path("goldens/distilbert-seqcls");

    [Fact]
    public void OldSpellingsOfKeysLoad()
    {
        using var folder = Rewritten("bert-mlm", name => name.Replace("LayerNorm.weight", "LayerNorm.gamma").Replace("LayerNorm.bias", "LayerNorm.beta"), tensors =>
        {
            tensors["bert.embeddings.position_ids"] = Tensor.Arange(0, 40);
            tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"];
            tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"];
        });
        AssertSameLogits("bert-mlm", folder.Path);
    }

    [Fact]
    public void Gpt2WithoutPrefixAndWithMasksLoads()
    {
        using var folder = Rewritten("gpt2", name => name["transformer.".Length..], tensors =>
        {
            tensors["h.0.attn.bias"] = Tensor.Ones([1, 1, 8, 8]);
            tensors["h.0.attn.masked_bias"] = Tensor.Scalar(-10000);
            tensors["lm_head.weight"] = tensors["wte.weight"];
        });
        AssertSameLogits("gpt2", folder.Path);
    }

    [Fact]
    public void TiedWeightMayBeStoredUnderAnyOfItsNames()
    {
        using var folder = Rewritten("bart", name => name == "model.shared.weight" ? "model.encoder.embed_tokens.weight" : name,
            tensors => tensors.Remove("final_logits_bias"));
        using var model = PretrainedModel.Load(folder.Path);
        Assert.Contains("model.shared.weight", model.Parameters.Keys);
        Assert.DoesNotContain("model.encoder.embed_tokens.weight", model.Parameters.Keys);
        Assert.All(model.Buffers["final_logits_bias"].ToFloats(), bias => Assert.Equal(0, bias));
    }

    [Fact]
    public void BaseModelLoadsFromAHeadAndIgnoresIt()
    {
        using var model = ModelRegistry.Load(DistilBert, "DistilBertModel");
        Assert.DoesNotContain("classifier.weight", model.Parameters.Keys);
        Assert.Contains("embeddings.word_embeddings.weight", model.Parameters.Keys);
    }

    [Theory]
    [InlineData("bert-mlm", "BertModel")]
    [InlineData("roberta-mlm", "RobertaModel")]
    public void EncoderStoredWithoutItsPoolerLoads(string golden, string className)
    {
        using var model = ModelRegistry.Load(Fixtures.Path($"goldens/{golden}"), className);
        var output = model.Forward(new ModelInputs { InputIds = Tensor.From([5L, 6, 7], [1, 3]) });
        Assert.NotNull(output.LastHiddenState);
        Assert.Null(output.PoolerOutput);
        Assert.Throws<CheckpointException>(() => ModelRegistry.Load(
            Fixtures.Path($"goldens/{golden}"), className.Replace("Model", "ForMultipleChoice", StringComparison.Ordinal)));
    }

    [Fact]
    public void HeadThatTheCheckpointLacksIsNamed()
    {
        var error = Assert.Throws<CheckpointException>(() => ModelRegistry.Load(Fixtures.Path("goldens/distilbert-base"), "DistilBertForSequenceClassification"));
        Assert.Contains("pre_classifier.weight", error.Message);
        Assert.Contains("classifier.bias", error.Message);
        Assert.DoesNotContain("word_embeddings", error.Message);
    }

    [Fact]
    public void MissingHeadStartsAtRandomIfAsked()
    {
        PretrainedModel Load(ulong seed) => ModelRegistry.Load(
            Fixtures.Path("goldens/distilbert-base"), "DistilBertForSequenceClassification", new LoadOptions { InitializeMissing = true, Seed = seed });
        using var first = Load(1);
        using var again = Load(1);
        using var other = Load(2);
        float[] weight = first.Parameters["classifier.weight"].ToFloats();
        Assert.Equal(weight, again.Parameters["classifier.weight"].ToFloats());
        Assert.NotEqual(weight, other.Parameters["classifier.weight"].ToFloats());
        Assert.InRange(weight.Max(Math.Abs), 0.001, 0.2);
        Assert.All(first.Parameters["classifier.bias"].ToFloats(), bias => Assert.Equal(0, bias));
    }

    [Fact]
    public void UnexpectedTensorIsAnErrorUnlessAccepted()
    {
        using var folder = Rewritten("distilbert-seqcls", name => name, tensors => tensors["distilbert.extra.weight"] = Tensor.Ones([2]));
        var error = Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path));
        Assert.Contains("distilbert.extra.weight", error.Message);
        using var model = PretrainedModel.Load(folder.Path, new LoadOptions { IgnoreUnexpected = true });
        Assert.DoesNotContain("distilbert.extra.weight", model.Parameters.Keys);
    }

    [Fact]
    public void WrongShapeNamesBothShapes()
    {
        using var folder = WithConfig(DistilBert, config => config["hidden_dim"] = 999);
        var error = Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path));
        Assert.Contains("ffn.lin1.weight", error.Message);
        Assert.Contains("[999, ", error.Message);
    }

    [Theory]
    [InlineData("berd", "bert")]
    [InlineData("distill-bert", "distilbert")]
    [InlineData("gpt-2", "gpt2")]
    public void UnknownTypeNamesTheNearest(string modelType, string nearest)
    {
        using var folder = WithConfig(DistilBert, config => config["model_type"] = modelType);
        var error = Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path));
        Assert.Contains($"'{modelType}'", error.Message);
        Assert.Contains("the nearest known ones are " + nearest, error.Message);
    }

    [Theory]
    [InlineData("n_heads", 7, "heads")]
    [InlineData("n_layers", -1, "positive")]
    [InlineData("dim", 0, "positive")]
    [InlineData("vocab_size", int.MinValue, "positive")]
    [InlineData("n_layers", int.MaxValue, "limit")]
    [InlineData("pad_token_id", 1_000_000, "vocabulary")]
    [InlineData("max_position_embeddings", int.MaxValue, "position_embeddings")]
    public void ImpossibleSizesAreErrors(string key, int value, string reason)
    {
        using var folder = WithConfig(DistilBert, config => config[key] = value);
        var error = Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path));
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void WrongTypeOfAFieldNamesIt()
    {
        using var folder = WithConfig(DistilBert, config => config["dim"] = "wide");
        Assert.Contains("dim", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path)).Message);
    }

    [Fact]
    public void UnknownActivationAndClassAreErrors()
    {
        using var activation = WithConfig(DistilBert, config => config["activation"] = "gelv");
        Assert.Contains("gelv", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(activation.Path)).Message);
        using var architecture = WithConfig(DistilBert, config => config["architectures"] = new JsonArray("DistilBertForPoetry"));
        Assert.Contains("DistilBertForPoetry", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(architecture.Path)).Message);
        Assert.Throws<ArgumentException>(() => ModelRegistry.Load(DistilBert, "BertModel"));
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void NaNIsFoundAndNamed(DType dtype)
    {
        const string Name = "distilbert.transformer.layer.1.ffn.lin2.weight";
        using var folder = Rewritten("distilbert-seqcls", name => name, tensors =>
        {
            var poisoned = tensors[Name].Clone();
            poisoned.AsSpan<float>()[^1] = float.NaN;
            foreach (string name in tensors.Keys.ToList())
                tensors[name] = (name == Name ? poisoned : tensors[name]).To(dtype);
        });
        var error = Assert.Throws<CheckpointException>(() => PretrainedModel.Load(folder.Path));
        Assert.Contains(Name, error.Message);
        Assert.Contains("NaN", error.Message);
        using var unchecked_ = PretrainedModel.Load(folder.Path, new LoadOptions { VerifyWeights = false });
        Assert.Equal(dtype, unchecked_.Parameters[Name].DType);
    }

    [Fact]
    public void MissingFilesAreNamed()
    {
        using var empty = new TemporaryFolder();
        Assert.Contains("config.json", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(empty.Path)).Message);
        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(empty.Path + "/no")).Message);
        File.Copy(Path.Combine(DistilBert, "config.json"), Path.Combine(empty.Path, "config.json"));
        Assert.Contains("model.safetensors", Assert.Throws<CheckpointException>(() => PretrainedModel.Load(empty.Path)).Message);
    }

    [Fact]
    public void ConfigKeepsUnknownFieldsAndItsSpellings()
    {
        using var folder = WithConfig(DistilBert, config =>
        {
            config.Remove("dtype");
            config["torch_dtype"] = "float32";
            config["my_field"] = new JsonObject { ["a"] = 1 };
            config["dropout"] = 0;
        });
        var config = ModelConfig.Load(folder.Path);
        Assert.Equal("float32", config.DTypeName);
        var written = config.WithDType("float16").ToJson();
        Assert.Equal("float16", (string?)written["torch_dtype"]);
        Assert.False(written.ContainsKey("dtype"));
        Assert.Equal("{\"a\":1}", written["my_field"]!.ToJsonString());
        Assert.Equal("0.0", written["dropout"]!.ToJsonString()); // transformers insists on a float
    }

    [Fact]
    public void LabelsDecideTheHead()
    {
        var config = new DistilBertConfig { VocabSize = 50, Dim = 8, NHeads = 2, NLayers = 1, HiddenDim = 16, MaxPositionEmbeddings = 16 };
        Assert.Equal(2, config.NumLabels);
        using var model = ModelRegistry.Create(config.WithLabels("bad", "so so", "good"), "DistilBertForSequenceClassification", seed: 3);
        Assert.Equal([3, 8], model.Parameters["classifier.weight"].Shape);
        Assert.Equal("so so", model.Config.Id2Label![1]);
        Assert.True(model.RequiresGrad);
        Assert.Throws<ArgumentException>(() => ModelRegistry.Create(config with { NHeads = 3 }, "DistilBertModel"));
    }

    [Fact]
    public void SaveToAReadOnlyPlaceIsOneError()
    {
        using var target = new TemporaryFolder();
        string file = Path.Combine(target.Path, "file");
        File.WriteAllText(file, "in the way");
        using var model = PretrainedModel.Load(DistilBert);
        Assert.Throws<CheckpointException>(() => model.Save(Path.Combine(file, "model")));
        Assert.Equal("in the way", File.ReadAllText(file));
    }

    [Fact]
    public void TasksSayWhyNot()
    {
        Assert.True(ModelRegistry.TryFind("bert", out var bert));
        var generation = bert.Tasks().Single(task => task.Task == "text-generation");
        Assert.False(generation.IsSupported);
        Assert.Contains("both directions", generation.Reason);
        Assert.True(bert.Tasks("BertForMaskedLM").Single(task => task.Task == "fill-mask").IsSupported);
        Assert.False(bert.Tasks("BertForMaskedLM").Single(task => task.Task == "text-classification").IsSupported);
    }

    private static void AssertSameLogits(string golden, string folder)
    {
        using var reference = new Golden(golden);
        using var model = PretrainedModel.Load(folder);
        var logits = model.Forward(reference.Inputs["single"]).Logits!;
        Assert.InRange(Golden.RelativeError(reference.Outputs("single")["logits"], logits, null), 0, 1e-4);
    }

    private static TemporaryFolder WithConfig(string folder, Action<JsonObject> change)
    {
        var copy = TemporaryFolder.CopyOf(folder);
        string path = Path.Combine(copy.Path, "config.json");
        var config = JsonFile.ReadObject(path);
        change(config);
        JsonFile.Write(path, config);
        return copy;
    }

    private static TemporaryFolder Rewritten(string golden, Func<string, string> rename, Action<Dictionary<string, Tensor>> change)
    {
        var copy = TemporaryFolder.CopyOf(Fixtures.Path("goldens/" + golden));
        string path = Path.Combine(copy.Path, Checkpoint.SingleFileName);
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path))
            tensors = file.Entries.Keys.ToDictionary(rename, name => file.Load(name).Clone());
        change(tensors);
        SafetensorsWriter.Write(path, tensors);
        return copy;
    }
}
