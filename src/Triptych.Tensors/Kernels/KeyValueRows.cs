using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>
/// Reads the keys and values of a cache, which may be float32, float16, bfloat16 or q8_0: tiles of a few rows are widened to float32 in
/// the first-level cache, once for all queries that share them.
/// </summary>
internal static unsafe class KeyValueRows
{
    /// <summary>Rows of a tile: 64 of them in float32 fill half of a first-level cache.</summary>
    public const int TileRows = 32;

    /// <summary>Bytes that software prefetch runs ahead of a tile; half and twice of it were slower (measured).</summary>
    private const int AheadBytes = 8192;

    private const int CacheLine = 64;

    /// <summary>Halves that a turn of the emitted loop widens.</summary>
    private const int HalvesAtOnce = 64;

    /// <summary>Elements and bytes of a block of q8_0.</summary>
    private const int ByteBlock = 32, ByteBlockBytes = 34;

    private static readonly delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> s_widenHalves = EmitWidenHalves();
    private static readonly delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> s_widenBytes = EmitWidenBytes();

    /// <summary>
    /// Rows [rows, dim] as float32, zeros up to `multiple`: where they lie if that is all there is to do, else in buffer.
    /// `stride` becomes the floats between two of them.
    /// </summary>
    public static float* Tile(in AttentionTensor source, int batch, int head, int first, int rows, int multiple, int dim, float* buffer,
        out long stride)
    {
        byte* row = source.Row(batch, head, first);
        long rowBytes = source.Type.BytesOf(source.RowStride);
        stride = source.RowStride;
        if (source.Type == DType.Float32 && rows % multiple == 0)
            return (float*)row;
        stride = dim;
        Widen(source.Type, row, rowBytes, rows, dim, buffer);
        int missing = (multiple - (rows % multiple)) % multiple;
        new Span<float>(buffer + ((long)rows * dim), missing * dim).Clear();
        return buffer;
    }

    /// <summary>target [rows, dim] = source in float32.</summary>
    public static void Widen(DType type, byte* source, long rowBytes, int rows, int dim, float* target)
    {
        if (rowBytes == type.BytesOf(dim))
        {
            Widen(type, source, (long)rows * dim, target);
            return;
        }

        for (int row = 0; row < rows; row++, source += rowBytes, target += dim)
            Widen(type, source, dim, target);
    }

    private static void Widen(DType type, byte* source, long count, float* target)
    {
        switch (type)
        {
            case DType.Float32:
                Widen<Float32Element>(source, count, target);
                break;
            case DType.Float16:
                WidenHalves(source, count, target);
                break;
            case DType.Q8_0:
                WidenBytes(source, count, target);
                break;
            case DType.BFloat16:
                Widen<BFloat16Element>(source, count, target);
                break;
            default:
                throw new NotSupportedException($"attention does not read keys and values of {type.Name()}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TElement>(byte* source, long count, float* target)
        where TElement : struct, IElement
    {
        long i = 0;
        for (; i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
            TElement.Load512(source + (i * TElement.Size)).Store(target + i);
        for (; i < count; i++)
            target[i] = TElement.Load1(source + (i * TElement.Size));
    }

    /// <summary>As the processor converts them (vcvtph2ps, of which .NET has no 512-bit form), else in integer arithmetic.</summary>
    private static void WidenHalves(byte* source, long count, float* target)
    {
        if (s_widenHalves != null && Gemm.Path == SimdPath.Vector512 && count >= HalvesAtOnce)
        {
            long whole = count & -HalvesAtOnce;
            RowArguments rows = new() { Source = source, Target = target, Count = whole };
            s_widenHalves(&rows);
            count -= whole;
            source += whole * Float16Element.Size;
            target += whole;
        }

        Widen<Float16Element>(source, count, target);
    }

    private static delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> EmitWidenHalves() => Emit(HalvesAtOnce, HalvesAtOnce * sizeof(ushort), static c =>
    {
        for (int i = 0; i < HalvesAtOnce / Vector512<float>.Count; i++)
        {
            c.vcvtph2ps(EmittedKernel.Zmm(i), __ymmword_ptr[rsi + (i * Vector256<byte>.Count)]);
            c.vmovups(__zmmword_ptr[rdx + (i * Vector512<byte>.Count)], EmittedKernel.Zmm(i));
        }
    });

    /// <summary>Blocks of 32 bytes behind a scale of float16.</summary>
    private static void WidenBytes(byte* source, long count, float* target)
    {
        if (s_widenBytes != null && Gemm.Path == SimdPath.Vector512)
        {
            RowArguments rows = new() { Source = source, Target = target, Count = count };
            s_widenBytes(&rows);
            return;
        }

        for (float* end = target + count; target < end; target += ByteBlock, source += ByteBlockBytes)
        {
            Vector512<float> scale = Vector512.Create((float)Unsafe.ReadUnaligned<Half>(source));
            sbyte* values = (sbyte*)source + sizeof(ushort);
            (Signed(values) * scale).Store(target);
            (Signed(values + Vector512<float>.Count) * scale).Store(target + Vector512<float>.Count);
        }
    }

    private static delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> EmitWidenBytes() => Emit(ByteBlock, ByteBlockBytes, static c =>
    {
        c.vpbroadcastw(ymm0, __word_ptr[rsi]);
        c.vcvtph2ps(zmm0, ymm0);
        for (int i = 0; i < ByteBlock / Vector512<float>.Count; i++)
        {
            c.vpmovsxbd(EmittedKernel.Zmm(1 + i), __xmmword_ptr[rsi + (sizeof(ushort) + (i * Vector128<byte>.Count))]);
            c.vcvtdq2ps(EmittedKernel.Zmm(1 + i), EmittedKernel.Zmm(1 + i));
            c.vmulps(EmittedKernel.Zmm(1 + i), EmittedKernel.Zmm(1 + i), zmm0);
            c.vmovups(__zmmword_ptr[rdx + (i * Vector512<byte>.Count)], EmittedKernel.Zmm(1 + i));
        }
    });

    /// <summary>A loop over Count elements, some each turn: from rsi to rdx.</summary>
    private static delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> Emit(int elements, int bytes, Action<Assembler> turn) =>
        (delegate* unmanaged[SuppressGCTransition]<RowArguments*, void>)EmittedKernel.Create(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rsi, __qword_ptr[rdi]);
            c.mov(rdx, __qword_ptr[rdi + 8]);
            c.mov(rcx, __qword_ptr[rdi + 16]);
            c.Label(ref loop);
            turn(c);
            c.add(rsi, bytes);
            c.add(rdx, elements * sizeof(float));
            c.sub(rcx, elements);
            c.jg(loop);
        });

    /// <summary>16 signed bytes as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Signed(sbyte* source)
    {
        Vector128<sbyte> bytes = Vector128.Load(source);
        if (Avx512F.IsSupported)
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes));
        (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(bytes);
        return Vector512.ConvertToSingle(Vector512.Create(
            Vector256.Create(Vector128.WidenLower(lower), Vector128.WidenUpper(lower)),
            Vector256.Create(Vector128.WidenLower(upper), Vector128.WidenUpper(upper))));
    }

    /// <summary>The arguments of the emitted loops.</summary>
    private struct RowArguments
    {
        public byte* Source;
        public float* Target;
        public long Count;
    }

    /// <summary>Asks for as many rows as are about to be read, some way ahead of them. Addresses past the end are harmless to a prefetch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* row, long rowBytes, int rows, long bytes)
    {
        if (!Sse.IsSupported)
            return;
        if (rowBytes == bytes)
        {
            for (byte* ahead = row + AheadBytes, end = ahead + (rows * bytes); ahead < end; ahead += CacheLine)
                Sse.Prefetch0(ahead);
            return;
        }

        for (row += rowBytes * Math.Max(rows, AheadBytes / rowBytes); rows > 0; rows--, row += rowBytes)
        {
            for (long at = 0; at < bytes; at += CacheLine)
                Sse.Prefetch0(row + at);
        }
    }
}
