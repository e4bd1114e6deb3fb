using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>
/// Copies blocks of a matrix into panels: a panel holds, for each k, the values of `width` neighbouring rows of A (or columns
/// of B) side by side, so that the micro-kernel walks memory once, forwards. Missing rows are zeros.
/// </summary>
internal static unsafe class GemmPack
{
    /// <summary>Elements along k that are moved for all lines before the next: a cache line of float32.</summary>
    private const int LineElements = 16;

    /// <summary>
    /// Packs lines (rows of A, or rows of B^T) that are contiguous along k: target[k, width] = source[line, k]^T.
    /// <paramref name="stride"/> is in elements.
    /// </summary>
    public static void Transposed<TElement>(byte* source, long stride, int lines, int width, int k, float* target)
        where TElement : struct, IElement => Transposed<TElement>(source, stride, lines, width, k, target, width);

    /// <summary>As above, with rows of the target that lie `step` floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transposed<TElement>(byte* source, long stride, int lines, int width, int k, float* target, int step)
        where TElement : struct, IElement
    {
        long bytes = stride * TElement.Size;
        for (int start = 0; start < k; start += LineElements)
        {
            int count = Math.Min(LineElements, k - start);
            byte* part = source + ((long)start * TElement.Size);
            float* panel = target + ((long)start * step);
            int line = 0;
            if (Avx512F.IsSupported && count == LineElements)
            {
                for (; line + 16 <= lines; line += 16)
                    Transpose16<TElement>(part + (line * bytes), bytes, step, panel + line);
                for (; line + 4 <= lines; line += 4)
                    Transpose4<TElement>(part + (line * bytes), bytes, step, panel + line);
            }

            for (; line + 4 <= lines; line += 4)
                FourLines<TElement>(part + (line * bytes), bytes, count, step, panel + line);

            // Groups of four may overlap: the last one of a panel of six starts at two.
            if (line < lines && lines >= 4)
            {
                line = lines;
                FourLines<TElement>(part + ((line - 4) * bytes), bytes, count, step, panel + line - 4);
            }

            for (; line < width; line++)
                Line<TElement>(part + (line * bytes), line < lines ? count : 0, count, step, panel + line);
        }
    }

    /// <summary>Packs lines that are contiguous along the panel's width: target[k, width] = source[k, lines].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Straight<TElement>(byte* source, long stride, int lines, int width, int k, float* target)
        where TElement : struct, IElement
    {
        long bytes = stride * TElement.Size;
        for (int row = 0; row < k; row++, source += bytes, target += width)
        {
            int j = 0;
            if (Vector512.IsHardwareAccelerated)
            {
                for (; j + 16 <= lines; j += 16)
                    TElement.Load512(source + (j * TElement.Size)).Store(target + j);
            }

            for (; j + 4 <= lines; j += 4)
                TElement.Load128(source + (j * TElement.Size)).Store(target + j);
            for (; j < lines; j++)
                target[j] = TElement.Load1(source + (j * TElement.Size));
            for (; j < width; j++)
                target[j] = 0;
        }
    }

    private static void Line<TElement>(byte* source, int valid, int k, int width, float* target)
        where TElement : struct, IElement
    {
        int i = 0;
        for (; i < valid; i++, target += width)
            *target = TElement.Load1(source + (i * TElement.Size));
        for (; i < k; i++, target += width)
            *target = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourLines<TElement>(byte* source, long bytes, int k, int width, float* target)
        where TElement : struct, IElement
    {
        byte* r0 = source;
        byte* r1 = source + bytes;
        byte* r2 = r1 + bytes;
        byte* r3 = r2 + bytes;
        int i = 0;
        for (; i + 4 <= k; i += 4)
        {
            Vector128<float> a = TElement.Load128(r0);
            Vector128<float> b = TElement.Load128(r1);
            Vector128<float> c = TElement.Load128(r2);
            Vector128<float> d = TElement.Load128(r3);
            Vector128<float> abLow = InterleaveLow(a, b), cdLow = InterleaveLow(c, d);
            Vector128<float> abHigh = InterleaveHigh(a, b), cdHigh = InterleaveHigh(c, d);
            LowerHalves(abLow, cdLow).Store(target);
            UpperHalves(abLow, cdLow).Store(target + width);
            LowerHalves(abHigh, cdHigh).Store(target + (2 * width));
            UpperHalves(abHigh, cdHigh).Store(target + (3 * width));
            target += 4 * width;
            r0 += 4 * TElement.Size;
            r1 += 4 * TElement.Size;
            r2 += 4 * TElement.Size;
            r3 += 4 * TElement.Size;
        }

        for (; i < k; i++, target += width)
        {
            target[0] = TElement.Load1(r0);
            target[1] = TElement.Load1(r1);
            target[2] = TElement.Load1(r2);
            target[3] = TElement.Load1(r3);
            r0 += TElement.Size;
            r1 += TElement.Size;
            r2 += TElement.Size;
            r3 += TElement.Size;
        }
    }

    /// <summary>16 lines of 16 elements: 4 x 4 in the lanes of four vectors, then 4 x 4 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose16<TElement>(byte* source, long bytes, int width, float* target)
        where TElement : struct, IElement
    {
        LoadLanes<TElement>(source, bytes, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> c0, out Vector512<float> d0);
        LoadLanes<TElement>(source + (4 * bytes), bytes, out Vector512<float> a1, out Vector512<float> b1, out Vector512<float> c1, out Vector512<float> d1);
        LoadLanes<TElement>(source + (8 * bytes), bytes, out Vector512<float> a2, out Vector512<float> b2, out Vector512<float> c2, out Vector512<float> d2);
        LoadLanes<TElement>(source + (12 * bytes), bytes, out Vector512<float> a3, out Vector512<float> b3, out Vector512<float> c3, out Vector512<float> d3);
        StoreLanes(a0, a1, a2, a3, target, width);
        StoreLanes(b0, b1, b2, b3, target + width, width);
        StoreLanes(c0, c1, c2, c3, target + (2 * width), width);
        StoreLanes(d0, d1, d2, d3, target + (3 * width), width);
    }

    /// <summary>4 lines of 16 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose4<TElement>(byte* source, long bytes, int width, float* target)
        where TElement : struct, IElement
    {
        LoadLanes<TElement>(source, bytes, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d);
        a.GetLower().GetLower().Store(target);
        b.GetLower().GetLower().Store(target + width);
        c.GetLower().GetLower().Store(target + (2 * width));
        d.GetLower().GetLower().Store(target + (3 * width));
        target += 4 * width;
        Avx512F.ExtractVector128(a, 1).Store(target);
        Avx512F.ExtractVector128(b, 1).Store(target + width);
        Avx512F.ExtractVector128(c, 1).Store(target + (2 * width));
        Avx512F.ExtractVector128(d, 1).Store(target + (3 * width));
        target += 4 * width;
        Avx512F.ExtractVector128(a, 2).Store(target);
        Avx512F.ExtractVector128(b, 2).Store(target + width);
        Avx512F.ExtractVector128(c, 2).Store(target + (2 * width));
        Avx512F.ExtractVector128(d, 2).Store(target + (3 * width));
        target += 4 * width;
        Avx512F.ExtractVector128(a, 3).Store(target);
        Avx512F.ExtractVector128(b, 3).Store(target + width);
        Avx512F.ExtractVector128(c, 3).Store(target + (2 * width));
        Avx512F.ExtractVector128(d, 3).Store(target + (3 * width));
    }

    /// <summary>Four lines; lane l of the j-th result has their elements 4 l + j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadLanes<TElement>(byte* source, long bytes,
        out Vector512<float> v0, out Vector512<float> v1, out Vector512<float> v2, out Vector512<float> v3)
        where TElement : struct, IElement
    {
        Vector512<float> a = TElement.Load512(source), b = TElement.Load512(source + bytes);
        Vector512<float> c = TElement.Load512(source + (2 * bytes)), d = TElement.Load512(source + (3 * bytes));
        Vector512<double> abLow = Avx512F.UnpackLow(a, b).AsDouble(), cdLow = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble(), cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        v0 = Avx512F.UnpackLow(abLow, cdLow).AsSingle();
        v1 = Avx512F.UnpackHigh(abLow, cdLow).AsSingle();
        v2 = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        v3 = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>The l-th lanes of four vectors go to the line 4 l.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLanes(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, int width)
    {
        Vector512<float> abLow = Avx512F.Shuffle4x128(a, b, 0x44), cdLow = Avx512F.Shuffle4x128(c, d, 0x44);
        Vector512<float> abHigh = Avx512F.Shuffle4x128(a, b, 0xee), cdHigh = Avx512F.Shuffle4x128(c, d, 0xee);
        Avx512F.Shuffle4x128(abLow, cdLow, 0x88).Store(target);
        Avx512F.Shuffle4x128(abLow, cdLow, 0xdd).Store(target + (4 * width));
        Avx512F.Shuffle4x128(abHigh, cdHigh, 0x88).Store(target + (8 * width));
        Avx512F.Shuffle4x128(abHigh, cdHigh, 0xdd).Store(target + (12 * width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveLow(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.UnpackLow(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(left, right)
        : Vector128.Create(left[0], right[0], left[1], right[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveHigh(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.UnpackHigh(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(left, right)
        : Vector128.Create(left[2], right[2], left[3], right[3]);

    // Vector128.Create(lower, upper) of such halves goes through memory.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LowerHalves(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.MoveLowToHigh(left, right)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(left.AsDouble(), right.AsDouble()).AsSingle()
        : Vector128.Create(left[0], left[1], right[0], right[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> UpperHalves(Vector128<float> left, Vector128<float> right) =>
        Sse.IsSupported ? Sse.MoveHighToLow(right, left)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(left.AsDouble(), right.AsDouble()).AsSingle()
        : Vector128.Create(left[2], left[3], right[2], right[3]);
}
