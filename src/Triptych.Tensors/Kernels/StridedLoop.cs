using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>
/// Walks up to four operands of one shape in row-major order. Dimensions that lie together in all operands are merged,
/// so most loops are one row; what is left is handed out row by row, with a step for each operand.
/// </summary>
internal unsafe struct StridedLoop
{
    private const int MaxOperands = 4;

    private readonly int rank;
    private readonly int operands;
    private Table table;

    public StridedLoop(Shape shape, params ReadOnlySpan<Tensor> tensors)
    {
        operands = tensors.Length;
        Count = shape.Count;
        for (int i = 0; i < shape.Rank; i++)
        {
            if (shape[i] == 1)
                continue;
            if (rank > 0 && Merges(i, shape[i], tensors))
            {
                Size(rank - 1) *= shape[i];
            }
            else
            {
                Size(rank) = shape[i];
                rank++;
            }

            for (int t = 0; t < operands; t++)
                Step(t, rank - 1) = tensors[t].strides[i];
        }

        if (rank == 0)
        {
            Size(0) = 1;
            rank = 1;
            for (int t = 0; t < operands; t++)
                Step(t, 0) = 1;
        }
    }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>The length of a row.</summary>
    public readonly long RowLength => Unsafe.AsRef(in this).Size(rank - 1);

    /// <summary>The distance between elements of an operand within a row.</summary>
    public readonly long RowStep(int operand) => Unsafe.AsRef(in this).Step(operand, rank - 1);

    /// <summary>The place of an element in an operand, counted in elements.</summary>
    public readonly long Offset(int operand, long index)
    {
        ref var self = ref Unsafe.AsRef(in this);
        long offset = 0;
        for (int i = rank - 1; i > 0; i--)
        {
            (index, long position) = Math.DivRem(index, self.Size(i));
            offset += position * self.Step(operand, i);
        }

        return offset + (index * self.Step(operand, 0));
    }

    private bool Merges(int axis, int size, ReadOnlySpan<Tensor> tensors)
    {
        for (int t = 0; t < operands; t++)
        {
            if (Step(t, rank - 1) != tensors[t].strides[axis] * size)
                return false;
        }

        return true;
    }

    [UnscopedRef]
    private ref long Size(int axis) => ref table[axis];

    [UnscopedRef]
    private ref long Step(int operand, int axis) => ref table[((operand + 1) * Shape.MaxRank) + axis];

    [InlineArray((MaxOperands + 1) * Shape.MaxRank)]
    private struct Table
    {
        private long first;
    }
}
