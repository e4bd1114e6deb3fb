using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>The innermost kernel in C#, for each width of vectors from one source text.</summary>
internal static unsafe class PortablePanelKernel
{
    public static void Run(PanelKind kind, int rows, PanelProduct* product)
    {
        if (AvxVnni.IsSupported && Gemm.Path >= SimdPath.Vector256)
            Run<ByteDotsVnni, Vector256<int>, Vector256<float>>(kind, rows, product);
        else if (Gemm.Path == SimdPath.Vector512)
            Run<ByteDots512, Vector512<int>, Vector512<float>>(kind, rows, product);
        else if (Gemm.Path == SimdPath.Vector256)
            Run<ByteDots256, Vector256<int>, Vector256<float>>(kind, rows, product);
        else
            Run<ByteDots128, Vector128<int>, Vector128<float>>(kind, rows, product);
    }

    private static void Run<TDots, TIntegers, TFloats>(PanelKind kind, int rows, PanelProduct* product)
        where TDots : struct, IByteDots<TIntegers, TFloats>
        where TIntegers : struct
        where TFloats : struct
    {
        for (int row = 0; row < rows;)
        {
            PanelProduct part = *product;
            part.Activations = (ActivationBlock*)((byte*)part.Activations + (row * part.RowStride));
            part.Sums += row * PanelLayout.Columns;
            if (rows - row >= 4)
            {
                Columns<TDots, TIntegers, TFloats, Four>(kind, part);
                row += 4;
            }
            else if (rows - row >= 2)
            {
                Columns<TDots, TIntegers, TFloats, Two>(kind, part);
                row += 2;
            }
            else
            {
                Columns<TDots, TIntegers, TFloats, One>(kind, part);
                row++;
            }
        }
    }

    private static void Columns<TDots, TIntegers, TFloats, TRows>(PanelKind kind, PanelProduct product)
        where TDots : struct, IByteDots<TIntegers, TFloats>
        where TIntegers : struct
        where TFloats : struct
        where TRows : struct, ICount
    {
        for (int column = 0; column < PanelLayout.Columns; column += TDots.Width)
        {
            Tile<TDots, TIntegers, TFloats, TRows>(kind, product);
            product.Panel += 4 * TDots.Width;
            product.Sums += TDots.Width;
        }
    }

    /// <summary>Up to four rows times one vector of columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TDots, TIntegers, TFloats, TRows>(PanelKind kind, in PanelProduct product)
        where TDots : struct, IByteDots<TIntegers, TFloats>
        where TIntegers : struct
        where TFloats : struct
        where TRows : struct, ICount
    {
        int parts = kind.Scales(), rowsOfPart = PanelLayout.WeightRows / parts, blockBytes = kind.BlockBytes();
        bool minimum = kind.HasMinimum();
        byte* panel = product.Panel, activations = (byte*)product.Activations;
        long stride = product.RowStride;
        TFloats sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        if (product.Accumulate != 0)
        {
            sum0 = TDots.Load(product.Sums);
            if (TRows.Value > 1)
                sum1 = TDots.Load(product.Sums + PanelLayout.Columns);
            if (TRows.Value > 2)
            {
                sum2 = TDots.Load(product.Sums + (2 * PanelLayout.Columns));
                sum3 = TDots.Load(product.Sums + (3 * PanelLayout.Columns));
            }
        }

        for (long block = 0; block < product.Blocks; block++, panel += blockBytes, activations += sizeof(ActivationBlock))
        {
            for (int part = 0; part < parts; part++)
            {
                TIntegers dot0 = default, dot1 = default, dot2 = default, dot3 = default;
                for (int row = part * rowsOfPart; row < (part + 1) * rowsOfPart; row++)
                {
                    byte* weights = panel + (row * PanelLayout.RowBytes), values = activations + (4 * row);
                    dot0 = TDots.Add(dot0, weights, *(int*)values);
                    if (TRows.Value > 1)
                        dot1 = TDots.Add(dot1, weights, *(int*)(values + stride));
                    if (TRows.Value > 2)
                    {
                        dot2 = TDots.Add(dot2, weights, *(int*)(values + (2 * stride)));
                        dot3 = TDots.Add(dot3, weights, *(int*)(values + (3 * stride)));
                    }
                }

                float* scale = (float*)(panel + PanelLayout.WeightBytes + (part * PanelLayout.RowBytes));
                float* minimums = minimum ? scale + (parts * PanelLayout.Columns) : null;
                sum0 = AddScaled<TDots, TIntegers, TFloats>(sum0, dot0, scale, minimums, (ActivationBlock*)activations, parts, part);
                if (TRows.Value > 1)
                    sum1 = AddScaled<TDots, TIntegers, TFloats>(sum1, dot1, scale, minimums, (ActivationBlock*)(activations + stride), parts, part);
                if (TRows.Value > 2)
                {
                    sum2 = AddScaled<TDots, TIntegers, TFloats>(sum2, dot2, scale, minimums, (ActivationBlock*)(activations + (2 * stride)), parts, part);
                    sum3 = AddScaled<TDots, TIntegers, TFloats>(sum3, dot3, scale, minimums, (ActivationBlock*)(activations + (3 * stride)), parts, part);
                }
            }
        }

        TDots.Store(sum0, product.Sums);
        if (TRows.Value > 1)
            TDots.Store(sum1, product.Sums + PanelLayout.Columns);
        if (TRows.Value > 2)
        {
            TDots.Store(sum2, product.Sums + (2 * PanelLayout.Columns));
            TDots.Store(sum3, product.Sums + (3 * PanelLayout.Columns));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloats AddScaled<TDots, TIntegers, TFloats>(TFloats sum, TIntegers dots, float* scale, float* minimum, ActivationBlock* block,
        int parts, int part)
        where TDots : struct, IByteDots<TIntegers, TFloats>
        where TIntegers : struct
        where TFloats : struct
    {
        int start = parts == 1 ? block->Start : part == 0 ? block->LowStart : block->Start - block->LowStart;
        TFloats value = minimum == null
            ? TDots.Multiply(TDots.ToFloat(dots, start), TDots.Load(scale))
            : TDots.MultiplyAdd(TDots.Broadcast(start), TDots.Load(minimum), TDots.Multiply(TDots.ToFloat(dots, 0), TDots.Load(scale)));
        return TDots.MultiplyAdd(value, TDots.Broadcast(block->Scale), sum);
    }
}

/// <summary>Vectors that the portable kernel is written in.</summary>
internal unsafe interface IByteDots<TIntegers, TFloats>
    where TIntegers : struct
    where TFloats : struct
{
    static abstract int Width { get; }

    /// <summary>Each sum + four unsigned bytes times the four signed ones of `values`.</summary>
    static abstract TIntegers Add(TIntegers sums, byte* weights, int values);

    static abstract TFloats ToFloat(TIntegers sums, int start);

    static abstract TFloats Load(float* source);

    static abstract void Store(TFloats values, float* target);

    static abstract TFloats Broadcast(float value);

    static abstract TFloats Multiply(TFloats x, TFloats y);

    static abstract TFloats MultiplyAdd(TFloats x, TFloats y, TFloats z);
}

/// <summary>Even and odd bytes are widened to words: the products of any unsigned and signed bytes fit, and nothing saturates.</summary>
internal readonly unsafe struct ByteDots512 : IByteDots<Vector512<int>, Vector512<float>>
{
    public static int Width => Vector512<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> sums, byte* weights, int values)
    {
        Vector512<ushort> bytes = Vector512.Load((ushort*)weights);
        Vector512<short> signed = Vector512.Create(values).AsInt16();
        sums += Avx512BW.MultiplyAddAdjacent((bytes & Vector512.Create((ushort)0xff)).AsInt16(), (signed << 8) >> 8);
        return sums + Avx512BW.MultiplyAddAdjacent((bytes >>> 8).AsInt16(), signed >> 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloat(Vector512<int> sums, int start) => Vector512.ConvertToSingle(sums + Vector512.Create(start));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, float* target) => values.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> x, Vector512<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> z) => Vector512.MultiplyAddEstimate(x, y, z);
}

/// <inheritdoc cref="ByteDots512"/>
internal readonly unsafe struct ByteDots256 : IByteDots<Vector256<int>, Vector256<float>>
{
    public static int Width => Vector256<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, int values)
    {
        Vector256<ushort> bytes = Vector256.Load((ushort*)weights);
        Vector256<short> signed = Vector256.Create(values).AsInt16();
        sums += Avx2.MultiplyAddAdjacent((bytes & Vector256.Create((ushort)0xff)).AsInt16(), (signed << 8) >> 8);
        return sums + Avx2.MultiplyAddAdjacent((bytes >>> 8).AsInt16(), signed >> 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloat(Vector256<int> sums, int start) => Vector256.ConvertToSingle(sums + Vector256.Create(start));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> values, float* target) => values.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> x, Vector256<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> z) => Vector256.MultiplyAddEstimate(x, y, z);
}

/// <summary>vpdpbusd on 256-bit registers.</summary>
internal readonly unsafe struct ByteDotsVnni : IByteDots<Vector256<int>, Vector256<float>>
{
    public static int Width => ByteDots256.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, int values) =>
        AvxVnni.MultiplyWideningAndAdd(sums, Vector256.Load(weights), Vector256.Create(values).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloat(Vector256<int> sums, int start) => ByteDots256.ToFloat(sums, start);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => ByteDots256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> values, float* target) => ByteDots256.Store(values, target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => ByteDots256.Broadcast(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> x, Vector256<float> y) => ByteDots256.Multiply(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> z) => ByteDots256.MultiplyAdd(x, y, z);
}

/// <summary>255 x 127 fits a signed word, so words are multiplied, and their products added as two halves of dwords.</summary>
internal readonly unsafe struct ByteDots128 : IByteDots<Vector128<int>, Vector128<float>>
{
    public static int Width => Vector128<int>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Add(Vector128<int> sums, byte* weights, int values)
    {
        Vector128<ushort> bytes = Vector128.Load((ushort*)weights);
        Vector128<short> signed = Vector128.Create(values).AsInt16();
        Vector128<int> even = ((bytes & Vector128.Create((ushort)0xff)).AsInt16() * ((signed << 8) >> 8)).AsInt32();
        Vector128<int> odd = ((bytes >>> 8).AsInt16() * (signed >> 8)).AsInt32();
        return sums + ((even << 16) >> 16) + (even >> 16) + ((odd << 16) >> 16) + (odd >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloat(Vector128<int> sums, int start) => Vector128.ConvertToSingle(sums + Vector128.Create(start));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> values, float* target) => values.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> x, Vector128<float> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> x, Vector128<float> y, Vector128<float> z) => Vector128.MultiplyAddEstimate(x, y, z);
}
