using System.Diagnostics.CodeAnalysis;
using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Multiple choice runs each choice as a row of its own.</summary>
internal static class Choices
{
    /// <summary>The number of choices of [batch, choices, sequence].</summary>
    /// <exception cref="ArgumentException">The ids have another rank.</exception>
    public static int Count(ModelInputs inputs) => inputs.InputIds!.Rank == 3
        ? inputs.InputIds.Shape[1]
        : throw new ArgumentException($"input_ids of shape {inputs.InputIds.Shape} are not [batch, choices, sequence]");

    /// <summary>[batch, choices, sequence] -> [batch * choices, sequence] for every input.</summary>
    public static ModelInputs Flatten(ModelInputs inputs) => inputs with
    {
        InputIds = Rows(inputs.InputIds),
        AttentionMask = Rows(inputs.AttentionMask),
        TokenTypeIds = Rows(inputs.TokenTypeIds),
        PositionIds = Rows(inputs.PositionIds),
    };

    [return: NotNullIfNotNull(nameof(x))]
    private static Tensor? Rows(Tensor? x) => x?.Reshape(-1, x.Shape[-1]);
}
