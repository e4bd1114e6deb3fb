using System.Collections;
using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>The dimensions of a tensor, outermost first: <c>[batch, sequence, hidden]</c>. At most eight.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IReadOnlyList<int>
{
    /// <summary>The most dimensions that a tensor can have.</summary>
    public const int MaxRank = 8;

    private readonly Dimensions dimensions;

    private Shape(ReadOnlySpan<int> values)
    {
        if (values.Length > MaxRank)
            throw new ArgumentException($"a tensor has at most {MaxRank} dimensions, not {values.Length}", nameof(values));
        Rank = values.Length;
        long count = 1;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] < 0)
                throw new ArgumentException($"dimension {i} of [{string.Join(", ", values.ToArray())}] is negative", nameof(values));
            dimensions[i] = values[i];
            if (Math.BigMul(count, values[i], out count) != 0 || count < 0)
                throw new ArgumentException($"[{string.Join(", ", values.ToArray())}] has more elements than can be counted", nameof(values));
        }

        Count = count;
    }

    /// <summary>The number of dimensions; 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>The number of elements; 1 for a scalar.</summary>
    public long Count { get; }

    int IReadOnlyCollection<int>.Count => Rank;

    /// <summary>The size of a dimension; negative indices count from the end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such dimension.</exception>
    public int this[int index] => dimensions[Axis(index)];

    /// <summary>Makes a shape of its dimensions.</summary>
    public static Shape Create(params ReadOnlySpan<int> dimensions) => new(dimensions);

    /// <summary>Makes a shape of its dimensions.</summary>
    public static implicit operator Shape(int[] dimensions) => new(dimensions);

    /// <summary>Whether two shapes have the same dimensions.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>The shape of the result of an elementwise operation on two operands (NumPy's broadcasting).</summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static Shape Broadcast(Shape left, Shape right)
    {
        if (left == right)
            return left;
        int rank = Math.Max(left.Rank, right.Rank);
        Span<int> result = stackalloc int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int a = i <= left.Rank ? left[^i] : 1, b = i <= right.Rank ? right[^i] : 1;
            if (a != b && a != 1 && b != 1)
                throw new ArgumentException($"shapes {left} and {right} do not broadcast");
            result[rank - i] = a == 1 ? b : a;
        }

        return new(result);
    }

    /// <summary>The same shape with one dimension changed.</summary>
    public Shape With(int axis, int size)
    {
        Span<int> values = stackalloc int[Rank];
        CopyTo(values);
        values[Axis(axis)] = size;
        return new(values);
    }

    /// <summary>The same shape without one dimension.</summary>
    public Shape Without(int axis)
    {
        axis = Axis(axis);
        Span<int> values = stackalloc int[MaxRank];
        int n = 0;
        for (int i = 0; i < Rank; i++)
        {
            if (i != axis)
                values[n++] = dimensions[i];
        }

        return new(values[..n]);
    }

    /// <summary>The shape of the dimensions before the last few.</summary>
    internal Shape WithoutLast(int count) => new(((ReadOnlySpan<int>)dimensions)[..(Rank - count)]);

    /// <summary>Turns an index that may count from the end into one from the start.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such dimension.</exception>
    public int Axis(int index)
    {
        int axis = index < 0 ? index + Rank : index;
        return (uint)axis < (uint)Rank
            ? axis
            : throw new ArgumentOutOfRangeException(nameof(index), index, $"a tensor of shape {this} has no such dimension");
    }

    /// <summary>Writes the dimensions to a span.</summary>
    public void CopyTo(Span<int> target) => ((ReadOnlySpan<int>)dimensions)[..Rank].CopyTo(target);

    /// <summary>The dimensions as an array.</summary>
    public int[] ToArray() => ((ReadOnlySpan<int>)dimensions)[..Rank].ToArray();

    /// <inheritdoc/>
    public bool Equals(Shape other) =>
        Rank == other.Rank && ((ReadOnlySpan<int>)dimensions)[..Rank].SequenceEqual(((ReadOnlySpan<int>)other.dimensions)[..Rank]);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (int i = 0; i < Rank; i++)
            hash.Add(dimensions[i]);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)ToArray()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", ToArray())}]";

    private int this[Index index] => dimensions[index.GetOffset(Rank)];

    [InlineArray(MaxRank)]
    private struct Dimensions
    {
        private int first;
    }
}

/// <summary>The distance in elements between neighbours of each dimension.</summary>
[InlineArray(Shape.MaxRank)]
internal struct Strides
{
    private long first;

    /// <summary>The strides of a tensor without gaps in row-major order.</summary>
    public static Strides Contiguous(Shape shape)
    {
        Strides strides = default;
        long step = 1;
        for (int i = shape.Rank - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= Math.Max(1, shape[i]);
        }

        return strides;
    }
}
