using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>What a step gave.</summary>
/// <param name="Loss">The mean loss a label, before the step.</param>
/// <param name="GradientNorm">The norm of all gradients, before clipping.</param>
/// <param name="LearningRate">The rate that the step was taken with.</param>
public readonly record struct StepResult(double Loss, float GradientNorm, double LearningRate);

/// <summary>One step of training after the other: forward and backward over the batches of a step, clipping, AdamW.</summary>
public sealed class TrainingStep
{
    private readonly PretrainedModel model;
    private readonly float maxGradientNorm;
    private readonly float labelSmoothing;

    /// <summary>Prepares a model for training: its parameters require gradients from now on.</summary>
    /// <param name="model">A model with float32 weights.</param>
    /// <param name="schedule">The learning rate of each step.</param>
    /// <param name="options">The settings of the optimizer, of clipping and of the loss.</param>
    public TrainingStep(PretrainedModel model, LearningRateSchedule schedule, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        this.model = model;
        Schedule = schedule;
        maxGradientNorm = options.MaxGradientNorm;
        labelSmoothing = options.LabelSmoothing;
        model.RequiresGrad = true;
        Optimizer = new AdamW(model.Parameters, new AdamWOptions(options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay));
    }

    /// <summary>The learning rates.</summary>
    public LearningRateSchedule Schedule { get; }

    /// <summary>The optimizer.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Takes a step over batches, which count by their labels: the result is that of one batch of all their examples.</summary>
    /// <exception cref="TrainingException">The loss or a gradient is not finite; the weights are as they were.</exception>
    public StepResult Take(params IReadOnlyList<TrainingBatch> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        int step = Optimizer.StepCount;
        long labels = batches.Sum(b => b.LabelCount);
        double loss = 0;
        model.Training = true;
        foreach (var batch in batches)
        {
            if (batch.LabelCount == 0)
                continue;
            using var scope = new TensorScope();
            var output = Loss(model, batch, labelSmoothing);
            float share = (float)((double)batch.LabelCount / labels);
            double value = output.Item<float>();
            if (!double.IsFinite(value))
                throw Diverged(step, $"the loss is {value}");
            loss += value * batch.LabelCount / labels;
            output.Backward(Tensor.Full(output.Shape, share));
        }

        float norm = Gradients.GlobalNorm(model.Parameters.Values);
        if (!float.IsFinite(norm))
            throw Diverged(step, $"the norm of the gradients is {norm}");
        double rate = Schedule.At(step);
        Optimizer.Step(rate, Gradients.ClipFactor(norm, maxGradientNorm));
        Optimizer.ZeroGradients();
        return new(loss, norm, rate);
    }

    /// <summary>The loss of a batch, a scalar with a gradient history where recording is on.</summary>
    internal static Tensor Loss(PretrainedModel model, TrainingBatch batch, float labelSmoothing)
    {
        // A language model makes no logits then; any other model gives them, and the loss of targets is computed here.
        var wanted = batch.Targets is null ? new LossOnly() : new LossOnly(batch.Targets, labelSmoothing);
        var output = model.Forward(batch.Inputs with { LossOnly = wanted });
        if (batch.Targets is not null && (output.Logits is not null || output.Loss is null))
            return Loss(Logits(model, output), batch.Targets, labelSmoothing);
        return output.Loss ?? throw new TrainingException($"{model.ClassName} gives no loss for these inputs");
    }

    internal static Tensor Loss(Tensor logits, Tensor targets, float labelSmoothing) => Functional.CrossEntropy(
        logits.Reshape(-1, logits.Shape[-1]), targets.Reshape(-1), TrainingBatch.Ignored, labelSmoothing);

    internal static Tensor Logits(PretrainedModel model, ModelOutput output) =>
        output.Logits ?? throw new TrainingException($"{model.ClassName} gives no logits: it has no head to train");

    private TrainingException Diverged(int step, string what)
    {
        Optimizer.ZeroGradients();
        return new TrainingException(
            $"training diverged at step {step + 1}: {what}; a lower learning rate, a longer warm-up or a smaller max_gradient_norm may help");
    }
}
