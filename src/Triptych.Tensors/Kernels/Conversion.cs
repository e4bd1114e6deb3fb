using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>Converts between dtypes, with steps between elements.</summary>
internal static unsafe class Conversion
{
    private const int Chunk = 512;

    /// <summary>target[i * targetStep] = source[i * sourceStep], converted.</summary>
    [SkipLocalsInit]
    public static void Run(byte* source, DType from, long sourceStep, byte* target, DType to, long targetStep, long count)
    {
        byte* gathered = stackalloc byte[Chunk * sizeof(double)];
        byte* converted = stackalloc byte[Chunk * sizeof(double)];
        int fromSize = from.Size(), toSize = to.Size();
        for (long at = 0; at < count; at += Chunk)
        {
            int n = (int)Math.Min(Chunk, count - at);
            byte* input = source + (at * sourceStep * fromSize), output = target + (at * targetStep * toSize);
            if (sourceStep != 1)
            {
                Move(input, sourceStep, gathered, 1, n, fromSize);
                input = gathered;
            }

            Dense(input, from, targetStep == 1 ? output : converted, to, n);
            if (targetStep != 1)
                Move(converted, 1, output, targetStep, n, toSize);
        }
    }

    /// <summary>target[i * targetStep] = source[i * sourceStep] for elements of a size.</summary>
    public static void Move(byte* source, long sourceStep, byte* target, long targetStep, long count, int size)
    {
        switch (size)
        {
            case 1: Move<byte>(source, sourceStep, target, targetStep, count); break;
            case 2: Move<ushort>(source, sourceStep, target, targetStep, count); break;
            case 4: Move<uint>(source, sourceStep, target, targetStep, count); break;
            default: Move<ulong>(source, sourceStep, target, targetStep, count); break;
        }
    }

    private static void Move<T>(byte* source, long sourceStep, byte* target, long targetStep, long count) where T : unmanaged
    {
        for (long i = 0; i < count; i++)
            ((T*)target)[i * targetStep] = ((T*)source)[i * sourceStep];
    }

    private static void Dense(byte* source, DType from, byte* target, DType to, int count)
    {
        switch (from)
        {
            case DType.Float32: DenseFrom<float>(source, target, to, count); break;
            case DType.Float64: DenseFrom<double>(source, target, to, count); break;
            case DType.Float16: DenseFrom<Half>(source, target, to, count); break;
            case DType.Int64: DenseFrom<long>(source, target, to, count); break;
            case DType.Int32: DenseFrom<int>(source, target, to, count); break;
            case DType.Int8: DenseFrom<sbyte>(source, target, to, count); break;
            case DType.UInt8 or DType.Bool: DenseFrom<byte>(source, target, to, count); break;
            case DType.BFloat16: FromBFloat16((BFloat16*)source, target, to, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(from), from, null);
        }
    }

    private static void DenseFrom<TFrom>(byte* source, byte* target, DType to, int count) where TFrom : unmanaged, INumber<TFrom>
    {
        var input = new ReadOnlySpan<TFrom>(source, count);
        switch (to)
        {
            case DType.Float32: TensorPrimitives.ConvertTruncating(input, new Span<float>(target, count)); break;
            case DType.Float64: TensorPrimitives.ConvertTruncating(input, new Span<double>(target, count)); break;
            case DType.Float16: TensorPrimitives.ConvertTruncating(input, new Span<Half>(target, count)); break;
            case DType.Int64: TensorPrimitives.ConvertTruncating(input, new Span<long>(target, count)); break;
            case DType.Int32: TensorPrimitives.ConvertTruncating(input, new Span<int>(target, count)); break;
            case DType.Int8: TensorPrimitives.ConvertTruncating(input, new Span<sbyte>(target, count)); break;
            case DType.UInt8: TensorPrimitives.ConvertTruncating(input, new Span<byte>(target, count)); break;
            case DType.Bool:
                for (int i = 0; i < count; i++)
                    target[i] = TFrom.IsZero(input[i]) ? (byte)0 : (byte)1;
                break;
            case DType.BFloat16:
                if (typeof(TFrom) == typeof(float))
                {
                    ToBFloat16((float*)source, (ushort*)target, count);
                    break;
                }

                for (int i = 0; i < count; i++)
                    ((BFloat16*)target)[i] = (BFloat16)float.CreateTruncating(input[i]);
                break;
            default: throw new ArgumentOutOfRangeException(nameof(to), to, null);
        }
    }

    [SkipLocalsInit]
    private static void FromBFloat16(BFloat16* source, byte* target, DType to, int count)
    {
        if (to == DType.Float32)
        {
            Widen(source, (float*)target, count);
            return;
        }

        float* wide = stackalloc float[Chunk];
        for (int at = 0; at < count; at += Chunk)
        {
            int n = Math.Min(Chunk, count - at);
            Widen(source + at, wide, n);
            DenseFrom<float>((byte*)wide, target + (at * to.Size()), to, n);
        }
    }

    private static void Widen(BFloat16* source, float* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector512<ushort>.Count; i += Vector512<ushort>.Count)
        {
            var (low, high) = Vector512.Widen(Vector512.Load((ushort*)source + i));
            Vector512.Store((low << 16).AsSingle(), target + i);
            Vector512.Store((high << 16).AsSingle(), target + i + Vector512<float>.Count);
        }

        for (; i < count; i++)
            target[i] = (float)source[i];
    }

    private static void ToBFloat16(float* source, ushort* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector512<ushort>.Count; i += Vector512<ushort>.Count)
            Vector512.Store(Vector512.Narrow(RoundedToBFloat16(source + i) >> 16, RoundedToBFloat16(source + i + Vector512<float>.Count) >> 16), target + i);
        for (; i < count; i++)
            target[i] = ((BFloat16)source[i]).Bits;
    }

    /// <summary>As the conversion of one number in BFloat16, the result in the upper half of each lane, above what was cut off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RoundedToBFloat16(float* source)
    {
        var x = Vector512.Load(source);
        var bits = x.AsUInt32();
        var nearest = bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(x, x).AsUInt32(), nearest, bits | Vector512.Create(0x400000u));
    }
}
