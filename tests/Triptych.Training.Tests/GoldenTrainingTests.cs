using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models;
using Triptych.TestSupport;

namespace Triptych.Training.Tests;

/// <summary>Five AdamW steps against transformers and PyTorch: tests/Fixtures/goldens/_training.</summary>
public sealed class GoldenTrainingTests
{
    private const double Tolerance = 1e-4;
    private const double FinalTolerance = 1e-5;

    [Theory]
    [InlineData("bert-mlm")]
    [InlineData("gpt2-clm")]
    [InlineData("llama-clm")]
    [InlineData("bart-seq2seq")]
    public void StepsFollowTheReference(string name)
    {
        string folder = Fixtures.Path("goldens/_training/" + name);
        var settings = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "training.json")))!;
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "golden.safetensors"));
        using var model = ModelRegistry.Load(folder, null, new LoadOptions { Trainable = true });
        int steps = settings["steps"]!.GetValue<int>();
        var options = new TrainingOptions
        {
            WeightDecay = settings["weight_decay"]!.GetValue<float>(),
            MaxGradientNorm = settings["max_grad_norm"]!.GetValue<float>(),
        };
        var schedule = new LearningRateSchedule(
            ScheduleKind.Linear, settings["learning_rate"]!.GetValue<double>(), settings["warmup_steps"]!.GetValue<int>(), steps);
        var training = new TrainingStep(model, schedule, options);
        for (int i = 0; i < steps; i++)
        {
            string prefix = $"step.{i}.in.";
            var inputs = golden.Entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
                .Aggregate(new ModelInputs(), (all, key) => all.With(key[prefix.Length..], golden.Load(key)));
            var result = training.Take(new TrainingBatch(inputs, null, 1, 0));
            AssertClose(golden.Load($"step.{i}.out.loss").ToFloats()[0], result.Loss, $"loss of step {i}");
            AssertClose(golden.Load($"step.{i}.out.grad_norm").ToFloats()[0], result.GradientNorm, $"gradient norm of step {i}");
            AssertClose(golden.Load($"step.{i}.out.lr").ToFloats()[0], result.LearningRate, $"learning rate of step {i}");
        }

        const string Final = "final.out.";
        int compared = 0;
        foreach (string key in golden.Entries.Keys.Where(key => key.StartsWith(Final, StringComparison.Ordinal)))
        {
            if (!model.Parameters.TryGetValue(key[Final.Length..], out var parameter))
                continue;
            float[] expected = golden.Load(key).ToFloats(), actual = parameter.ToFloats();
            float scale = expected.Max(MathF.Abs);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(MathF.Abs(expected[i] - actual[i]) <= FinalTolerance * scale, $"{key}[{i}] is {actual[i]}, not {expected[i]}");
            compared++;
        }

        int leftOut = settings["left_out"]!.AsArray().Count;
        Assert.True(compared >= model.Parameters.Count - leftOut, $"only {compared} of {model.Parameters.Count} parameters were compared");
    }

    [Theory]
    [InlineData("bert-mlm")]
    [InlineData("gpt2-clm")]
    [InlineData("llama-clm")]
    [InlineData("bart-seq2seq")]
    public void TheSameParametersDecay(string name)
    {
        string folder = Fixtures.Path("goldens/_training/" + name);
        var settings = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "training.json")))!;
        using var model = ModelRegistry.Load(folder, null, new LoadOptions { Trainable = true });
        var decaying = model.Parameters.Where(p => AdamW.Decays(p.Value.Shape)).Select(p => p.Key).Order(StringComparer.Ordinal);
        Assert.Equal(settings["decay"]!.AsArray().Select(key => (string)key!).Order(StringComparer.Ordinal), decaying);
    }

    private static void AssertClose(double expected, double actual, string what) =>
        Assert.True(Math.Abs(expected - actual) <= Tolerance * Math.Max(Math.Abs(expected), 1e-30), $"{what} is {actual}, not {expected}");
}
