using System.Numerics;
using System.Runtime.CompilerServices;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>Functions of all gradients of a model together.</summary>
public static class Gradients
{
    // Sums are made in pieces of this size whatever the number of threads, so that the result is the same.
    private const int Piece = 64 * 1024;

    /// <summary>The L2 norm of all gradients as one vector.</summary>
    public static unsafe float GlobalNorm(IEnumerable<Tensor> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        double sum = 0;
        double[] partial = [];
        foreach (var parameter in parameters)
        {
            if (parameter.Grad is not { Count: > 0 } gradient)
                continue;
            int pieces = (int)((gradient.Count + Piece - 1) / Piece);
            if (partial.Length < pieces)
                partial = new double[pieces];
            fixed (double* sums = partial)
            {
                var body = new SquareSums
                {
                    Values = gradient.Floats(),
                    Count = gradient.Count,
                    Sums = sums,
                };
                WorkerPool.For(pieces, 1, ref body);
            }

            for (int i = 0; i < pieces; i++)
                sum += partial[i];
        }

        return (float)Math.Sqrt(sum);
    }

    /// <summary>The factor that brings a norm down to a maximum, as torch.nn.utils.clip_grad_norm_ has it; 1 if it is below.</summary>
    /// <param name="norm">The norm of all gradients.</param>
    /// <param name="maxNorm">The maximum; 0 or less for none.</param>
    public static float ClipFactor(float norm, float maxNorm) => maxNorm > 0 ? Math.Min(1, maxNorm / (norm + 1e-6f)) : 1;

    private unsafe struct SquareSums : IRangeBody
    {
        public float* Values;
        public long Count;
        public double* Sums;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Invoke(long start, long end)
        {
            for (long piece = start; piece < end; piece++)
            {
                long i = piece * Piece, limit = Math.Min(Count, i + Piece);
                double sum = 0;
                while (i < limit)
                {
                    // A short run in single precision, then on in double: exact enough, and fast.
                    long run = Math.Min(limit, i + 1024);
                    var squares = Vector<float>.Zero;
                    for (; i <= run - Vector<float>.Count; i += Vector<float>.Count)
                    {
                        var x = Vector.Load(Values + i);
                        squares += x * x;
                    }

                    sum += Vector.Sum(squares);
                    for (; i < run; i++)
                        sum += (double)Values[i] * Values[i];
                }

                Sums[piece] = sum;
            }
        }
    }
}
