using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Triptych.Tensors;

internal sealed unsafe partial class CpuBackend
{
    // Sums over rows are split into this many parts whatever the number of threads, so that results don't depend on it.
    private const int Parts = 16;

    public override void ReduceRows(ReduceOp op, Tensor x, Tensor result)
    {
        switch (x.DType)
        {
            case DType.Float32: ReduceRows<float>(op, x, result); break;
            case DType.Float64: ReduceRows<double>(op, x, result); break;
            default: ReduceRows<long>(op, x, result); break;
        }
    }

    public override void SumColumns(Tensor x, Tensor result)
    {
        int parts = Math.Min(Parts, x.Shape[0]);
        using var partial = Tensor.Zeros([parts, x.Shape[1]]);
        var body = new SumColumnsBody { X = (float*)x.Data, Partial = (float*)partial.Data, Rows = x.Shape[0], Columns = x.Shape[1], Parts = parts };
        WorkerPool.For(parts, 1 + (ElementwiseGrain * parts / Math.Max(1, x.Count)), ref body);
        SumParts((float*)partial.Data, (float*)result.Data, parts, x.Shape[1]);
        GC.KeepAlive(x);
    }

    public override void ArgMaxRows(Tensor x, Tensor result)
    {
        int n = x.Shape[1];
        var indices = result.AsSpan<long>();
        for (int row = 0; row < indices.Length; row++)
            indices[row] = TensorPrimitives.IndexOfMax(new ReadOnlySpan<float>((float*)x.Data + ((long)row * n), n));
        GC.KeepAlive(x);
    }

    public override void ArgSortRows(Tensor x, bool descending, Tensor indices)
    {
        int n = x.Shape[1];
        var body = new ArgSortBody { X = (float*)x.Data, Indices = (long*)indices.Data, N = n, K = indices.Shape[1], Descending = descending };
        WorkerPool.For(x.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(x);
    }

    public override void CumSumRows(Tensor x, bool reverse, Tensor result)
    {
        int rows = x.Shape[0], n = x.Shape[1];
        for (int row = 0; row < rows; row++)
        {
            float* from = (float*)x.Data + ((long)row * n), to = (float*)result.Data + ((long)row * n);
            double sum = 0;
            for (int i = 0; i < n; i++)
            {
                int at = reverse ? n - 1 - i : i;
                to[at] = (float)(sum += from[at]);
            }
        }

        GC.KeepAlive(x);
    }

    public override void Softmax(Tensor x, Tensor result, bool log)
    {
        int n = x.Shape[1];
        var body = new SoftmaxBody { X = (float*)x.Data, Result = (float*)result.Data, N = n, Log = log };
        WorkerPool.For(x.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(x);
    }

    public override void SoftmaxGradient(Tensor y, Tensor gradient, Tensor result, bool log)
    {
        int n = y.Shape[1];
        var body = new SoftmaxGradientBody { Y = (float*)y.Data, Gradient = (float*)gradient.Data, Result = (float*)result.Data, N = n, Log = log };
        WorkerPool.For(y.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(y);
        GC.KeepAlive(gradient);
    }

    public override void Norm(
        Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float epsilon, bool rms, Tensor result, Tensor? statistics)
    {
        int n = x.Shape[1];
        var body = new NormBody
        {
            X = (float*)x.Data,
            Residual = residual is null ? null : (float*)residual.Data,
            Weight = weight is null ? null : (float*)weight.Data,
            Bias = bias is null ? null : (float*)bias.Data,
            Result = (float*)result.Data,
            Statistics = statistics is null ? null : (float*)statistics.Data,
            Epsilon = epsilon,
            Rms = rms,
            N = n,
        };
        WorkerPool.For(x.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(x);
        GC.KeepAlive(residual);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
    }

    public override void NormGradient(
        Tensor x, Tensor? weight, Tensor statistics, bool rms, Tensor gradient, Tensor inputGradient, Tensor? weightGradient, Tensor? biasGradient)
    {
        int n = x.Shape[1];
        using var weightParts = weightGradient is null ? null : Tensor.Zeros([Parts, n]);
        using var biasParts = biasGradient is null ? null : Tensor.Zeros([Parts, n]);
        var body = new NormGradientBody
        {
            X = (float*)x.Data,
            Weight = weight is null ? null : (float*)weight.Data,
            Statistics = (float*)statistics.Data,
            Gradient = (float*)gradient.Data,
            InputGradient = (float*)inputGradient.Data,
            WeightParts = weightParts is null ? null : (float*)weightParts.Data,
            BiasParts = biasParts is null ? null : (float*)biasParts.Data,
            Rms = rms,
            Rows = x.Shape[0],
            N = n,
        };
        WorkerPool.For(Parts, 1, ref body);
        if (weightGradient is not null)
            SumParts((float*)weightParts!.Data, (float*)weightGradient.Data, Parts, n);
        if (biasGradient is not null)
            SumParts((float*)biasParts!.Data, (float*)biasGradient.Data, Parts, n);
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(statistics);
        GC.KeepAlive(gradient);
    }

    public override void CrossEntropy(Tensor logits, Tensor labels, long ignoreIndex, float smoothing, Tensor losses, Tensor logSumExp) =>
        CrossEntropy(logits, labels, ignoreIndex, smoothing, 0, losses, logSumExp);

    public override void CrossEntropyInPlace(Tensor logits, Tensor labels, float smoothing, float scale, Tensor losses) =>
        CrossEntropy(logits, labels, -1, smoothing, scale, losses, null);

    public override void CrossEntropyGradient(
        Tensor logits, Tensor labels, Tensor logSumExp, long ignoreIndex, float smoothing, float scale, Tensor result)
    {
        int n = logits.Shape[1];
        var body = new CrossEntropyGradientBody
        {
            Logits = (float*)logits.Data,
            Labels = (long*)labels.Data,
            LogSumExp = (float*)logSumExp.Data,
            Result = (float*)result.Data,
            Ignore = ignoreIndex,
            Smoothing = smoothing,
            Scale = scale,
            N = n,
        };
        WorkerPool.For(logits.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(logits);
        GC.KeepAlive(labels);
        GC.KeepAlive(logSumExp);
    }

    // Without logSumExp the logits become their gradient times the scale.
    private static void CrossEntropy(
        Tensor logits, Tensor labels, long ignoreIndex, float smoothing, float scale, Tensor losses, Tensor? logSumExp)
    {
        int n = logits.Shape[1];
        var body = new CrossEntropyBody
        {
            Logits = (float*)logits.Data,
            Labels = (long*)labels.Data,
            Losses = (float*)losses.Data,
            LogSumExp = logSumExp is null ? null : (float*)logSumExp.Data,
            Ignore = ignoreIndex,
            Smoothing = smoothing,
            Scale = scale,
            N = n,
        };
        WorkerPool.For(logits.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(logits);
        GC.KeepAlive(labels);
        GC.KeepAlive(losses);
        GC.KeepAlive(logSumExp);
    }

    private static long RowGrain(int n) => Math.Max(1, ElementwiseGrain / Math.Max(1, n));

    private static void ReduceRows<T>(ReduceOp op, Tensor x, Tensor result) where T : unmanaged, INumber<T>
    {
        int n = x.Shape[1];
        var body = new ReduceBody<T> { Op = op, X = (T*)x.Data, Result = (T*)result.Data, N = n };
        WorkerPool.For(x.Shape[0], RowGrain(n), ref body);
        GC.KeepAlive(x);
    }

    private static void SumParts(float* parts, float* result, int count, int n)
    {
        var sum = new Span<float>(result, n);
        sum.Clear();
        for (int part = 0; part < count; part++)
            TensorPrimitives.Add(sum, new ReadOnlySpan<float>(parts + ((long)part * n), n), sum);
    }

    // The sum of exp(x - max), with x - max or exp(x - max) written where asked.
    private static float SumOfExponentials(float* x, int n, float max, float* exponentials)
    {
        var shift = Vector512.Create(max);
        var sum = Vector512<float>.Zero;
        int i = 0;
        for (; i <= n - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var e = Vector512.Exp(Vector512.Load(x + i) - shift);
            if (exponentials is not null)
                Vector512.Store(e, exponentials + i);
            sum += e;
        }

        float total = Vector512.Sum(sum);
        for (; i < n; i++)
        {
            float e = MathF.Exp(x[i] - max);
            if (exponentials is not null)
                exponentials[i] = e;
            total += e;
        }

        return total;
    }

    private struct ReduceBody<T> : IRangeBody where T : unmanaged, INumber<T>
    {
        public ReduceOp Op;
        public T* X;
        public T* Result;
        public int N;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                var values = new ReadOnlySpan<T>(X + (row * N), N);
                Result[row] = Op switch
                {
                    ReduceOp.Sum => TensorPrimitives.Sum(values),
                    ReduceOp.Max => TensorPrimitives.Max(values),
                    _ => TensorPrimitives.Min(values),
                };
            }
        }
    }

    // A row's elements become 64-bit keys, the element's order above and its index below, so that keys sort as plain numbers
    // and equal elements keep their order.
    private struct ArgSortBody : IRangeBody
    {
        public float* X;
        public long* Indices;
        public int N;
        public int K;
        public bool Descending;

        public readonly void Invoke(long start, long end)
        {
            ulong[] rented = ArrayPool<ulong>.Shared.Rent(N);
            var keys = rented.AsSpan(0, N);
            for (long row = start; row < end; row++)
            {
                for (int i = 0; i < N; i++)
                {
                    uint order = Order(X[(row * N) + i]);
                    keys[i] = ((ulong)(Descending ? ~order : order) << 32) | (uint)i;
                }

                Select(keys, K);
                keys[..K].Sort();
                for (int i = 0; i < K; i++)
                    Indices[(row * K) + i] = (uint)keys[i];
            }

            ArrayPool<ulong>.Shared.Return(rented);
        }

        // Whole numbers in the order of the singles; -0 equals 0, any NaN is the largest.
        private static uint Order(float value)
        {
            uint bits = BitConverter.SingleToUInt32Bits(float.IsNaN(value) ? float.NaN : value + 0f) & (float.IsNaN(value) ? 0x7FFFFFFF : uint.MaxValue);
            return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        }

        // Moves the k smallest keys to the front (Hoare's quickselect).
        private static void Select(Span<ulong> keys, int k)
        {
            while (k > 0 && k < keys.Length)
            {
                ulong pivot = keys[keys.Length / 2];
                int low = 0, high = keys.Length - 1;
                while (low <= high)
                {
                    while (keys[low] < pivot)
                        low++;
                    while (keys[high] > pivot)
                        high--;
                    if (low > high)
                        break;
                    (keys[low], keys[high]) = (keys[high], keys[low]);
                    low++;
                    high--;
                }

                if (k <= high + 1)
                {
                    keys = keys[..(high + 1)];
                }
                else if (k > low)
                {
                    keys = keys[low..];
                    k -= low;
                }
                else
                {
                    return;
                }
            }
        }
    }

    private struct SumColumnsBody : IRangeBody
    {
        public float* X;
        public float* Partial;
        public long Rows;
        public int Columns;
        public int Parts;

        public readonly void Invoke(long start, long end)
        {
            for (long part = start; part < end; part++)
            {
                var sum = new Span<float>(Partial + (part * Columns), Columns);
                for (long row = Rows * part / Parts; row < Rows * (part + 1) / Parts; row++)
                    TensorPrimitives.Add(sum, new ReadOnlySpan<float>(X + (row * Columns), Columns), sum);
            }
        }
    }

    private struct SoftmaxBody : IRangeBody
    {
        public float* X;
        public float* Result;
        public int N;
        public bool Log;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* x = X + (row * N), result = Result + (row * N);
                var y = new Span<float>(result, N);
                float max = TensorPrimitives.Max(new ReadOnlySpan<float>(x, N));
                if (float.IsNegativeInfinity(max))
                    max = 0;
                float sum = SumOfExponentials(x, N, max, Log ? null : result);
                if (Log)
                    TensorPrimitives.Subtract(new ReadOnlySpan<float>(x, N), max + MathF.Log(sum), y);
                else
                    TensorPrimitives.Multiply(y, 1 / sum, y);
            }
        }
    }

    private struct SoftmaxGradientBody : IRangeBody
    {
        public float* Y;
        public float* Gradient;
        public float* Result;
        public int N;
        public bool Log;

        // softmax: y (g - sum(g y)); log-softmax: g - exp(y) sum(g)
        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                var y = new ReadOnlySpan<float>(Y + (row * N), N);
                var g = new ReadOnlySpan<float>(Gradient + (row * N), N);
                var result = new Span<float>(Result + (row * N), N);
                if (Log)
                {
                    float sum = TensorPrimitives.Sum(g);
                    TensorPrimitives.Exp(y, result);
                    TensorPrimitives.MultiplyAdd(result, -sum, g, result);
                }
                else
                {
                    float dot = TensorPrimitives.Dot(y, g);
                    TensorPrimitives.Subtract(g, dot, result);
                    TensorPrimitives.Multiply(result, y, result);
                }
            }
        }
    }

    private struct NormBody : IRangeBody
    {
        public float* X;
        public float* Residual;
        public float* Weight;
        public float* Bias;
        public float* Result;
        public float* Statistics;
        public float Epsilon;
        public bool Rms;
        public int N;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* x = X + (row * N), result = Result + (row * N);
                if (Residual is not null)
                {
                    TensorPrimitives.Add(new ReadOnlySpan<float>(x, N), new ReadOnlySpan<float>(Residual + (row * N), N), new Span<float>(result, N));
                    x = result;
                }

                var values = new ReadOnlySpan<float>(x, N);
                float mean = Rms ? 0 : TensorPrimitives.Sum(values) / N;
                var shift = Vector512.Create(mean);
                var squares = Vector512<float>.Zero;
                int i = 0;
                for (; i <= N - Vector512<float>.Count; i += Vector512<float>.Count)
                {
                    var d = Vector512.Load(x + i) - shift;
                    squares = Vector512.FusedMultiplyAdd(d, d, squares);
                }

                float sum = Vector512.Sum(squares);
                for (; i < N; i++)
                    sum += (x[i] - mean) * (x[i] - mean);
                float inverse = 1 / MathF.Sqrt((sum / N) + Epsilon);
                if (Statistics is not null)
                {
                    Statistics[row * 2] = mean;
                    Statistics[(row * 2) + 1] = inverse;
                }

                for (i = 0; i < N; i += Vector512<float>.Count)
                {
                    long left = N - i;
                    var y = (VectorMath.Load(x + i, left) - shift) * Vector512.Create(inverse);
                    if (Weight is not null)
                        y *= VectorMath.Load(Weight + i, left);
                    if (Bias is not null)
                        y += VectorMath.Load(Bias + i, left);
                    VectorMath.Store(y, result + i, left);
                }
            }
        }
    }

    private struct NormGradientBody : IRangeBody
    {
        public float* X;
        public float* Weight;
        public float* Statistics;
        public float* Gradient;
        public float* InputGradient;
        public float* WeightParts;
        public float* BiasParts;
        public bool Rms;
        public long Rows;
        public int N;

        public readonly void Invoke(long start, long end)
        {
            for (long part = start; part < end; part++)
            {
                for (long row = Rows * part / Parts; row < Rows * (part + 1) / Parts; row++)
                    Row(row, WeightParts is null ? null : WeightParts + (part * N), BiasParts is null ? null : BiasParts + (part * N));
            }
        }

        // With h = (x - mean) / std and u = g * weight: dx = (u - mean(u) - h * mean(u h)) / std; without mean(u) for RMS.
        private readonly void Row(long row, float* weightSum, float* biasSum)
        {
            float* x = X + (row * N), g = Gradient + (row * N), result = InputGradient + (row * N);
            var mean = Vector512.Create(Statistics[row * 2]);
            var inverse = Vector512.Create(Statistics[(row * 2) + 1]);
            var sum = Vector512<float>.Zero;
            var sumWithH = Vector512<float>.Zero;
            for (int i = 0; i < N; i += Vector512<float>.Count)
            {
                long left = N - i;
                var gradient = VectorMath.Load(g + i, left);
                var h = (VectorMath.Load(x + i, left) - mean) * inverse;
                var u = Weight is null ? gradient : gradient * VectorMath.Load(Weight + i, left);
                sum += u;
                sumWithH = Vector512.FusedMultiplyAdd(u, h, sumWithH);
                if (weightSum is not null)
                    VectorMath.Store(VectorMath.Load(weightSum + i, left) + (gradient * h), weightSum + i, left);
                if (biasSum is not null)
                    VectorMath.Store(VectorMath.Load(biasSum + i, left) + gradient, biasSum + i, left);
            }

            var meanOfU = Vector512.Create(Rms ? 0 : Vector512.Sum(sum) / N);
            var meanOfUH = Vector512.Create(Vector512.Sum(sumWithH) / N);
            for (int i = 0; i < N; i += Vector512<float>.Count)
            {
                long left = N - i;
                var gradient = VectorMath.Load(g + i, left);
                var h = (VectorMath.Load(x + i, left) - mean) * inverse;
                var u = Weight is null ? gradient : gradient * VectorMath.Load(Weight + i, left);
                VectorMath.Store((u - meanOfU - (h * meanOfUH)) * inverse, result + i, left);
            }
        }
    }

    private struct CrossEntropyBody : IRangeBody
    {
        public float* Logits;
        public long* Labels;
        public float* Losses;

        /// <summary>Null where the logits become the gradient.</summary>
        public float* LogSumExp;
        public long Ignore;
        public float Smoothing;
        public float Scale;
        public int N;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* x = Logits + (row * N);
                if (Labels[row] == Ignore)
                {
                    Losses[row] = LogSumExp[row] = 0;
                    continue;
                }

                var logits = new Span<float>(x, N);
                float max = TensorPrimitives.Max<float>(logits), target = x[Labels[row]];
                float mean = Smoothing > 0 ? TensorPrimitives.Sum<float>(logits) / N : 0;
                float sum = SumOfExponentials(x, N, max, LogSumExp == null ? x : null);
                float lse = max + MathF.Log(sum);
                Losses[row] = Smoothing > 0 ? ((1 - Smoothing) * (lse - target)) + (Smoothing * (lse - mean)) : lse - target;
                if (LogSumExp != null)
                {
                    LogSumExp[row] = lse;
                    continue;
                }

                TensorPrimitives.Multiply(logits, Scale / sum, logits);
                if (Smoothing > 0)
                    TensorPrimitives.Subtract(logits, Scale * Smoothing / N, logits);
                x[Labels[row]] -= Scale * (1 - Smoothing);
            }
        }
    }

    private struct CrossEntropyGradientBody : IRangeBody
    {
        public float* Logits;
        public long* Labels;
        public float* LogSumExp;
        public float* Result;
        public long Ignore;
        public float Smoothing;
        public float Scale;
        public int N;

        public readonly void Invoke(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* x = Logits + (row * N), result = Result + (row * N);
                var target = new Span<float>(result, N);
                if (Labels[row] == Ignore)
                {
                    target.Clear();
                    continue;
                }

                SumOfExponentials(x, N, LogSumExp[row], result);
                if (Smoothing > 0)
                    TensorPrimitives.Subtract(target, Smoothing / N, target);
                result[Labels[row]] -= 1 - Smoothing;
                TensorPrimitives.Multiply(target, Scale, target);
            }
        }
    }
}
