namespace Triptych.Tensors.Tests.Kernels;

[Collection("Kernels")]
public sealed unsafe class AttentionTests : IDisposable
{
    private readonly int _threads = WorkerPool.ThreadCount;

    public void Dispose()
    {
        WorkerPool.ThreadCount = _threads;
        Gemm.Path = Gemm.BestPath;
    }

    /// <summary>Every combination of the options, on odd sizes, against float64.</summary>
    [Theory]
    [InlineData(1, 2, 1, 1, 37, 16, 16)]
    [InlineData(2, 4, 2, 5, 19, 8, 24)]
    [InlineData(2, 3, 3, 33, 33, 17, 5)]
    [InlineData(1, 6, 2, 13, 41, 64, 64)]
    [InlineData(1, 2, 1, 50, 47, 20, 200)]
    public void ForwardMatchesFloat64(int batch, int heads, int keyValueHeads, int queries, int keys, int headDim, int valueDim)
    {
        WorkerPool.ThreadCount = 3;
        for (int options = 0; options < 64; options++)
        {
            Case test = new(batch, heads, keyValueHeads, queries, keys, headDim, valueDim, options);
            test.Forward();
            test.CompareForward();
        }
    }

    [Theory]
    [InlineData(400, 700)]
    [InlineData(300, 300)]
    [InlineData(2, 5000)]
    public void ManyBlocks(int queries, int keys)
    {
        foreach (int options in (int[])[0, 1, 3, 63 - 32, 4])
        {
            Case test = new(1, 2, 1, queries, keys, 16, 16, options);
            test.Forward();
            test.CompareForward();
        }
    }

    [Fact]
    public void EveryPathAndThreadCountAgree()
    {
        Case test = new(2, 4, 2, 250, 300, 24, 24, 3);
        foreach (SimdPath path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
        {
            Gemm.Path = path;
            WorkerPool.ThreadCount = 1;
            test.Forward();
            test.CompareForward();
            float[] one = [.. test.Output];
            WorkerPool.ThreadCount = 4;
            test.Forward();
            Assert.Equal(one, test.Output);
        }
    }

    /// <summary>A few queries over several chunks of keys, dimensions of every tile width: all options, paths and thread counts.</summary>
    [Theory]
    [InlineData(2, 4, 4, 1, 1100, 16, 48)]
    [InlineData(1, 6, 2, 3, 1537, 80, 112)]
    [InlineData(2, 4, 1, 8, 515, 12, 20)]
    [InlineData(1, 2, 1, 8, 3, 64, 64)]
    public void FewQueries(int batch, int heads, int keyValueHeads, int queries, int keys, int headDim, int valueDim)
    {
        for (int options = 0; options < 32; options++)
        {
            Case test = new(batch, heads, keyValueHeads, queries, keys, headDim, valueDim, options);
            foreach (SimdPath path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
            {
                Gemm.Path = path;
                WorkerPool.ThreadCount = 1;
                test.Forward();
                if (path == Gemm.BestPath || options == 0)
                    test.CompareForward();
                float[] one = [.. test.Output, .. test.LogSumExp];
                WorkerPool.ThreadCount = 3;
                test.Forward();
                Assert.Equal(one, test.Output.Concat(test.LogSumExp));
            }
        }
    }

    [Fact]
    public void FewQueriesAllocateNothing()
    {
        WorkerPool.ThreadCount = 2;
        Case test = new(1, 4, 2, 1, 1100, 64, 64, 0);
        for (int i = 0; i < 20; i++)
            test.Forward();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
            test.Forward();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    /// <summary>Gradients against central differences of the float64 reference.</summary>
    [Theory]
    [InlineData(2, 4, 2, 3, 5, 4, 3)]
    [InlineData(1, 2, 2, 7, 7, 3, 4)]
    [InlineData(2, 2, 1, 3, 6, 4, 4)]
    public void BackwardMatchesFiniteDifferences(int batch, int heads, int keyValueHeads, int queries, int keys, int headDim, int valueDim)
    {
        WorkerPool.ThreadCount = 2;
        for (int options = 0; options < 64; options++)
        {
            Case test = new(batch, heads, keyValueHeads, queries, keys, headDim, valueDim, options);
            test.Forward();
            test.Backward();
            test.CompareGradients();
        }
    }

    /// <summary>One case in plain arrays; queries and so on are given as [batch, row, head, dim], the layout of a projection.</summary>
    private sealed class Case
    {
        private const float SoftCap = 0.7f;
        private readonly int _batch, _heads, _keyValueHeads, _queries, _keys, _headDim, _valueDim;
        private readonly bool _causal, _broadcastBias;
        private readonly int _window;
        private readonly float _softCap, _dropout, _scale;
        private readonly byte[]? _mask;
        private readonly float[]? _bias;
        private readonly float[] _query, _key, _value, _outputGradient, _logSumExp;
        private readonly float[] _queryGradient, _keyGradient, _valueGradient, _biasGradient;

        public Case(int batch, int heads, int keyValueHeads, int queries, int keys, int headDim, int valueDim, int options)
        {
            (_batch, _heads, _keyValueHeads, _queries, _keys, _headDim, _valueDim) = (batch, heads, keyValueHeads, queries, keys, headDim, valueDim);
            Random random = new(options + keys);
            _scale = 1 / MathF.Sqrt(headDim);
            _causal = (options & 1) != 0;
            _softCap = (options & 4) != 0 ? SoftCap : 0;
            _window = (options & 16) != 0 ? Math.Max(keys / 3, 1) : 0;
            _dropout = (options & 32) != 0 ? 0.3f : 0;
            _broadcastBias = keys % 2 == 1;
            if ((options & 2) != 0)
            {
                // The first row of the batch is padded on the left: with causality, some queries see nothing.
                _mask = new byte[batch * keys];
                for (int i = 0; i < _mask.Length; i++)
                    _mask[i] = (byte)(i < keys / 3 || (i >= keys && random.Next(3) == 0) ? 0 : 1);
            }

            if ((options & 8) != 0)
                _bias = GemmTests.Values(random, (_broadcastBias ? 1 : batch) * heads * queries * keys);
            _query = GemmTests.Values(random, batch * queries * heads * headDim);
            _key = GemmTests.Values(random, batch * keys * keyValueHeads * headDim);
            _value = GemmTests.Values(random, batch * keys * keyValueHeads * valueDim);
            _outputGradient = GemmTests.Values(random, batch * queries * heads * valueDim);
            Output = GemmTests.Values(random, batch * queries * heads * valueDim);
            Array.Fill(Output, float.NaN);
            _logSumExp = new float[batch * heads * queries];
            _queryGradient = new float[_query.Length];
            _keyGradient = new float[_key.Length];
            _valueGradient = new float[_value.Length];
            _biasGradient = new float[_bias?.Length ?? 0];
        }

        public float[] Output { get; }

        public float[] LogSumExp => _logSumExp;

        public void Forward() => Run(false);

        public void Backward() => Run(true);

        public void CompareForward()
        {
            double[] expected = Reference(Doubles(_query), Doubles(_key), Doubles(_value), Doubles(_bias));
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - Output[i]) <= 4e-6, $"{i}: {Output[i]} != {expected[i]}");
        }

        public void CompareGradients()
        {
            Compare(_queryGradient, 0);
            Compare(_keyGradient, 1);
            Compare(_valueGradient, 2);
            Compare(_biasGradient, 3);
        }

        private void Compare(float[] gradient, int which)
        {
            const double Step = 1e-5;
            double[][] inputs = [Doubles(_query), Doubles(_key), Doubles(_value), Doubles(_bias)];
            for (int i = 0; i < gradient.Length; i++)
            {
                double at = inputs[which][i];
                inputs[which][i] = at + Step;
                double up = Loss(inputs);
                inputs[which][i] = at - Step;
                double down = Loss(inputs);
                inputs[which][i] = at;
                double expected = (up - down) / (2 * Step);
                Assert.True(Math.Abs(expected - gradient[i]) <= 1e-5, $"input {which} [{i}]: {gradient[i]} != {expected}");
            }
        }

        private double Loss(double[][] inputs)
        {
            double[] output = Reference(inputs[0], inputs[1], inputs[2], inputs[3]);
            double sum = 0;
            for (int i = 0; i < output.Length; i++)
                sum += output[i] * _outputGradient[i];
            return sum;
        }

        private static double[] Doubles(float[]? values) => values is null ? [] : Array.ConvertAll(values, x => (double)x);

        private double[] Reference(double[] query, double[] key, double[] value, double[] bias)
        {
            double[] output = new double[_batch * _queries * _heads * _valueDim], weights = new double[_keys];
            float[] kept = new float[_keys];
            AttentionArguments arguments = new() { Heads = _heads, Queries = _queries, Dropout = _dropout, Seed = 99 };
            for (int b = 0; b < _batch; b++)
            {
                for (int h = 0; h < _heads; h++)
                {
                    int hk = h / (_heads / _keyValueHeads);
                    for (int i = 0; i < _queries; i++)
                    {
                        int position = i + _keys - _queries;
                        double sum = 0;
                        for (int j = 0; j < _keys; j++)
                        {
                            double score = 0;
                            for (int d = 0; d < _headDim; d++)
                                score += query[(((((b * _queries) + i) * _heads) + h) * _headDim) + d] * key[(((((b * _keys) + j) * _keyValueHeads) + hk) * _headDim) + d];
                            score *= _scale;
                            if (_softCap > 0)
                                score = _softCap * Math.Tanh(score / _softCap);
                            if (bias.Length > 0)
                                score += bias[(((((_broadcastBias ? 0 : b) * _heads) + h) * _queries) + i) * _keys + j];
                            bool seen = (!_causal || j <= position) && (_window == 0 || (j <= position && j > position - _window))
                                && (_mask is null || _mask[(b * _keys) + j] != 0);
                            weights[j] = seen ? Math.Exp(score) : 0;
                            sum += weights[j];
                        }

                        Array.Fill(kept, 1);
                        if (_dropout > 0)
                        {
                            fixed (float* p = kept)
                                AttentionScores.Drop(arguments, p, b, h, i, 0, _keys);
                        }

                        for (int j = 0; j < _keys && sum > 0; j++)
                        {
                            for (int d = 0; d < _valueDim; d++)
                            {
                                output[(((((b * _queries) + i) * _heads) + h) * _valueDim) + d] += weights[j] / sum * kept[j]
                                    * value[(((((b * _keys) + j) * _keyValueHeads) + hk) * _valueDim) + d];
                            }
                        }
                    }
                }
            }

            return output;
        }

        private void Run(bool backward)
        {
            fixed (float* query = _query, key = _key, value = _value, output = Output, lse = _logSumExp, bias = _bias, dOutput = _outputGradient)
            {
                fixed (float* dq = _queryGradient, dk = _keyGradient, dv = _valueGradient, dBias = _biasGradient)
                {
                    fixed (byte* mask = _mask)
                    {
                        AttentionArguments arguments = new()
                        {
                            Batch = _batch,
                            Heads = _heads,
                            KeyValueHeads = _keyValueHeads,
                            Queries = _queries,
                            Keys = _keys,
                            HeadDim = _headDim,
                            ValueDim = _valueDim,
                            Query = Layout(query, _queries, _heads, _headDim),
                            Key = Layout(key, _keys, _keyValueHeads, _headDim),
                            Value = Layout(value, _keys, _keyValueHeads, _valueDim),
                            Output = Layout(output, _queries, _heads, _valueDim),
                            LogSumExp = lse,
                            Scale = _scale,
                            Causal = _causal,
                            SlidingWindow = _window,
                            SoftCap = _softCap,
                            KeyPaddingMask = mask,
                            Bias = bias,
                            BiasBatchStride = _broadcastBias ? 0 : (long)_heads * _queries * _keys,
                            BiasHeadStride = (long)_queries * _keys,
                            BiasQueryStride = _keys,
                            BiasKeyStride = 1,
                            Dropout = _dropout,
                            Seed = 99,
                        };
                        if (!backward)
                        {
                            Attention.Forward(arguments);
                            return;
                        }

                        Attention.Backward(arguments, new AttentionGradients
                        {
                            Output = Layout(dOutput, _queries, _heads, _valueDim),
                            Query = Layout(dq, _queries, _heads, _headDim),
                            Key = Layout(dk, _keys, _keyValueHeads, _headDim),
                            Value = Layout(dv, _keys, _keyValueHeads, _valueDim),
                            Bias = _bias is null ? null : dBias,
                        });
                    }
                }
            }
        }

        private static AttentionTensor Layout(float* data, int rows, int heads, int dim) =>
            new(data, (long)rows * heads * dim, dim, (long)heads * dim);
    }
}
