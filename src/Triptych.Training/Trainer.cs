using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>
/// Trains a model on examples. The same model, data and settings give the same numbers, also where a run was interrupted and
/// resumed from a checkpoint.
/// </summary>
/// <example><code>
/// var trainer = new Trainer(model, examples, new CausalCollator(padTokenId: 0), new TrainingOptions { MaxSteps = 1000 }) { Folder = "run" };
/// trainer.Run(new Progress&lt;TrainingProgress&gt;(p => Console.WriteLine($"{p.Step}: {p.Loss}")));
/// </code></example>
public sealed class Trainer
{
    /// <summary>The file with a line for each report: JSON objects, in <see cref="Folder"/>.</summary>
    public const string MetricsFile = "metrics.jsonl";

    private static readonly JsonSerializerOptions MetricsJson = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly PretrainedModel model;
    private readonly ICollator collator;
    private readonly TrainingOptions options;
    private readonly DataOrder order;
    private readonly TrainingStep step;
    private readonly Generator masks;
    private readonly int exampleCount;
    private readonly int stepsPerEpoch;
    private readonly Stopwatch watch = new();
    private readonly Stopwatch lap = new();
    private TimeSpan earlier;
    private double pendingLoss;
    private int pendingSteps;
    private long pendingTokens;
    private EvaluationResult? best;
    private int? bestStep;
    private Dictionary<string, Tensor>? bestWeights;

    /// <summary>Prepares training.</summary>
    /// <param name="model">A model with float32 weights; its parameters require gradients from now on.</param>
    /// <param name="examples">The training data.</param>
    /// <param name="collator">Makes batches for an objective.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">There are no examples, or a setting is impossible.</exception>
    public Trainer(PretrainedModel model, IReadOnlyList<Example> examples, ICollator collator, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(collator);
        ArgumentNullException.ThrowIfNull(options);
        if (examples.Count == 0)
            throw new ArgumentException("there are no examples to train on", nameof(examples));
        options.Validate();
        this.model = model;
        this.collator = collator;
        this.options = options;
        exampleCount = examples.Count;
        order = new DataOrder(examples, options.BatchSize, options.GroupByLength, options.Seed);
        stepsPerEpoch = (order.BatchesPerEpoch + options.GradientAccumulation - 1) / options.GradientAccumulation;
        TotalSteps = options.MaxSteps ?? checked((int)Math.Ceiling(options.Epochs * stepsPerEpoch));
        int warmup = options.WarmupSteps ?? (int)Math.Ceiling(options.WarmupRatio * TotalSteps);
        step = new TrainingStep(model, new LearningRateSchedule(options.Schedule, options.LearningRate, warmup, TotalSteps), options);
        masks = new Generator(options.Seed ^ 0x6D61736B);
        model.Generator = new Generator(options.Seed ^ 0x64726F70);
    }

    /// <summary>Where checkpoints and <see cref="MetricsFile"/> go; null for nowhere.</summary>
    public string? Folder { get; init; }

    /// <summary>What the model is evaluated on; null for no evaluation.</summary>
    public IReadOnlyList<Example>? EvaluationExamples { get; init; }

    /// <summary>Makes the batches of an evaluation; null for the training's.</summary>
    public ICollator? EvaluationCollator { get; init; }

    /// <summary>The stage's name in reports.</summary>
    public string? Stage { get; init; }

    /// <summary>Writes beside a checkpoint's weights what makes it a usable model folder, such as the tokenizer.</summary>
    public Action<string>? SaveBeside { get; init; }

    /// <summary>Optimizer steps in all.</summary>
    public int TotalSteps { get; }

    /// <summary>Optimizer steps taken.</summary>
    public int Step => step.Optimizer.StepCount;

    /// <summary>Trains from where it stands to the last step.</summary>
    /// <param name="progress">Told of each report, from this thread.</param>
    /// <param name="cancellationToken">Stops after the current step and its evaluation; a checkpoint is written first where there is a folder.</param>
    /// <returns>The last evaluation, or the best where <see cref="TrainingOptions.KeepBest"/> asks for it; null without evaluation.</returns>
    /// <exception cref="TrainingException">The loss is not finite any more.</exception>
    /// <exception cref="CheckpointException">A checkpoint cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public EvaluationResult? Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        PrepareFolder();
        watch.Restart();
        lap.Restart();
        int first = Step;
        EvaluationResult? last = null;
        while (Step < TotalSteps)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                string? saved = SaveCheckpoint(progress);
                throw new OperationCanceledException(
                    $"training was cancelled after step {Step}" + (saved is null ? "" : $"; it can be resumed from {saved}"), cancellationToken);
            }

            var result = TakeStep();
            pendingLoss += result.Loss;
            pendingSteps++;
            bool end = Step == TotalSteps;
            if (Step % options.LogSteps == 0 || end)
                ReportSteps(result, first, progress);
            if (EvaluationExamples is not null && (end || Step % (options.EvaluationSteps ?? stepsPerEpoch) == 0))
                last = Evaluate(progress);
            if (!end && options.CheckpointSteps is { } every && Step % every == 0)
                SaveCheckpoint(progress);
        }

        if (bestWeights is not null)
        {
            foreach (var (name, weights) in bestWeights)
                model.Parameters[name].Detach().CopyFrom(weights);
            last = best;
        }

        model.Training = false;
        Report(new TrainingProgress { Event = TrainingEvent.Done, Evaluation = last, Message = bestStep is null ? null : $"weights of step {bestStep}" }, progress);
        return last;
    }

    /// <summary>Goes back to the latest checkpoint of <see cref="Folder"/>.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="CheckpointException">The checkpoint is damaged, does not fit the model, or was made with other settings.</exception>
    public bool Resume()
    {
        if (Folder is null || TrainingCheckpoint.List(Folder) is not [.., var latest])
            return false;
        var (state, weights) = TrainingCheckpoint.Load(latest.Folder, model.Parameters, step.Optimizer);
        foreach (var (name, value) in Settings())
        {
            string saved = state.Settings.GetValueOrDefault(name, "nothing");
            if (saved != value)
                throw new CheckpointException(latest.Folder, name, $"was {saved} and is now {value}: a run goes on only with the settings that it began with");
        }

        masks.State = state.MaskGenerator;
        model.Generator.State = state.ModelGenerator;
        earlier = TimeSpan.FromSeconds(state.ElapsedSeconds);
        (best, bestStep, bestWeights) = (state.Best, state.BestStep, weights);
        (pendingLoss, pendingSteps) = (state.PendingLoss, state.PendingSteps);
        return true;
    }

    private StepResult TakeStep()
    {
        using var scope = new TensorScope();
        int epoch = Step / stepsPerEpoch, start = Step % stepsPerEpoch * options.GradientAccumulation;
        var batches = new List<TrainingBatch>(options.GradientAccumulation);
        for (int i = start; i < Math.Min(start + options.GradientAccumulation, order.BatchesPerEpoch); i++)
            batches.Add(collator.Collate(order.Batch(epoch, i), masks));
        pendingTokens += batches.Sum(b => b.TokenCount);
        return step.Take(batches);
    }

    // Not to be cancelled: a run that is resumed after this step would lack the evaluation.
    private EvaluationResult Evaluate(IProgress<TrainingProgress>? progress)
    {
        var result = Evaluator.Evaluate(
            model, EvaluationExamples!, EvaluationCollator ?? collator, options.EvaluationBatchSize ?? options.BatchSize);
        bool better = best is null || options.KeepBest switch
        {
            BestMetric.Accuracy => result.Accuracy > best.Accuracy || (result.Accuracy == best.Accuracy && result.Loss < best.Loss),
            _ => result.Loss < best.Loss,
        };
        if (options.KeepBest != BestMetric.None && better)
        {
            best = result;
            bestStep = Step;
            bestWeights ??= model.Parameters.ToDictionary(p => p.Key, p => Tensor.Empty(p.Value.Shape).Persist());
            foreach (var (name, weights) in bestWeights)
                weights.CopyFrom(model.Parameters[name]);
        }

        Report(new TrainingProgress { Event = TrainingEvent.Evaluation, Evaluation = result }, progress);
        lap.Restart();
        pendingTokens = 0;
        return result;
    }

    private void ReportSteps(StepResult result, int first, IProgress<TrainingProgress>? progress)
    {
        Report(
            new TrainingProgress
            {
                Event = TrainingEvent.Step,
                Loss = pendingLoss / pendingSteps,
                LearningRate = result.LearningRate,
                GradientNorm = result.GradientNorm,
                TokensPerSecond = pendingTokens / Math.Max(lap.Elapsed.TotalSeconds, 1e-9),
                Remaining = watch.Elapsed / (Step - first) * (TotalSteps - Step),
            },
            progress);
        lap.Restart();
        (pendingLoss, pendingSteps, pendingTokens) = (0, 0, 0);
    }

    private void Report(TrainingProgress report, IProgress<TrainingProgress>? progress)
    {
        report = report with
        {
            Stage = Stage,
            Step = Step,
            TotalSteps = TotalSteps,
            Epoch = (double)Step / stepsPerEpoch,
            Elapsed = earlier + watch.Elapsed,
        };
        if (Folder is not null && report.Event is TrainingEvent.Step or TrainingEvent.Evaluation)
            AppendMetrics(report);
        progress?.Report(report);
    }

    private void AppendMetrics(TrainingProgress report)
    {
        var line = new MetricsLine(
            Stage, Step, Math.Round(report.Epoch, 4), report.Loss, report.LearningRate, report.GradientNorm, report.TokensPerSecond,
            Math.Round(report.Elapsed.TotalSeconds, 3), report.Evaluation?.Loss, report.Evaluation?.Perplexity, report.Evaluation?.Accuracy);
        string path = Path.Combine(Folder!, MetricsFile);
        try
        {
            File.AppendAllText(path, JsonSerializer.Serialize(line, MetricsJson) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, null, "cannot be written: " + error.Message, error);
        }
    }

    // A resumed run writes the lines after its checkpoint again; a new one begins anew.
    private void PrepareFolder()
    {
        if (Folder is null)
            return;
        string path = Path.Combine(Folder, MetricsFile);
        try
        {
            Directory.CreateDirectory(Folder);
            if (!File.Exists(path))
                return;
            var kept = File.ReadLines(path).Where(line => IsBefore(line)).ToList();
            AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        catch (Exception error) when (error is IOException and not CheckpointException or UnauthorizedAccessException)
        {
            throw new CheckpointException(Folder, null, "cannot be written: " + error.Message, error);
        }
    }

    private bool IsBefore(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<MetricsLine>(line, MetricsJson) is { } read && read.Step <= Step && Step > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private string? SaveCheckpoint(IProgress<TrainingProgress>? progress)
    {
        if (Folder is null)
            return null;
        var state = new TrainerState
        {
            Step = Step,
            TotalSteps = TotalSteps,
            Settings = Settings(),
            MaskGenerator = [.. masks.State],
            ModelGenerator = [.. model.Generator.State],
            ElapsedSeconds = (earlier + watch.Elapsed).TotalSeconds,
            Best = best,
            BestStep = bestStep,
            PendingLoss = pendingLoss,
            PendingSteps = pendingSteps,
        };
        string saved = TrainingCheckpoint.Save(
            Folder,
            state,
            path =>
            {
                model.Save(path);
                SaveBeside?.Invoke(path);
            },
            step.Optimizer,
            bestWeights,
            options.KeepCheckpoints);
        Report(new TrainingProgress { Event = TrainingEvent.Checkpoint, Message = saved }, progress);
        return saved;
    }

    private Dictionary<string, string> Settings() => new(StringComparer.Ordinal)
    {
        ["class"] = model.ClassName,
        ["examples"] = exampleCount.ToString(),
        ["collator"] = collator.GetType().Name,
        ["seed"] = options.Seed.ToString(),
        ["steps"] = TotalSteps.ToString(),
        ["batch_size"] = options.BatchSize.ToString(),
        ["gradient_accumulation"] = options.GradientAccumulation.ToString(),
        ["group_by_length"] = options.GroupByLength.ToString(),
        ["schedule"] = step.Schedule.ToString(),
        ["optimizer"] = $"{options.Beta1}, {options.Beta2}, {options.Epsilon}, {options.WeightDecay}",
        ["max_gradient_norm"] = options.MaxGradientNorm.ToString(),
        ["label_smoothing"] = options.LabelSmoothing.ToString(),
    };

    private sealed record MetricsLine(
        string? Stage,
        int Step,
        double Epoch,
        double? Loss,
        double? LearningRate,
        double? GradientNorm,
        double? TokensPerSecond,
        double Seconds,
        double? EvalLoss,
        double? EvalPerplexity,
        double? EvalAccuracy);
}
