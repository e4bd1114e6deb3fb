using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests.Kernels;

/// <summary>Keys and values of the types that a cache holds.</summary>
[Collection("Kernels")]
public sealed class AttentionCacheTypeTests : IDisposable
{
    private readonly int _threads = WorkerPool.ThreadCount;

    public void Dispose()
    {
        WorkerPool.ThreadCount = _threads;
        Gemm.Path = Gemm.BestPath;
    }

    public static TheoryData<DType, double> Types => new()
    {
        { DType.Float16, 4e-4 }, { DType.BFloat16, 3e-3 }, { DType.Q8_0, 6e-3 },
    };

    /// <summary>
    /// A type changes nothing but the rounding of what is stored: the same bits come of float32 tensors with the rounded numbers, on
    /// every path, for decoding over several chunks, few queries and prefill, with any number of threads.
    /// </summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void OnlyStorageRounds(DType type, double tolerance)
    {
        var random = new Generator(7);
        foreach ((int batch, int heads, int keyValueHeads, int queries, int keys, int dim) in ((int, int, int, int, int, int)[])
            [(1, 8, 2, 1, 1100, 64), (2, 6, 2, 3, 77, 96), (1, 3, 3, 8, 530, 32), (2, 4, 1, 9, 300, 64), (1, 2, 1, 70, 203, 128), (1, 2, 2, 1, 5, 64)])
        {
            using var scope = new TensorScope();
            var query = Tensor.Normal([batch, heads, queries, dim], random);
            var cache = Tensor.Normal([2, batch, keyValueHeads, keys + 11, dim], random);
            var mask = Tensor.Ones([batch, keys], DType.Int64);
            mask.Select(0, 0).Slice(0, 0, keys / 3).Fill(0);
            Tensor Rows(Tensor from, int which) => from.Select(0, which).Slice(2, 0, keys);
            foreach (var options in (AttentionOptions[])[new() { Causal = true }, new() { KeyPaddingMask = mask }, new() { Causal = true, SlidingWindow = 40 }])
            {
                float[] Attend(Tensor held) => ScaledDotProductAttention(query, Rows(held, 0), Rows(held, 1), options).ToFloats();
                var stored = cache.To(type);
                var rounded = stored.To(DType.Float32);
                foreach (var path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
                {
                    Gemm.Path = path;
                    WorkerPool.ThreadCount = 3;
                    float[] actual = Attend(stored);
                    Assert.Equal(Attend(rounded), actual);
                    WorkerPool.ThreadCount = 1;
                    Assert.Equal(Attend(stored), actual);
                    float[] exact = Attend(cache);
                    for (int i = 0; i < exact.Length; i++)
                        Assert.True(Math.Abs(exact[i] - actual[i]) <= tolerance * 4, $"{type} {path} [{i}]: {actual[i]} != {exact[i]}");
                    double squares = exact.Zip(actual, (a, b) => (double)(a - b) * (a - b)).Average();
                    Assert.InRange(Math.Sqrt(squares), 0, tolerance);
                }
            }
        }
    }

    [Fact]
    public void GradientsOfQueriesReadWidenedKeys()
    {
        var random = new Generator(8);
        var query = Tensor.Normal([1, 2, 3, 32], random);
        query.RequiresGrad = true;
        Tensor key = Tensor.Normal([1, 2, 5, 32], random).To(DType.Float16), value = Tensor.Normal([1, 2, 5, 32], random).To(DType.Float16);
        Sum(ScaledDotProductAttention(query, key, value)).Backward();
        float[] actual = query.Grad!.ToFloats();
        query.Grad = null;
        Sum(ScaledDotProductAttention(query, key.To(DType.Float32), value.To(DType.Float32))).Backward();
        Assert.Equal(query.Grad!.ToFloats(), actual);
    }

    [Fact]
    public void OtherTypesAreErrors()
    {
        var query = Tensor.Ones([1, 1, 1, 32]);
        var error = Assert.Throws<ArgumentException>(() => ScaledDotProductAttention(query, query.To(DType.Q4_0), query));
        Assert.Contains("q4_0", error.Message);
        Assert.Contains("float64", Assert.Throws<ArgumentException>(() => ScaledDotProductAttention(query, query, query.To(DType.Float64))).Message);
    }

    /// <summary>Every half there is, by the emitted loop and by the portable one: infinities, NaNs and subnormals too.</summary>
    [Fact]
    public unsafe void EveryHalfIsWidenedExactly()
    {
        Half[] halves = [.. Enumerable.Range(0, 65536).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];
        float[] wide = new float[halves.Length];
        foreach (var path in Enum.GetValues<SimdPath>().Where(path => path <= Gemm.BestPath))
        {
            Gemm.Path = path;
            fixed (Half* source = halves)
            {
                fixed (float* target = wide)
                    KeyValueRows.Widen(DType.Float16, (byte*)source, 64 * sizeof(ushort), 1024, 64, target);
            }

            for (int i = 0; i < wide.Length; i++)
                Assert.Equal((float)halves[i], wide[i]);
        }
    }
}
