using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>Measures a model on held-out examples.</summary>
public static class Evaluator
{
    private const ulong MaskSeed = 0x7E57;

    /// <summary>The loss and the accuracy over all examples, without dropout. Random masks are the same each time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">The examples, in batches as they come.</param>
    /// <param name="collator">Makes the batches.</param>
    /// <param name="batchSize">Examples in a forward pass.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static EvaluationResult Evaluate(
        PretrainedModel model,
        IEnumerable<Example> examples,
        ICollator collator,
        int batchSize,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(collator);
        bool training = model.Training;
        model.Training = false;
        try
        {
            using var noGrad = Autograd.NoGrad();
            var generator = new Generator(MaskSeed);
            double loss = 0;
            long labels = 0, right = 0;
            foreach (var chunk in examples.Chunk(batchSize))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var scope = new TensorScope();
                var batch = collator.Collate(chunk, generator);
                if (batch.LabelCount == 0)
                    continue;
                labels += batch.LabelCount;
                var logits = batch.Targets is null ? null : TrainingStep.Logits(model, model.Forward(batch.Inputs));
                var value = logits is null ? TrainingStep.Loss(model, batch, 0) : TrainingStep.Loss(logits, batch.Targets!, 0);
                loss += value.Item<float>() * (double)batch.LabelCount;
                if (logits is not null)
                    right += CountRight(logits, batch.Targets!);
            }

            return labels > 0
                ? new(loss / labels, (double)right / labels, labels)
                : throw new TrainingException("there is nothing to evaluate: no example has a label");
        }
        finally
        {
            model.Training = training;
        }
    }

    private static long CountRight(Tensor logits, Tensor targets)
    {
        var expected = targets.AsSpan<long>();
        var best = Functional.ArgMax(logits.Reshape(-1, logits.Shape[-1])).AsSpan<long>();
        long right = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] != TrainingBatch.Ignored && expected[i] == best[i])
                right++;
        }

        return right;
    }
}
