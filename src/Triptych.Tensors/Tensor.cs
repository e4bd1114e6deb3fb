using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Triptych.Tensors;

/// <summary>
/// An array of numbers with a shape: a strided view of native memory. Views share memory; operations make new tensors.
/// Memory is freed at the end of the <see cref="TensorScope"/> it was made in, else by the garbage collector;
/// <see cref="Dispose"/> only frees it sooner.
/// </summary>
public sealed unsafe partial class Tensor : IDisposable
{
    internal readonly Strides strides;
    private readonly long offset;
    private readonly bool isView;
    private bool requiresGrad;

    internal Tensor(Storage storage, DType dtype, Shape shape, Strides strides, long offset, bool isView)
    {
        Storage = storage;
        DType = dtype;
        Shape = shape;
        this.strides = strides;
        this.offset = offset;
        this.isView = isView;
    }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>The dimensions.</summary>
    public Shape Shape { get; }

    /// <summary>The number of dimensions.</summary>
    public int Rank => Shape.Rank;

    /// <summary>The number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>Whether the elements lie in row-major order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            if (Count == 0)
                return true;
            long step = 1;
            for (int i = Rank - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && strides[i] != step)
                    return false;
                step *= Shape[i];
            }

            return true;
        }
    }

    /// <summary>Whether operations on this tensor are recorded, so that <see cref="Backward"/> can differentiate them.
    /// May be set on tensors that no recorded operation made: parameters and inputs.</summary>
    /// <exception cref="InvalidOperationException">The tensor is the result of a recorded operation, or not of a floating-point type.</exception>
    public bool RequiresGrad
    {
        get => requiresGrad;
        set
        {
            if (Node is not null)
                throw new InvalidOperationException("RequiresGrad is fixed for the result of a recorded operation");
            if (value && !DType.IsFloatingPoint())
                throw new InvalidOperationException($"a tensor of {DType.Name()} has no gradient");
            requiresGrad = value;
        }
    }

    /// <summary>The gradient that <see cref="Backward"/> summed up, of the same shape; null before.</summary>
    public Tensor? Grad { get; set; }

    internal Storage Storage { get; }

    internal GradientNode? Node { get; private set; }

    internal Backend Backend => Backend.Cpu;

    internal byte* Data => Storage.Pointer + DType.BytesOf(offset);

    /// <summary>A tensor whose elements are not set.</summary>
    public static Tensor Empty(Shape shape, DType dtype = DType.Float32) =>
        new(new Storage(Bytes(shape, dtype)), dtype, shape, Strides.Contiguous(shape), 0, isView: false);

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape, DType dtype = DType.Float32)
    {
        var result = Empty(shape, dtype);
        NativeMemory.Clear(result.Data, (nuint)dtype.BytesOf(shape.Count));
        return result;
    }

    /// <summary>A tensor of ones.</summary>
    public static Tensor Ones(Shape shape, DType dtype = DType.Float32) => Full(shape, 1, dtype);

    /// <summary>A tensor with the same value everywhere.</summary>
    public static Tensor Full(Shape shape, double value, DType dtype = DType.Float32) => Empty(shape, dtype).Fill(value);

    /// <summary>A scalar, of shape <c>[]</c>.</summary>
    public static Tensor Scalar(float value) => Full([], value);

    /// <summary>The numbers start, start + 1, ... below end.</summary>
    public static Tensor Arange(long start, long end, DType dtype = DType.Int64)
    {
        var result = Empty([checked((int)Math.Max(0, end - start))], DType.Int64);
        var span = result.AsSpan<long>();
        for (int i = 0; i < span.Length; i++)
            span[i] = start + i;
        return result.To(dtype);
    }

    /// <summary>A tensor with a copy of the values.</summary>
    /// <exception cref="ArgumentException">The number of values is not that of the shape.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> values, Shape shape) where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new ArgumentException($"{values.Length} values do not fill shape {shape}", nameof(values));
        var result = Empty(shape, DTypeExtensions.Of<T>());
        values.CopyTo(result.AsSpan<T>());
        return result;
    }

    /// <summary>A tensor with a copy of the values.</summary>
    /// <exception cref="ArgumentException">The number of values is not that of the shape.</exception>
    public static Tensor From<T>(T[] values, Shape shape) where T : unmanaged => From((ReadOnlySpan<T>)values, shape);

    /// <summary>A vector with a copy of the values.</summary>
    public static Tensor From<T>(T[] values) where T : unmanaged => From((ReadOnlySpan<T>)values, [values.Length]);

    /// <summary>Normally distributed float32 numbers.</summary>
    public static Tensor Normal(Shape shape, Generator generator, float mean = 0, float std = 1)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var result = Empty(shape);
        foreach (ref float x in result.AsSpan<float>())
            x = mean + (std * generator.NextGaussian());
        return result;
    }

    /// <summary>Float32 numbers distributed evenly in [low, high).</summary>
    public static Tensor Uniform(Shape shape, Generator generator, float low = 0, float high = 1)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var result = Empty(shape);
        foreach (ref float x in result.AsSpan<float>())
            x = low + ((high - low) * generator.NextSingle());
        return result;
    }

    /// <summary>A contiguous tensor over memory that something else owns, such as a mapped file; nothing is copied.</summary>
    /// <param name="address">The first element, aligned to the element size.</param>
    /// <param name="bytes">The size of the memory from there on.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="dtype">The element type.</param>
    /// <param name="owner">Kept alive as long as the tensor.</param>
    /// <exception cref="ArgumentException">The memory is too small or not aligned.</exception>
    public static Tensor Wrap(nint address, long bytes, Shape shape, DType dtype, object owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        if (Bytes(shape, dtype) > bytes)
            throw new ArgumentException($"{bytes} bytes do not hold {shape} of {dtype.Name()}", nameof(bytes));
        if (!dtype.IsQuantized() && address % dtype.Size() != 0)
            throw new ArgumentException("the memory is not aligned to the element size", nameof(address));
        return new(new Storage(address, bytes, owner), dtype, shape, Strides.Contiguous(shape), 0, isView: false);
    }

    /// <summary>The distance in elements between neighbours along a dimension.</summary>
    public long Stride(int axis) => strides[Shape.Axis(axis)];

    /// <summary>The elements in memory, to read and to write. Valid while the tensor's memory is.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not contiguous, not of type T, or has over 2^31 elements.</exception>
    public Span<T> AsSpan<T>() where T : unmanaged
    {
        Check<T>();
        if (!IsContiguous)
            throw new InvalidOperationException($"a tensor of shape {Shape} with gaps has no span; call Contiguous() first");
        return Count <= int.MaxValue
            ? new Span<T>(Data, (int)Count)
            : throw new InvalidOperationException($"a span cannot hold the {Count} elements of {Shape}");
    }

    /// <summary>A copy of the elements in row-major order.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not of type T.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        Check<T>();
        var contiguous = Contiguous();
        T[] result = contiguous.AsSpan<T>().ToArray();
        if (contiguous != this)
            contiguous.Dispose();
        GC.KeepAlive(this);
        return result;
    }

    /// <summary>A copy of the elements as singles, whatever the type.</summary>
    public float[] ToFloats()
    {
        if (DType == DType.Float32)
            return ToArray<float>();
        using var converted = Detach().To(DType.Float32);
        return converted.ToArray<float>();
    }

    /// <summary>The only element.</summary>
    /// <exception cref="InvalidOperationException">There is not exactly one, or it is not of type T.</exception>
    public T Item<T>() where T : unmanaged
    {
        Check<T>();
        if (Count != 1)
            throw new InvalidOperationException($"a tensor of shape {Shape} has {Count} elements, not one");
        T value = *(T*)Data;
        GC.KeepAlive(this);
        return value;
    }

    /// <summary>Overwrites the elements with those of another tensor, converted and broadcast as needed. Not recorded.</summary>
    /// <returns>This tensor.</returns>
    public Tensor CopyFrom(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Backend.Copy(source.Detach().Expand(Shape), this);
        return this;
    }

    /// <summary>Sets every element. Not recorded.</summary>
    /// <returns>This tensor.</returns>
    public Tensor Fill(double value)
    {
        Backend.Fill(this, value);
        return this;
    }

    /// <summary>Takes the memory out of all scopes: it lives as long as something refers to it.</summary>
    /// <returns>This tensor.</returns>
    public Tensor Persist()
    {
        Storage.LeaveToCollector();
        return this;
    }

    /// <summary>Frees the memory now. Views of it can't be used any more; disposing a view does nothing.</summary>
    public void Dispose()
    {
        if (!isView)
            Storage.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        const int Shown = 8;
        if (Storage.IsFreed)
            return $"{DType.Name()}{Shape} {{freed}}";
        using var scope = new TensorScope();
        var first = Detach();
        while (first.Rank > 0 && first.Count > Shown && first.Count > first.Shape[-1])
            first = first.Select(0, 0);
        if (first.Count > Shown)
            first = first.Slice(0, 0, Shown);
        return $"{DType.Name()}{Shape} {{{string.Join(", ", first.ToFloats())}{(Count > first.Count ? ", ..." : "")}}}";
    }

    internal void Record(GradientNode node)
    {
        Node = node;
        requiresGrad = true;
    }

    /// <summary>The same tensor as one that <see cref="Dispose"/> frees, though a view made it.</summary>
    internal Tensor Owner() => new(Storage, DType, Shape, strides, offset, isView: false);

    private static long Bytes(Shape shape, DType dtype)
    {
        if (dtype.IsQuantized())
            CheckBlocks(shape, dtype);
        return shape.Count <= long.MaxValue / dtype.BlockBytes()
            ? dtype.BytesOf(shape.Count)
            : throw new ArgumentException($"{shape} of {dtype.Name()} is more than memory can hold", nameof(shape));
    }

    private static void CheckBlocks(Shape shape, DType dtype)
    {
        if (shape.Rank == 0 || shape[-1] % dtype.BlockSize() != 0)
            throw new ArgumentException($"the last dimension of {shape} is not a multiple of the {dtype.BlockSize()} elements of a block of {dtype.Name()}", nameof(shape));
    }

    private void Check<T>([CallerMemberName] string caller = "") where T : unmanaged
    {
        bool same = DTypeExtensions.Of<T>() == DType || (DType == DType.Bool && typeof(T) == typeof(byte));
        if (!same)
            throw new InvalidOperationException($"{caller}<{typeof(T).Name}> of a tensor of {DType.Name()}");
    }
}
