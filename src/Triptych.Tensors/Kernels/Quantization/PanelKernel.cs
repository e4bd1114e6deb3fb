using System.Runtime.InteropServices;

namespace Triptych.Tensors;

/// <summary>What the innermost kernel works on: a few rows of activations times one panel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PanelProduct
{
    public byte* Panel;
    public ActivationBlock* Activations;

    /// <summary>Bytes from one row of activations to the next.</summary>
    public long RowStride;

    /// <summary>[rows, 32] floats that the products are added to, or written to.</summary>
    public float* Sums;

    /// <summary>Blocks along k, at least one.</summary>
    public long Blocks;

    /// <summary>Not zero: add to the sums.</summary>
    public long Accumulate;
}

/// <summary>The innermost kernels: emitted where that is possible, else portable. Their sums have the same bits.</summary>
internal static unsafe class PanelKernel
{
    /// <summary>Rows that one call takes at most.</summary>
    public const int MaxRows = PanelKernelEmitter.MaxRows;

    private const int Kinds = 4;

    private static readonly nint[] s_emitted = new nint[Kinds * (MaxRows + 1)];
    private static readonly Lock s_gate = new();

    /// <summary>Whether emitted kernels are in use. Tests turn them off.</summary>
    public static bool Emitted { get; set; } = CpuFeatures.Avx512Vnni;

    /// <summary>Emits the kernel, unless that was done before. Called before the threads start.</summary>
    public static void Prepare(PanelKind kind, int rows)
    {
        ref nint kernel = ref s_emitted[Index(kind, rows)];
        if (!Emitted || Volatile.Read(ref kernel) != 0)
            return;
        lock (s_gate)
        {
            if (kernel == 0)
                Volatile.Write(ref kernel, (nint)PanelKernelEmitter.Emit(kind, rows));
        }
    }

    public static void Run(PanelKind kind, int rows, PanelProduct* product)
    {
        nint kernel = Emitted ? s_emitted[Index(kind, rows)] : 0;
        if (kernel != 0)
            ((delegate* unmanaged[SuppressGCTransition]<PanelProduct*, void>)kernel)(product);
        else
            PortablePanelKernel.Run(kind, rows, product);
    }

    private static int Index(PanelKind kind, int rows) => ((int)kind * (MaxRows + 1)) + rows;
}
