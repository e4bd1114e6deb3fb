using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>
/// The register tile of the matrix product and the store of a tile: TRows x (TColumns vectors) dot products over packed
/// panels, all accumulators in registers, A broadcast from memory.
/// </summary>
internal static unsafe class GemmKernel<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Columns of a packed panel of B and of a tile.</summary>
    public static int PanelColumns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TSimd.Width;
    }

    /// <summary>tile[rows, PanelColumns] = A panel [k, PanelRows]^T times B panel [k, PanelColumns].</summary>
    public static void Tile(int rows, int columns, long k, float* a, float* b, float* tile) =>
        Tile(rows, columns, k, a, b, null, tile, PanelColumns, false);

    /// <summary>
    /// c[rows, columns] = A panel^T times B panel, + bias[columns] if any, + c if told to. What is written is whole vectors and an even
    /// number of rows, as <see cref="Fits"/> says.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile(int rows, int columns, long k, float* a, float* b, float* bias, float* c, long ldc, bool add)
    {
        if (columns > TSimd.Width)
            Tile<Two>(rows, k, a, b, bias, c, ldc, add);
        else
            Tile<One>(rows, k, a, b, bias, c, ldc, add);
    }

    /// <summary>Whether a tile of this size is written without anything beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Fits(int rows, int columns) => columns % TSimd.Width == 0 && rows is 12 or 8 or 6 or 4 or 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TColumns>(int rows, long k, float* a, float* b, float* bias, float* c, long ldc, bool add)
        where TColumns : struct, ICount
    {
        if (rows > 8)
            Tile<Twelve, TColumns>(k, a, b, bias, c, ldc, add);
        else if (rows > 6)
            Tile<Eight, TColumns>(k, a, b, bias, c, ldc, add);
        else if (rows > 4)
            Tile<Six, TColumns>(k, a, b, bias, c, ldc, add);
        else if (rows > 2)
            Tile<Four, TColumns>(k, a, b, bias, c, ldc, add);
        else
            Tile<Two, TColumns>(k, a, b, bias, c, ldc, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows, TColumns>(long k, float* a, float* b, float* bias, float* c, long ldc, bool add)
        where TRows : struct, ICount
        where TColumns : struct, ICount
    {
        TVector x0 = default, y0 = default;
        if (bias != null)
        {
            x0 = TSimd.Load(bias);
            if (TColumns.Value > 1)
                y0 = TSimd.Load(bias + TSimd.Width);
        }

        TVector x1 = x0, y1 = y0;
        TVector x2 = x0, y2 = y0;
        TVector x3 = x0, y3 = y0;
        TVector x4 = x0, y4 = y0;
        TVector x5 = x0, y5 = y0;
        TVector x6 = x0, y6 = y0;
        TVector x7 = x0, y7 = y0;
        TVector x8 = x0, y8 = y0;
        TVector x9 = x0, y9 = y0;
        TVector x10 = x0, y10 = y0;
        TVector x11 = x0, y11 = y0;
        for (; k > 0; k--)
        {
            TVector b0 = TSimd.Load(b);
            TVector b1 = TColumns.Value > 1 ? TSimd.Load(b + TSimd.Width) : default;
            TVector scalar;
            scalar = TSimd.Broadcast(a[0]);
            x0 = TSimd.MultiplyAdd(scalar, b0, x0);
            if (TColumns.Value > 1)
                y0 = TSimd.MultiplyAdd(scalar, b1, y0);
            scalar = TSimd.Broadcast(a[1]);
            x1 = TSimd.MultiplyAdd(scalar, b0, x1);
            if (TColumns.Value > 1)
                y1 = TSimd.MultiplyAdd(scalar, b1, y1);
            if (TRows.Value > 2)
            {
                scalar = TSimd.Broadcast(a[2]);
                x2 = TSimd.MultiplyAdd(scalar, b0, x2);
                if (TColumns.Value > 1)
                    y2 = TSimd.MultiplyAdd(scalar, b1, y2);
                scalar = TSimd.Broadcast(a[3]);
                x3 = TSimd.MultiplyAdd(scalar, b0, x3);
                if (TColumns.Value > 1)
                    y3 = TSimd.MultiplyAdd(scalar, b1, y3);
            }

            if (TRows.Value > 4)
            {
                scalar = TSimd.Broadcast(a[4]);
                x4 = TSimd.MultiplyAdd(scalar, b0, x4);
                if (TColumns.Value > 1)
                    y4 = TSimd.MultiplyAdd(scalar, b1, y4);
                scalar = TSimd.Broadcast(a[5]);
                x5 = TSimd.MultiplyAdd(scalar, b0, x5);
                if (TColumns.Value > 1)
                    y5 = TSimd.MultiplyAdd(scalar, b1, y5);
            }

            if (TRows.Value > 6)
            {
                scalar = TSimd.Broadcast(a[6]);
                x6 = TSimd.MultiplyAdd(scalar, b0, x6);
                if (TColumns.Value > 1)
                    y6 = TSimd.MultiplyAdd(scalar, b1, y6);
                scalar = TSimd.Broadcast(a[7]);
                x7 = TSimd.MultiplyAdd(scalar, b0, x7);
                if (TColumns.Value > 1)
                    y7 = TSimd.MultiplyAdd(scalar, b1, y7);
            }

            if (TRows.Value > 8)
            {
                scalar = TSimd.Broadcast(a[8]);
                x8 = TSimd.MultiplyAdd(scalar, b0, x8);
                if (TColumns.Value > 1)
                    y8 = TSimd.MultiplyAdd(scalar, b1, y8);
                scalar = TSimd.Broadcast(a[9]);
                x9 = TSimd.MultiplyAdd(scalar, b0, x9);
                if (TColumns.Value > 1)
                    y9 = TSimd.MultiplyAdd(scalar, b1, y9);
                scalar = TSimd.Broadcast(a[10]);
                x10 = TSimd.MultiplyAdd(scalar, b0, x10);
                if (TColumns.Value > 1)
                    y10 = TSimd.MultiplyAdd(scalar, b1, y10);
                scalar = TSimd.Broadcast(a[11]);
                x11 = TSimd.MultiplyAdd(scalar, b0, x11);
                if (TColumns.Value > 1)
                    y11 = TSimd.MultiplyAdd(scalar, b1, y11);
            }

            a += TSimd.PanelRows;
            b += 2 * TSimd.Width;
        }

        Store<TColumns>(x0, y0, c, add);
        Store<TColumns>(x1, y1, c + ldc, add);
        if (TRows.Value > 2)
        {
            Store<TColumns>(x2, y2, c + (2 * ldc), add);
            Store<TColumns>(x3, y3, c + (3 * ldc), add);
        }

        if (TRows.Value > 4)
        {
            Store<TColumns>(x4, y4, c + (4 * ldc), add);
            Store<TColumns>(x5, y5, c + (5 * ldc), add);
        }

        if (TRows.Value > 6)
        {
            Store<TColumns>(x6, y6, c + (6 * ldc), add);
            Store<TColumns>(x7, y7, c + (7 * ldc), add);
        }

        if (TRows.Value > 8)
        {
            Store<TColumns>(x8, y8, c + (8 * ldc), add);
            Store<TColumns>(x9, y9, c + (9 * ldc), add);
            Store<TColumns>(x10, y10, c + (10 * ldc), add);
            Store<TColumns>(x11, y11, c + (11 * ldc), add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TColumns>(TVector first, TVector second, float* target, bool add)
        where TColumns : struct, ICount
    {
        TSimd.Store(add ? TSimd.Add(first, TSimd.Load(target)) : first, target);
        if (TColumns.Value > 1)
            TSimd.Store(add ? TSimd.Add(second, TSimd.Load(target + TSimd.Width)) : second, target + TSimd.Width);
    }

    /// <summary>c = tile + bias + beta * c. With beta 0, c is not read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreTile(float* tile, int rows, int columns, float beta, float* c, long ldc, float* bias)
    {
        int vectors = columns - (columns % TSimd.Width);
        TVector scale = TSimd.Broadcast(beta);
        for (int row = 0; row < rows; row++, tile += PanelColumns, c += ldc)
        {
            for (int j = 0; j < vectors; j += TSimd.Width)
            {
                TVector value = TSimd.Load(tile + j);
                if (bias != null)
                    value = TSimd.Add(value, TSimd.Load(bias + j));
                if (beta != 0)
                    value = TSimd.MultiplyAdd(scale, TSimd.Load(c + j), value);
                TSimd.Store(value, c + j);
            }

            for (int j = vectors; j < columns; j++)
            {
                float value = tile[j];
                if (bias != null)
                    value += bias[j];
                if (beta != 0)
                    value = MathF.FusedMultiplyAdd(beta, c[j], value);
                c[j] = value;
            }
        }
    }
}
