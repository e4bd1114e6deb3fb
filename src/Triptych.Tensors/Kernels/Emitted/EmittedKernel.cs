using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Triptych.Tensors;

/// <summary>
/// Assembles kernels for instructions that C# has no intrinsics for. A kernel takes one pointer, to a struct of its arguments.
/// </summary>
/// <remarks>
/// Call a kernel as <c>delegate* unmanaged[SuppressGCTransition]&lt;TArguments*, void&gt;</c>. The garbage collector waits for
/// such a call to return, so one call is one tile of work: microseconds.
/// </remarks>
internal static unsafe class EmittedKernel
{
    private const int VectorBytes = 16, FirstSavedVector = 6, SavedVectors = 10;

    /// <summary>General registers that one of the calling conventions wants back as they were.</summary>
    private static readonly AssemblerRegister64[] s_saved = [rbx, rsi, rdi, r12, r13, r14, r15];

    /// <summary>
    /// The kernel that <paramref name="body"/> writes, or null when no code may be emitted. The body finds the pointer to the
    /// arguments in rdi, may use all general registers but rsp and rbp and all vector and mask registers, and ends without a
    /// return. The same body serves the System V and the Windows convention.
    /// </summary>
    public static void* Create(Action<Assembler> body)
    {
        if (!CpuFeatures.CanEmit)
            return null;
        bool windows = OperatingSystem.IsWindows();
        Assembler assembler = new(bitness: 64);
        foreach (AssemblerRegister64 register in s_saved)
            assembler.push(register);
        if (windows)
        {
            assembler.sub(rsp, SavedVectors * VectorBytes);
            for (int i = 0; i < SavedVectors; i++)
                assembler.vmovups(__xmmword_ptr[rsp + (i * VectorBytes)], Xmm(FirstSavedVector + i));
            assembler.mov(rdi, rcx);
        }

        body(assembler);
        assembler.vzeroupper();
        if (windows)
        {
            for (int i = 0; i < SavedVectors; i++)
                assembler.vmovups(Xmm(FirstSavedVector + i), __xmmword_ptr[rsp + (i * VectorBytes)]);
            assembler.add(rsp, SavedVectors * VectorBytes);
        }

        for (int i = s_saved.Length - 1; i >= 0; i--)
            assembler.pop(s_saved[i]);
        assembler.ret();
        using MemoryStream code = new();
        assembler.Assemble(new StreamCodeWriter(code), rip: 0);
        return ExecutableMemory.Publish(code.GetBuffer().AsSpan(0, (int)code.Length));
    }

    /// <summary>Vector register number `index`, for bodies that write a tile in a loop.</summary>
    public static AssemblerRegisterZMM Zmm(int index) => new(Register.ZMM0 + index);

    /// <inheritdoc cref="Zmm"/>
    public static AssemblerRegisterXMM Xmm(int index) => new(Register.XMM0 + index);
}
