using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

internal static unsafe class QuantizedRowsReport
{
    private const int Rounds = 15;

    public static void Run(int k, long totalBytes)
    {
        Case<Q8_0Block>("q8_0", k, totalBytes);
        Case<Q4_0Block>("q4_0", k, totalBytes);
        Case<Q4_1Block>("q4_1", k, totalBytes);
        Case<Q5_0Block>("q5_0", k, totalBytes);
        Case<Q5_1Block>("q5_1", k, totalBytes);
        Case<IQ4_NLBlock>("iq4_nl", k, totalBytes);
        Case<MXFP4Block>("mxfp4", k, totalBytes);
        Case<Q2_KBlock>("q2_k", k, totalBytes);
        Case<Q3_KBlock>("q3_k", k, totalBytes);
        Case<Q4_KBlock>("q4_k", k, totalBytes);
        Case<Q5_KBlock>("q5_k", k, totalBytes);
        Case<Q6_KBlock>("q6_k", k, totalBytes);
        Case<IQ4_XSBlock>("iq4_xs", k, totalBytes);
    }

    private static void Case<T>(string name, int k, long totalBytes)
        where T : struct, IBlockType
    {
        long rowBytes = k / T.Size * T.Bytes;
        int rows = (int)(totalBytes / rowBytes) / 16 * 16;
        byte* weights = (byte*)NativeMemory.AlignedAlloc((nuint)(rows * rowBytes) + 65536, 64);
        Random random = new(1);
        random.NextBytes(new Span<byte>(weights, 1 << 20));
        for (long i = 0; i < rows * rowBytes; i++)
            weights[i] = (byte)(weights[i & ((1 << 20) - 1)] & 0x3b);
        if (typeof(T) == typeof(MXFP4Block))
        {
            for (long i = 0; i < rows * rowBytes; i += 17)
                weights[i] = 120;
        }

        float* x = (float*)NativeMemory.AlignedAlloc((nuint)k * 4, 64), y = (float*)NativeMemory.AlignedAlloc((nuint)rows * 4, 64);
        for (int i = 0; i < k; i++)
            x[i] = random.NextSingle() - 0.5f;
        int padded = ActivationQuantizer.Padded(k);
        sbyte* values = (sbyte*)NativeMemory.AlignedAlloc((nuint)padded, 64), arranged = (sbyte*)NativeMemory.AlignedAlloc((nuint)padded, 64);
        float* scales = (float*)NativeMemory.AlignedAlloc((nuint)padded / 8, 64), fsums = (float*)NativeMemory.AlignedAlloc((nuint)padded / 4, 64);
        int* sums = (int*)NativeMemory.AlignedAlloc((nuint)padded / 4, 64);
        ActivationQuantizer.Quantize(x, k, values, scales, sums);
        ArrangedRow row = QuantizedDots<T>.Arrange(values, scales, sums, padded, arranged, fsums);
        Body<T> body = new() { X = row, K = k, Weights = weights, Y = y };
        double[] product = new double[Rounds], read = new double[Rounds];
        for (int i = -3; i < Rounds; i++)
        {
            long t0 = Stopwatch.GetTimestamp();
            ActivationQuantizer.Quantize(x, k, values, scales, sums);
            row = QuantizedDots<T>.Arrange(values, scales, sums, padded, arranged, fsums);
            WorkerPool.For(rows / 16, 1, ref body);
            long t1 = Stopwatch.GetTimestamp();
            MachinePeak.Read((float*)weights, rows * rowBytes / 4);
            long t2 = Stopwatch.GetTimestamp();
            if (i >= 0)
            {
                product[i] = (double)(t1 - t0) / Stopwatch.Frequency;
                read[i] = (double)(t2 - t1) / Stopwatch.Frequency;
            }
        }

        Array.Sort(product);
        Array.Sort(read);
        double bytes = rows * rowBytes;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-8} k {k} rows {rows}: {bytes / product[0] / 1e9:F1} of {bytes / read[0] / 1e9:F1} GB/s = {read[0] / product[0]:P1}, median {read[Rounds / 2] / product[Rounds / 2]:P1}"));
        NativeMemory.AlignedFree(weights);
    }

    private struct Body<T> : IRangeBody
        where T : struct, IBlockType
    {
        public ArrangedRow X;
        public int K;
        public byte* Weights;
        public float* Y;

        public readonly void Invoke(long start, long end) =>
            QuantizedDots<T>.Run(X, K, Weights + (start * 16 * (K / T.Size * T.Bytes)), K / T.Size * T.Bytes, (int)(end - start) * 16, Y + (start * 16));
    }
}
