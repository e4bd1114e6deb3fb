using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors.Tests.Kernels;

public sealed unsafe class EmittedKernelTests
{
    [Fact]
    public void Kernels_are_emitted_wherever_the_runtime_has_avx512_and_nobody_forbids_it()
    {
        bool allowed = Environment.GetEnvironmentVariable("TRIPTYCH_EMIT") is not "0";
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
            Assert.Equal(allowed && Avx512F.IsSupported, CpuFeatures.CanEmit);
        Assert.Equal(CpuFeatures.CanEmit, EmittedKernel.Create(static c => c.nop()) != null);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("", true)]
    [InlineData("1", true)]
    [InlineData("0", false)]
    public void The_environment_can_forbid_it(string? setting, bool allowed) => Assert.Equal(allowed, CpuFeatures.IsAllowed(setting));

    [Fact]
    public void Features_need_permission()
    {
        Assert.True(CpuFeatures.CanEmit || !CpuFeatures.Avx512Vnni);
        Assert.True(CpuFeatures.CanEmit || !CpuFeatures.Avx512BFloat16);
    }

    [Fact]
    public void Published_code_runs_and_is_not_writable()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.False(ExecutableMemory.IsSupported);
            return;
        }

        // mov eax, 42; ret
        void* code = ExecutableMemory.Publish([0xB8, 42, 0, 0, 0, 0xC3]);
        Assert.True(code != null);
        Assert.Equal(42, ((delegate* unmanaged[SuppressGCTransition]<int>)code)());
        if (OperatingSystem.IsLinux())
        {
            string mapping = File.ReadLines("/proc/self/maps").Single(line => Contains(line[..line.IndexOf(' ', StringComparison.Ordinal)], (nint)code));
            Assert.Contains(" r-xp ", mapping, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_kernel_may_use_all_registers()
    {
        // A loop that overwrites every register a body may use; the sums around the call stay in the caller's registers.
        void* code = EmittedKernel.Create(static c =>
        {
            c.mov(rax, __[rdi]);
            c.mov(rcx, __[rdi + 8]);
            c.xor(edx, edx);
            Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.add(rdx, rcx);
            c.dec(rcx);
            c.jnz(loop);
            c.mov(__[rax], rdx);
            foreach (AssemblerRegister64 register in (AssemblerRegister64[])[rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15])
                c.mov(register, -1L);
            for (int i = 0; i < 32; i++)
                c.vpternlogd(EmittedKernel.Zmm(i), EmittedKernel.Zmm(i), EmittedKernel.Zmm(i), 0xFF);
        });
        if (code == null)
        {
            Assert.False(CpuFeatures.CanEmit);
            return;
        }

        long result = 0, expected = 0, total = 0;
        Vector512<long> lanes = Vector512<long>.Zero;
        Arguments arguments = new() { Target = &result };
        for (int i = 1; i < 100; i++)
        {
            arguments.Count = i;
            ((delegate* unmanaged[SuppressGCTransition]<Arguments*, void>)code)(&arguments);
            total += result;
            lanes += Vector512.Create(result);
            expected += (long)i * (i + 1) / 2;
        }

        Assert.Equal(expected, total);
        Assert.Equal(Vector512.Create(expected), lanes);
    }

    [Fact]
    public void Products_of_bytes_are_summed_by_four()
    {
        byte* data = stackalloc byte[3 * 64];
        for (int i = 0; i < 64; i++)
            (data[i], ((sbyte*)data)[64 + i]) = ((byte)(255 - i), (sbyte)(i - 32));
        void* code = EmittedKernel.Create(static c =>
        {
            Load(c);
            c.vpdpbusd(zmm1, zmm0, __zmmword_ptr[rax + 64]);
            c.vmovups(__zmmword_ptr[rax + 128], zmm1);
        });
        if (!CpuFeatures.Avx512Vnni)
            return;
        Arguments arguments = new() { Target = (long*)data };
        ((delegate* unmanaged[SuppressGCTransition]<Arguments*, void>)code)(&arguments);
        Assert.Equal((251 * -28) + (250 * -27) + (249 * -26) + (248 * -25), ((int*)(data + 128))[1]);
    }

    [Fact]
    public void Products_of_bfloat16_are_summed_by_two()
    {
        BFloat16* data = stackalloc BFloat16[3 * 32];
        for (int i = 0; i < 32; i++)
            (data[i], data[32 + i]) = ((BFloat16)(i + 0.5f), (BFloat16)(i - 3f));
        void* code = EmittedKernel.Create(static c =>
        {
            Load(c);
            c.vdpbf16ps(zmm1, zmm0, __zmmword_ptr[rax + 64]);
            c.vmovups(__zmmword_ptr[rax + 128], zmm1);
        });
        if (!CpuFeatures.Avx512BFloat16)
            return;
        Arguments arguments = new() { Target = (long*)data };
        ((delegate* unmanaged[SuppressGCTransition]<Arguments*, void>)code)(&arguments);
        Assert.Equal((4.5f * 1) + (5.5f * 2), ((float*)(data + 64))[2]);
    }

    private static void Load(Assembler c)
    {
        c.mov(rax, __[rdi]);
        c.vmovups(zmm0, __zmmword_ptr[rax]);
        c.vpxord(zmm1, zmm1, zmm1);
    }

    private static bool Contains(string range, nint address)
    {
        string[] bounds = range.Split('-');
        return address >= nint.Parse(bounds[0], NumberStyles.HexNumber) && address < nint.Parse(bounds[1], NumberStyles.HexNumber);
    }

    private struct Arguments
    {
        public long* Target;
        public long Count;
    }
}
