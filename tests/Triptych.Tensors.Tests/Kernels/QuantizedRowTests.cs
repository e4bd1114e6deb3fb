using System.Diagnostics;

namespace Triptych.Tensors.Tests.Kernels;

/// <summary>Products of one row with block formats, against sums in double precision of what the blocks and the rounded activations stand for.</summary>
[Collection("Kernels")]
public sealed class QuantizedRowTests : IDisposable
{
    private static readonly DType[] s_types = [.. Enum.GetValues<DType>().Where(type => type.IsQuantized())];
    private readonly int _threads = WorkerPool.ThreadCount;

    public static TheoryData<DType> Types => [.. s_types];

    public void Dispose() => WorkerPool.ThreadCount = _threads;

    /// <summary>Lengths with and without a part of a chunk, rows with and without a part of a group.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void MatchesFloat64(DType type)
    {
        int step = type.BlockSize();
        foreach ((int rows, int blocks) in ((int, int)[])[(1, 1), (2, 3), (17, 7), (40, 8), (33, 18), (5, 41)])
        {
            Row row = new(blocks + rows, blocks * step);
            Weights weights = new(rows, type, rows, blocks * step);
            float[] result = new float[rows];
            Run(row, [weights], [result], Activation.None, gated: false);
            Check(row, weights, result);
        }
    }

    /// <summary>Emitted kernels add up in the order of the portable ones.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void EmittedKernelsGiveThePortableBits(DType type)
    {
        bool emitted = PanelKernel.Emitted;
        foreach ((int rows, int k) in ((int, int)[])[(1, 256), (2, 512), (37, 2048), (18, 768 + (type.BlockSize() % 256))])
        {
            Row row = new(rows, k);
            Weights weights = new(rows, type, rows, k);
            float[] expected = new float[rows], actual = new float[rows];
            Run(row, [weights], [actual], Activation.None, gated: false);
            try
            {
                PanelKernel.Emitted = false;
                Run(row, [weights], [expected], Activation.None, gated: false);
            }
            finally
            {
                PanelKernel.Emitted = emitted;
            }

            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void ThreadsDoNotChangeBits()
    {
        Row row = new(1, 4096);
        Weights[] weights = [new(2, DType.Q4_K, 300, 4096), new(3, DType.Q6_K, 100, 4096), new(4, DType.Q4_K, 77, 4096)];
        float[][]? expected = null;
        foreach (int threads in (int[])[1, 2, 3, 8])
        {
            WorkerPool.ThreadCount = threads;
            float[][] results = [.. weights.Select(w => new float[w.Rows])];
            Run(row, weights, results, Activation.None, gated: false);
            expected ??= results;
            Assert.Equal(expected, results);
        }

        for (int i = 0; i < weights.Length; i++)
            Check(row, weights[i], expected![i]);
    }

    [Theory]
    [InlineData(DType.Q8_0, DType.Q8_0, 1000)]
    [InlineData(DType.Q4_K, DType.Q6_K, 37)]
    public void GatedIsTheProductOfBoth(DType gateType, DType upType, int rows)
    {
        Row row = new(1, 768);
        Weights gate = new(2, gateType, rows, 768), up = new(3, upType, rows, 768);
        float[] gateResult = new float[rows], upResult = new float[rows], result = new float[rows];
        Run(row, [gate], [gateResult], Activation.Silu, gated: false);
        Run(row, [up], [upResult], Activation.None, gated: false);
        Run(row, [gate, up], [result, []], Activation.Silu, gated: true);
        for (int i = 0; i < rows; i++)
            Assert.Equal(gateResult[i] * upResult[i], result[i], 1e-5f * MathF.Abs(result[i]));
    }

    /// <summary>One row agrees with the kernels for several rows, which round activations alike.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public unsafe void AgreesWithSeveralRows(DType type)
    {
        const int K = 1024, Rows = 70;
        Row row = new(1, K);
        Weights weights = new(2, type, Rows, K);
        float[] one = new float[Rows], two = new float[2 * Rows], twice = [.. row.Values, .. row.Values];
        Run(row, [weights], [one], Activation.None, gated: false);
        fixed (float* a = twice, c = two)
        fixed (byte* w = weights.Blocks)
            QuantizedGemm.Run(2, K, a, K, [weights.Part(w, c)], Activation.None);
        double scale = one.Max(MathF.Abs);
        for (int i = 0; i < Rows; i++)
            Assert.Equal(two[i], one[i], 2e-6 * scale);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AnActivationThatIsNotFiniteGivesNaN(float poison)
    {
        foreach (DType type in s_types)
        {
            Row row = new(1, 768);
            row.Values[301] = poison;
            Weights weights = new(2, type, 9, 768);
            float[] result = new float[9];
            Run(row, [weights], [result], Activation.None, gated: false);
            Assert.All(result, value => Assert.True(float.IsNaN(value), $"{type}: {value}"));
        }
    }

    [Theory]
    [InlineData(DType.Q4_0, 0)]
    [InlineData(DType.Q5_1, 2)]
    [InlineData(DType.Q8_0, 0)]
    [InlineData(DType.Q2_K, 82)]
    [InlineData(DType.Q3_K, 108)]
    [InlineData(DType.Q4_K, 0)]
    [InlineData(DType.Q6_K, 208)]
    [InlineData(DType.IQ4_XS, 0)]
    public void AScaleThatIsNaNPoisonsItsRowAlone(DType type, int at)
    {
        Row row = new(1, 768);
        Weights weights = new(2, type, 6, 768);
        float[] expected = new float[6], result = new float[6];
        Run(row, [weights], [expected], Activation.None, gated: false);
        (weights.Blocks[(4 * weights.RowBytes) + at], weights.Blocks[(4 * weights.RowBytes) + at + 1]) = (0, 0x7e);
        expected[4] = float.NaN;
        Run(row, [weights], [result], Activation.None, gated: false);
        Assert.Equal(expected, result);
    }

    [Fact]
    public unsafe void AllocatesNothing()
    {
        Row row = new(1, 512);
        Weights weights = new(2, DType.Q4_0, 600, 512);
        float[] result = new float[600];
        fixed (float* a = row.Values, c = result)
        fixed (byte* w = weights.Blocks)
        {
            QuantizedGemm.Run(1, 512, a, 512, [weights.Part(w, c)], Activation.None);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
                QuantizedGemm.Run(1, 512, a, 512, [weights.Part(w, c)], Activation.None);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    /// <summary>The same tests in processes without wide instructions.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task PathsWithoutInstructions(string knob)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(QuantizedRowTests).Assembly.Location);
        foreach (string name in (string[])["MatchesFloat64", "AgreesWithSeveralRows", "An*", "AScale*", "Gated*"])
        {
            start.ArgumentList.Add("-method");
            start.ArgumentList.Add("*QuantizedRowTests." + name);
        }

        start.Environment[knob] = "0";
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.ExitCode == 0, output + await errors);
    }

    private static unsafe void Run(Row row, Weights[] weights, float[][] results, Activation activation, bool gated)
    {
        // Blocks and results end where their arrays do: pinned one by one, up to three of them.
        fixed (float* a = row.Values, c0 = results[0], c1 = results.ElementAtOrDefault(1), c2 = results.ElementAtOrDefault(2))
        fixed (byte* w0 = weights[0].Blocks, w1 = weights.ElementAtOrDefault(1)?.Blocks, w2 = weights.ElementAtOrDefault(2)?.Blocks)
        {
            if (gated)
            {
                QuantizedGemm.RunGated(1, row.Values.Length, a, row.Values.Length, weights[0].Part(w0, c0), weights[1].Part(w1, null), activation);
                return;
            }

            QuantizedPart[] parts = new QuantizedPart[weights.Length];
            for (int i = 0; i < parts.Length; i++)
                parts[i] = weights[i].Part(i == 0 ? w0 : i == 1 ? w1 : w2, i == 0 ? c0 : i == 1 ? c1 : c2);
            QuantizedGemm.Run(1, row.Values.Length, a, row.Values.Length, parts, activation);
        }
    }

    private static unsafe void Check(Row row, Weights weights, float[] actual)
    {
        float[] dense = new float[weights.Rows * row.Values.Length];
        fixed (float* target = dense)
        fixed (byte* source = weights.Blocks)
            BlockQuantization.Dequantize(weights.Type, source, target, dense.Length);
        double[] x = row.Rounded();
        for (int i = 0; i < actual.Length; i++)
        {
            double sum = 0, magnitude = 0;
            for (int p = 0; p < x.Length; p++)
            {
                double term = x[p] * dense[(i * x.Length) + p];
                sum += term;
                magnitude += Math.Abs(term);
            }

            Assert.Equal(sum, actual[i], (1e-5 * magnitude) + 1e-30);
        }
    }

    private sealed class Row
    {
        public Row(int seed, int k)
        {
            Random random = new(seed);
            Values = [.. Enumerable.Range(0, k).Select(_ => (random.NextSingle() - 0.5f) * MathF.Exp(4 * random.NextSingle()))];
        }

        public float[] Values { get; }

        public double[] Rounded()
        {
            double[] rounded = new double[Values.Length];
            for (int start = 0; start < rounded.Length; start += 32)
            {
                float largest = Values.AsSpan(start, 32).ToArray().Max(MathF.Abs), inverse = 127 / largest;
                for (int i = start; i < start + 32; i++)
                    rounded[i] = largest / 127 * (double)MathF.Round(Values[i] * inverse);
            }

            return rounded;
        }
    }

    /// <summary>Blocks of any bits, but for scales and minimums, which are ordinary numbers; subnormal halves among them.</summary>
    private sealed class Weights
    {
        public Weights(int seed, DType type, int rows, int k)
        {
            (Type, Rows, RowBytes) = (type, rows, (int)type.BytesOf(k));
            Blocks = new byte[rows * RowBytes];
            Random random = new(seed);
            random.NextBytes(Blocks);
            int[] halves = type switch
            {
                DType.Q4_1 or DType.Q5_1 or DType.Q4_K or DType.Q5_K => [0, 2],
                DType.Q2_K => [80, 82],
                DType.Q3_K => [108],
                DType.Q6_K => [208],
                DType.MXFP4 => [],
                _ => [0],
            };
            for (int block = 0; block < Blocks.Length; block += type.BlockBytes())
            {
                foreach (int at in halves)
                    BitConverter.TryWriteBytes(Blocks.AsSpan(block + at), (Half)((random.NextSingle() - 0.3f) * MathF.Exp(-9 * random.NextSingle())));
                if (type == DType.MXFP4)
                    Blocks[block] = (byte)random.Next(120, 130);
            }
        }

        public DType Type { get; }

        public int Rows { get; }

        public int RowBytes { get; }

        public byte[] Blocks { get; }

        public unsafe QuantizedPart Part(byte* weight, float* result) =>
            new() { Type = Type, Weight = weight, RowBytes = RowBytes, N = Rows, Result = result, ResultStride = Rows };
    }
}
