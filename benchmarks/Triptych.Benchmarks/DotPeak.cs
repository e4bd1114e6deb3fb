using Iced.Intel;
using Triptych.Tensors;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Benchmarks;

/// <summary>The most that the dot-product instructions can do: independent chains in registers, emitted since .NET has no intrinsics for them.</summary>
internal static unsafe class DotPeak
{
    private const int Chains = 20;
    private const int Iterations = 1 << 19;
    private const int Lanes = 16;

    private static readonly void* s_int8 = CpuFeatures.Avx512Vnni ? Loop(static (c, i) => c.vpdpbusd(EmittedKernel.Zmm(i), zmm30, zmm31)) : null;

    private static readonly void* s_bfloat16 = CpuFeatures.Avx512BFloat16 ? Loop(static (c, i) => c.vdpbf16ps(EmittedKernel.Zmm(i), zmm30, zmm31)) : null;

    /// <summary>Operations of one <see cref="Int8"/> region: a multiply and an add for each of four bytes.</summary>
    public static double Int8Operations => 2.0 * 4 * Lanes * Chains * Iterations * WorkerPool.ThreadCount;

    /// <summary>Operations of one <see cref="BFloat16"/> region.</summary>
    public static double BFloat16Operations => Int8Operations / 2;

    public static bool HasInt8 => s_int8 != null;

    public static bool HasBFloat16 => s_bfloat16 != null;

    /// <summary>vpdpbusd on every thread.</summary>
    public static void Int8() => Run(s_int8);

    /// <summary>vdpbf16ps on every thread.</summary>
    public static void BFloat16() => Run(s_bfloat16);

    private static void Run(void* code)
    {
        Body body = new() { Code = code };
        WorkerPool.For(WorkerPool.ThreadCount, 1, ref body);
    }

    private static void* Loop(Action<Assembler, int> instruction) => EmittedKernel.Create(c =>
    {
        for (int i = 0; i < 32; i++)
            c.vpxord(EmittedKernel.Zmm(i), EmittedKernel.Zmm(i), EmittedKernel.Zmm(i));
        c.mov(eax, Iterations);
        var again = c.CreateLabel();
        c.Label(ref again);
        for (int i = 0; i < Chains; i++)
            instruction(c, i);
        c.dec(eax);
        c.jnz(again);
    });

    private struct Body : IRangeBody
    {
        public void* Code;

        public readonly void Invoke(long start, long end)
        {
            for (; start < end; start++)
                ((delegate* unmanaged<void>)Code)();
        }
    }
}
