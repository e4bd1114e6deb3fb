using System.Numerics.Tensors;

namespace Triptych.Tensors;

/// <summary>The product for a few rows of A: B is read once, as it lies, at the speed of memory.</summary>
internal static unsafe class GemmVector<TSimd, TVector, TElement>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
    where TElement : struct, IElement
{
    public static void Run(in GemmArguments g)
    {
        if (GemmLines<TSimd, TVector, TElement>.Takes(g))
            GemmLines<TSimd, TVector, TElement>.Run(new ReadOnlySpan<GemmArguments>(in g));
        else if (g.TransB)
            GemmDots<TSimd, TVector, TElement>.Run(g);
        else if (g.M == 1)
            GemmAxpy<TSimd, TVector, TElement>.Run(g);
        else
            GemmColumns<TSimd, TVector, TElement>.Run(g);
    }

    /// <summary>The product over no k: zeros, then the epilogue.</summary>
    public static void Empty(in GemmArguments g)
    {
        ReadOnlySpan<float> zeros = stackalloc float[256];
        for (int i = 0; i < g.M; i++)
        {
            for (int j = 0; j < g.N; j += zeros.Length)
                Finish(g, zeros[..Math.Min(zeros.Length, g.N - j)], i, j);
        }
    }

    /// <summary>Finished sums of neighbouring columns of a row go to C: + beta C, + bias, activation.</summary>
    public static void Finish(in GemmArguments g, ReadOnlySpan<float> sums, int row, int column)
    {
        float* c = g.C + (row * g.Ldc) + column;
        Span<float> target = new(c, sums.Length);
        if (g.Beta == 0)
            sums.CopyTo(target);
        else
            TensorPrimitives.FusedMultiplyAdd(target, g.Beta, sums, target);
        if (g.Bias != null)
            TensorPrimitives.Add(target, new ReadOnlySpan<float>(g.Bias + column, sums.Length), target);
        Activations.Apply(g.Activation, c, sums.Length);
    }
}
