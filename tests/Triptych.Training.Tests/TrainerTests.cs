using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training.Tests;

public sealed class TrainerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("triptych-trainer-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AccumulatedBatchesEqualOneLargeBatch()
    {
        var examples = Sentences(6);
        var collator = new CausalCollator(0);
        var generator = new Generator(0);
        using PretrainedModel large = Gpt2(dropout: 0), small = Gpt2(dropout: 0);
        var schedule = new LearningRateSchedule(ScheduleKind.Constant, 1e-2, 0, 10);
        var options = new TrainingOptions { LabelSmoothing = 0.1f };
        var one = new TrainingStep(large, schedule, options).Take(collator.Collate(examples, generator));
        var three = new TrainingStep(small, schedule, options).Take(
            collator.Collate(examples[..1], generator), collator.Collate(examples[1..3], generator), collator.Collate(examples[3..], generator));
        Assert.Equal(one.Loss, three.Loss, 1e-5);
        Assert.Equal(one.GradientNorm, three.GradientNorm, 1e-5);
        foreach (var (name, parameter) in large.Parameters)
        {
            // Adam's first step is lr * sign(gradient): where a gradient is zero but for rounding, the sign is not determined.
            var pairs = parameter.ToFloats().Zip(small.Parameters[name].ToFloats());
            double mean = pairs.Average(pair => Math.Abs(pair.First - pair.Second));
            Assert.True(mean < 1e-4, $"{name} differs by {mean} on average");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1f)]
    public void TheLossOfTargetsIsThatOfLogits(float smoothing)
    {
        using PretrainedModel language = Gpt2(dropout: 0), masked = DistilBert();
        using var classifier = ModelRegistry.Create(masked.Config, "DistilBertForSequenceClassification");
        var sentences = Sentences(5);
        var labelled = sentences.Select((example, i) => example with { Label = i % 2 }).ToArray();
        foreach (var (model, batch) in new[]
        {
            (language, new CausalCollator(0).Collate(sentences, new Generator(0))),
            (masked, new MaskedCollator(0, 1, [2, 3], new MaskingOptions()).Collate(sentences, new Generator(0))),
            (classifier, new ClassificationCollator(0).Collate(labelled, new Generator(0))),
        })
        {
            float expected = TrainingStep.Loss(model.Forward(batch.Inputs).Logits!, batch.Targets!, smoothing).Item<float>();
            Assert.Equal(expected, TrainingStep.Loss(model, batch, smoothing).Item<float>(), 1e-5f);
        }
    }

    [Fact]
    public void ResumedTrainingGivesExactlyTheSameNumbers()
    {
        using var straight = Gpt2(dropout: 0.1);
        Trainer(straight, Path.Combine(folder, "a"), steps: 10).Run();

        using (var interrupted = Gpt2(dropout: 0.1))
        {
            using var cancel = new CancellationTokenSource();
            var stop = new Watcher(p =>
            {
                if (p is { Event: TrainingEvent.Step, Step: 5 })
                    cancel.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Trainer(interrupted, Path.Combine(folder, "b"), steps: 10).Run(stop, cancel.Token));
        }

        using var resumed = Gpt2(dropout: 0.1, seed: 99);
        var trainer = Trainer(resumed, Path.Combine(folder, "b"), steps: 10);
        Assert.True(trainer.Resume());
        Assert.Equal(5, trainer.Step);
        trainer.Run();
        foreach (var (name, parameter) in straight.Parameters)
            Assert.Equal(parameter.ToFloats(), resumed.Parameters[name].ToFloats());
        Assert.Equal(Losses("a"), Losses("b"));
    }

    [Fact]
    public void MaskedTrainingResumesExactlyToo()
    {
        using var straight = DistilBert();
        MaskedTrainer(straight, null).Run();
        using (var first = DistilBert())
        {
            using var cancel = new CancellationTokenSource();
            var stop = new Watcher(p =>
            {
                if (p.Step == 3)
                    cancel.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => MaskedTrainer(first, folder).Run(stop, cancel.Token));
        }

        using var resumed = DistilBert();
        var trainer = MaskedTrainer(resumed, folder);
        Assert.True(trainer.Resume());
        trainer.Run();
        foreach (var (name, parameter) in straight.Parameters)
            Assert.Equal(parameter.ToFloats(), resumed.Parameters[name].ToFloats());
    }

    [Fact]
    public void TheLossGoesDownAndIsReported()
    {
        using var model = Gpt2(dropout: 0);
        var reports = new List<TrainingProgress>();
        var trainer = new Trainer(model, Sentences(8), new CausalCollator(0), new TrainingOptions { MaxSteps = 60, BatchSize = 8, LearningRate = 1e-2, LogSteps = 20 })
        {
            Folder = folder,
            EvaluationExamples = Sentences(8),
        };
        var result = trainer.Run(new Watcher(reports.Add));
        var steps = reports.Where(r => r.Event == TrainingEvent.Step).ToList();
        Assert.Equal([20, 40, 60], steps.Select(r => r.Step));
        Assert.True(steps[2].Loss < steps[0].Loss / 2, $"{steps[0].Loss} to {steps[2].Loss}");
        Assert.All(steps, r => Assert.True(r.TokensPerSecond > 0 && r.GradientNorm > 0));
        Assert.True(result!.Accuracy > 0.5, $"accuracy {result.Accuracy}");
        Assert.Equal(Math.Exp(result.Loss), result.Perplexity);
        var lines = File.ReadAllLines(Path.Combine(folder, Training.Trainer.MetricsFile)).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(3, lines.Count(l => l["loss"] is not null));
        Assert.Contains(lines, l => l["eval_loss"] is not null);
    }

    [Fact]
    public void OnlyTheLastCheckpointsAreKept()
    {
        using var model = Gpt2(dropout: 0);
        var options = new TrainingOptions { MaxSteps = 7, BatchSize = 4, CheckpointSteps = 2, KeepCheckpoints = 2 };
        new Trainer(model, Sentences(8), new CausalCollator(0), options) { Folder = folder }.Run();
        Assert.Equal(["checkpoint-4", "checkpoint-6"], Directory.GetDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var loaded = PretrainedModel.Load(Path.Combine(folder, "checkpoint-6"));
        Assert.Equal("GPT2LMHeadModel", loaded.ClassName);
    }

    [Fact]
    public void TheBestWeightsAreKept()
    {
        using var model = Gpt2(dropout: 0);
        var held = Sentences(4, seed: 77);
        var options = new TrainingOptions
        {
            MaxSteps = 80, BatchSize = 4, LearningRate = 2e-2, EvaluationSteps = 10, KeepBest = BestMetric.Loss, Schedule = ScheduleKind.Constant,
        };
        var losses = new List<double>();
        var collator = new CausalCollator(0);
        var result = new Trainer(model, Sentences(4), collator, options) { EvaluationExamples = held }.Run(new Watcher(p =>
        {
            if (p.Event == TrainingEvent.Evaluation)
                losses.Add(p.Evaluation!.Loss);
        }));
        Assert.True(losses[^1] > losses.Min(), "the model did not overfit, so that there is nothing to see");
        Assert.Equal(losses.Min(), result!.Loss);
        Assert.Equal(losses.Min(), Evaluator.Evaluate(model, held, collator, 4).Loss, 1e-6);
    }

    [Fact]
    public void OtherSettingsCannotResume()
    {
        using var model = Gpt2(dropout: 0);
        Trainer(model, folder, steps: 4, checkpointSteps: 2).Run();
        using var other = Gpt2(dropout: 0);
        var error = Assert.Throws<CheckpointException>(() => Trainer(other, folder, steps: 9).Resume());
        Assert.Contains("steps", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedCheckpointIsAClearError()
    {
        using var model = Gpt2(dropout: 0);
        Trainer(model, folder, steps: 4, checkpointSteps: 2).Run();
        string path = Path.Combine(folder, "checkpoint-2", "optimizer.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..1000]);
        using var other = Gpt2(dropout: 0);
        var error = Assert.Throws<CheckpointException>(() => Trainer(other, folder, steps: 4).Resume());
        Assert.Contains("optimizer.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedSaveLeavesTheEarlierCheckpoint()
    {
        using var model = Gpt2(dropout: 0);
        int saves = 0;
        var options = new TrainingOptions { MaxSteps = 6, BatchSize = 4, CheckpointSteps = 2 };
        var trainer = new Trainer(model, Sentences(8), new CausalCollator(0), options)
        {
            Folder = folder,
            SaveBeside = _ =>
            {
                if (++saves == 2)
                    throw new IOException("no space left on device");
            },
        };
        var error = Assert.Throws<CheckpointException>(() => trainer.Run());
        Assert.Contains("checkpoint-4", error.Message, StringComparison.Ordinal);
        Assert.Contains("no space left", error.Message, StringComparison.Ordinal);
        using var other = Gpt2(dropout: 0);
        var resumed = new Trainer(other, Sentences(8), new CausalCollator(0), options) { Folder = folder };
        Assert.True(resumed.Resume());
        Assert.Equal(2, resumed.Step);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsAClearError()
    {
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        using var model = Gpt2(dropout: 0);
        var trainer = new Trainer(model, Sentences(8), new CausalCollator(0), new TrainingOptions { MaxSteps = 1 }) { Folder = Path.Combine(file, "run") };
        Assert.Contains(file, Assert.Throws<CheckpointException>(() => trainer.Run()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALossThatIsNoNumberNamesTheStep()
    {
        using var model = Gpt2(dropout: 0);
        var step = new TrainingStep(model, new LearningRateSchedule(ScheduleKind.Constant, 1e-3, 0, 10), new TrainingOptions());
        var batch = new CausalCollator(0).Collate(Sentences(2), new Generator(0));
        step.Take(batch);
        model.Parameters["transformer.ln_f.weight"].Detach().Fill(double.NaN);
        var error = Assert.Throws<TrainingException>(() => step.Take(batch));
        Assert.Contains("step 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoExamplesAndImpossibleSettingsAreRefused()
    {
        using var model = Gpt2(dropout: 0);
        Assert.Throws<ArgumentException>(() => new Trainer(model, [], new CausalCollator(0), new TrainingOptions()));
        var error = Assert.Throws<ArgumentException>(
            () => new Trainer(model, Sentences(2), new CausalCollator(0), new TrainingOptions { BatchSize = 0 }));
        Assert.Contains("BatchSize", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ScaledOrderHasEveryExampleOncePerPass()
    {
        var examples = Sentences(37);
        foreach (bool group in new[] { false, true })
        {
            var order = new DataOrder(examples, 4, group, seed: 3);
            List<Example> Pass(int epoch) => [.. Enumerable.Range(0, order.BatchesPerEpoch).SelectMany(i => order.Batch(epoch, i))];
            var first = Pass(0);
            Assert.Equal(37, first.Distinct().Count());
            Assert.NotEqual(first, Pass(1));
            Assert.Equal(first, Pass(0));
        }
    }

    internal static Example[] Sentences(int count, ulong seed = 5)
    {
        var generator = new Generator(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
            new Example([.. Enumerable.Range(0, 4 + generator.NextInt32(9)).Select(_ => 1 + generator.NextInt32(30))]))];
    }

    internal static PretrainedModel Gpt2(double dropout, ulong seed = 1) => ModelRegistry.Create(
        ModelConfig.Parse(new JsonObject
        {
            ["model_type"] = "gpt2", ["vocab_size"] = 32, ["n_positions"] = 16, ["n_embd"] = 16, ["n_layer"] = 2, ["n_head"] = 2,
            ["bos_token_id"] = 0, ["eos_token_id"] = 0,
            ["resid_pdrop"] = dropout, ["embd_pdrop"] = dropout, ["attn_pdrop"] = dropout,
        }),
        "GPT2LMHeadModel",
        seed);

    private static PretrainedModel DistilBert() => ModelRegistry.Create(
        ModelConfig.Parse(new JsonObject
        {
            ["model_type"] = "distilbert", ["vocab_size"] = 32, ["max_position_embeddings"] = 16, ["dim"] = 16, ["n_layers"] = 1, ["n_heads"] = 2,
            ["hidden_dim"] = 32,
        }),
        "DistilBertForMaskedLM",
        1);

    private static Trainer Trainer(PretrainedModel model, string folder, int steps, int? checkpointSteps = null) => new(
        model,
        Sentences(20),
        new CausalCollator(0),
        new TrainingOptions
        {
            MaxSteps = steps, BatchSize = 4, GradientAccumulation = 2, LearningRate = 1e-2, WarmupSteps = 2, LogSteps = 1, Seed = 4,
            CheckpointSteps = checkpointSteps, GroupByLength = true,
        })
    {
        Folder = folder,
    };

    private static Trainer MaskedTrainer(PretrainedModel model, string? folder) => new(
        model,
        Sentences(20),
        new MaskedCollator(0, 31, [.. Enumerable.Range(1, 30)], new MaskingOptions()),
        new TrainingOptions { MaxSteps = 8, BatchSize = 4, LearningRate = 1e-2, LogSteps = 1, Seed = 4 })
    {
        Folder = folder,
    };

    private List<(int, double?)> Losses(string run) =>
        [.. File.ReadLines(Path.Combine(folder, run, Training.Trainer.MetricsFile)).Select(l => JsonNode.Parse(l)!)
            .Select(l => (l["step"]!.GetValue<int>(), l["loss"]?.GetValue<double>()))];

    private sealed class Watcher(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
