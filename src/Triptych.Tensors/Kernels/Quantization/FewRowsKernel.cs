using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>What <see cref="FewRowsKernel"/> works on: a few rows of activations times 16 rows of a weight.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FewRowsProduct
{
    public byte* Weight;

    /// <summary>Bytes from one row of the weight to the next.</summary>
    public long RowBytes;

    public ActivationBlock* Activations;

    /// <summary>Bytes from one row of activations to the next.</summary>
    public long RowStride;

    /// <summary>[rows, 16] floats that are written, rows <see cref="PanelLayout.RowBytes"/> apart.</summary>
    public float* Sums;

    /// <summary>Blocks along k, at least one.</summary>
    public long Blocks;

    /// <summary>What will be read later: as many bytes are asked for here as are read now.</summary>
    public byte* Ahead;
}

/// <summary>
/// Products for a few rows with processors that have AVX512_VNNI: weights become columns in registers and meet all rows there. A
/// panel, which is written to memory first, pays only when more rows use it. Sums have the same bits as those of panels.
/// </summary>
internal static unsafe class FewRowsKernel
{
    /// <summary>With integer and float sums of each row the weights fill the registers; for twice as many rows a panel is as fast.</summary>
    public const int MaxRows = 8;

    private static readonly nint[] s_byNibbles = new nint[MaxRows + 1], s_byBytes = new nint[MaxRows + 1];

    private static readonly Lock s_gate = new();

    public static bool Supports(DType type) => PanelKernel.Emitted && type is DType.Q4_0 or DType.Q8_0;

    /// <summary>Emits the kernel, unless that was done before. Called before the threads start.</summary>
    public static void Prepare(DType type, int rows)
    {
        ref nint kernel = ref Slot(type, rows);
        if (Volatile.Read(ref kernel) != 0)
            return;
        lock (s_gate)
        {
            if (kernel == 0)
                Volatile.Write(ref kernel, (nint)EmittedKernel.Create(assembler => new Writer(assembler, type == DType.Q4_0, rows).Write()));
        }
    }

    public static void Run(DType type, int rows, FewRowsProduct* product) =>
        ((delegate* unmanaged[SuppressGCTransition]<FewRowsProduct*, void>)Slot(type, rows))(product);

    private static ref nint Slot(DType type, int rows) => ref (type == DType.Q4_0 ? s_byNibbles : s_byBytes)[rows];

    private readonly ref struct Writer(Assembler c, bool nibbles, int rows)
    {
        private const int ScaleBytes = 2, LoadBytes = 16, CacheLine = 64, LoadedRows = 4;

        /// <summary>The loads hold rows i, i + 4, i + 8, i + 12: each mask register is the place of one of the last three.</summary>
        private static readonly AssemblerRegisterK[] s_places = [k1, k2, k3];

        private static readonly AssemblerRegister64[] s_groups = [rsi, r8, r9, r10], s_activations = [rdx, r11, r12];

        private readonly int blockBytes = nibbles ? DType.Q4_0.BlockBytes() : DType.Q8_0.BlockBytes();

        private static AssemblerRegisterZMM Integers(int row) => EmittedKernel.Zmm(16 + row);

        private static AssemblerRegisterZMM Sum(int row) => EmittedKernel.Zmm(24 + row);

        /// <summary>Four weights of each of 16 rows.</summary>
        private static AssemblerRegisterZMM Columns(int index) => EmittedKernel.Zmm(index);

        private static AssemblerRegisterZMM Loaded(int index) => EmittedKernel.Zmm(4 + index);

        private static AssemblerRegisterZMM Spare(int index) => EmittedKernel.Zmm(8 + index);

        private static AssemblerRegisterZMM Scales => zmm12;

        /// <summary>0x0f in each byte, or 0x80.</summary>
        private static AssemblerRegisterZMM Bits => zmm13;

        public void Write()
        {
            Load(rsi, nameof(FewRowsProduct.Weight));
            Load(rcx, nameof(FewRowsProduct.RowBytes));
            Load(rdx, nameof(FewRowsProduct.Activations));
            Load(r13, nameof(FewRowsProduct.RowStride));
            Load(rbx, nameof(FewRowsProduct.Blocks));
            Load(r14, nameof(FewRowsProduct.Ahead));
            c.lea(rax, __[rcx + (rcx * 2)]);
            for (int group = 1; group < s_groups.Length; group++)
                c.lea(s_groups[group], __[s_groups[group - 1] + (rcx * 4)]);
            c.lea(r15, __[r13 + (r13 * 2)]);
            c.lea(r11, __[rdx + r15]);
            c.lea(r12, __[r11 + r15]);
            for (int i = 0; i < s_places.Length; i++)
            {
                c.mov(r15d, 0xf0 << (4 * i));
                c.kmovw(s_places[i], r15d);
            }

            c.mov(r15d, nibbles ? 0x0f0f0f0f : unchecked((int)0x80808080));
            c.vpbroadcastd(Bits, r15d);
            for (int row = 0; row < rows; row++)
                c.vpxord(Sum(row), Sum(row), Sum(row));

            Label block = c.CreateLabel();
            c.Label(ref block);
            LoadScales();
            StartIntegers();
            for (int part = 0; part < (nibbles ? 1 : 2); part++)
            {
                LoadColumns(ScaleBytes + (part * LoadBytes));
                for (int quad = 0; quad < (nibbles ? 8 : 4); quad++)
                    Multiply(quad, 4 * ((4 * part) + quad));
            }

            AddScaled();
            for (int at = 0; at < blockBytes * PanelColumns.Count; at += CacheLine)
                c.prefetcht1(__byte_ptr[r14 + at]);
            c.add(r14, blockBytes * PanelColumns.Count);
            foreach (AssemblerRegister64 group in s_groups)
                c.add(group, blockBytes);
            foreach (AssemblerRegister64 group in s_activations)
                c.add(group, sizeof(ActivationBlock));
            c.dec(rbx);
            c.jne(block);
            Load(rax, nameof(FewRowsProduct.Sums));
            for (int row = 0; row < rows; row++)
                c.vmovups(__zmmword_ptr[rax + (row * PanelLayout.RowBytes)], Sum(row));
        }

        private void Load(AssemblerRegister64 register, string field) =>
            c.mov(register, __qword_ptr[rdi + (int)Marshal.OffsetOf<FewRowsProduct>(field)]);

        /// <summary>Byte `at` of a block of weight row 4 `group` + `row`.</summary>
        private static AssemblerMemoryOperand Weight(int group, int row, int at) => row switch
        {
            0 => s_groups[group] + at,
            1 => s_groups[group] + rcx + at,
            2 => s_groups[group] + (rcx * 2) + at,
            _ => s_groups[group] + rax + at,
        };

        private static AssemblerMemoryOperand Activation(int row, int at, bool broadcast)
        {
            AssemblerRegister64 start = s_activations[row / 3];
            AssemblerMemoryOperand address = (row % 3) switch { 0 => start + at, 1 => start + r13 + at, _ => start + (r13 * 2) + at };
            return broadcast ? __dword_bcst[address] : __dword_ptr[address];
        }

        /// <summary>The float16 that begins each block.</summary>
        private void LoadScales()
        {
            for (int half = 0; half < 2; half++)
            {
                AssemblerRegisterXMM words = EmittedKernel.Xmm(8 + half);
                c.vmovd(words, __dword_ptr[Weight(2 * half, 0, 0)]);
                for (int i = 1; i < 8; i++)
                    c.vpinsrw(words, words, __word_ptr[Weight((2 * half) + (i / LoadedRows), i % LoadedRows, 0)], (byte)i);
            }

            c.vinserti128(ymm8, ymm8, xmm9, 1);
            c.vcvtph2ps(Scales, ymm8);
        }

        /// <summary>16 bytes of each row, of which each register takes four: first rows side by side, then a transpose within lanes.</summary>
        private void LoadColumns(int at)
        {
            for (int row = 0; row < LoadedRows; row++)
            {
                c.vmovdqu32(EmittedKernel.Xmm(4 + row), __xmmword_ptr[Weight(0, row, at)]);
                c.vbroadcasti32x4(Loaded(row).k1, __xmmword_ptr[Weight(1, row, at)]);
                c.vbroadcasti32x4(Loaded(row).k2, __xmmword_ptr[Weight(2, row, at)]);
                c.vbroadcasti32x4(Loaded(row).k3, __xmmword_ptr[Weight(3, row, at)]);
            }

            c.vpunpckldq(Spare(0), Loaded(0), Loaded(1));
            c.vpunpckldq(Spare(1), Loaded(2), Loaded(3));
            c.vpunpckhdq(Spare(2), Loaded(0), Loaded(1));
            c.vpunpckhdq(Spare(3), Loaded(2), Loaded(3));
            for (int i = 0; i < 2; i++)
            {
                c.vpunpcklqdq(Columns(2 * i), Spare(2 * i), Spare((2 * i) + 1));
                c.vpunpckhqdq(Columns((2 * i) + 1), Spare(2 * i), Spare((2 * i) + 1));
            }
        }

        /// <summary>What is added to a signed weight, times the sum of the activations, less.</summary>
        private void StartIntegers()
        {
            for (int row = 0; row < rows; row++)
            {
                c.vpbroadcastd(Integers(row), Activation(row, ActivationBlock.StartAt, broadcast: false));
                if (nibbles)
                    c.vpsrad(Integers(row), Integers(row), 4);
            }
        }

        private void Multiply(int quad, int at)
        {
            AssemblerRegisterZMM weights = (quad & 1) == 0 ? zmm14 : zmm15;
            if (!nibbles)
            {
                c.vpxord(weights, Columns(quad), Bits);
            }
            else if (quad < 4)
            {
                c.vpandd(weights, Columns(quad), Bits);
            }
            else
            {
                c.vpsrlw(weights, Columns(quad - 4), 4);
                c.vpandd(weights, weights, Bits);
            }

            for (int row = 0; row < rows; row++)
                c.vpdpbusd(Integers(row), weights, Activation(row, at, broadcast: true));
        }

        /// <summary>sum += float(integers) x the weights' scale x the activations' scale.</summary>
        private void AddScaled()
        {
            for (int row = 0; row < rows; row++)
            {
                c.vcvtdq2ps(Integers(row), Integers(row));
                c.vmulps(Integers(row), Integers(row), Scales);
                c.vfmadd231ps(Sum(row), Integers(row), Activation(row, ActivationBlock.ScaleAt, broadcast: true));
            }
        }
    }
}
