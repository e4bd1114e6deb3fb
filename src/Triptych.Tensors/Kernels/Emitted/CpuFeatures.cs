using System.Runtime.Intrinsics.X86;

namespace Triptych.Tensors;

/// <summary>Instructions that .NET has no intrinsics for, and whether kernels that use them may be emitted here.</summary>
internal static class CpuFeatures
{
    private const int FeatureLeaf = 7;

    /// <summary>
    /// Kernels may be emitted: the processor and the operating system have AVX-512 state (the runtime looks at XCR0 before it
    /// reports AVX512F; DOTNET_EnableAVX512=0 turns it off), memory can be made executable, and TRIPTYCH_EMIT is not 0.
    /// </summary>
    public static bool CanEmit { get; } = IsAllowed(Environment.GetEnvironmentVariable("TRIPTYCH_EMIT"))
        && Environment.Is64BitProcess && Avx512F.IsSupported && ExecutableMemory.IsSupported;

    /// <summary>vpdpbusd on 512-bit registers: sums of four products of unsigned and signed bytes.</summary>
    public static bool Avx512Vnni { get; } = CanEmit && Bit(subleaf: 0, register: 2, bit: 11);

    /// <summary>vdpbf16ps on 512-bit registers: sums of two products of bfloat16.</summary>
    public static bool Avx512BFloat16 { get; } = CanEmit && Bit(subleaf: 1, register: 0, bit: 5);

    internal static bool IsAllowed(string? setting) => setting is not "0";

    /// <summary>A bit of what cpuid reports for leaf 7; registers are eax, ebx, ecx, edx.</summary>
    private static bool Bit(int subleaf, int register, int bit)
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < FeatureLeaf || X86Base.CpuId(FeatureLeaf, 0).Eax < subleaf)
            return false;
        (int eax, int ebx, int ecx, int edx) = X86Base.CpuId(FeatureLeaf, subleaf);
        int value = register switch { 0 => eax, 1 => ebx, 2 => ecx, _ => edx };
        return ((value >> bit) & 1) != 0;
    }
}
