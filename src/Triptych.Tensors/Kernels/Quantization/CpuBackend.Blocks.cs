namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    // Rows of whole blocks: between float32 and a block format, or between two places of one format.
    private static void CopyBlocks(Tensor source, Tensor target)
    {
        if (source.DType != target.DType && source.DType != DType.Float32 && target.DType != DType.Float32)
        {
            using var scope = new TensorScope();
            CopyBlocks(source.Detach().To(DType.Float32), target);
            return;
        }

        int width = source.Shape[-1];
        if (width > 1 && (target.Stride(-1) != 1 || (source.DType.IsQuantized() && source.Stride(-1) != 1)))
            throw new NotSupportedException($"blocks of {(source.DType.IsQuantized() ? source : target).DType.Name()} cannot be cut: the last dimension must lie together");
        if (source.Stride(-1) != 1)
            source = source.Detach().Contiguous();
        var body = new BlockCopy
        {
            Loop = new StridedLoop(source.Shape.With(-1, 1), source, target),
            Source = source.Data,
            Target = target.Data,
            From = source.DType,
            To = target.DType,
            Width = width,
        };
        WorkerPool.For(body.Loop.Count, Math.Max(1, ElementwiseGrain / 8 / Math.Max(1, width)), ref body);
        GC.KeepAlive(source);
    }

    private struct BlockCopy : IRangeBody
    {
        public StridedLoop Loop;
        public byte* Source;
        public byte* Target;
        public DType From;
        public DType To;
        public int Width;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                byte* from = Source + From.BytesOf(Loop.Offset(0, row)), to = Target + To.BytesOf(Loop.Offset(1, row));
                if (From == To)
                    Buffer.MemoryCopy(from, to, To.BytesOf(Width), From.BytesOf(Width));
                else if (To == DType.Float32)
                    BlockQuantization.Dequantize(From, from, (float*)to, Width);
                else
                    BlockQuantization.Quantize(To, (float*)from, to, Width);
            }
        }
    }
}
