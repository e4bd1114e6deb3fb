namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>The matrix product over the last two dimensions; the others broadcast. Transposed views are read as they lie.</summary>
    /// <param name="left">[.., m, k] float32.</param>
    /// <param name="right">[.., k, n] float32, or float16 or bfloat16 (widened as it is read).</param>
    /// <returns>[.., m, n] float32.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor MatMul(Tensor left, Tensor right) => MatMul(left, right, null, Activation.None);

    /// <summary>activation(x W^T + b), as PyTorch's Linear.</summary>
    /// <param name="x">[.., in] float32.</param>
    /// <param name="weight">[out, in] float32, float16, bfloat16 or a block format.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="activation">Applied to the result, in the same pass where no gradient is recorded.</param>
    /// <returns>[.., out] float32.</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return LinearTransposed(x, weight.Transpose(0, 1), bias, activation);
    }

    /// <summary>Several linear layers of one input, such as query, key and value: one pass where no gradient is recorded.</summary>
    /// <param name="x">[.., in] float32.</param>
    /// <param name="weights">[out, in] each, as in <see cref="Linear"/>; the numbers of outputs may differ.</param>
    /// <param name="biases">[out] or null for each weight; empty for none at all.</param>
    /// <returns>[.., out] for each weight.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static Tensor[] LinearGroup(Tensor x, ReadOnlySpan<Tensor> weights, ReadOnlySpan<Tensor?> biases = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!biases.IsEmpty && biases.Length != weights.Length)
            throw new ArgumentException($"{biases.Length} biases for {weights.Length} weights", nameof(biases));
        var results = new Tensor[weights.Length];
        var parts = new MatMulPart[weights.Length];
        var rows = Rows(x);
        for (int i = 0; i < weights.Length; i++)
        {
            var bias = biases.IsEmpty ? null : biases[i];
            if (x.DType != DType.Float32 || Autograd.Needs(x, weights[i], bias))
                return Each(x, weights, biases);
            CheckLinear(x, weights[i].Transpose(0, 1), bias);
            results[i] = Tensor.Empty(x.Shape.With(-1, weights[i].Shape[0]));
            parts[i] = new MatMulPart(weights[i].Detach().Transpose(0, 1), bias?.Detach().To(DType.Float32).Contiguous(), Rows(results[i]));
        }

        x.Backend.MatMulGroup(rows, parts);
        return results;

        static Tensor[] Each(Tensor x, ReadOnlySpan<Tensor> weights, ReadOnlySpan<Tensor?> biases)
        {
            var results = new Tensor[weights.Length];
            for (int i = 0; i < weights.Length; i++)
                results[i] = Linear(x, weights[i], biases.IsEmpty ? null : biases[i]);
            return results;
        }
    }

    /// <summary>activation(x G^T) * (x U^T): the gated linear unit of feed-forward networks (Shazeer 2020, "GLU Variants Improve
    /// Transformer"); one pass where no gradient is recorded.</summary>
    /// <param name="x">[.., in] float32.</param>
    /// <param name="gate">G, [out, in], as in <see cref="Linear"/>.</param>
    /// <param name="up">U, [out, in], as in <see cref="Linear"/>.</param>
    /// <param name="activation">SiLU for SwiGLU, GELU for GEGLU.</param>
    /// <returns>[.., out] float32.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static Tensor GatedLinear(Tensor x, Tensor gate, Tensor up, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(gate);
        ArgumentNullException.ThrowIfNull(up);
        if (x.DType != DType.Float32 || Autograd.Needs(x, gate, up))
            return Activate(Linear(x, gate), activation) * Linear(x, up);
        CheckLinear(x, gate.Transpose(0, 1), null);
        if (up.Shape != gate.Shape)
            throw new ArgumentException($"a gate of shape {gate.Shape} beside an up projection of shape {up.Shape}", nameof(up));
        var result = Tensor.Empty(x.Shape.With(-1, gate.Shape[0]));
        x.Backend.GatedMatMul(Rows(x), gate.Detach().Transpose(0, 1), up.Detach().Transpose(0, 1), activation, Rows(result));
        return result;
    }

    /// <summary>activation(x W + b), with the weight as GPT-2's Conv1D stores it.</summary>
    /// <param name="x">[.., in] float32.</param>
    /// <param name="weight">[in, out] float32, float16 or bfloat16.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="activation">Applied to the result, in the same pass where no gradient is recorded.</param>
    /// <returns>[.., out] float32.</returns>
    public static Tensor LinearTransposed(Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        CheckLinear(x, weight, bias);
        return MatMul(Rows(x), weight, bias, activation).Reshape(x.Shape.With(-1, weight.Shape[1]));
    }

    private static void CheckLinear(Tensor x, Tensor weight, Tensor? bias)
    {
        if (weight.Rank != 2 || x.Rank == 0 || x.Shape[-1] != weight.Shape[0])
            throw new ArgumentException($"an input of shape {x.Shape} does not fit a weight of shape {weight.Shape} ([in, out])", nameof(x));
        if (bias is not null && (bias.Rank != 1 || bias.Shape[0] != weight.Shape[1]))
            throw new ArgumentException($"a bias of shape {bias.Shape} for a weight of shape {weight.Shape} ([in, out])", nameof(bias));
    }

    private static Tensor Rows(Tensor x) => x.Reshape(Leading(x.Shape), x.Shape[-1]);

    private static Tensor Activate(Tensor x, Activation activation) => activation switch
    {
        Activation.None => x,
        Activation.Relu => Relu(x),
        Activation.Gelu => Gelu(x),
        Activation.GeluTanh => GeluTanh(x),
        Activation.QuickGelu => QuickGelu(x),
        Activation.Silu => Silu(x),
        Activation.Tanh => Tanh(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, null),
    };

    /// <summary>The rows of a table at indices.</summary>
    /// <param name="weight">[entries, width], of any floating-point type.</param>
    /// <param name="indices">Any shape, Int64.</param>
    /// <param name="paddingIndex">A row that gets no gradient here: that of padding, as PyTorch's padding_idx.</param>
    /// <returns>[indices.., width] float32.</returns>
    /// <exception cref="ArgumentException">An index is out of range, or the table is not of a floating-point type.</exception>
    public static Tensor Embedding(Tensor weight, Tensor indices, int? paddingIndex = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(indices);
        if (weight.Rank != 2 || !HoldsReals(weight))
            throw new ArgumentException($"an embedding table is [entries, width] of real numbers, not {weight.DType.Name()} {weight.Shape}", nameof(weight));
        var flat = CheckedIndices(indices, weight.Shape[0], "row");
        int width = weight.Shape[1];
        var result = Tensor.Empty([checked((int)flat.Count), width], weight.DType == DType.Float64 ? DType.Float64 : DType.Float32);
        weight.Backend.TakeRows(weight.Detach().Contiguous(), flat, result);
        if (Autograd.Needs(weight))
        {
            Autograd.Record(result, weight, g =>
            {
                var table = AddedRows(g, flat, weight.Shape);
                if (paddingIndex is { } padding)
                    table.Select(0, padding).Fill(0);
                return table;
            });
        }

        return result.Reshape(Appended(indices.Shape, width));
    }

    private static bool HoldsReals(Tensor weight) => weight.DType.IsFloatingPoint() || weight.DType.IsQuantized();

    private static Tensor MatMul(Tensor left, Tensor right, Tensor? bias, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        if (left.Rank < 2 || right.Rank < 2 || left.Shape[-1] != right.Shape[-2])
            throw new ArgumentException($"matrices of shapes {left.Shape} and {right.Shape} do not multiply", nameof(left));
        CheckTypes(left, right);
        if (activation != Activation.None && (left.DType == DType.Float64 || Autograd.Needs(left, right, bias)))
            return Activate(MatMul(left, right, bias, Activation.None), activation);

        // A batch of rows times one matrix is one product.
        if (right.Rank == 2 && left.Rank > 2)
            return MatMul(Rows(left), right, bias, activation).Reshape(left.Shape.With(-1, right.Shape[-1]));
        var batch = Shape.Broadcast(left.Shape.WithoutLast(2), right.Shape.WithoutLast(2));
        var shape = Appended(Appended(batch, left.Shape[-2]), right.Shape[-1]);
        var result = Tensor.Empty(shape, left.DType == DType.Float64 ? DType.Float64 : DType.Float32);
        left.Backend.MatMul(
            Batched(left.Detach(), batch), Batched(right.Detach(), batch), bias?.Detach().To(result.DType).Contiguous(), activation, result);
        if (Autograd.Needs(left, right, bias))
        {
            Tensor[] inputs = bias is null ? [left, right] : [left, right, bias];
            Autograd.Record(result, inputs, g =>
            {
                var toLeft = left.RequiresGrad ? SumTo(MatMul(g, Dense(right).Transpose(-1, -2)), left.Shape) : null;
                var toRight = right.RequiresGrad ? SumTo(RightGradient(left.Detach(), right, g), right.Shape) : null;
                return bias is null ? [toLeft, toRight] : [toLeft, toRight, bias.RequiresGrad ? SumTo(g, bias.Shape) : null];
            });
        }

        return result;
    }

    private static void CheckTypes(Tensor left, Tensor right)
    {
        if (!left.DType.IsFloatingPoint() || !HoldsReals(right) || (left.DType == DType.Float64) != (right.DType == DType.Float64))
            throw new ArgumentException($"no product of {left.DType.Name()} and {right.DType.Name()}", nameof(left));
    }

    // Blocks run along the weight's inputs; the gradient's product needs the other direction.
    private static Tensor Dense(Tensor right) => right.DType.IsQuantized()
        ? right.Transpose(-1, -2).To(DType.Float32).Transpose(-1, -2)
        : right.Detach();

    // left^T g, laid out as the right operand is: the gradient of Linear's weight comes out as [out, in] without gaps.
    private static Tensor RightGradient(Tensor left, Tensor right, Tensor g) => right.Stride(-1) != 1 && right.Stride(-2) == 1
        ? MatMul(g.Transpose(-1, -2), left).Transpose(-1, -2)
        : MatMul(left.Transpose(-1, -2), g);

    // The gradient of a table whose rows at the indices were taken.
    private static Tensor AddedRows(Tensor g, Tensor indices, Shape table)
    {
        var sum = Tensor.Zeros(table);
        g.Backend.AddRows(g.To(DType.Float32).Contiguous(), indices, sum);
        return sum.To(g.DType);
    }

    // The number of rows, where all dimensions but the last are one.
    private static int Leading(Shape shape)
    {
        long rows = 1;
        for (int i = 0; i < shape.Rank - 1; i++)
            rows *= shape[i];
        return checked((int)rows);
    }

    private static Tensor Batched(Tensor x, Shape batch) => x.Expand(Appended(Appended(batch, x.Shape[-2]), x.Shape[-1]));

    private static Shape Appended(Shape shape, int size)
    {
        Span<int> sizes = stackalloc int[shape.Rank + 1];
        shape.CopyTo(sizes);
        sizes[^1] = size;
        return Shape.Create(sizes);
    }

    private static Tensor CheckedIndices(Tensor indices, int limit, string what)
    {
        if (indices.DType != DType.Int64)
            throw new ArgumentException($"indices are int64, not {indices.DType.Name()}", nameof(indices));
        var flat = indices.Contiguous().Reshape(checked((int)indices.Count));
        foreach (long index in flat.AsSpan<long>())
        {
            if ((ulong)index >= (ulong)limit)
                throw new ArgumentException($"index {index} is no {what}: there are {limit}", nameof(indices));
        }

        return flat;
    }
}
