using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>One row times weights in each block format: the share of the read bandwidth, timed in turns with reading the same bytes.</summary>
internal static unsafe class QuantizedRowsReport
{
    private const int Rounds = 15;

    public static void Run(int k, long bytes)
    {
        foreach (DType type in Enum.GetValues<DType>().Where(type => type.IsQuantized()))
            Case(type, k, bytes);
    }

    private static void Case(DType type, int k, long bytes)
    {
        int rows = (int)(bytes / type.BytesOf(k));
        bytes = rows * type.BytesOf(k);
        byte* weights = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        float* x = (float*)NativeMemory.AlignedAlloc((nuint)k * sizeof(float), 64), y = (float*)NativeMemory.AlignedAlloc((nuint)rows * sizeof(float), 64);
        Random random = new(1);
        for (int i = 0; i < k; i++)
            x[i] = random.NextSingle() - 0.5f;
        BlockQuantization.Quantize(type, x, weights, k);
        for (int i = 1; i < rows; i++)
            Buffer.MemoryCopy(weights, weights + (i * type.BytesOf(k)), type.BytesOf(k), type.BytesOf(k));
        double[] product = new double[Rounds], read = new double[Rounds];
        QuantizedPart part = new() { Type = type, Weight = weights, RowBytes = type.BytesOf(k), N = rows, Result = y, ResultStride = rows };
        for (int round = -1; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            QuantizedGemm.Run(1, k, x, k, [part], Activation.None);
            long middle = Stopwatch.GetTimestamp();
            MachinePeak.Read((float*)weights, bytes / sizeof(float));
            if (round < 0)
                continue;
            product[round] = Stopwatch.GetElapsedTime(start, middle).TotalSeconds;
            read[round] = Stopwatch.GetElapsedTime(middle).TotalSeconds;
        }

        Array.Sort(product);
        Array.Sort(read);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{$"1 x {rows} x {k}",-20} {"n,k",-4} {type.Name(),-9} {bytes / product[0] / 1e9,9:F1} {bytes / read[0] / 1e9,9:F1} {read[0] / product[0],7:P1} {read[Rounds / 2] / product[Rounds / 2],7:P1}"));
        NativeMemory.AlignedFree(weights);
        NativeMemory.AlignedFree(x);
        NativeMemory.AlignedFree(y);
    }
}
