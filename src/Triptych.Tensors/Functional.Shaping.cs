namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>Puts tensors one behind the other along a dimension.</summary>
    /// <exception cref="ArgumentException">None are given, or they differ in another dimension or in type.</exception>
    public static Tensor Concat(IReadOnlyList<Tensor> tensors, int axis)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (tensors.Count == 0)
            throw new ArgumentException("no tensors to concatenate", nameof(tensors));
        var first = tensors[0];
        axis = first.Shape.Axis(axis);
        int total = 0;
        foreach (var tensor in tensors)
        {
            CheckSame(first, tensor);
            if (tensor.Rank != first.Rank || tensor.Shape.With(axis, 0) != first.Shape.With(axis, 0))
                throw new ArgumentException($"shapes {first.Shape} and {tensor.Shape} differ in another dimension than {axis}", nameof(tensors));
            total = checked(total + tensor.Shape[axis]);
        }

        var result = Tensor.Empty(first.Shape.With(axis, total), first.DType);
        int at = 0;
        bool needed = false;
        for (int i = 0; i < tensors.Count; i++)
        {
            var tensor = tensors[i];
            result.Slice(axis, at, tensor.Shape[axis]).CopyFrom(tensor);
            at += tensor.Shape[axis];
            needed |= Autograd.Needs(tensor);
        }

        if (needed)
        {
            int[] sizes = [.. tensors.Select(t => t.Shape[axis])];
            Autograd.Record(result, [.. tensors], g => [.. Split(g, sizes, axis)]);
        }

        return result;
    }

    /// <summary>Puts tensors of one shape side by side along a new dimension.</summary>
    public static Tensor Stack(IReadOnlyList<Tensor> tensors, int axis = 0)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return Concat([.. tensors.Select(t => t.Unsqueeze(axis))], axis);
    }

    /// <summary>Cuts a tensor along a dimension into views of the given sizes.</summary>
    /// <exception cref="ArgumentException">The sizes do not add up to the dimension.</exception>
    public static Tensor[] Split(Tensor x, IReadOnlyList<int> sizes, int axis)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(sizes);
        if (sizes.Sum() != x.Shape[axis])
            throw new ArgumentException($"sizes {string.Join(" + ", sizes)} are not the {x.Shape[axis]} of dimension {axis} of {x.Shape}", nameof(sizes));
        var parts = new Tensor[sizes.Count];
        int at = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = x.Slice(axis, at, sizes[i]);
            at += sizes[i];
        }

        return parts;
    }

    /// <summary>Adds elements of a value before and after, along a dimension.</summary>
    public static Tensor Pad(Tensor x, int axis, int before, int after, double value = 0)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        int size = x.Shape[axis];
        var result = Tensor.Full(x.Shape.With(axis, checked(size + before + after)), value, x.DType);
        result.Slice(axis, before, size).CopyFrom(x);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => g.Slice(axis, before, size));
        return result;
    }

    /// <summary>result[i][j][k] = x[i][index[i][j][k]][k] for dimension 1, and so on, as PyTorch's gather.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="axis">The dimension that is indexed.</param>
    /// <param name="index">Int64; the same shape but for that dimension.</param>
    public static Tensor Gather(Tensor x, int axis, Tensor index)
    {
        var (source, at, shape) = Indexed(x, axis, index);
        var result = Tensor.Empty(at.Shape, x.DType);
        x.Backend.Gather(source.Detach(), at, result);
        result = result.Reshape(shape);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => ScatterAdd(Tensor.Zeros(x.Shape), axis, index, g.To(DType.Float32)).To(g.DType));
        return result;
    }

    /// <summary>x with source[i][j][k] added at [i][index[i][j][k]][k] for dimension 1, and so on, as PyTorch's scatter_add.</summary>
    /// <param name="x">Any shape, float32.</param>
    /// <param name="axis">The dimension that is indexed.</param>
    /// <param name="index">Int64; the shape of x but for that dimension.</param>
    /// <param name="source">The shape of the index, float32.</param>
    public static Tensor ScatterAdd(Tensor x, int axis, Tensor index, Tensor source)
    {
        Single(x, nameof(x));
        if (Single(source, nameof(source)).Shape != index.Shape)
            throw new ArgumentException($"source {source.Shape} and index {index.Shape} differ in shape", nameof(source));
        var result = x.Detach().Clone();
        var (target, at, _) = Indexed(result, axis, index);
        x.Backend.ScatterAdd(source.Detach().Contiguous().Reshape(at.Shape), at, target);
        if (Autograd.Needs(x, source))
            Autograd.Record(result, [x, source], g => [g, Gather(g, axis, index)]);
        return result;
    }

    /// <summary>The slices of a tensor at indices along a dimension.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="axis">The dimension that is indexed.</param>
    /// <param name="indices">[n] Int64.</param>
    public static Tensor IndexSelect(Tensor x, int axis, Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(indices);
        axis = x.Shape.Axis(axis);
        var flat = CheckedIndices(indices, x.Shape[axis], "element");
        var moved = x.Transpose(0, axis);
        var rows = moved.Contiguous().Reshape(moved.Shape[0], checked((int)moved.Shape.Without(0).Count));
        var result = Tensor.Empty([checked((int)flat.Count), rows.Shape[1]], x.DType);
        x.Backend.TakeRows(rows.Detach(), flat, result);
        if (Autograd.Needs(rows))
        {
            Autograd.Record(result, rows, g => AddedRows(g, flat, rows.Shape));
        }

        return result.Reshape(moved.Shape.With(0, (int)flat.Count)).Transpose(0, axis);
    }

    private static (Tensor Source, Tensor Index, Shape Shape) Indexed(Tensor x, int axis, Tensor index)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(index);
        axis = x.Shape.Axis(axis);
        if (index.Rank != x.Rank || index.Shape.With(axis, 0) != x.Shape.With(axis, 0))
            throw new ArgumentException($"an index of shape {index.Shape} into {x.Shape} along dimension {axis}", nameof(index));
        CheckedIndices(index, x.Shape[axis], "element");
        int outer = 1, inner = 1;
        for (int i = 0; i < x.Rank; i++)
        {
            if (i < axis)
                outer *= x.Shape[i];
            else if (i > axis)
                inner *= x.Shape[i];
        }

        return (x.Contiguous().Reshape(outer, x.Shape[axis], inner), index.Contiguous().Reshape(outer, index.Shape[axis], inner), index.Shape);
    }
}
