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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transposed<TElement>(byte* source, long stride, int lines, int width, int k, float* target)
        where TElement : struct, IElement
    {
        long bytes = stride * TElement.Size;
        for (int start = 0; start < k; start += LineElements)
        {
            int count = Math.Min(LineElements, k - start);
            byte* part = source + ((long)start * TElement.Size);
            float* panel = target + ((long)start * width);
            int line = 0;
            for (; line + 4 <= lines; line += 4)
                FourLines<TElement>(part + (line * bytes), bytes, count, width, panel + line);

            // Groups of four may overlap: the last one of a panel of six starts at two.
            if (line < lines && lines >= 4)
            {
                line = lines;
                FourLines<TElement>(part + ((line - 4) * bytes), bytes, count, width, panel + line - 4);
            }

            for (; line < width; line++)
                Line<TElement>(part + (line * bytes), line < lines ? count : 0, count, width, panel + line);
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
