using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>The keys and values that an attention layer has seen. Attention reads them through this alone, so that a cache
/// may hold them as it likes.</summary>
public abstract class LayerCache
{
    /// <summary>The number of tokens held.</summary>
    public abstract int Length { get; }

    /// <summary>Bytes of memory taken.</summary>
    public abstract long Bytes { get; }

    /// <summary>What is held: views, valid until the next change.</summary>
    /// <returns>[batch, keyValueHeads, <see cref="Length"/>, headDim] each.</returns>
    /// <exception cref="InvalidOperationException">Nothing was added yet.</exception>
    public abstract (Tensor Keys, Tensor Values) Current { get; }

    /// <summary>Adds the keys and values of new tokens and returns all.</summary>
    /// <param name="keys">[batch, keyValueHeads, new, headDim].</param>
    /// <param name="values">[batch, keyValueHeads, new, headDim].</param>
    public abstract (Tensor Keys, Tensor Values) Update(Tensor keys, Tensor values);

    /// <summary>Makes row i what row rows[i] was: beams change places, or one row becomes several.</summary>
    public abstract void Reorder(ReadOnlySpan<int> rows);

    /// <summary>Forgets the tokens from a length on.</summary>
    public abstract void Truncate(int length);

    /// <summary>Gives the memory back.</summary>
    internal abstract void Free();
}

/// <summary>Keys and values one behind the other in one buffer each, <c>[batch, keyValueHeads, capacity, headDim]</c>. A full
/// buffer grows by an eighth: a token is copied O(1) times on average, and none when it is read.</summary>
/// <param name="type">What is held: float32, float16, bfloat16 or q8_0.</param>
/// <param name="capacity">Tokens that the first buffer has room for.</param>
internal sealed class ContiguousLayerCache(DType type, int capacity) : LayerCache
{
    private const int GrowthTokens = 32, GrowthShare = 8;

    private Tensor? keyBuffer, valueBuffer;
    private int length;

    public override int Length => length;

    public override long Bytes => BytesOf(keyBuffer) + BytesOf(valueBuffer);

    public override (Tensor Keys, Tensor Values) Current => keyBuffer is null
        ? throw new InvalidOperationException("the cache is empty")
        : (keyBuffer.Slice(2, 0, length), valueBuffer!.Slice(2, 0, length));

    public override (Tensor Keys, Tensor Values) Update(Tensor keys, Tensor values)
    {
        int added = keys.Shape[2];
        if (keyBuffer is not null && keyBuffer.Shape[0] != keys.Shape[0])
            throw new ArgumentException($"a batch of {keys.Shape[0]} for a cache of {keyBuffer.Shape[0]}", nameof(keys));
        keyBuffer = Reserve(keyBuffer, keys.Shape, length + added);
        valueBuffer = Reserve(valueBuffer, values.Shape, length + added);
        keyBuffer.Slice(2, length, added).CopyFrom(keys);
        valueBuffer.Slice(2, length, added).CopyFrom(values);
        length += added;
        return Current;
    }

    public override void Reorder(ReadOnlySpan<int> rows)
    {
        if (keyBuffer is null || IsIdentity(rows, keyBuffer.Shape[0]))
            return;
        keyBuffer = Reordered(keyBuffer, rows);
        valueBuffer = Reordered(valueBuffer!, rows);
    }

    public override void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, this.length);
        this.length = length;
    }

    internal override void Free()
    {
        keyBuffer?.Dispose();
        valueBuffer?.Dispose();
        keyBuffer = valueBuffer = null;
        length = 0;
    }

    private static bool IsIdentity(ReadOnlySpan<int> rows, int batch)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] != i)
                return false;
        }

        return rows.Length == batch;
    }

    private static long BytesOf(Tensor? buffer) => buffer is null ? 0 : buffer.DType.BytesOf(buffer.Count);

    private Tensor Reserve(Tensor? buffer, Shape shape, int needed)
    {
        if (buffer is not null && needed <= buffer.Shape[2])
            return buffer;
        int tokens = buffer is null ? Math.Max(capacity, needed) : needed + Math.Max(GrowthTokens, needed / GrowthShare);
        var grown = Tensor.Empty(shape.With(2, tokens), type).Persist();
        if (buffer is not null)
        {
            grown.Slice(2, 0, length).CopyFrom(buffer.Slice(2, 0, length));
            buffer.Dispose();
        }

        return grown;
    }

    private Tensor Reordered(Tensor buffer, ReadOnlySpan<int> rows)
    {
        var result = Tensor.Empty(buffer.Shape.With(0, rows.Length), type).Persist();
        for (int i = 0; i < rows.Length; i++)
            result.Select(0, i).Slice(1, 0, length).CopyFrom(buffer.Select(0, rows[i]).Slice(1, 0, length));
        buffer.Dispose();
        return result;
    }
}

/// <summary>The caches of all layers of a model. Lives outside of tensor scopes until it is disposed or collected.</summary>
public sealed class ModelCache : IDisposable
{
    private readonly LayerCache[] self;
    private readonly LayerCache[] cross;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">The decoder's layers.</param>
    /// <param name="crossAttention">Whether each layer also attends to an encoder.</param>
    /// <param name="type">The type of keys and values: float32, float16, bfloat16, or q8_0 for head widths that are multiples of 32.</param>
    /// <param name="capacity">Tokens to make room for at the start. More may come; then buffers are copied as they grow.</param>
    /// <exception cref="ArgumentException">A cache does not hold the type.</exception>
    public ModelCache(int layers, bool crossAttention = false, DType type = DType.Float32, int capacity = 0)
    {
        if (!Types.Contains(type))
            throw new ArgumentException($"a cache holds {string.Join(", ", Types.Select(t => t.Name()))}, not {type.Name()}", nameof(type));
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        Type = type;
        self = Create(layers, capacity);
        cross = crossAttention ? Create(layers, 0) : [];
    }

    /// <summary>The types that a cache may hold.</summary>
    public static IReadOnlyList<DType> Types { get; } = [DType.Float32, DType.Float16, DType.BFloat16, DType.Q8_0];

    /// <summary>The type of keys and values.</summary>
    public DType Type { get; }

    /// <summary>The number of tokens held: the position of the next one.</summary>
    public int Length => self.Length == 0 ? 0 : self[0].Length;

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => self.Concat(cross).Sum(layer => layer.Bytes);

    /// <summary>A layer's cache of the tokens before.</summary>
    public LayerCache Self(int layer) => self[layer];

    /// <summary>A layer's keys and values of the encoder's output: filled by the first call, then only read.</summary>
    public LayerCache Cross(int layer) => cross[layer];

    /// <summary>Makes row i of every layer what row rows[i] was; there may be more or fewer rows than before.</summary>
    public void Reorder(ReadOnlySpan<int> rows)
    {
        foreach (var layer in self)
            layer.Reorder(rows);
        foreach (var layer in cross)
            layer.Reorder(rows);
    }

    /// <summary>Like <see cref="Reorder"/> where rows only change places with rows of the same encoder input: cross attention stays.</summary>
    public void ReorderSelf(ReadOnlySpan<int> rows)
    {
        foreach (var layer in self)
            layer.Reorder(rows);
    }

    /// <summary>Forgets the tokens from a length on.</summary>
    public void Truncate(int length)
    {
        foreach (var layer in self)
            layer.Truncate(length);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var layer in self.Concat(cross))
            layer.Free();
    }

    private LayerCache[] Create(int layers, int capacity) =>
        [.. Enumerable.Range(0, layers).Select(_ => new ContiguousLayerCache(Type, capacity))];
}
