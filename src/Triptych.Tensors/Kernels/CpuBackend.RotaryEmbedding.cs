using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    public override void RotaryEmbedding(Tensor x, Tensor cos, Tensor sin, bool interleaved, bool inverse, Tensor result)
    {
        int batch = x.Shape[0], heads = x.Shape[1], sequence = x.Shape[2], dim = x.Shape[3];
        var body = new RotaryBody
        {
            X = (float*)x.Data,
            Cos = (float*)cos.Data,
            Sin = (float*)sin.Data,
            Result = (float*)result.Data,
            BatchStride = x.Stride(0),
            HeadStride = x.Stride(1),
            RowStride = x.Stride(2),
            ResultHeadStride = result.Stride(1),
            TableBatchStride = cos.Shape[0] == 1 ? 0 : (long)sequence * cos.Shape[2],
            Sequence = sequence,
            Heads = heads,
            Dim = dim,
            Pairs = cos.Shape[2],
            Interleaved = interleaved,
            Sign = inverse ? -1 : 1,
        };
        WorkerPool.For((long)batch * sequence, RowGrain(heads * dim), ref body);
        GC.KeepAlive(x);
        GC.KeepAlive(cos);
        GC.KeepAlive(sin);
        GC.KeepAlive(result);
    }

    /// <summary>One token at a time: its angles are loaded once for all heads.</summary>
    private struct RotaryBody : IRangeBody
    {
        public float* X;
        public float* Cos;
        public float* Sin;
        public float* Result;
        public long BatchStride;
        public long HeadStride;
        public long RowStride;
        public long ResultHeadStride;
        public long TableBatchStride;
        public int Sequence;
        public int Heads;
        public int Dim;
        public int Pairs;
        public bool Interleaved;
        public float Sign;

        public readonly void Invoke(long start, long end)
        {
            for (long token = start; token < end; token++)
            {
                var (batch, row) = Math.DivRem(token, Sequence);
                float* x = X + (batch * BatchStride) + (row * RowStride);
                float* result = Result + (token * Heads * Dim);
                long angles = (batch * TableBatchStride) + (row * Pairs);
                if (Interleaved)
                    Neighbours(x, Cos + angles, Sin + angles, result);
                else
                    Halves(x, Cos + angles, Sin + angles, result);
                if (2 * Pairs < Dim)
                    CopyRest(x, result);
            }
        }

        private readonly void Halves(float* x, float* cos, float* sin, float* result)
        {
            for (int i = 0; i < Pairs; i += Vector512<float>.Count)
            {
                long left = Pairs - i;
                var c = VectorMath.Load(cos + i, left);
                var s = VectorMath.Load(sin + i, left) * Sign;
                for (int head = 0; head < Heads; head++)
                {
                    float* from = x + (head * HeadStride) + i, to = result + (head * ResultHeadStride) + i;
                    var a = VectorMath.Load(from, left);
                    var b = VectorMath.Load(from + Pairs, left);
                    VectorMath.Store((a * c) - (b * s), to, left);
                    VectorMath.Store((b * c) + (a * s), to + Pairs, left);
                }
            }
        }

        // Eight pairs a vector, each seen as one 64-bit number: its halves change places by shifts, on vectors of any width.
        private readonly void Neighbours(float* x, float* cos, float* sin, float* result)
        {
            const int PairsAtOnce = 8;
            for (int i = 0; i < Pairs; i += PairsAtOnce)
            {
                long left = Math.Min(Pairs - i, PairsAtOnce);
                var c = Twice(VectorMath.Load(cos + i, left));
                var s = (Twice(VectorMath.Load(sin + i, left) * Sign).AsUInt64() ^ Vector512.Create(0x8000_0000UL)).AsSingle();
                for (int head = 0; head < Heads; head++)
                {
                    var pairs = VectorMath.Load(x + (head * HeadStride) + (2 * i), 2 * left);
                    var bits = pairs.AsUInt64();
                    var swapped = ((bits << 32) | (bits >> 32)).AsSingle();
                    VectorMath.Store((pairs * c) + (swapped * s), result + (head * ResultHeadStride) + (2 * i), 2 * left);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<float> Twice(Vector512<float> x)
        {
            var each = Vector512.WidenLower(x.AsUInt32());
            return (each | (each << 32)).AsSingle();
        }

        private readonly void CopyRest(float* x, float* result)
        {
            int rest = Dim - (2 * Pairs);
            for (int head = 0; head < Heads; head++)
                new ReadOnlySpan<float>(x + (head * HeadStride) + (2 * Pairs), rest).CopyTo(new Span<float>(result + (head * ResultHeadStride) + (2 * Pairs), rest));
        }
    }
}
