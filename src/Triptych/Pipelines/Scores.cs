using System.Numerics.Tensors;
using Triptych.Models;

namespace Triptych;

/// <summary>Logits to probabilities, in place.</summary>
internal static class Scores
{
    public static void Softmax(Span<float> logits)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.Exp(logits, logits);
        TensorPrimitives.Divide(logits, TensorPrimitives.Sum<float>(logits), logits);
    }

    public static void Sigmoid(Span<float> logits)
    {
        foreach (ref float x in logits)
            x = 1 / (1 + MathF.Exp(-x));
    }

    /// <summary>The name of a class; LABEL_i, as in transformers, where the config has none.</summary>
    public static string LabelOf(ModelConfig config, int index) => config.Id2Label?.GetValueOrDefault(index) ?? $"LABEL_{index}";
}
