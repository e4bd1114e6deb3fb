using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>
/// The register tile of the bfloat16 product: rows of A times a panel of 32 columns of B, two neighbours along k at a time
/// with vdpbf16ps, sums in float32. It rounds to nearest even and takes subnormal numbers as zero.
/// </summary>
internal static unsafe class BFloat16Kernel
{
    /// <summary>Columns of a panel: two vectors of sums.</summary>
    public const int PanelColumns = 32;

    /// <summary>Rows of the highest tile: with two columns of sums, two vectors of B and a broadcast, it fills the registers.</summary>
    public const int MaxRows = 12;

    /// <summary>Pairs along k that the loop takes at a time: panels are filled up with zeros to a multiple of it.</summary>
    public const int PairsPerStep = 4;

    private static readonly nint[] s_kernels = new nint[MaxRows + 1];

    /// <summary>The processor has the instruction and code may be emitted.</summary>
    public static bool IsSupported => CpuFeatures.Avx512BFloat16;

    /// <summary>The kernel for a tile of `rows` rows.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<Tile*, void> Get(int rows)
    {
        if (s_kernels[rows] == 0)
        {
            lock (s_kernels)
            {
                if (s_kernels[rows] == 0)
                    Volatile.Write(ref s_kernels[rows], (nint)EmittedKernel.Create(assembler => Write(assembler, rows)));
            }
        }

        return (delegate* unmanaged[SuppressGCTransition]<Tile*, void>)s_kernels[rows];
    }

    private static void Write(Assembler c, int rows)
    {
        c.mov(rax, __[rdi]);
        c.mov(rcx, __[rdi + 8]);
        c.mov(rdx, __[rdi + 16]);
        c.mov(r8, __[rdi + 24]);
        c.mov(r9, __[rdi + 32]);
        c.mov(r10, __[rdi + 40]);
        c.mov(r11, __[rdi + 48]);
        for (int row = 0; row < rows; row++)
        {
            c.vmovups(EmittedKernel.Zmm(2 * row), __zmmword_ptr[r8]);
            c.vmovups(EmittedKernel.Zmm((2 * row) + 1), __zmmword_ptr[r8 + 64]);
            c.add(r8, r9);
        }

        c.mov(r12, __[rdi + 56]);
        for (int row = 0; row < rows; row++)
        {
            c.prefetchw(__byte_ptr[r12]);
            c.prefetchw(__byte_ptr[r12 + 64]);
            c.add(r12, r10);
        }

        Label loop = c.CreateLabel();
        c.Label(ref loop);
        for (int pair = 0; pair < PairsPerStep; pair++)
        {
            c.vmovups(zmm24, __zmmword_ptr[rcx + (pair * PanelColumns * sizeof(int))]);
            c.vmovups(zmm25, __zmmword_ptr[rcx + (pair * PanelColumns * sizeof(int)) + 64]);
            for (int row = 0; row < rows; row++)
            {
                AssemblerRegisterZMM broadcast = EmittedKernel.Zmm(26 + (row % 6));
                c.vbroadcastss(broadcast, __dword_ptr[rax + (((pair * rows) + row) * sizeof(int))]);
                c.vdpbf16ps(EmittedKernel.Zmm(2 * row), zmm24, broadcast);
                c.vdpbf16ps(EmittedKernel.Zmm((2 * row) + 1), zmm25, broadcast);
            }
        }

        c.add(rax, PairsPerStep * rows * sizeof(int));
        c.add(rcx, PairsPerStep * PanelColumns * sizeof(int));
        c.dec(r11);
        c.jnz(loop);
        for (int row = 0; row < rows; row++)
        {
            c.vmovups(__zmmword_ptr[rdx], EmittedKernel.Zmm(2 * row));
            c.vmovups(__zmmword_ptr[rdx + 64], EmittedKernel.Zmm((2 * row) + 1));
            c.add(rdx, r10);
        }
    }

    /// <summary>Arguments of a kernel; strides in bytes.</summary>
    public struct Tile
    {
        /// <summary>[k / 2, rows] pairs of A.</summary>
        public int* A;

        /// <summary>[k / 2, 32] pairs of B.</summary>
        public int* B;

        /// <summary>The target [rows, 32], written.</summary>
        public float* C;

        /// <summary>What the sums start from, [rows, 32]; with stride 0 the same for every row.</summary>
        public float* Start;
        public long StartStride;
        public long Stride;

        /// <summary>Steps along k, at least one.</summary>
        public long Steps;

        /// <summary>The next tile of C, with the same stride, which is fetched meanwhile: its rows lie far apart.</summary>
        public float* Next;
    }
}
