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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile(int rows, int columns, long k, float* a, float* b, float* tile)
    {
        if (columns > TSimd.Width)
            Tile<Two>(rows, k, a, b, tile);
        else
            Tile<One>(rows, k, a, b, tile);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TColumns>(int rows, long k, float* a, float* b, float* tile)
        where TColumns : struct, ICount
    {
        if (rows > 8)
            Tile<Twelve, TColumns>(k, a, b, tile);
        else if (rows > 6)
            Tile<Eight, TColumns>(k, a, b, tile);
        else if (rows > 4)
            Tile<Six, TColumns>(k, a, b, tile);
        else if (rows > 2)
            Tile<Four, TColumns>(k, a, b, tile);
        else
            Tile<Two, TColumns>(k, a, b, tile);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows, TColumns>(long k, float* a, float* b, float* tile)
        where TRows : struct, ICount
        where TColumns : struct, ICount
    {
        TVector x0 = default, y0 = default;
        TVector x1 = default, y1 = default;
        TVector x2 = default, y2 = default;
        TVector x3 = default, y3 = default;
        TVector x4 = default, y4 = default;
        TVector x5 = default, y5 = default;
        TVector x6 = default, y6 = default;
        TVector x7 = default, y7 = default;
        TVector x8 = default, y8 = default;
        TVector x9 = default, y9 = default;
        TVector x10 = default, y10 = default;
        TVector x11 = default, y11 = default;
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

        Store<TColumns>(x0, y0, tile);
        Store<TColumns>(x1, y1, tile + 1 * 2 * TSimd.Width);
        if (TRows.Value > 2)
        {
            Store<TColumns>(x2, y2, tile + 2 * 2 * TSimd.Width);
            Store<TColumns>(x3, y3, tile + 3 * 2 * TSimd.Width);
        }

        if (TRows.Value > 4)
        {
            Store<TColumns>(x4, y4, tile + 4 * 2 * TSimd.Width);
            Store<TColumns>(x5, y5, tile + 5 * 2 * TSimd.Width);
        }

        if (TRows.Value > 6)
        {
            Store<TColumns>(x6, y6, tile + 6 * 2 * TSimd.Width);
            Store<TColumns>(x7, y7, tile + 7 * 2 * TSimd.Width);
        }

        if (TRows.Value > 8)
        {
            Store<TColumns>(x8, y8, tile + 8 * 2 * TSimd.Width);
            Store<TColumns>(x9, y9, tile + 9 * 2 * TSimd.Width);
            Store<TColumns>(x10, y10, tile + 10 * 2 * TSimd.Width);
            Store<TColumns>(x11, y11, tile + 11 * 2 * TSimd.Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TColumns>(TVector first, TVector second, float* target)
        where TColumns : struct, ICount
    {
        TSimd.Store(first, target);
        if (TColumns.Value > 1)
            TSimd.Store(second, target + TSimd.Width);
    }

    /// <summary>c = tile + beta * c, then bias and activation when this is the last block of k. With beta 0, c is not read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreTile(float* tile, int rows, int columns, float beta, float* c, long ldc, float* bias, Activation activation)
    {
        int vectors = columns - (columns % TSimd.Width);
        TVector scale = TSimd.Broadcast(beta);
        for (int row = 0; row < rows; row++, tile += PanelColumns, c += ldc)
        {
            for (int j = 0; j < vectors; j += TSimd.Width)
            {
                TVector value = TSimd.Load(tile + j);
                if (beta != 0)
                    value = TSimd.MultiplyAdd(scale, TSimd.Load(c + j), value);
                if (bias != null)
                    value = TSimd.Add(value, TSimd.Load(bias + j));
                TSimd.Store(value, c + j);
            }

            for (int j = vectors; j < columns; j++)
            {
                float value = tile[j];
                if (beta != 0)
                    value = MathF.FusedMultiplyAdd(beta, c[j], value);
                if (bias != null)
                    value += bias[j];
                c[j] = value;
            }

            Activations.Apply(activation, c, columns);
        }
    }
}
