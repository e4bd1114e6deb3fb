using System.Runtime.CompilerServices;

namespace Triptych.Tensors;

/// <summary>
/// Products of one row of activations with weights in block formats, at the speed of memory: the row is rounded to int8 once,
/// weights are read as they lie. All weights of a group, or gate and up of a gated unit, are one parallel region.
/// </summary>
internal static unsafe class QuantizedRow
{
    /// <summary>Rows of weights that are claimed at least together.</summary>
    private const int UnitRows = 16;

    /// <summary>Rows that a kernel is called with at most where gate and up are multiplied: sums that stay in the first-level cache.</summary>
    private const int GatedRows = 512;

    /// <summary>Bytes of weights that a thread gets at least.</summary>
    private const long MinBytes = 32 << 10;

    /// <summary>As <see cref="QuantizedGemm"/>'s, for m = 1.</summary>
    public static void Run(int k, float* a, ReadOnlySpan<QuantizedPart> parts, Activation activation, bool gated)
    {
        int padded = ActivationQuantizer.Padded(k);
        Body body = new() { K = k, Count = parts.Length, Activation = activation, Gated = gated };

        // For each part: arranged bytes, float sums and corrections; before them bytes, scales and sums of the natural order.
        long correctionsAt = padded + (padded / ActivationQuantizer.SumBlock * sizeof(float)), partBytes = correctionsAt + (padded * sizeof(int));
        long naturalBytes = partBytes + (padded / ActivationQuantizer.Block * sizeof(float));
        sbyte* natural = (sbyte*)GemmScratch.Rent((naturalBytes + (parts.Length * partBytes)) / sizeof(float));
        float* scales = (float*)(natural + padded);
        int* sums = (int*)(scales + (padded / ActivationQuantizer.Block));
        ActivationQuantizer.Quantize(a, k, natural, scales, sums);
        long units = 0, bytes = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            BlockKernels kernels = BlockKernels.Of(parts[i].Type);
            sbyte* values = natural + naturalBytes + (i * partBytes);
            bool repeats = i > 0 && parts[i].Type == parts[i - 1].Type;
            body.Parts[i] = new()
            {
                Part = parts[i],
                Dots = kernels.Dots,
                X = repeats ? body.Parts[i - 1].X
                    : RowKernel.Prepare(parts[i].Type, kernels.Arrange(natural, scales, sums, padded, values, (float*)(values + padded)),
                        padded, (int*)(values + correctionsAt)),
                Units = (parts[i].N + UnitRows - 1) / UnitRows,
            };
            bytes += parts[i].N * parts[i].RowBytes;
            units += gated && i > 0 ? 0 : body.Parts[i].Units;
        }

        WorkerPool.For(units, Math.Max(1, units * MinBytes / Math.Max(1, bytes)), ref body);
    }

    private struct PreparedPart
    {
        public QuantizedPart Part;
        public delegate*<ArrangedRow, int, byte*, long, int, float*, void> Dots;
        public ArrangedRow X;
        public long Units;
    }

    [InlineArray(QuantizedGemm.MaxParts)]
    private struct PartList
    {
        private PreparedPart _first;
    }

    private struct Body : IRangeBody
    {
        public PartList Parts;
        public int K, Count;
        public Activation Activation;
        public bool Gated;

        public readonly void Invoke(long start, long end)
        {
            for (int i = 0; i < Count && start < end; i++)
            {
                long units = Parts[i].Units;
                if (start < units)
                {
                    int first = (int)start * UnitRows, last = (int)Math.Min(Math.Min(end, units) * UnitRows, Parts[i].Part.N);
                    if (Gated)
                        GatedUnits(first, last);
                    else
                        Finish(Parts[i], first, last - first, Parts[i].Part.Result + first, Activation);
                    start = units;
                }

                start -= units;
                end -= units;
            }
        }

        private readonly void Finish(in PreparedPart part, int first, int rows, float* target, Activation activation)
        {
            part.Dots(part.X, K, part.Part.Weight + (first * part.Part.RowBytes), part.Part.RowBytes, rows, target);
            if (part.Part.Bias != null)
                Add(part.Part.Bias + first, target, rows);
            Activations.Apply(activation, target, rows);
        }

        [SkipLocalsInit]
        private readonly void GatedUnits(int first, int last)
        {
            float* up = stackalloc float[GatedRows];
            for (; first < last; first += GatedRows)
            {
                int rows = Math.Min(GatedRows, last - first);
                float* target = Parts[0].Part.Result + first;
                Finish(Parts[0], first, rows, target, Activation);
                Finish(Parts[1], first, rows, up, Activation.None);
                Multiply(up, target, rows);
            }
        }

        private static void Add(float* source, float* target, int count) => System.Numerics.Tensors.TensorPrimitives.Add(
            new ReadOnlySpan<float>(target, count), new ReadOnlySpan<float>(source, count), new Span<float>(target, count));

        private static void Multiply(float* source, float* target, int count) => System.Numerics.Tensors.TensorPrimitives.Multiply(
            new ReadOnlySpan<float>(target, count), new ReadOnlySpan<float>(source, count), new Span<float>(target, count));
    }
}

/// <summary>The kernels for one type of blocks.</summary>
internal readonly unsafe struct BlockKernels(
    delegate*<sbyte*, float*, int*, int, sbyte*, float*, ArrangedRow> arrange,
    delegate*<ArrangedRow, int, byte*, long, int, float*, void> dots)
{
    public readonly delegate*<sbyte*, float*, int*, int, sbyte*, float*, ArrangedRow> Arrange = arrange;

    public readonly delegate*<ArrangedRow, int, byte*, long, int, float*, void> Dots = dots;

    public static BlockKernels Of(DType type) => type switch
    {
        DType.Q4_0 => Of<Q4_0Block>(),
        DType.Q4_1 => Of<Q4_1Block>(),
        DType.Q5_0 => Of<Q5_0Block>(),
        DType.Q5_1 => Of<Q5_1Block>(),
        DType.Q8_0 => Of<Q8_0Block>(),
        DType.Q2_K => Of<Q2_KBlock>(),
        DType.Q3_K => Of<Q3_KBlock>(),
        DType.Q4_K => Of<Q4_KBlock>(),
        DType.Q5_K => Of<Q5_KBlock>(),
        DType.Q6_K => Of<Q6_KBlock>(),
        DType.IQ4_NL => Of<IQ4_NLBlock>(),
        DType.IQ4_XS => Of<IQ4_XSBlock>(),
        DType.MXFP4 => Of<MXFP4Block>(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a block format"),
    };

    private static BlockKernels Of<TBlock>()
        where TBlock : struct, IBlockType => new(&QuantizedDots<TBlock>.Arrange, &QuantizedDots<TBlock>.Run);
}
