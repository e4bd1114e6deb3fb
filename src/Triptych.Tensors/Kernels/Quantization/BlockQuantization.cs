using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>Between float32 and block formats, bit for bit as ggml's reference does it.</summary>
internal static unsafe class BlockQuantization
{
    private const int Block = 32;

    /// <summary>target[0 .. count] of the blocks at source; count is a multiple of the block size.</summary>
    public static void Dequantize(DType type, byte* source, float* target, long count)
    {
        int bytes = type.BlockBytes();
        for (long i = 0; i < count; i += Block, source += bytes, target += Block)
        {
            float scale = (float)Unsafe.ReadUnaligned<Half>(source);
            switch (type)
            {
                case DType.Q8_0:
                    for (int j = 0; j < Block; j++)
                        target[j] = ((sbyte)source[2 + j]) * scale;
                    break;
                case DType.Q4_0:
                    for (int j = 0; j < Block / 2; j++)
                    {
                        target[j] = ((source[2 + j] & 15) - 8) * scale;
                        target[j + (Block / 2)] = ((source[2 + j] >> 4) - 8) * scale;
                    }

                    break;
                default:
                    throw new NotSupportedException($"{type.Name()} is not read yet");
            }
        }
    }

    /// <summary>The blocks of source[0 .. count] at target; count is a multiple of the block size.</summary>
    public static void Quantize(DType type, float* source, byte* target, long count)
    {
        int bytes = type.BlockBytes();
        for (long i = 0; i < count; i += Block, source += Block, target += bytes)
        {
            float largest = 0;
            for (int j = 0; j < Block; j++)
                largest = MathF.Abs(source[j]) > MathF.Abs(largest) ? source[j] : largest;
            float scale = type switch
            {
                DType.Q8_0 => MathF.Abs(largest) / 127,
                DType.Q4_0 => largest / -8,
                _ => throw new NotSupportedException($"{type.Name()} is not written yet"),
            };
            float inverse = scale != 0 ? 1 / scale : 0;
            Unsafe.WriteUnaligned(target, (Half)scale);
            if (type == DType.Q8_0)
            {
                for (int j = 0; j < Block; j++)
                    target[2 + j] = (byte)(sbyte)MathF.Round(source[j] * inverse, MidpointRounding.AwayFromZero);
                continue;
            }

            for (int j = 0; j < Block / 2; j++)
            {
                int low = Math.Min(15, (int)((source[j] * inverse) + 8.5f));
                int high = Math.Min(15, (int)((source[j + (Block / 2)] * inverse) + 8.5f));
                target[2 + j] = (byte)(low | (high << 4));
            }
        }
    }
}
