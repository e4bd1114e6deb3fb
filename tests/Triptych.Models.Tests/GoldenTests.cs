using Triptych.Formats;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Models.Tests;

/// <summary>Every folder of Fixtures/goldens against the numbers of Hugging Face transformers.</summary>
[Trait("Category", "Parity")]
public sealed class GoldenTests
{
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Forward { get; } = [.. Golden.Folders().Where(name => !name.StartsWith("_training", StringComparison.Ordinal))];

    public static TheoryData<string> Training { get; } = [.. Golden.Folders().Where(Golden.HasTraining)];

    public static TheoryData<string> HubSpelling { get; } = [.. Golden.Folders().Where(name => File.Exists(Path.Combine(Fixtures.Path("goldens/" + name), "config.hub.json")))];

    [Theory]
    [MemberData(nameof(Forward))]
    public void OutputsAreThoseOfTransformers(string folder)
    {
        using var golden = new Golden(folder);
        using var model = PretrainedModel.Load(golden.Folder);
        Compare(golden, model);
    }

    /// <summary>config.hub.json is what transformers 4 wrote and most files on the Hub are: rope_theta, rope_scaling, torch_dtype.</summary>
    [Theory]
    [MemberData(nameof(HubSpelling))]
    public void OlderConfigsGiveTheSame(string folder)
    {
        using var golden = new Golden(folder);
        using var older = TemporaryFolder.CopyOf(golden.Folder);
        File.Move(Path.Combine(older.Path, "config.hub.json"), Path.Combine(older.Path, ModelConfig.FileName), overwrite: true);
        using var model = PretrainedModel.Load(older.Path);
        Compare(golden, model);
    }

    [Theory]
    [MemberData(nameof(Training))]
    public void LossAndGradientsAreThoseOfTransformers(string folder)
    {
        using var golden = new Golden(folder);
        var (inputs, loss, norms) = golden.Training();
        using var model = ModelRegistry.Load(golden.Folder, options: new LoadOptions { Trainable = true });
        foreach (var wanted in new[] { null, new LossOnly() })
        {
            var actual = model.Forward(inputs with { LossOnly = wanted }).Loss!;
            actual.Backward();
            Assert.Equal(loss, actual.Item<float>(), Math.Abs(loss) * Tolerance);
            foreach (var (name, expected) in norms)
            {
                var gradient = model.Parameters[name].Grad;
                Assert.True(gradient is not null, $"{name} has no gradient");
                double norm = Math.Sqrt(gradient.ToFloats().Sum(x => (double)x * x));
                Assert.True(Math.Abs(norm - expected) <= expected * Tolerance, $"the gradient of {name} has norm {norm}, not {expected}");
            }

            foreach (var parameter in model.Parameters.Values)
                parameter.Grad = null;
        }
    }

    [Theory]
    [InlineData("bert-mlm")]
    [InlineData("distilbert-mlm")]
    [InlineData("roberta-mlm")]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("bart")]
    public void TheLossAloneNeedsNoLogits(string folder)
    {
        using var golden = new Golden(folder);
        using var model = PretrainedModel.Load(golden.Folder);
        var inputs = golden.Training().Inputs;
        var both = model.Forward(inputs);
        var alone = model.Forward(inputs with { LossOnly = new() });
        Assert.Null(alone.Logits);
        Assert.Equal(both.Loss!.Item<float>(), alone.Loss!.Item<float>(), 1e-5f);

        // Targets say what each row of logits is to be, so a causal model shifts nothing.
        var targets = inputs.Labels!;
        var smooth = model.Forward(inputs with { LossOnly = new(targets, 0.1f) });
        var expected = Functional.CrossEntropy(both.Logits!.Reshape(-1, model.Config.VocabSize), targets.Reshape(-1), labelSmoothing: 0.1f);
        Assert.Null(smooth.Logits);
        Assert.Equal(expected.Item<float>(), smooth.Loss!.Item<float>(), 1e-5f);

        Assert.NotNull(model.Forward(inputs with { LossOnly = new(), Labels = null }).Logits);
        var wrong = Assert.Throws<ArgumentException>(() => model.Forward(inputs with { LossOnly = new(targets.Slice(1, 0, 1)) }));
        Assert.Contains("labels have shape", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bert-pretraining")]
    [InlineData("distilbert-seqcls")]
    [InlineData("roberta-mlm")]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("llama-qa")]
    [InlineData("llama-linear")]
    [InlineData("bart")]
    public void SavedFolderHasTheSameKeysAndValues(string folder)
    {
        using var golden = new Golden(folder);
        using var target = new TemporaryFolder();
        using (var model = PretrainedModel.Load(golden.Folder))
            model.Save(target.Path);
        using var before = Checkpoint.Open(golden.Folder);
        using var after = Checkpoint.Open(target.Path);
        Assert.Equal(before.Names.Order(StringComparer.Ordinal), after.Names.Order(StringComparer.Ordinal));
        foreach (string name in before.Names)
            Assert.Equal(before.Load(name).ToFloats(), after.Load(name).ToFloats());
        Assert.Equal(ModelConfig.Load(golden.Folder).ToJson().ToJsonString(), ModelConfig.Load(target.Path).ToJson().ToJsonString());
        Assert.Equal(File.Exists(Path.Combine(golden.Folder, GenerationConfig.FileName)), File.Exists(Path.Combine(target.Path, GenerationConfig.FileName)));
    }

    [Theory]
    [InlineData("distilbert-base")]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("llama-qa")]
    [InlineData("llama-linear")]
    [InlineData("bart")]
    public void LowPrecisionWeightsGiveNearlyTheSame(string folder)
    {
        using var golden = new Golden(folder);
        using var target = new TemporaryFolder();
        using (var model = PretrainedModel.Load(golden.Folder))
            model.Save(target.Path, DType.Float16);
        Assert.Equal("float16", ModelConfig.Load(target.Path).DTypeName);
        using var half = PretrainedModel.Load(target.Path);
        Assert.All(half.Parameters.Values, parameter => Assert.Equal(DType.Float16, parameter.DType));
        var output = half.Forward(golden.Inputs["single"]).Fields().ToDictionary(field => field.Name, field => field.Tensor);
        foreach (var (name, expected) in golden.Outputs("single").Where(pair => output.ContainsKey(pair.Key)))
            Assert.InRange(Golden.RelativeError(expected, output[name], null), 0, 0.02);
    }

    private static void Compare(Golden golden, PretrainedModel model)
    {
        int compared = 0;
        foreach (var (prefix, inputs) in golden.Inputs.Where(pair => pair.Key != "train" && !pair.Key.StartsWith("generate", StringComparison.Ordinal)))
        {
            var output = model.Forward(inputs with { OutputHiddenStates = true }).Fields().ToDictionary(field => field.Name, field => field.Tensor);
            foreach (var (name, expected) in golden.Outputs(prefix))
            {
                Assert.True(output.ContainsKey(name), $"{prefix}: no output {name}");
                bool masked = model.Architecture.Family != ModelFamily.EncoderDecoder || name.StartsWith("encoder_", StringComparison.Ordinal);
                double error = Golden.RelativeError(expected, output[name], masked ? inputs.AttentionMask : null);
                Assert.True(error <= Tolerance, $"{prefix}.out.{name} differs by {error:e1} of its scale");
                compared++;
            }
        }

        Assert.True(compared >= 2, $"only {compared} outputs were compared");
    }
}
