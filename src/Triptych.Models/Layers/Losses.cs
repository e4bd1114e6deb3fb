using Triptych.Tensors;
using static Triptych.Tensors.Functional;

namespace Triptych.Models.Layers;

/// <summary>The losses of transformers' heads. Labels of -100 are ignored.</summary>
internal static class Losses
{
    /// <summary>Masked LM and token classification: the mean over all labelled tokens.</summary>
    /// <param name="logits">[batch, sequence, classes].</param>
    /// <param name="labels">[batch, sequence], or null for no loss.</param>
    public static Tensor? Tokens(Tensor logits, Tensor? labels) => labels is null
        ? null
        : CrossEntropy(logits.Reshape(-1, logits.Shape[-1]), Flat(labels, "labels", logits.Shape.Without(-1)));

    /// <summary>A language model's last layer and its loss; no logits where the loss alone is wanted.</summary>
    /// <param name="head">From hidden states to the vocabulary.</param>
    /// <param name="hiddenStates">[batch, sequence, hidden].</param>
    /// <param name="labels">[batch, sequence], or null for no loss.</param>
    /// <param name="lossOnly">The inputs' wish.</param>
    public static (Tensor? Logits, Tensor? Loss) OfHead(Linear head, Tensor hiddenStates, Tensor? labels, LossOnly? lossOnly)
    {
        if (lossOnly is not null && (lossOnly.Targets ?? labels) is { } targets)
        {
            var rows = hiddenStates.Reshape(-1, hiddenStates.Shape[-1]);
            return (null, head.CrossEntropy(rows, Flat(targets, "labels", hiddenStates.Shape.Without(-1)), lossOnly.LabelSmoothing));
        }

        var logits = head.Forward(hiddenStates); // [batch, sequence, vocabulary]
        return (logits, Tokens(logits, labels));
    }

    /// <summary>Causal LM: each position predicts the label of the next, the last one nothing.</summary>
    /// <param name="labels">[batch, sequence], or null for none.</param>
    /// <param name="hiddenStates">[batch, sequence, hidden].</param>
    public static Tensor? OfNextToken(Tensor? labels, Tensor hiddenStates)
    {
        if (labels is null)
            return null;
        CheckShape(labels, "labels", hiddenStates.Shape.Without(-1));
        return Pad(labels.Slice(1, 1, labels.Shape[1] - 1), 1, 0, 1, -100);
    }

    /// <summary>Sequence classification by config.problem_type: regression, one label or several.</summary>
    /// <param name="logits">[batch, labels].</param>
    /// <param name="labels">[batch] Int64, or [batch] or [batch, labels] Float32; null for no loss.</param>
    /// <param name="config">Says which problem it is; if it doesn't, the number and the type of the labels do.</param>
    public static Tensor? Sequence(Tensor logits, Tensor? labels, ModelConfig config)
    {
        if (labels is null)
            return null;
        string problem = config.ProblemType
            ?? (config.NumLabels == 1 ? "regression" : labels.DType == DType.Int64 ? "single_label_classification" : "multi_label_classification");
        if (problem == "single_label_classification")
            return CrossEntropy(logits, Flat(labels, "labels", [logits.Shape[0]]));
        var targets = labels.To(DType.Float32);
        if (targets.Count != logits.Count)
            throw new ArgumentException($"labels have shape {labels.Shape} for logits of shape {logits.Shape} and problem_type {problem}");
        targets = targets.Reshape(logits.Shape);
        return problem switch
        {
            "regression" => MeanSquaredError(logits, targets),
            "multi_label_classification" => BinaryCrossEntropyWithLogits(logits, targets),
            _ => throw new ArgumentException($"problem_type '{problem}' is not known"),
        };
    }

    /// <summary>Classification of [batch, classes] by one label a row.</summary>
    public static Tensor? Rows(Tensor logits, Tensor? labels, string name = "labels") =>
        labels is null ? null : CrossEntropy(logits, Flat(labels, name, [logits.Shape[0]]));

    /// <summary>Question answering: the mean of the losses of start and end. Positions beyond the sequence are ignored.</summary>
    /// <param name="startLogits">[batch, sequence].</param>
    /// <param name="endLogits">[batch, sequence].</param>
    /// <param name="start">[batch], or null for no loss.</param>
    /// <param name="end">[batch], or null for no loss.</param>
    public static Tensor? Span(Tensor startLogits, Tensor endLogits, Tensor? start, Tensor? end)
    {
        if (start is null || end is null)
            return null;
        int length = startLogits.Shape[1];
        Tensor Clamp(Tensor positions, string name)
        {
            var result = Flat(positions, name, [startLogits.Shape[0]]).Clone();
            foreach (ref long position in result.AsSpan<long>())
                position = Math.Clamp(position, 0, length);
            return result;
        }

        return (CrossEntropy(startLogits, Clamp(start, "start_positions"), ignoreIndex: length)
            + CrossEntropy(endLogits, Clamp(end, "end_positions"), ignoreIndex: length)) / 2;
    }

    private static Tensor Flat(Tensor labels, string name, Shape shape)
    {
        if (labels.DType != DType.Int64)
            throw new ArgumentException($"{name} are {labels.DType.Name()}, not int64");
        if (labels.Count != shape.Count)
            CheckShape(labels, name, shape);
        return labels.Reshape(-1);
    }

    private static void CheckShape(Tensor labels, string name, Shape shape)
    {
        if (labels.Shape != shape)
            throw new ArgumentException($"{name} have shape {labels.Shape}, not {shape}");
    }
}
