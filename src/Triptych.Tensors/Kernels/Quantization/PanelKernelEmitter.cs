using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>
/// Writes the innermost kernel for processors with AVX512_VNNI: up to 6 rows x 32 columns, integer sums of a block in 12
/// registers and float sums in 12 more.
/// </summary>
internal static unsafe class PanelKernelEmitter
{
    public const int MaxRows = 6;

    private const int Vectors = 2, VectorBytes = 64;
    private const int IntegerSums = 0, FloatSums = Vectors * MaxRows, Temporaries = 2 * Vectors * MaxRows;

    public static void* Emit(PanelKind kind, int rows) => EmittedKernel.Create(assembler => new Writer(assembler, kind, rows).Write());

    private readonly ref struct Writer(Assembler c, PanelKind kind, int rows)
    {
        private static AssemblerRegisterZMM Sum(int row, int vector) => EmittedKernel.Zmm(FloatSums + (Vectors * row) + vector);

        private static AssemblerRegisterZMM Integers(int row, int vector) => EmittedKernel.Zmm(IntegerSums + (Vectors * row) + vector);

        private static AssemblerRegisterZMM Temporary(int index) => EmittedKernel.Zmm(Temporaries + index);

        /// <summary>Byte `at` of a row's block: rdx points to row 0, r8 to row 3, rcx is the distance of rows.</summary>
        private static AssemblerMemoryOperand Activation(int row, int at, bool broadcast = false)
        {
            AssemblerRegister64 start = row < 3 ? rdx : r8;
            AssemblerMemoryOperand address = (row % 3) switch { 0 => start + at, 1 => start + rcx + at, _ => start + (rcx * 2) + at };
            return broadcast ? __dword_bcst[address] : __dword_ptr[address];
        }

        private static AssemblerMemoryOperand Panel(int row, int vector) =>
            __zmmword_ptr[rsi + (PanelLayout.RowBytes * row) + (VectorBytes * vector)];

        public void Write()
        {
            Load(rsi, nameof(PanelProduct.Panel));
            Load(rdx, nameof(PanelProduct.Activations));
            Load(rcx, nameof(PanelProduct.RowStride));
            Load(rax, nameof(PanelProduct.Sums));
            Load(r9, nameof(PanelProduct.Blocks));
            Load(r10, nameof(PanelProduct.Accumulate));
            c.lea(r8, __[rcx + (rcx * 2)]);
            c.add(r8, rdx);
            LoadSums();

            Label block = c.CreateLabel();
            c.Label(ref block);
            int parts = kind.Scales(), rowsOfPart = PanelLayout.WeightRows / parts;
            for (int part = 0; part < parts; part++)
            {
                StartIntegers(part);
                for (int row = 0; row < rowsOfPart; row++)
                    MultiplyBytes((part * rowsOfPart) + row);
                AddScaled(part);
            }

            c.add(rsi, kind.BlockBytes());
            c.add(rdx, sizeof(ActivationBlock));
            c.add(r8, sizeof(ActivationBlock));
            c.dec(r9);
            c.jne(block);
            for (int row = 0; row < rows; row++)
            {
                for (int vector = 0; vector < Vectors; vector++)
                    c.vmovups(Output(row, vector), Sum(row, vector));
            }
        }

        private void Load(AssemblerRegister64 register, string field) =>
            c.mov(register, __qword_ptr[rdi + (int)Marshal.OffsetOf<PanelProduct>(field)]);

        private static AssemblerMemoryOperand Output(int row, int vector) =>
            __zmmword_ptr[rax + (PanelLayout.RowBytes * row) + (VectorBytes * vector)];

        private void LoadSums()
        {
            Label zero = c.CreateLabel(), ready = c.CreateLabel();
            c.test(r10, r10);
            c.je(zero);
            for (int row = 0; row < rows; row++)
            {
                for (int vector = 0; vector < Vectors; vector++)
                    c.vmovups(Sum(row, vector), Output(row, vector));
            }

            c.jmp(ready);
            c.Label(ref zero);
            for (int row = 0; row < rows; row++)
            {
                for (int vector = 0; vector < Vectors; vector++)
                    c.vpxord(Sum(row, vector), Sum(row, vector), Sum(row, vector));
            }

            c.Label(ref ready);
            c.nop();
        }

        private void StartIntegers(int part)
        {
            for (int row = 0; row < rows; row++)
            {
                AssemblerRegisterZMM first = Integers(row, 0), second = Integers(row, 1);
                if (kind.HasMinimum())
                    c.vpxord(first, first, first);
                else
                    LoadStart(first, row, part);
                c.vmovdqa64(second, first);
            }
        }

        /// <summary>-128 times the sum of the part's activations.</summary>
        private void LoadStart(AssemblerRegisterZMM target, int row, int part)
        {
            c.vpbroadcastd(target, Activation(row, kind.Scales() == 1 || part == 1 ? ActivationBlock.StartAt : ActivationBlock.LowStartAt));
            if (part == 1)
                c.vpsubd(target, target, Activation(row, ActivationBlock.LowStartAt, broadcast: true));
        }

        private void MultiplyBytes(int panelRow)
        {
            for (int vector = 0; vector < Vectors; vector++)
                c.vmovdqa64(Temporary(vector), Panel(panelRow, vector));
            for (int row = 0; row < rows; row++)
            {
                AssemblerRegisterZMM values = Temporary(2 + (row & 1));
                c.vpbroadcastd(values, Activation(row, 4 * panelRow));
                for (int vector = 0; vector < Vectors; vector++)
                    c.vpdpbusd(Integers(row, vector), Temporary(vector), values);
            }
        }

        /// <summary>sum += (float(integers) scale [+ sum of activations x minimum]) x the activations' scale.</summary>
        private void AddScaled(int part)
        {
            int scaleRow = PanelLayout.WeightRows + part, minimumRow = scaleRow + kind.Scales();
            for (int vector = 0; vector < Vectors; vector++)
            {
                c.vmovaps(Temporary(vector), Panel(scaleRow, vector));
                if (kind.HasMinimum())
                    c.vmovaps(Temporary(2 + vector), Panel(minimumRow, vector));
            }

            for (int row = 0; row < rows; row++)
            {
                AssemblerRegisterZMM total = Temporary(4);
                if (kind.HasMinimum())
                {
                    LoadStart(total, row, part);
                    c.vcvtdq2ps(total, total);
                }

                for (int vector = 0; vector < Vectors; vector++)
                {
                    AssemblerRegisterZMM value = Integers(row, vector);
                    c.vcvtdq2ps(value, value);
                    c.vmulps(value, value, Temporary(vector));
                    if (kind.HasMinimum())
                        c.vfmadd231ps(value, total, Temporary(2 + vector));
                    c.vfmadd231ps(Sum(row, vector), value, Activation(row, ActivationBlock.ScaleAt, broadcast: true));
                }
            }
        }
    }
}
