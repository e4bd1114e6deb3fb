using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Training;

internal static class TensorMemory
{
    /// <summary>The first element of a contiguous float32 tensor. Its memory is native: it doesn't move.</summary>
    public static unsafe float* Floats(this Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.AsSpan<float>()));
}
