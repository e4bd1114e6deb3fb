using System.Numerics.Tensors;

namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    public override void TakeRows(Tensor table, Tensor indices, Tensor result)
    {
        var body = new TakeRowsBody
        {
            Table = table.Data,
            Indices = (long*)indices.Data,
            Result = result.Data,
            From = table.DType,
            To = result.DType,
            Width = table.Shape[1],
        };
        WorkerPool.For(indices.Count, RowGrain(table.Shape[1]), ref body);
        GC.KeepAlive(table);
        GC.KeepAlive(indices);
    }

    // Split by columns: rows may meet, columns never do.
    public override void AddRows(Tensor source, Tensor indices, Tensor target)
    {
        var body = new AddRowsBody
        {
            Source = (float*)source.Data,
            Indices = (long*)indices.Data,
            Target = (float*)target.Data,
            Count = indices.Count,
            Width = target.Shape[1],
        };
        WorkerPool.For(target.Shape[1], Math.Max(16, ElementwiseGrain / Math.Max(1, indices.Count)), ref body);
        GC.KeepAlive(source);
        GC.KeepAlive(indices);
    }

    public override void Gather(Tensor source, Tensor index, Tensor result)
    {
        switch (source.DType.Size())
        {
            case 1: Gather<byte>(source, index, result); break;
            case 2: Gather<ushort>(source, index, result); break;
            case 4: Gather<uint>(source, index, result); break;
            default: Gather<ulong>(source, index, result); break;
        }
    }

    public override void ScatterAdd(Tensor source, Tensor index, Tensor target)
    {
        long outer = index.Shape[0], m = index.Shape[1], inner = index.Shape[2], n = target.Shape[1], at = 0;
        float* from = (float*)source.Data, to = (float*)target.Data;
        long* indices = (long*)index.Data;
        for (long o = 0; o < outer; o++)
        {
            for (long row = 0; row < m; row++)
            {
                for (long i = 0; i < inner; i++, at++)
                    to[(((o * n) + indices[at]) * inner) + i] += from[at];
            }
        }

        GC.KeepAlive(source);
        GC.KeepAlive(index);
    }

    public override void Unfold(Tensor x, in ConvolutionShape shape, Tensor columns)
    {
        var body = new UnfoldBody(x, shape, columns, fold: false);
        WorkerPool.For((long)x.Shape[0] * x.Shape[1], 1, ref body);
        GC.KeepAlive(x);
    }

    public override void Fold(Tensor columns, in ConvolutionShape shape, Tensor x)
    {
        var body = new UnfoldBody(x, shape, columns, fold: true);
        WorkerPool.For((long)x.Shape[0] * x.Shape[1], 1, ref body);
        GC.KeepAlive(columns);
    }

    private static void Gather<T>(Tensor source, Tensor index, Tensor result) where T : unmanaged
    {
        long outer = index.Shape[0], m = index.Shape[1], inner = index.Shape[2], n = source.Shape[1], at = 0;
        T* from = (T*)source.Data, to = (T*)result.Data;
        long* indices = (long*)index.Data;
        for (long o = 0; o < outer; o++)
        {
            for (long row = 0; row < m; row++)
            {
                for (long i = 0; i < inner; i++, at++)
                    to[at] = from[(((o * n) + indices[at]) * inner) + i];
            }
        }

        GC.KeepAlive(source);
        GC.KeepAlive(index);
    }

    private struct TakeRowsBody : IRangeBody
    {
        public byte* Table;
        public long* Indices;
        public byte* Result;
        public DType From;
        public DType To;
        public long Width;

        public readonly void Invoke(long start, long end)
        {
            long fromBytes = From.BytesOf(Width), toBytes = To.BytesOf(Width);
            for (long i = start; i < end; i++)
            {
                byte* row = Table + (Indices[i] * fromBytes);
                if (From == To)
                    Buffer.MemoryCopy(row, Result + (i * toBytes), toBytes, toBytes);
                else if (From.IsQuantized())
                    BlockQuantization.Dequantize(From, row, (float*)(Result + (i * toBytes)), Width);
                else
                    Conversion.Run(row, From, 1, Result + (i * toBytes), To, 1, Width);
            }
        }
    }

    private struct AddRowsBody : IRangeBody
    {
        public float* Source;
        public long* Indices;
        public float* Target;
        public long Count;
        public long Width;

        public readonly void Invoke(long start, long end)
        {
            int columns = (int)(end - start);
            for (long i = 0; i < Count; i++)
            {
                var target = new Span<float>(Target + (Indices[i] * Width) + start, columns);
                TensorPrimitives.Add(target, new ReadOnlySpan<float>(Source + (i * Width) + start, columns), target);
            }
        }
    }

    // One channel of one picture at a time: row (ky, kx) of its columns holds what that kernel element sees.
    private readonly struct UnfoldBody(Tensor x, ConvolutionShape shape, Tensor columns, bool fold) : IRangeBody
    {
        private readonly float* pictures = (float*)x.Data;
        private readonly float* columns = (float*)columns.Data;
        private readonly int height = x.Shape[2];
        private readonly int width = x.Shape[3];

        public void Invoke(long start, long end)
        {
            for (long channel = start; channel < end; channel++)
            {
                float* picture = pictures + (channel * height * width);
                float* row = columns + (channel * shape.KernelHeight * shape.KernelWidth * shape.OutHeight * shape.OutWidth);
                for (int ky = 0; ky < shape.KernelHeight; ky++)
                {
                    for (int kx = 0; kx < shape.KernelWidth; kx++)
                    {
                        for (int oy = 0; oy < shape.OutHeight; oy++)
                        {
                            int y = (oy * shape.StrideHeight) - shape.PadHeight + (ky * shape.DilationHeight);
                            for (int ox = 0; ox < shape.OutWidth; ox++, row++)
                            {
                                int at = (ox * shape.StrideWidth) - shape.PadWidth + (kx * shape.DilationWidth);
                                bool inside = (uint)y < (uint)height && (uint)at < (uint)width;
                                if (!fold)
                                    *row = inside ? picture[((long)y * width) + at] : 0;
                                else if (inside)
                                    picture[((long)y * width) + at] += *row;
                            }
                        }
                    }
                }
            }
        }
    }
}
