namespace Triptych.Tensors;

/// <summary>How a block type becomes a panel.</summary>
internal readonly unsafe struct PanelFormat
{
    /// <summary><see cref="PanelDecoder{TDecoder}.Decode"/> of the type.</summary>
    public readonly delegate*<byte*, long, int, byte*, byte*, void> Decode;

    public readonly DType Type;

    public readonly PanelKind Kind;

    private PanelFormat(DType type, PanelKind kind, delegate*<byte*, long, int, byte*, byte*, void> decode)
    {
        Type = type;
        Kind = kind;
        Decode = decode;
    }

    /// <summary>Blocks of a panel that a stored block becomes.</summary>
    public int PanelBlocks => Type.BlockSize() / PanelLayout.BlockElements;

    public static PanelFormat Of(DType type) => type switch
    {
        DType.Q4_0 => Of<Q4_0Decoder>(),
        DType.Q4_1 => Of<Q4_1Decoder>(),
        DType.Q5_0 => Of<Q5_0Decoder>(),
        DType.Q5_1 => Of<Q5_1Decoder>(),
        DType.Q8_0 => Of<Q8_0Decoder>(),
        DType.Q2_K => Of<Q2_KDecoder>(),
        DType.Q3_K => Of<Q3_KDecoder>(),
        DType.Q4_K => Of<Q4_KDecoder>(),
        DType.Q5_K => Of<Q5_KDecoder>(),
        DType.Q6_K => Of<Q6_KDecoder>(),
        DType.IQ4_NL => Of<IQ4_NLDecoder>(),
        DType.IQ4_XS => Of<IQ4_XSDecoder>(),
        DType.MXFP4 => Of<MXFP4Decoder>(),
        _ => throw new NotSupportedException($"{type.Name()} is no block format"),
    };

    private static PanelFormat Of<TDecoder>()
        where TDecoder : struct, IPanelDecoder => new(TDecoder.Type, TDecoder.Kind, &PanelDecoder<TDecoder>.Decode);
}
