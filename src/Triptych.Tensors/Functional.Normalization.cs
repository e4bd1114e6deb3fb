namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>The softmax along a dimension.</summary>
    public static Tensor Softmax(Tensor x, int axis = -1) => Softmax(x, axis, log: false);

    /// <summary>The logarithm of the softmax along a dimension.</summary>
    public static Tensor LogSoftmax(Tensor x, int axis = -1) => Softmax(x, axis, log: true);

    /// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension (Ba et al. 2016).</summary>
    /// <param name="x">[.., n] float32.</param>
    /// <param name="weight">[n], or null for ones.</param>
    /// <param name="bias">[n], or null for zeros.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Tensor LayerNorm(Tensor x, Tensor? weight, Tensor? bias, float epsilon) => Norm(x, null, weight, bias, epsilon, rms: false);

    /// <summary>The layer norm of x + residual, in one pass where no gradient is recorded.</summary>
    /// <param name="x">[.., n] float32.</param>
    /// <param name="residual">The same shape, float32.</param>
    /// <param name="weight">[n], or null for ones.</param>
    /// <param name="bias">[n], or null for zeros.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor LayerNorm(Tensor x, Tensor residual, Tensor? weight, Tensor? bias, float epsilon)
    {
        Single(x, nameof(x));
        Single(residual, nameof(residual));
        if (x.Shape != residual.Shape)
            throw new ArgumentException($"a residual of shape {residual.Shape} for {x.Shape}", nameof(residual));
        return Autograd.Needs(residual) || Autograd.Needs(x, weight, bias)
            ? Norm(x + residual, null, weight, bias, epsilon, rms: false)
            : Norm(x, residual, weight, bias, epsilon, rms: false);
    }

    /// <summary>x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (Zhang and Sennrich 2019).</summary>
    /// <param name="x">[.., n] float32.</param>
    /// <param name="weight">[n], or null for ones.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static Tensor RmsNorm(Tensor x, Tensor? weight, float epsilon) => Norm(x, null, weight, null, epsilon, rms: true);

    /// <summary>The mean of -log softmax(logits)[label] over the labels that are not ignored; NaN where there is none, as in PyTorch.</summary>
    /// <param name="logits">[n, classes] float32.</param>
    /// <param name="labels">[n] Int64.</param>
    /// <param name="ignoreIndex">Labels to leave out.</param>
    /// <param name="labelSmoothing">The share of the target that is spread over all classes (Szegedy et al. 2016).</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">A label is no class, or shapes do not fit.</exception>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels, long ignoreIndex = -100, float labelSmoothing = 0)
    {
        Single(logits, nameof(logits));
        labels = CheckedLabels(labels, logits.Shape, ignoreIndex, out int kept);
        var x = logits.Contiguous();
        var losses = Tensor.Empty(labels.Shape);
        var logSumExp = Tensor.Empty(labels.Shape);
        x.Backend.CrossEntropy(x.Detach(), labels, ignoreIndex, labelSmoothing, losses, logSumExp);
        var result = Sum(losses) / kept;
        if (Autograd.Needs(logits))
        {
            Autograd.Record(result, logits, g =>
            {
                var gradient = Tensor.Empty(x.Shape);
                x.Backend.CrossEntropyGradient(x.Detach(), labels, logSumExp, ignoreIndex, labelSmoothing, g.Item<float>() / kept, gradient);
                return gradient;
            });
        }

        return result;
    }

    /// <summary>The mean of -t log s(x) - (1 - t) log(1 - s(x)), computed without overflow.</summary>
    /// <param name="logits">x: any shape, float32.</param>
    /// <param name="targets">t: the same shape, float32 in [0, 1].</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor BinaryCrossEntropyWithLogits(Tensor logits, Tensor targets)
    {
        Single(logits, nameof(logits));
        Single(targets, nameof(targets));
        if (logits.Shape != targets.Shape)
            throw new ArgumentException($"logits {logits.Shape} and targets {targets.Shape} differ in shape", nameof(targets));

        // As one function with the derivative s(x) - t: the parts have kinks at 0 that only their sum has not.
        Tensor x = logits.Detach(), t = targets.Detach();
        var result = Mean(Relu(x) - (x * t) + Log(Exp(-Abs(x)) + 1));
        if (Autograd.Needs(logits, targets))
        {
            Autograd.Record(result, [logits, targets], g =>
            [
                logits.RequiresGrad ? (Sigmoid(x) - t) * (g / x.Count) : null,
                targets.RequiresGrad ? -x * (g / x.Count) : null,
            ]);
        }

        return result;
    }

    /// <summary>The mean of the squared differences.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor MeanSquaredError(Tensor prediction, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        ArgumentNullException.ThrowIfNull(target);
        if (prediction.Shape != target.Shape)
            throw new ArgumentException($"prediction {prediction.Shape} and target {target.Shape} differ in shape", nameof(target));
        return Mean(Square(prediction - target));
    }

    private static Tensor CheckedLabels(Tensor labels, Shape logits, long ignoreIndex, out int kept)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (logits.Rank != 2 || labels.Rank != 1 || labels.Shape[0] != logits[0] || labels.DType != DType.Int64)
        {
            throw new ArgumentException(
                $"logits are [n, classes] and labels int64 [n], not {logits} and {labels.DType.Name()} {labels.Shape}", nameof(labels));
        }

        kept = 0;
        labels = labels.Contiguous();
        foreach (long label in labels.AsSpan<long>())
        {
            if (label == ignoreIndex)
                continue;
            if ((ulong)label >= (ulong)logits[1])
                throw new ArgumentException($"label {label} is no class: there are {logits[1]}", nameof(labels));
            kept++;
        }

        return labels;
    }

    private static Tensor Softmax(Tensor x, int axis, bool log)
    {
        axis = Single(x, nameof(x)).Shape.Axis(axis);
        if (axis != x.Rank - 1)
            return Softmax(x.Transpose(axis, -1), -1, log).Transpose(axis, -1);
        var rows = Rows(x.Detach(), -1, out _);
        var y = Tensor.Empty(rows.Shape);
        if (y.Count > 0)
            x.Backend.Softmax(rows, y, log);
        var result = y.Reshape(x.Shape);
        if (Autograd.Needs(x))
        {
            Autograd.Record(result, x, g =>
            {
                var gradient = Tensor.Empty(y.Shape);
                y.Backend.SoftmaxGradient(y, g.Contiguous().Reshape(y.Shape), gradient, log);
                return gradient.Reshape(g.Shape);
            });
        }

        return result;
    }

    private static Tensor Norm(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float epsilon, bool rms)
    {
        int n = Single(x, nameof(x)).Shape[-1];
        if ((weight is not null && weight.Shape != [n]) || (bias is not null && bias.Shape != [n]))
            throw new ArgumentException($"a norm over {x.Shape} has parameters of shape [{n}], not {weight?.Shape} and {bias?.Shape}", nameof(weight));
        bool needed = Autograd.Needs(x, weight, bias);
        var rows = Rows(x.Detach(), -1, out _);
        var scale = weight?.Detach().To(DType.Float32).Contiguous();
        var y = Tensor.Empty(rows.Shape);
        var statistics = needed ? Tensor.Empty([rows.Shape[0], 2]) : null;
        x.Backend.Norm(rows, residual is null ? null : Rows(residual.Detach(), -1, out _), scale, bias?.Detach().To(DType.Float32).Contiguous(), epsilon, rms, y, statistics);
        var result = y.Reshape(x.Shape);
        if (needed)
        {
            Autograd.Record(result, [x, .. weight is null ? [] : new[] { weight }, .. bias is null ? [] : new[] { bias }], g =>
            {
                var toX = Tensor.Empty(rows.Shape);
                var toWeight = weight is null ? null : Tensor.Empty([n]);
                var toBias = bias is null ? null : Tensor.Empty([n]);
                g.Backend.NormGradient(rows, scale, statistics!, rms, g.Contiguous(), toX, toWeight, toBias);
                return [toX.Reshape(x.Shape), .. toWeight is null ? [] : new[] { toWeight }, .. toBias is null ? [] : new[] { toBias }];
            });
        }

        return result;
    }
}
