namespace Triptych.Tensors;

/// <summary>Between float32 and block formats, bit for bit as ggml's reference does it.</summary>
internal static unsafe class BlockQuantization
{
    /// <summary>target[0 .. count] of the blocks at source; count is a multiple of the block size.</summary>
    public static void Dequantize(DType type, byte* source, float* target, long count)
    {
        switch (type)
        {
            case DType.Q4_0: Dequantize<BlockQ4_0>(source, target, count); break;
            case DType.Q4_1: Dequantize<BlockQ4_1>(source, target, count); break;
            case DType.Q5_0: Dequantize<BlockQ5_0>(source, target, count); break;
            case DType.Q5_1: Dequantize<BlockQ5_1>(source, target, count); break;
            case DType.Q8_0: Dequantize<BlockQ8_0>(source, target, count); break;
            case DType.Q2_K: Dequantize<BlockQ2_K>(source, target, count); break;
            case DType.Q3_K: Dequantize<BlockQ3_K>(source, target, count); break;
            case DType.Q4_K: Dequantize<BlockQ4_K>(source, target, count); break;
            case DType.Q5_K: Dequantize<BlockQ5_K>(source, target, count); break;
            case DType.Q6_K: Dequantize<BlockQ6_K>(source, target, count); break;
            case DType.IQ4_NL: Dequantize<BlockIQ4_NL>(source, target, count); break;
            case DType.IQ4_XS: Dequantize<BlockIQ4_XS>(source, target, count); break;
            case DType.MXFP4: Dequantize<BlockMXFP4>(source, target, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "not a block format");
        }
    }

    /// <summary>The blocks of source[0 .. count] at target; count is a multiple of the block size.</summary>
    public static void Quantize(DType type, float* source, byte* target, long count)
    {
        switch (type)
        {
            case DType.Q4_0: Quantize<BlockQ4_0>(source, target, count); break;
            case DType.Q4_1: Quantize<BlockQ4_1>(source, target, count); break;
            case DType.Q5_0: Quantize<BlockQ5_0>(source, target, count); break;
            case DType.Q5_1: Quantize<BlockQ5_1>(source, target, count); break;
            case DType.Q8_0: Quantize<BlockQ8_0>(source, target, count); break;
            case DType.Q2_K: Quantize<BlockQ2_K>(source, target, count); break;
            case DType.Q3_K: Quantize<BlockQ3_K>(source, target, count); break;
            case DType.Q4_K: Quantize<BlockQ4_K>(source, target, count); break;
            case DType.Q5_K: Quantize<BlockQ5_K>(source, target, count); break;
            case DType.Q6_K: Quantize<BlockQ6_K>(source, target, count); break;
            case DType.IQ4_NL: Quantize<BlockIQ4_NL>(source, target, count); break;
            case DType.IQ4_XS: Quantize<BlockIQ4_XS>(source, target, count); break;
            case DType.MXFP4: Quantize<BlockMXFP4>(source, target, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "not a block format");
        }
    }

    private static void Dequantize<TBlock>(byte* source, float* target, long count) where TBlock : unmanaged, IQuantizedBlock<TBlock>
    {
        var block = (TBlock*)source;
        for (long i = 0; i < count; i += TBlock.Length)
            TBlock.Dequantize(block++, target + i);
    }

    private static void Quantize<TBlock>(float* source, byte* target, long count) where TBlock : unmanaged, IQuantizedBlock<TBlock> =>
        TBlock.Quantize(source, (TBlock*)target, checked((int)(count / TBlock.Length)));
}
