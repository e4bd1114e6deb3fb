namespace Triptych.Tensors;

public static partial class Functional
{
    /// <summary>The sum of all elements, of shape <c>[]</c>. Of integers and truth values it is Int64.</summary>
    public static Tensor Sum(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Sum(x.Reshape(checked((int)x.Count)), 0, keepDim: false);
    }

    /// <summary>The sum along a dimension. Of integers and truth values it is Int64.</summary>
    public static Tensor Sum(Tensor x, int axis, bool keepDim = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        var before = x.Shape;
        var result = Reduce(ReduceOp.Sum, x, axis, keepDim);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => (keepDim ? g : g.Unsqueeze(before.Axis(axis))).Expand(before));
        return result;
    }

    /// <summary>The mean of all elements, of shape <c>[]</c>.</summary>
    /// <exception cref="ArgumentException">The tensor is not of a floating-point type.</exception>
    public static Tensor Mean(Tensor x) => Sum(Real(x)) / x.Count;

    /// <summary>The mean along a dimension.</summary>
    /// <exception cref="ArgumentException">The tensor is not of a floating-point type.</exception>
    public static Tensor Mean(Tensor x, int axis, bool keepDim = false) => Sum(Real(x), axis, keepDim) / x.Shape[axis];

    /// <summary>The largest element along a dimension; the gradient goes to the first of equal ones.</summary>
    public static Tensor Max(Tensor x, int axis, bool keepDim = false) => Extreme(x, axis, keepDim, ReduceOp.Max);

    /// <summary>The smallest element along a dimension; the gradient goes to the first of equal ones.</summary>
    public static Tensor Min(Tensor x, int axis, bool keepDim = false) => Extreme(x, axis, keepDim, ReduceOp.Min);

    /// <summary>The index of the largest element along a dimension, the first of equal ones, as Int64.</summary>
    public static Tensor ArgMax(Tensor x, int axis = -1, bool keepDim = false)
    {
        var rows = Rows(Single(x, nameof(x)).Detach(), axis, out var outer);
        if (rows.Shape[1] == 0)
            throw new ArgumentException($"no largest element along dimension {axis} of {x.Shape}", nameof(axis));
        var result = Tensor.Empty([rows.Shape[0]], DType.Int64);
        x.Backend.ArgMaxRows(rows, result);
        return Restore(result, outer, x.Shape.Axis(axis), keepDim);
    }

    /// <summary>The k largest elements along the last dimension, largest first, and their indices (Int64).</summary>
    public static (Tensor Values, Tensor Indices) TopK(Tensor x, int k)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (k < 0 || k > x.Shape[-1])
            throw new ArgumentOutOfRangeException(nameof(k), k, $"the last dimension of {x.Shape} has no {k} elements");
        var indices = ArgSort(x, k, descending: true);
        return (Gather(x, -1, indices), indices);
    }

    /// <summary>The elements along the last dimension in order, and their indices (Int64). Equal ones keep their order.</summary>
    public static (Tensor Values, Tensor Indices) Sort(Tensor x, bool descending = false)
    {
        var indices = ArgSort(x, descending);
        return (Gather(x, -1, indices), indices);
    }

    /// <summary>The indices (Int64) that put the elements along the last dimension in order.</summary>
    public static Tensor ArgSort(Tensor x, bool descending = false) => ArgSort(x, Single(x, nameof(x)).Shape[-1], descending);

    /// <summary>The running sum along a dimension.</summary>
    public static Tensor CumSum(Tensor x, int axis)
    {
        var result = CumSum(Single(x, nameof(x)), axis, reverse: false);
        if (Autograd.Needs(x))
            Autograd.Record(result, x, g => CumSum(g, axis, reverse: true));
        return result;
    }

    private static Tensor ArgSort(Tensor x, int count, bool descending)
    {
        var rows = Rows(Single(x, nameof(x)).Detach(), -1, out _);
        var result = Tensor.Empty([rows.Shape[0], count], DType.Int64);
        x.Backend.ArgSortRows(rows, descending, result);
        return result.Reshape(x.Shape.With(-1, count));
    }

    private static Tensor CumSum(Tensor x, int axis, bool reverse)
    {
        axis = x.Shape.Axis(axis);
        var moved = x.Detach().Transpose(axis, -1);
        var rows = Rows(moved, -1, out _);
        var result = Tensor.Empty(rows.Shape);
        x.Backend.CumSumRows(rows, reverse, result);
        return result.Reshape(moved.Shape).Transpose(axis, -1);
    }

    private static Tensor Extreme(Tensor x, int axis, bool keepDim, ReduceOp op)
    {
        if (Single(x, nameof(x)).Shape[axis] == 0)
            throw new ArgumentException($"dimension {axis} of {x.Shape} is empty", nameof(axis));
        var result = Reduce(op, x, axis, keepDim);
        if (Autograd.Needs(x))
        {
            var index = ArgMax(op == ReduceOp.Max ? x.Detach() : -x.Detach(), axis, keepDim: true);
            Autograd.Record(result, x, g =>
            {
                var spread = Tensor.Zeros(x.Shape);
                return ScatterAdd(spread, axis, index, keepDim ? g : g.Unsqueeze(x.Shape.Axis(axis)));
            });
        }

        return result;
    }

    private static Tensor Reduce(ReduceOp op, Tensor x, int axis, bool keepDim)
    {
        axis = x.Shape.Axis(axis);
        if (x.DType is DType.Float16 or DType.BFloat16)
            return Reduce(op, x.Detach().To(DType.Float32), axis, keepDim).To(x.DType);
        if (!x.DType.IsFloatingPoint())
            x = x.To(DType.Int64);
        if (op == ReduceOp.Sum && axis == 0 && x.Rank > 1 && x.DType == DType.Float32)
        {
            var sum = Tensor.Empty([checked((int)x.Shape.Without(0).Count)]);
            x.Backend.SumColumns(x.Detach().Contiguous().Reshape(x.Shape[0], sum.Shape[0]), sum);
            return Restore(sum, x.Shape.Without(0), 0, keepDim);
        }

        var rows = Rows(x.Detach(), axis, out var outer);
        var result = Tensor.Empty([rows.Shape[0]], x.DType);
        x.Backend.ReduceRows(op, rows, result);
        return Restore(result, outer, axis, keepDim);
    }

    private static Tensor Real(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.DType.IsFloatingPoint() ? x : throw new ArgumentException($"no mean of a tensor of {x.DType.Name()}; convert it with To()", nameof(x));
    }

    // [.., n, ..] to contiguous [rows, n] with the dimension last; outer is the shape without it.
    private static Tensor Rows(Tensor x, int axis, out Shape outer)
    {
        axis = x.Shape.Axis(axis);
        outer = x.Shape.Without(axis);
        if (axis != x.Rank - 1)
        {
            Span<int> order = stackalloc int[x.Rank];
            int n = 0;
            for (int i = 0; i < x.Rank; i++)
            {
                if (i != axis)
                    order[n++] = i;
            }

            order[n] = axis;
            x = x.Permute(order);
        }

        return x.Contiguous().Reshape(checked((int)outer.Count), x.Shape[-1]);
    }

    private static Tensor Restore(Tensor result, Shape outer, int axis, bool keepDim)
    {
        result = result.Reshape(outer);
        return keepDim ? result.Unsqueeze(axis) : result;
    }
}
