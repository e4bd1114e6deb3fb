using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

/// <summary>Decodes the blocks of one type into a panel.</summary>
internal unsafe interface IPanelDecoder
{
    static abstract PanelKind Kind { get; }

    /// <summary>Weights of a block as it is stored.</summary>
    static abstract int BlockElements { get; }

    static abstract int BlockBytes { get; }

    /// <summary>
    /// One block of each of 16 rows, `stride` bytes apart, to 16 columns of the panel: `target` is their place in its first
    /// block.
    /// </summary>
    static abstract void Decode(byte* source, long stride, byte* target);
}

/// <summary>float16 scale, 32 int8.</summary>
internal readonly unsafe struct Q8_0Decoder : IPanelDecoder
{
    public static PanelKind Kind => PanelKind.Scaled;

    public static int BlockElements => 32;

    public static int BlockBytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelColumns.LoadHalves(source, stride).Store((float*)(target + PanelLayout.WeightBytes));
        Vector512<byte> offset = Vector512.Create((byte)PanelLayout.Offset);
        for (int half = 0; half < 2; half++, target += 4 * PanelLayout.RowBytes)
        {
            PanelColumns.Load(source + 2 + (16 * half), stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
            (w0 ^ offset).Store(target);
            (w1 ^ offset).Store(target + PanelLayout.RowBytes);
            (w2 ^ offset).Store(target + (2 * PanelLayout.RowBytes));
            (w3 ^ offset).Store(target + (3 * PanelLayout.RowBytes));
        }
    }
}

/// <summary>float16 scale, 32 nibbles: of the first 16 weights the lower, of the others the upper.</summary>
internal readonly unsafe struct Q4_0Decoder : IPanelDecoder
{
    public static PanelKind Kind => PanelKind.Scaled;

    public static int BlockElements => 32;

    public static int BlockBytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Decode(byte* source, long stride, byte* target)
    {
        PanelColumns.LoadHalves(source, stride).Store((float*)(target + PanelLayout.WeightBytes));
        PanelColumns.Load(source + 2, stride, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
        Vector512<byte> mask = Vector512.Create((byte)0xf), offset = Vector512.Create((byte)(PanelLayout.Offset - 8));
        ((w0 & mask) + offset).Store(target);
        ((w1 & mask) + offset).Store(target + PanelLayout.RowBytes);
        ((w2 & mask) + offset).Store(target + (2 * PanelLayout.RowBytes));
        ((w3 & mask) + offset).Store(target + (3 * PanelLayout.RowBytes));
        target += 4 * PanelLayout.RowBytes;
        (((w0.AsUInt16() >> 4).AsByte() & mask) + offset).Store(target);
        (((w1.AsUInt16() >> 4).AsByte() & mask) + offset).Store(target + PanelLayout.RowBytes);
        (((w2.AsUInt16() >> 4).AsByte() & mask) + offset).Store(target + (2 * PanelLayout.RowBytes));
        (((w3.AsUInt16() >> 4).AsByte() & mask) + offset).Store(target + (3 * PanelLayout.RowBytes));
    }
}
