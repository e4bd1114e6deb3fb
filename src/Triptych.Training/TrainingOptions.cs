using System.Text.Json.Serialization;

namespace Triptych.Training;

/// <summary>The settings of a <see cref="Trainer"/>.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the data; left out of account where <see cref="MaxSteps"/> is given.</summary>
    public double Epochs { get; init; } = 1;

    /// <summary>Optimizer steps; null for as many as <see cref="Epochs"/> needs.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Examples in a forward pass.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Forward passes that make one step. The result equals that of one batch as large as all together.</summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>The highest learning rate.</summary>
    public double LearningRate { get; init; } = 5e-4;

    /// <summary>How the learning rate changes.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Linear;

    /// <summary>Steps of the warm-up; null for <see cref="WarmupRatio"/>.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>The share of all steps that the warm-up takes.</summary>
    public double WarmupRatio { get; init; }

    /// <summary>See <see cref="AdamWOptions.WeightDecay"/>.</summary>
    public float WeightDecay { get; init; } = 0.01f;

    /// <summary>See <see cref="AdamWOptions.Beta1"/>.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>See <see cref="AdamWOptions.Beta2"/>.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>See <see cref="AdamWOptions.Epsilon"/>.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Gradients are scaled down to this norm; 0 for no clipping.</summary>
    public float MaxGradientNorm { get; init; } = 1;

    /// <summary>The share of the target that is spread over all classes (Szegedy et al. 2016).</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>Whether batches are made of examples of similar length, which saves padding.</summary>
    public bool GroupByLength { get; init; }

    /// <summary>The seed of the data's order, of masks and of dropout; a recipe has it at its top.</summary>
    [JsonIgnore]
    public ulong Seed { get; init; }

    /// <summary>Steps between reports.</summary>
    public int LogSteps { get; init; } = 10;

    /// <summary>Steps between evaluations; null for once a pass over the data. There is always one at the end.</summary>
    public int? EvaluationSteps { get; init; }

    /// <summary>Examples in a forward pass of an evaluation; null for <see cref="BatchSize"/>.</summary>
    public int? EvaluationBatchSize { get; init; }

    /// <summary>Steps between checkpoints; null for none but at cancellation.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>Checkpoints to keep, the latest ones.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Whether training ends with the weights of the best evaluation rather than the last ones.</summary>
    public BestMetric KeepBest { get; init; }

    /// <exception cref="ArgumentException">A setting is impossible.</exception>
    internal void Validate()
    {
        Check(Epochs > 0, nameof(Epochs), Epochs, "positive");
        Check(MaxSteps is null or > 0, nameof(MaxSteps), MaxSteps, "positive");
        Check(BatchSize > 0, nameof(BatchSize), BatchSize, "positive");
        Check(GradientAccumulation > 0, nameof(GradientAccumulation), GradientAccumulation, "positive");
        Check(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "positive");
        Check(WarmupSteps is null or >= 0, nameof(WarmupSteps), WarmupSteps, "0 or more");
        Check(WarmupRatio is >= 0 and <= 1, nameof(WarmupRatio), WarmupRatio, "between 0 and 1");
        Check(WeightDecay >= 0, nameof(WeightDecay), WeightDecay, "0 or more");
        Check(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "at least 0 and below 1");
        Check(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "at least 0 and below 1");
        Check(Epsilon > 0, nameof(Epsilon), Epsilon, "positive");
        Check(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "at least 0 and below 1");
        Check(LogSteps > 0, nameof(LogSteps), LogSteps, "positive");
        Check(EvaluationSteps is null or > 0, nameof(EvaluationSteps), EvaluationSteps, "positive");
        Check(EvaluationBatchSize is null or > 0, nameof(EvaluationBatchSize), EvaluationBatchSize, "positive");
        Check(CheckpointSteps is null or > 0, nameof(CheckpointSteps), CheckpointSteps, "positive");
        Check(KeepCheckpoints > 0, nameof(KeepCheckpoints), KeepCheckpoints, "positive");
    }

    private static void Check(bool holds, string name, object? value, string what)
    {
        if (!holds)
            throw new ArgumentException($"{name} is {value}, it has to be {what}", name);
    }
}

/// <summary>What makes an evaluation the best.</summary>
public enum BestMetric
{
    /// <summary>No evaluation is: the last weights count.</summary>
    None,

    /// <summary>The lowest loss.</summary>
    Loss,

    /// <summary>The highest accuracy.</summary>
    Accuracy,
}
