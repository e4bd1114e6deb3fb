using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>What one forward pass of training takes.</summary>
/// <param name="Inputs">The model's arguments.</param>
/// <param name="Targets">The class of each row of the logits, Int64 of the shape of the logits without their last dimension; -100 has
/// no loss. Null where the model computes its own loss from <see cref="ModelInputs.Labels"/>.</param>
/// <param name="LabelCount">How many targets have a loss: the weight of this batch among those that make a step.</param>
/// <param name="TokenCount">Tokens without padding.</param>
public sealed record TrainingBatch(ModelInputs Inputs, Tensor? Targets, long LabelCount, long TokenCount)
{
    /// <summary>What targets without a loss are set to.</summary>
    public const long Ignored = -100;
}

/// <summary>Puts examples into a batch for one objective.</summary>
public interface ICollator
{
    /// <summary>Makes a batch. Tensors belong to the current <see cref="TensorScope"/>.</summary>
    /// <param name="examples">One or more.</param>
    /// <param name="generator">The source of random masks.</param>
    TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator);
}
