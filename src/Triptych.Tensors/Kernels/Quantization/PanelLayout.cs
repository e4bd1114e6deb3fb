namespace Triptych.Tensors;

/// <summary>How the weights of a panel become floats.</summary>
internal enum PanelKind
{
    /// <summary>scale (w - 128), a scale for 32 weights.</summary>
    Scaled,

    /// <summary>scale w + minimum, both for 32 weights.</summary>
    ScaledWithMinimum,

    /// <summary>scale (w - 128), a scale for 16 weights.</summary>
    HalfScaled,

    /// <summary>scale w + minimum, both for 16 weights.</summary>
    HalfScaledWithMinimum,
}

/// <summary>
/// The form that weights of every block type are decoded to: a panel is 32 columns of the product (rows of the weight), a run
/// of blocks of 32 along k. A block holds unsigned bytes [k / 4, 32 columns, 4], as vpdpbusd takes them, then float rows [32
/// columns]: the scales, one row or one for each half, and after them as many rows of minimums.
/// </summary>
/// <remarks>
/// Minimums are stored divided by -128, because what they are multiplied with, the sum of a block's activations, is kept
/// times -128 (<see cref="ActivationBlock.Start"/>).
/// </remarks>
internal static class PanelLayout
{
    public const int Columns = 32;
    public const int BlockElements = 32;

    /// <summary>Bytes of one row of four weights for each column; a row of floats has as many.</summary>
    public const int RowBytes = 4 * Columns;

    public const int WeightRows = BlockElements / 4;
    public const int WeightBytes = WeightRows * RowBytes;

    /// <summary>What is added to signed weights.</summary>
    public const int Offset = 128;

    /// <summary>What minimums are multiplied with.</summary>
    public const float MinimumFactor = -1f / Offset;

    public static bool HasMinimum(this PanelKind kind) => kind is PanelKind.ScaledWithMinimum or PanelKind.HalfScaledWithMinimum;

    /// <summary>Scales of one column in a block.</summary>
    public static int Scales(this PanelKind kind) => kind is PanelKind.HalfScaled or PanelKind.HalfScaledWithMinimum ? 2 : 1;

    public static int BlockBytes(this PanelKind kind) => WeightBytes + (kind.Scales() * (kind.HasMinimum() ? 2 : 1) * RowBytes);
}
