namespace Triptych.Models.Layers;

/// <summary>Skips whole layers at random while the model trains (Fan et al. 2019, arXiv 1909.11556).</summary>
internal sealed class LayerDrop(Weights weights, double probability)
{
    private readonly TrainingMode mode = weights.Source.Mode;

    public bool Skips() => mode.IsTraining && probability > 0 && mode.Generator.NextSingle() < probability;
}
