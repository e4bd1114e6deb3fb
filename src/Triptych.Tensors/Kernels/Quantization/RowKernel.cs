using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>
/// Products of one row of activations with four rows of weights at a time, for processors with AVX512_VNNI and the types that most files have:
/// the same sums in the same order as <see cref="QuantizedDots{TBlock}"/>, in half the instructions. (.NET 10 has no intrinsics for
/// vpdpbusd on 512 bits, nor for vcvtph2ps.)
/// </summary>
internal static unsafe class RowKernel
{
    private static readonly nint[] s_kernels = new nint[4];

    /// <summary>The kernel of a type, or null where there is none.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<RowProduct*, void> Get(DType type)
    {
        int index = type switch { DType.Q4_0 => 0, DType.Q8_0 => 1, DType.Q4_K => 2, DType.Q6_K => 3, _ => -1 };
        if (index < 0 || !PanelKernel.Emitted || !Avx512Vbmi.IsSupported)
            return null;
        if (Volatile.Read(ref s_kernels[index]) == 0)
        {
            lock (s_kernels)
            {
                if (s_kernels[index] == 0)
                    Volatile.Write(ref s_kernels[index], Emit(type));
            }
        }

        return (delegate* unmanaged[SuppressGCTransition]<RowProduct*, void>)s_kernels[index];
    }

    private static nint Emit(DType type) => (nint)EmittedKernel.Create(assembler => new Writer(assembler, type).Write());

    /// <summary>
    /// Adds the kernel, if there is one, and its corrections: what a chunk's integer sums start from, of a type whose bytes are too large
    /// by an offset. For each vector of activations, or each pair of vectors with the same scales, that is 16 times the negative offset
    /// times the sum of four activations.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ArrangedRow Prepare(DType type, ArrangedRow x, int padded, int* corrections)
    {
        x.Kernel = Get(type);
        x.Corrections = corrections;
        int count = Corrections(type);
        if (x.Kernel == null || count == 0)
            return x;
        Vector512<byte> offset = Vector512.Create(type switch { DType.Q4_0 => (byte)8, DType.Q6_K => (byte)32, _ => (byte)128 });
        for (sbyte* values = x.Values; values < x.Values + padded; values += Vector512<sbyte>.Count, corrections += 16)
        {
            Vector512<int> sum = -BlockVectors.AddPairs(BlockVectors.Pairs(offset, Vector512.Load(values)));
            if (count == 2 * 16)
            {
                values += Vector512<sbyte>.Count;
                sum -= BlockVectors.AddPairs(BlockVectors.Pairs(offset, Vector512.Load(values)));
            }

            sum.Store(corrections);
        }

        return x;
    }

    /// <summary>Numbers of corrections of a chunk.</summary>
    private static int Corrections(DType type) => type switch { DType.Q4_0 => 2 * 16, DType.Q4_K => 0, _ => 4 * 16 };

    /// <summary>Bytes of 64: indices and masks that a kernel keeps in registers.</summary>
    private static byte* Constant(Func<int, int> value) => Tables([value]);

    /// <summary>Vectors of indices that lie together.</summary>
    private static byte* Tables(IEnumerable<Func<int, int>> values)
    {
        Func<int, int>[] all = [.. values];
        byte* tables = (byte*)NativeMemory.AlignedAlloc((nuint)(64 * all.Length), 64);
        for (int i = 0; i < 64 * all.Length; i++)
            tables[i] = (byte)all[i / 64](i % 64);
        return tables;
    }

    /// <summary>Lane i of 16 is value(i).</summary>
    private static byte* Lanes(Func<int, int> value) => Constant(i => i % 4 == 0 ? value(i / 4) : 0);

    /// <summary>Word i of 32 is value(i).</summary>
    private static byte* Words(Func<int, int> value) => Constant(i => i % 2 == 0 ? value(i / 2) : 0);

    private readonly ref struct Writer(Assembler c, DType type)
    {
        private const int Vector = 64;

        /// <summary>Truth tables of vpternlog: a ? b : c, and a | (b &amp; c).</summary>
        private const byte SelectFirst = 0xca, OrMasked = 0xf8;

        // The rows; r8: activations, r9: their scales, r10: their sums, r11: corrections, rcx: chunks that are left; r12: where a turn's rows
        // start in their streams, r14: turns that are left, r15: results.
        private static readonly AssemblerRegister64[] s_rows = [rsi, rdx, rax, rbx];

        private static readonly AssemblerRegisterZMM[] s_sums = [zmm0, zmm1, zmm7, zmm22];

        private static AssemblerRegisterZMM Zmm(int index) => EmittedKernel.Zmm(index);

        private static AssemblerRegisterYMM Ymm(int index) => new(Register.YMM0 + index);

        private static AssemblerRegisterXMM Xmm(int index) => EmittedKernel.Xmm(index);

        /// <summary>The four vectors of activations of a chunk.</summary>
        private static AssemblerRegisterZMM X(int index) => Zmm(2 + index);

        private static AssemblerRegisterZMM Constants(int index) => Zmm(24 + index);

        private int ChunkBytes => (int)type.BytesOf(ActivationQuantizer.Padding);

        public void Write()
        {
            LoadConstants();
            c.xor(r12d, r12d);
            Load(r14, nameof(RowProduct.Turns));
            Load(r15, nameof(RowProduct.Lanes));
            Label row = c.CreateLabel(), chunk = c.CreateLabel();
            c.Label(ref row);
            for (int i = 0; i < RowProduct.Streams; i++)
            {
                c.mov(s_rows[i], __qword_ptr[rdi + Offset(nameof(RowProduct.First)) + (sizeof(nint) * i)]);
                c.add(s_rows[i], r12);
                c.vpxord(s_sums[i], s_sums[i], s_sums[i]);
            }

            Load(r8, nameof(RowProduct.Values));
            Load(r9, nameof(RowProduct.Scales));
            Load(r10, nameof(RowProduct.Sums));
            Load(r11, nameof(RowProduct.Corrections));
            Load(rcx, nameof(RowProduct.Chunks));

            c.Label(ref chunk);
            if (type is DType.Q4_0 or DType.Q8_0)
            {
                c.mov(r13d, (1 << (ActivationQuantizer.Padding / ActivationQuantizer.Block)) - 1);
                c.cmp(rcx, 1);
                c.cmove(r13, __qword_ptr[rdi + Offset(nameof(RowProduct.LastBlocks))]);
                c.kmovd(k1, r13d);
            }

            for (int i = 0; i < 4; i++)
                c.vmovdqu64(X(i), __zmmword_ptr[r8 + (Vector * i)]);
            if (type == DType.Q6_K)
                c.vpermps(zmm6, Constants(7), __zmmword_ptr[r9]);
            else if (type == DType.Q4_K)
                c.vmovups(zmm6, __zmmword_ptr[r9 - (Vector / 2)]); // Behind what minimums are multiplied with, whatever it is.
            else
                c.vmovups(ymm6, __ymmword_ptr[r9]);
            if (type == DType.Q4_K)
                Q4_KHeaders();
            for (int i = 0; i < RowProduct.Streams; i++)
                Chunk(i);
            c.add(r8, ActivationQuantizer.Padding);
            c.add(r9, ActivationQuantizer.Padding / ActivationQuantizer.Block * sizeof(float));
            c.add(r10, ActivationQuantizer.Padding / ActivationQuantizer.SumBlock * sizeof(float));
            c.add(r11, Corrections(type) * sizeof(int));
            foreach (AssemblerRegister64 weights in s_rows)
                c.add(weights, ChunkBytes);
            c.dec(rcx);
            c.jne(chunk);

            for (int i = 0; i < RowProduct.Streams; i++)
                c.vmovups(__zmmword_ptr[r15 + (Vector * i)], s_sums[i]);
            c.add(r15, RowProduct.Streams * Vector);
            c.add(r12, __qword_ptr[rdi + Offset(nameof(RowProduct.RowBytes))]);
            c.dec(r14);
            c.jne(row);
        }

        private static int Offset(string field) => (int)Marshal.OffsetOf<RowProduct>(field);

        private void Load(AssemblerRegister64 register, string field) => c.mov(register, __qword_ptr[rdi + Offset(field)]);

        private void Load(int constant, byte* table)
        {
            c.mov(rax, (ulong)table);
            c.vmovdqu64(Constants(constant), __zmmword_ptr[rax]);
        }

        private void LoadConstants()
        {
            switch (type)
            {
                case DType.Q4_0:
                    // Nibbles of four blocks, from the bytes 0 to 63 and 8 to 71 that they are in; scales of eight.
                    Load(0, Constant(i => At((i / 16 * 18) + 2 + (i % 16), 64, 8)));
                    Load(1, Words(i => i < 4 ? 9 * i : i < 8 ? 32 + (9 * (i - 4)) : 0));
                    Load(2, Lanes(i => i / 4));
                    Load(3, Lanes(i => 4 + (i / 4)));
                    Load(4, Constant(_ => 15));
                    break;
                case DType.Q8_0:
                    // Scales of four blocks, from two times 64 bytes; two blocks' scales a vector.
                    Load(0, Words(i => i < 4 ? 17 * i : 0));
                    for (int vector = 0; vector < 4; vector++)
                    {
                        int first = 2 * vector;
                        Load(1 + vector, Lanes(i => first + (i / 8)));
                    }

                    Load(5, Constant(_ => 128));
                    break;
                case DType.Q4_K:
                    // Scales, behind eight minimums, of the blocks 0, 2, 4 and 6, and of 1, 3, 5 and 7.
                    Load(0, Lanes(i => 8 + (i / 4 * 2)));
                    Load(1, Lanes(i => 9 + (i / 4 * 2)));
                    Load(2, Constant(_ => 15));

                    // Of eight bytes, fields of bits: 6 of each of the first four, then the nibbles of the others, lower and upper ones.
                    Load(3, Constant(i => (i % 8) < 4 ? i % 8 * 8 : (((i % 8) - 4) * 8) + 32 + (i % 16 < 8 ? 0 : 4)));
                    Load(4, Constant(i => (i % 8) < 4 ? 0 : (((i % 8) - 4) * 8) + 2));
                    Load(5, Constant(i => (i % 8) < 4 ? 63 : 15));
                    Load(6, Constant(i => (i % 8) < 4 ? 0 : 0x30));
                    c.mov(r13, (ulong)Tables(HeaderTables()));
                    c.mov(rax, 0x1111111111111111UL);
                    c.kmovq(k1, rax);
                    break;
                case DType.Q6_K:
                    // Four sub-blocks of 16 a vector; scales of activations twice.
                    for (int vector = 0; vector < 4; vector++)
                    {
                        int first = 4 * vector;
                        Load(vector, Lanes(i => first + (i / 4)));
                    }

                    Load(4, Constant(_ => 15));
                    Load(5, Constant(_ => 0x30));
                    Load(7, Lanes(i => i / 2));
                    break;
            }
        }

        /// <summary>An index into two vectors of which the second starts `second` bytes after the first.</summary>
        private static int At(int at, int vector, int second) => at < vector ? at : vector + at - second;

        /// <summary>The sum of a row += the products of its chunk.</summary>
        private void Chunk(int row)
        {
            switch (type)
            {
                case DType.Q4_0:
                    Q4_0(s_rows[row], s_sums[row]);
                    break;
                case DType.Q8_0:
                    Q8_0(s_rows[row], s_sums[row]);
                    break;
                case DType.Q4_K:
                    Q4_K(row);
                    break;
                case DType.Q6_K:
                    Q6_K(s_rows[row], s_sums[row]);
                    break;
            }
        }

        /// <summary>sum += float(dots) x the scales (in zmm8) that `lanes` names.</summary>
        private void AddScaled(AssemblerRegisterZMM dots, AssemblerRegisterZMM lanes, AssemblerRegisterZMM scales, AssemblerRegisterZMM sum)
        {
            c.vcvtdq2ps(dots, dots);
            c.vpermps(zmm23, lanes, scales);
            c.vfmadd231ps(sum, dots, zmm23);
        }

        private void StartFromCorrection(AssemblerRegisterZMM dots, int vector) => c.vmovdqu64(dots, __zmmword_ptr[r11 + (Vector * vector)]);

        private void Nibbles(AssemblerRegisterZMM bytes, AssemblerRegisterZMM upper, AssemblerRegisterZMM mask)
        {
            c.vpsrlw(upper, bytes, 4);
            c.vpandd(bytes, bytes, mask);
            c.vpandd(upper, upper, mask);
        }

        private void Q4_0(AssemblerRegister64 weights, AssemblerRegisterZMM sum)
        {
            AssemblerRegisterZMM first = zmm8, third = zmm10, scales = zmm12;
            c.vmovdqu64(first, __zmmword_ptr[weights]);
            c.vmovdqu64(third, __zmmword_ptr[weights + 72]);
            c.vmovdqa64(scales, Constants(1));
            c.vpermi2w(scales, first, third);
            c.vcvtph2ps(ymm12, xmm12);
            c.vmulps(ymm12.k1.z, ymm12, ymm6);
            for (int half = 0; half < 2; half++)
            {
                AssemblerRegisterZMM lower = Zmm(13 + (3 * half)), upper = Zmm(14 + (3 * half)), dots = Zmm(15 + (3 * half));
                c.vmovdqa64(lower, Constants(0));
                c.vpermi2b(lower, half == 0 ? first : third, __zmmword_ptr[weights + (72 * half) + 8]);
                Nibbles(lower, upper, Constants(4));
                StartFromCorrection(dots, half);
                c.vpdpbusd(dots, lower, X(2 * half));
                c.vpdpbusd(dots, upper, X((2 * half) + 1));
                AddScaled(dots, Constants(2 + half), scales, sum);
            }
        }

        private void Q8_0(AssemblerRegister64 weights, AssemblerRegisterZMM sum)
        {
            for (int half = 0; half < 2; half++)
            {
                AssemblerRegisterZMM words = Zmm(8 + half);
                c.vmovdqu64(zmm10, __zmmword_ptr[weights + (136 * half)]);
                c.vmovdqa64(words, Constants(0));
                c.vpermi2w(words, zmm10, __zmmword_ptr[weights + (136 * half) + Vector]);
            }

            c.vpunpcklqdq(xmm8, xmm8, xmm9);
            c.vcvtph2ps(ymm8, xmm8);
            c.vmulps(ymm8.k1.z, ymm8, ymm6);
            for (int vector = 0; vector < 4; vector++)
            {
                AssemblerRegisterZMM bytes = Zmm(11 + (2 * vector)), dots = Zmm(12 + (2 * vector));
                c.vmovdqu64(Ymm(11 + (2 * vector)), __ymmword_ptr[weights + (68 * vector) + 2]);
                c.vinserti64x4(bytes, bytes, __ymmword_ptr[weights + (68 * vector) + 36], 1);
                c.vpxord(bytes, bytes, Constants(5));
                StartFromCorrection(dots, vector);
                c.vpdpbusd(dots, bytes, X(vector));
                AddScaled(dots, Constants(1 + vector), zmm8, sum);
            }
        }

        /// <summary>
        /// For the headers of four rows' blocks (two halves, 12 bytes of scales): their bytes as scales, nibbles, minimums, nibbles; then for each
        /// row its eight minimums and eight scales, and its scale of minimums and scale of scales eight times each.
        /// </summary>
        private static IEnumerable<Func<int, int>> HeaderTables()
        {
            yield return i => (i % 16) switch { < 4 => 4 + (i % 4), < 8 => 12 + (i % 4), < 12 => 8 + (i % 4), _ => 12 + (i % 4) };
            yield return i => i % 4 == 0 ? i / 4 * 4 : 0;
            for (int row = 0; row < RowProduct.Streams; row++)
            {
                int first = row;
                yield return i => i % 4 > 0 ? 0 : i < 32 ? (16 * first) + 8 + (i / 4) : (16 * first) + (i / 4) - 8;
                yield return i => i % 4 > 0 ? 0 : (2 * first) + (i < 32 ? 1 : 0);
            }
        }

        private static AssemblerMemoryOperand HeaderTable(int index) => __zmmword_ptr[r13 + (Vector * index)];

        /// <summary>zmm8: the scales and minimums of four rows, 16 bytes of each; ymm9: their scales.</summary>
        private void Q4_KHeaders()
        {
            c.vmovdqu(xmm8, __xmmword_ptr[s_rows[0]]);
            for (int i = 1; i < RowProduct.Streams; i++)
                c.vinserti32x4(zmm8, zmm8, __xmmword_ptr[s_rows[i]], (byte)i);
            c.vmovdqu64(zmm9, HeaderTable(1));
            c.vpermd(zmm9, zmm9, zmm8);
            c.vcvtph2ps(ymm9, xmm9);
            c.vpshufb(zmm8, zmm8, HeaderTable(0));
            c.vpmultishiftqb(zmm10, Constants(3), zmm8);
            c.vpmultishiftqb(zmm11, Constants(4), zmm8);
            c.vpandd(zmm8, zmm10, Constants(5));
            c.vpternlogd(zmm8, zmm11, Constants(6), OrMasked);
        }

        private void Q4_K(int row)
        {
            AssemblerRegister64 weights = s_rows[row];
            AssemblerRegisterZMM sum = s_sums[row], scales = zmm10;
            c.vmovdqu64(zmm11, HeaderTable(2 + (2 * row)));
            c.vpermb(scales.k1.z, zmm11, zmm8);
            c.vcvtdq2ps(scales, scales);
            c.vmovdqu64(zmm11, HeaderTable(3 + (2 * row)));
            c.vpermps(zmm11, zmm11, zmm9);
            c.vmulps(scales, scales, zmm11);
            c.vfnmadd231ps(sum, scales, __zmmword_ptr[r10]);
            c.vmulps(scales, scales, zmm6);

            c.vmovdqu64(zmm12, __zmmword_ptr[weights + 16]);
            c.vmovdqu64(zmm13, __zmmword_ptr[weights + 80]);
            c.vshufi64x2(zmm14, zmm12, zmm13, 0b10_00_10_00);
            c.vshufi64x2(zmm16, zmm12, zmm13, 0b11_01_11_01);
            Nibbles(zmm14, zmm15, Constants(2));
            Nibbles(zmm16, zmm17, Constants(2));
            for (int part = 0; part < 2; part++)
            {
                AssemblerRegisterZMM dots = Zmm(18 + part);
                c.vpxord(dots, dots, dots);
                c.vpdpbusd(dots, Zmm(14 + part), X(2 * part));
                c.vpdpbusd(dots, Zmm(16 + part), X((2 * part) + 1));
                AddScaled(dots, Constants(part), scales, sum);
            }
        }

        private void Q6_K(AssemblerRegister64 weights, AssemblerRegisterZMM sum)
        {
            c.vpbroadcastw(ymm8, __word_ptr[weights + 208]);
            c.vcvtph2ps(zmm8, ymm8);
            c.vpmovsxbd(zmm9, __xmmword_ptr[weights + 192]);
            c.vcvtdq2ps(zmm9, zmm9);
            c.vmulps(zmm8, zmm9, zmm8);
            c.vmulps(zmm8, zmm8, zmm6);
            for (int half = 0; half < 2; half++)
            {
                // As SuperBlocks.AddUpper: of each byte the pairs for four times 32 weights.
                AssemblerRegisterZMM lower = Zmm(14 + (4 * half)), upper = Zmm(15 + (4 * half)), pairs = Zmm(10 + (2 * half)), shifted = Zmm(11 + (2 * half));
                c.vmovdqu64(lower, __zmmword_ptr[weights + (Vector * half)]);
                Nibbles(lower, upper, Constants(4));
                c.vmovdqu64(Ymm(10 + (2 * half)), __ymmword_ptr[weights + (32 * half) + 128]);
                c.vpsrlq(Ymm(11 + (2 * half)), Ymm(10 + (2 * half)), 2);
                c.vinserti64x4(pairs, pairs, Ymm(11 + (2 * half)), 1);
                c.vpsllq(shifted, pairs, 4);
                c.vpternlogd(lower, shifted, Constants(5), OrMasked);
                c.vpternlogd(upper, pairs, Constants(5), OrMasked);
                for (int part = 0; part < 2; part++)
                {
                    AssemblerRegisterZMM dots = Zmm(16 + (4 * half) + part);
                    StartFromCorrection(dots, (2 * half) + part);
                    c.vpdpbusd(dots, part == 0 ? lower : upper, X((2 * half) + part));
                    AddScaled(dots, Constants((2 * half) + part), zmm8, sum);
                }
            }
        }
    }
}

/// <summary>Arguments of a kernel of <see cref="RowKernel"/>.</summary>
internal unsafe struct RowProduct
{
    /// <summary>Rows of weights that are read at a time.</summary>
    public const int Streams = 4;

    /// <summary>The first rows; the next ones lie <see cref="RowBytes"/> behind them.</summary>
    public byte* First, Second, Third, Fourth;

    public long RowBytes;

    /// <summary>Times that four rows are read, and chunks of 256 weights in a row; at least one of each.</summary>
    public long Turns, Chunks;

    /// <summary>Of blocks of 32, the bits of those that the last chunk has: what follows them is read, and does not count.</summary>
    public long LastBlocks;

    /// <summary>The row of activations, as in <see cref="ArrangedRow"/>.</summary>
    public sbyte* Values;
    public float* Scales, Sums;
    public int* Corrections;

    /// <summary>The sums [turn, row, 16], written.</summary>
    public float* Lanes;
}
