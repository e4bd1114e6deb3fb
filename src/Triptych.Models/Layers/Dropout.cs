using Triptych.Tensors;

namespace Triptych.Models.Layers;

/// <summary>Dropout while the model trains, nothing otherwise.</summary>
internal sealed class Dropout(Weights weights, double probability)
{
    private readonly TrainingMode mode = weights.Source.Mode;

    /// <summary>The probability now.</summary>
    public float Rate => mode.IsTraining ? (float)probability : 0;

    public Generator Generator => mode.Generator;

    public Tensor Forward(Tensor x) => Rate > 0 ? Functional.Dropout(x, Rate, mode.Generator) : x;
}
