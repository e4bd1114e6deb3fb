using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors.Tests.Kernels;

/// <summary>
/// RyuJIT 10.0.12 compiles two forms of a load wrongly (Avx512F.BroadcastVector256ToVector512 of a long* or double* with an
/// offset reads twice the offset). The kernels use neither; these tests hold that the loads which they do use, with offsets
/// that the JIT may fold into an address, give the right bytes in optimized code.
/// </summary>
[Collection("Kernels")]
public sealed unsafe class VectorLoadTests
{
    private const int Count = 256;

    public static TheoryData<string> Paths => GemmTests.Paths;

    [Theory]
    [MemberData(nameof(Paths))]
    public void Loads(string path)
    {
        switch (Enum.Parse<SimdPath>(path))
        {
            case SimdPath.Vector512:
                Check<Simd512, Vector512<float>>();
                break;
            case SimdPath.Vector256:
                Check<Simd256, Vector256<float>>();
                break;
            default:
                Check<Simd128, Vector128<float>>();
                break;
        }
    }

    private static void Check<TSimd, TVector>()
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        float[] singles = [.. Enumerable.Range(0, Count).Select(i => i + 0.5f)];
        fixed (float* p = singles)
        {
            CheckElements<TSimd, TVector, Float32Element>((byte*)p, singles);
            float* lanes = stackalloc float[2 * 16];
            FoldedLoads<TSimd, TVector>(p, lanes);
            for (int lane = 0; lane < TSimd.Width; lane++)
            {
                Assert.Equal(singles[8 + lane] + singles[TSimd.Width + lane], lanes[lane]);
                Assert.Equal(singles[8] + singles[TSimd.Width + 3], lanes[TSimd.Width + lane]);
            }
        }

        // Every exponent, both signs, subnormals, infinities and NaNs.
        ushort[] bits = [.. Enumerable.Range(0, Count).Select(i => (ushort)(i * 259))];
        fixed (ushort* p = bits)
        {
            CheckElements<TSimd, TVector, Float16Element>((byte*)p, [.. bits.Select(x => (float)BitConverter.UInt16BitsToHalf(x))]);
            CheckElements<TSimd, TVector, BFloat16Element>((byte*)p, [.. bits.Select(x => (float)new BFloat16(x))]);
        }
    }

    private static void CheckElements<TSimd, TVector, TElement>(byte* source, float[] expected)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TElement : struct, IElement
    {
        float* lanes = stackalloc float[5 * 16];
        for (int start = 0; start + (5 * TSimd.Width) <= Count; start++)
        {
            ElementLoads<TSimd, TVector, TElement>(source + (start * TElement.Size), lanes);
            for (int i = 0; i < TSimd.Width; i++)
                Assert.Equal(expected[start + TSimd.Width + i], lanes[i]);
            for (int i = 0; i < 2 * TSimd.Width; i++)
            {
                int slot = PairOrder.Slot<TElement>(i, TSimd.Width);
                Assert.Equal(expected[start + i], lanes[TSimd.Width + slot]);
                Assert.Equal(expected[start + (2 * TSimd.Width) + i], lanes[(3 * TSimd.Width) + slot]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FoldedLoads<TSimd, TVector>(float* p, float* lanes)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TSimd.Store(TSimd.Add(TSimd.Load(p + 8), TSimd.Load(p + TSimd.Width)), lanes);
        TSimd.Store(TSimd.Add(TSimd.Broadcast(p[8]), TSimd.Broadcast(p[TSimd.Width + 3])), lanes + TSimd.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ElementLoads<TSimd, TVector, TElement>(byte* p, float* lanes)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
        where TElement : struct, IElement
    {
        TSimd.LoadPair<TElement>(p, out TVector first, out TVector second);
        TSimd.LoadPair<TElement>(p + (2 * TSimd.Width * TElement.Size), out TVector third, out TVector fourth);
        TSimd.Store(TSimd.Load<TElement>(p + (TSimd.Width * TElement.Size)), lanes);
        TSimd.Store(first, lanes + TSimd.Width);
        TSimd.Store(second, lanes + (2 * TSimd.Width));
        TSimd.Store(third, lanes + (3 * TSimd.Width));
        TSimd.Store(fourth, lanes + (4 * TSimd.Width));
    }
}
