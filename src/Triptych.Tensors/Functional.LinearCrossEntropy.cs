namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>Rows whose logits are in memory at a time: enough for matrix products at full speed, and a multiple of all tiles' heights.</summary>
    private const int LogitRows = 384;

    /// <summary>The cross entropy of a linear layer: CrossEntropy(Linear(x, weight, bias), labels), without ever holding all logits or
    /// their gradient, which are most of the memory of training with a large vocabulary. Where a gradient is recorded it is computed
    /// along with the loss, block by block (Hsu et al. 2024, "Liger Kernel: Efficient Triton Kernels for LLM Training"). Rows whose
    /// label is ignored take no part in any product.</summary>
    /// <param name="x">[n, in] float32.</param>
    /// <param name="weight">[classes, in], as in <see cref="Linear"/>.</param>
    /// <param name="bias">[classes], or null.</param>
    /// <param name="labels">[n] Int64.</param>
    /// <param name="ignoreIndex">Labels to leave out.</param>
    /// <param name="labelSmoothing">The share of the target that is spread over all classes (Szegedy et al. 2016).</param>
    /// <returns>A scalar; NaN where no label is left, as in <see cref="CrossEntropy"/>.</returns>
    /// <exception cref="ArgumentException">A label is no class, or shapes or types do not fit.</exception>
    public static Tensor LinearCrossEntropy(
        Tensor x, Tensor weight, Tensor? bias, Tensor labels, long ignoreIndex = -100, float labelSmoothing = 0)
    {
        Single(x, nameof(x));
        ArgumentNullException.ThrowIfNull(weight);
        CheckLinear(x, weight.Transpose(0, 1), bias);
        CheckTypes(x, weight);
        labels = CheckedLabels(labels, x.Shape.With(-1, weight.Shape[0]), ignoreIndex, out int kept);
        Tensor[] inputs = bias is null ? [x, weight] : [x, weight, bias];
        if (!Autograd.Needs(x, weight, bias))
            return MeanLoss(null);

        Tensor?[]? gradients = Zeros();
        var result = MeanLoss(gradients);
        Autograd.Record(result, inputs, g =>
        {
            // The first Backward takes over what the forward pass made, a further one has to make it again.
            var taken = Interlocked.Exchange(ref gradients, null);
            if (taken is null)
                MeanLoss(taken = Zeros());
            float scale = g.Item<float>();
            foreach (var gradient in taken)
            {
                if (gradient is null)
                    continue;
                TensorScope.Current!.Adopt(gradient);
                if (scale != 1)
                    gradient.MulInPlace(scale);
            }

            return taken;
        });
        return result;

        Tensor?[] Zeros() => [.. inputs.Select(input => input.RequiresGrad ? Tensor.Zeros(input.Shape) : null)];

        Tensor MeanLoss(Tensor?[]? sums) => LinearCrossEntropy(
            x.Detach(), weight.Detach().Transpose(0, 1), bias?.Detach().To(DType.Float32).Contiguous(), labels, ignoreIndex, kept, labelSmoothing, sums);
    }

    // Adds the gradients of the mean loss by x, weight and bias to those sums that there are. The weight is [in, classes].
    private static Tensor LinearCrossEntropy(
        Tensor x, Tensor weight, Tensor? bias, Tensor labels, long ignoreIndex, int kept, float labelSmoothing, Tensor?[]? sums)
    {
        using var scope = new TensorScope();
        var backend = x.Backend;
        var (toX, toWeight, toBias) = (sums?[0], sums?[1], bias is null ? null : sums?[2]);
        var rows = KeptRows(labels, ignoreIndex, kept);
        var losses = Tensor.Empty([kept]);
        var transposed = toX is null ? null : Dense(weight).Transpose(0, 1);
        x = x.Contiguous();
        for (int start = 0; start < kept; start += LogitRows)
        {
            using var block = new TensorScope();
            int count = Math.Min(LogitRows, kept - start);
            var taken = rows.Slice(0, start, count);
            Tensor input = IndexSelect(x, 0, taken), label = IndexSelect(labels, 0, taken), loss = losses.Slice(0, start, count);
            var logits = MatMul(input, weight, bias, Activation.None);
            if (sums is null)
            {
                backend.CrossEntropy(logits, label, ignoreIndex, labelSmoothing, loss, Tensor.Empty([count]));
                continue;
            }

            backend.CrossEntropyInPlace(logits, label, labelSmoothing, 1f / kept, loss);
            if (toX is not null)
                backend.AddRows(MatMul(logits, transposed!), taken, toX);
            if (toWeight is not null)
                backend.AddMatMul(logits.Transpose(0, 1), input, toWeight);
            toBias?.AddInPlace(Sum(logits, 0));
        }

        return scope.Keep(Sum(losses) / kept);
    }

    private static Tensor KeptRows(Tensor labels, long ignoreIndex, int kept)
    {
        var rows = Tensor.Empty([kept], DType.Int64);
        Span<long> target = rows.AsSpan<long>();
        ReadOnlySpan<long> all = labels.AsSpan<long>();
        for (int row = 0, at = 0; row < all.Length; row++)
        {
            if (all[row] != ignoreIndex)
                target[at++] = row;
        }

        return rows;
    }
}
