namespace Triptych.Tensors;

/// <summary>
/// A block of ggml's: some numbers that share a scale, stored as small integers. The structs that implement it have ggml's
/// layout to the byte, and both directions give ggml's bits: sums run in its order, products and sums are rounded apart.
/// </summary>
internal unsafe interface IQuantizedBlock<TSelf> where TSelf : unmanaged, IQuantizedBlock<TSelf>
{
    /// <summary>Numbers in a block.</summary>
    static abstract int Length { get; }

    /// <summary>Writes the <see cref="Length"/> numbers of a block.</summary>
    static abstract void Dequantize(TSelf* block, float* target);

    /// <summary>Encodes <paramref name="count"/> blocks of numbers that follow each other.</summary>
    static abstract void Quantize(float* source, TSelf* blocks, int count);
}
