namespace Triptych.Training;

/// <summary>What a report of the trainer is about.</summary>
public enum TrainingEvent
{
    /// <summary>Something before the first step: <see cref="TrainingProgress.Message"/> says what.</summary>
    Preparing,

    /// <summary>Steps were taken; the figures are means since the last report.</summary>
    Step,

    /// <summary>The model was evaluated.</summary>
    Evaluation,

    /// <summary>A checkpoint was written: <see cref="TrainingProgress.Message"/> is its folder.</summary>
    Checkpoint,

    /// <summary>Training ended.</summary>
    Done,
}

/// <summary>How far training is.</summary>
public sealed record TrainingProgress
{
    /// <summary>What the report is about.</summary>
    public required TrainingEvent Event { get; init; }

    /// <summary>The stage of a recipe that has several, such as <c>pretrain</c>.</summary>
    public string? Stage { get; init; }

    /// <summary>Optimizer steps taken.</summary>
    public int Step { get; init; }

    /// <summary>Optimizer steps in all.</summary>
    public int TotalSteps { get; init; }

    /// <summary>Passes over the training data, with a fraction.</summary>
    public double Epoch { get; init; }

    /// <summary>The loss a label.</summary>
    public double? Loss { get; init; }

    /// <summary>The learning rate of the last step.</summary>
    public double? LearningRate { get; init; }

    /// <summary>The norm of the last step's gradients before clipping.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>Tokens a second, padding left out.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>The time that training has taken, earlier runs that were resumed included.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>The time until the last step, at the speed so far.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>The figures of an evaluation.</summary>
    public EvaluationResult? Evaluation { get; init; }

    /// <summary>What is being done, or a path.</summary>
    public string? Message { get; init; }
}

/// <summary>How good a model is on held-out data.</summary>
/// <param name="Loss">The mean loss a label.</param>
/// <param name="Accuracy">The share of labels that have the highest logit.</param>
/// <param name="Labels">How many labels there were.</param>
public sealed record EvaluationResult(double Loss, double Accuracy, long Labels)
{
    /// <summary>e to the loss.</summary>
    public double Perplexity => Math.Exp(Loss);
}
