using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>What the machine can do at most, measured on the same pool: multiply-adds in registers, bytes read from memory.</summary>
internal static unsafe class MachinePeak
{
    private const int Iterations = 1 << 21;

    /// <summary>Floating-point operations of one <see cref="Multiply"/> region.</summary>
    public static double Operations => 2.0 * 16 * Lanes * Iterations * WorkerPool.ThreadCount;

    private static int Lanes => Gemm.Path switch
    {
        SimdPath.Vector512 => 16,
        SimdPath.Vector256 => 8,
        _ => 4,
    };

    public static void Multiply()
    {
        MultiplyBody body = default;
        WorkerPool.For(WorkerPool.ThreadCount, 1, ref body);
    }

    public static void Read(float* data, long count)
    {
        ReadBody body = new() { Data = data };
        WorkerPool.For(count / ReadBody.Block, ReadBody.MinBlocks, ref body);
    }

    private struct MultiplyBody : IRangeBody
    {
        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
            {
                _ = Gemm.Path switch
                {
                    SimdPath.Vector512 => Chains<Simd512, Vector512<float>>(),
                    SimdPath.Vector256 => Chains<Simd256, Vector256<float>>(),
                    _ => Chains<Simd128, Vector128<float>>(),
                };
            }
        }

        /// <summary>Sixteen independent chains hide the latency of any processor's two or four units.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static float Chains<TSimd, TVector>()
            where TSimd : struct, ISimd<TVector>
            where TVector : struct
        {
            TVector x = TSimd.Broadcast(0.5f), y = TSimd.Broadcast(0.25f);
            TVector c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x;
            TVector d0 = y, d1 = y, d2 = y, d3 = y, d4 = y, d5 = y, d6 = y, d7 = y;
            for (int i = 0; i < Iterations; i++)
            {
                c0 = TSimd.MultiplyAdd(x, y, c0);
                c1 = TSimd.MultiplyAdd(x, y, c1);
                c2 = TSimd.MultiplyAdd(x, y, c2);
                c3 = TSimd.MultiplyAdd(x, y, c3);
                c4 = TSimd.MultiplyAdd(x, y, c4);
                c5 = TSimd.MultiplyAdd(x, y, c5);
                c6 = TSimd.MultiplyAdd(x, y, c6);
                c7 = TSimd.MultiplyAdd(x, y, c7);
                d0 = TSimd.MultiplyAdd(x, y, d0);
                d1 = TSimd.MultiplyAdd(x, y, d1);
                d2 = TSimd.MultiplyAdd(x, y, d2);
                d3 = TSimd.MultiplyAdd(x, y, d3);
                d4 = TSimd.MultiplyAdd(x, y, d4);
                d5 = TSimd.MultiplyAdd(x, y, d5);
                d6 = TSimd.MultiplyAdd(x, y, d6);
                d7 = TSimd.MultiplyAdd(x, y, d7);
            }

            TVector c = TSimd.Add(TSimd.Add(TSimd.Add(c0, c1), TSimd.Add(c2, c3)), TSimd.Add(TSimd.Add(c4, c5), TSimd.Add(c6, c7)));
            TVector d = TSimd.Add(TSimd.Add(TSimd.Add(d0, d1), TSimd.Add(d2, d3)), TSimd.Add(TSimd.Add(d4, d5), TSimd.Add(d6, d7)));
            return TSimd.Sum(TSimd.Add(c, d));
        }
    }

    private struct ReadBody : IRangeBody
    {
        public const int Block = 1 << 14;

        /// <summary>Blocks that are claimed at least together: longer streams are up to a tenth faster.</summary>
        public const int MinBlocks = 16;

        public float* Data;

        /// <summary>Four streams, which keep more lines under way than one does.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(long start, long end)
        {
            Vector512<float> a = default, b = default, c = default, d = default;
            long stream = (end - start) * Block / 4;
            float* last = Data + (start * Block) + stream;
            for (float* p = Data + (start * Block); p < last; p += Vector512<float>.Count)
            {
                a += Vector512.Load(p);
                b += Vector512.Load(p + stream);
                c += Vector512.Load(p + (2 * stream));
                d += Vector512.Load(p + (3 * stream));
            }

            if (Vector512.Sum(a + b + c + d) == float.MinValue)
                throw new InvalidOperationException("unreachable: keeps the loads alive");
        }
    }
}
