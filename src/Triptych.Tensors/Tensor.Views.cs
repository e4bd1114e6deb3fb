using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

public sealed partial class Tensor
{
    /// <summary>Swaps two dimensions. A view.</summary>
    public Tensor Transpose(int first, int second)
    {
        Span<int> order = stackalloc int[Rank];
        for (int i = 0; i < Rank; i++)
            order[i] = i;
        first = Shape.Axis(first);
        second = Shape.Axis(second);
        (order[first], order[second]) = (order[second], order[first]);
        return Permute(order);
    }

    /// <summary>Puts the dimensions in another order: dimension i of the result is dimension order[i] of this. A view.</summary>
    /// <exception cref="ArgumentException">The order is not a permutation of the dimensions.</exception>
    public Tensor Permute(params ReadOnlySpan<int> order)
    {
        if (order.Length != Rank)
            throw new ArgumentException($"{order.Length} dimensions given for shape {Shape}", nameof(order));
        Span<int> sizes = stackalloc int[Rank];
        Span<int> inverse = stackalloc int[Rank];
        inverse.Fill(-1);
        Strides steps = default;
        for (int i = 0; i < Rank; i++)
        {
            int axis = Shape.Axis(order[i]);
            if (inverse[axis] >= 0)
                throw new ArgumentException($"dimension {axis} is named twice", nameof(order));
            inverse[axis] = i;
            sizes[i] = Shape[axis];
            steps[i] = strides[axis];
        }

        var result = View(Shape.Create(sizes), steps, offset);
        if (Autograd.Needs(this))
        {
            int[] back = inverse.ToArray();
            Autograd.Record(result, this, g => g.Permute(back));
        }

        return result;
    }

    /// <summary>The elements start .. start + length - 1 along a dimension. A view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range lies outside.</exception>
    public Tensor Slice(int axis, int start, int length)
    {
        axis = Shape.Axis(axis);
        if (start < 0 || length < 0 || start + (long)length > Shape[axis])
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), start, $"{length} elements from {start} on lie outside dimension {axis} of {Shape}");
        }

        if (start == 0 && length == Shape[axis])
            return this;
        if (DType.IsQuantized() && strides[axis] == 1 && (start % DType.BlockSize() != 0 || length % DType.BlockSize() != 0))
            throw new ArgumentException($"{length} elements from {start} on cut through blocks of {DType.Name()}", nameof(start));
        var result = View(Shape.With(axis, length), strides, offset + (start * strides[axis]));
        if (Autograd.Needs(this))
            Autograd.RecordPart(result, this, whole => whole.Slice(axis, start, length));
        return result;
    }

    /// <summary>One element along a dimension, which goes away. A view. Negative indices count from the end.</summary>
    public Tensor Select(int axis, int index)
    {
        axis = Shape.Axis(axis);
        return Slice(axis, index < 0 ? index + Shape[axis] : index, 1).Squeeze(axis);
    }

    /// <summary>The same elements under another shape; one dimension may be -1: what remains.
    /// A view where strides allow, else a copy.</summary>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    [OverloadResolutionPriority(1)]
    public Tensor Reshape(params ReadOnlySpan<int> dimensions)
    {
        Span<int> sizes = stackalloc int[dimensions.Length];
        dimensions.CopyTo(sizes);
        int open = sizes.IndexOf(-1);
        if (open >= 0)
        {
            long known = 1;
            for (int i = 0; i < sizes.Length; i++)
                known *= i == open ? 1 : sizes[i];
            if (known <= 0 || Count % known != 0)
                throw new ArgumentException($"shape {Shape} does not fit [{string.Join(", ", dimensions.ToArray())}]", nameof(dimensions));
            sizes[open] = checked((int)(Count / known));
        }

        return Reshape(Shape.Create(sizes));
    }

    /// <inheritdoc cref="Reshape(ReadOnlySpan{int})"/>
    public Tensor Reshape(Shape shape)
    {
        if (shape == Shape)
            return this;
        if (shape.Count != Count)
            throw new ArgumentException($"shape {Shape} does not fit {shape}", nameof(shape));
        if (DType.IsQuantized())
            CheckBlocks(shape, DType);
        if (!TryViewStrides(shape, out var steps))
            return Contiguous().Reshape(shape);
        var result = View(shape, steps, offset);
        if (Autograd.Needs(this))
        {
            var before = Shape;
            Autograd.Record(result, this, g => g.Reshape(before));
        }

        return result;
    }

    /// <summary>Repeats dimensions of size 1, and adds dimensions in front, without a copy: the shape after NumPy's broadcasting. A view.</summary>
    /// <exception cref="ArgumentException">The shape can't be expanded so.</exception>
    public Tensor Expand(Shape shape)
    {
        if (shape == Shape)
            return this;
        int added = shape.Rank - Rank;
        if (added < 0)
            throw new ArgumentException($"shape {Shape} does not expand to {shape}", nameof(shape));
        Strides steps = default;
        for (int i = 0; i < shape.Rank; i++)
        {
            bool isNew = i < added;
            if (!isNew && Shape[i - added] != shape[i] && Shape[i - added] != 1)
                throw new ArgumentException($"shape {Shape} does not expand to {shape}", nameof(shape));
            steps[i] = isNew || Shape[i - added] == 1 ? 0 : strides[i - added];
        }

        var result = View(shape, steps, offset);
        if (Autograd.Needs(this))
        {
            var before = Shape;
            Autograd.Record(result, this, g => Functional.SumTo(g, before));
        }

        return result;
    }

    /// <summary>Adds a dimension of size 1. A view.</summary>
    public Tensor Unsqueeze(int axis)
    {
        if (axis < 0)
            axis += Rank + 1;
        ArgumentOutOfRangeException.ThrowIfNegative(axis);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(axis, Rank);
        Span<int> sizes = stackalloc int[Rank + 1];
        for (int i = 0; i <= Rank; i++)
            sizes[i] = i == axis ? 1 : Shape[i < axis ? i : i - 1];
        return Reshape(Shape.Create(sizes));
    }

    /// <summary>Takes a dimension of size 1 away. A view.</summary>
    /// <exception cref="ArgumentException">The dimension is not of size 1.</exception>
    public Tensor Squeeze(int axis) => Shape[axis] == 1
        ? Reshape(Shape.Without(axis))
        : throw new ArgumentException($"dimension {axis} of {Shape} is not 1", nameof(axis));

    /// <summary>The same memory without a gradient history: a view, or this tensor if it has none.</summary>
    public Tensor Detach() => requiresGrad ? View(Shape, strides, offset) : this;

    /// <summary>This tensor if its elements lie in row-major order without gaps, else a copy where they do.</summary>
    public Tensor Contiguous() => IsContiguous ? this : Clone();

    /// <summary>A copy with memory of its own.</summary>
    public Tensor Clone() => Convert(DType);

    /// <summary>The elements converted to another type; this tensor if they are of that type. Recorded between floating-point types.
    /// From and to block formats, values are dequantized and quantized.</summary>
    /// <exception cref="ArgumentException">The last dimension does not consist of whole blocks.</exception>
    /// <exception cref="NotSupportedException">A block format whose blocks lie across rows, as in a transposed view.</exception>
    public Tensor To(DType dtype) => dtype == DType ? this : Convert(dtype);

    private Tensor Convert(DType dtype)
    {
        var result = Empty(Shape, dtype);
        Backend.Copy(this, result);
        if (dtype.IsFloatingPoint() && Autograd.Needs(this))
        {
            var before = DType;
            Autograd.Record(result, this, g => g.To(before));
        }

        return result;
    }

    private Tensor View(Shape shape, Strides steps, long start) => new(Storage, DType, shape, steps, start, isView: true);

    // Walks both shapes from the end, matching groups of dimensions that hold the same number of elements; a group of
    // the old shape can be cut anew only if it is contiguous within itself.
    private bool TryViewStrides(Shape shape, out Strides result)
    {
        result = default;
        if (Count == 0 || IsContiguous)
        {
            result = Strides.Contiguous(shape);
            return true;
        }

        int old = Rank - 1, target = shape.Rank - 1;
        while (target >= 0 || old >= 0)
        {
            while (old >= 0 && Shape[old] == 1)
                old--;
            if (old < 0)
            {
                for (; target >= 0; target--)
                    result[target] = 1;
                break;
            }

            long step = strides[old], size = Shape[old], covered = 1;
            while (old > 0 && (Shape[old - 1] == 1 || strides[old - 1] == step * size))
                size *= Shape[--old];
            old--;
            while (target >= 0 && (covered < size || shape[target] == 1))
            {
                result[target] = step * covered;
                covered *= shape[target--];
            }

            if (covered != size)
                return false;
        }

        return true;
    }
}
