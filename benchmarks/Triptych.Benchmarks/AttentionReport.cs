using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>
/// Attention beside the machine's limits, timed in turns with them in one process: prefill as a share of the multiply-add peak,
/// decode as a share of the bandwidth at which as many bytes as the cache has can be read.
/// </summary>
internal static unsafe class AttentionReport
{
    private const int Rounds = 15;
    private const double SampleSeconds = 0.01;
    private const double WarmUpSeconds = 0.25;
    private const long MinCacheBytes = 160_000_000;
    private const int MaxLayers = 64;

    private static readonly DType[] s_types = [DType.Float32, DType.Float16, DType.BFloat16, DType.Q8_0];

    /// <summary>Cases whose name and type contain a text; all if it is null.</summary>
    public static void Run(string? match)
    {
        Console.WriteLine($"{"prefill",-44} {"keys",-9} {"GFLOP/s",9} {"peak",9} {"share",7} {"median",7}");
        foreach ((string name, Shape shape) in (ReadOnlySpan<(string, Shape)>)
        [
            ("bert-base 1x128", new(1, 12, 12, 128, 128, 64)),
            ("bert-base 8x128", new(8, 12, 12, 128, 128, 64)),
            ("bert-base 1x512", new(1, 12, 12, 512, 512, 64)),
            ("gpt2 512 causal", new(1, 12, 12, 512, 512, 64, Causal: true)),
            ("TinyLlama 128 causal", new(1, 32, 4, 128, 128, 64, Causal: true)),
            ("TinyLlama 512 causal", new(1, 32, 4, 512, 512, 64, Causal: true)),
            ("TinyLlama 512 behind 3584", new(1, 32, 4, 512, 4096, 64, Causal: true)),
            ("Llama-3 512 causal, head 128", new(1, 32, 8, 512, 512, 128, Causal: true)),
            ("phi 512 causal, head 80", new(1, 32, 32, 512, 512, 80, Causal: true)),
            ("gemma 512 causal, head 256", new(1, 8, 4, 512, 512, 256, Causal: true)),
            ("12 heads 2048", new(1, 12, 12, 2048, 2048, 64)),
            ("12 heads 2048 causal", new(1, 12, 12, 2048, 2048, 64, Causal: true)),
        ])
        {
            foreach (DType type in Matching(name, shape.KeyValueHeads < shape.Heads ? s_types : [DType.Float32], match))
                Prefill(name, shape, type);
        }

        Console.WriteLine($"{"decode",-44} {"keys",-9} {"us",9} {"GB/s",9} {"read",9} {"share",7} {"median",7}");
        foreach (int keys in (int[])[512, 8192])
        {
            foreach ((string name, Shape shape) in (ReadOnlySpan<(string, Shape)>)
            [
                ("gpt2, 12 heads", new(1, 12, 12, 1, keys, 64, Causal: true)),
                ("TinyLlama, 32 heads on 4", new(1, 32, 4, 1, keys, 64, Causal: true)),
                ("Llama-3, 32 heads on 8, head 128", new(1, 32, 8, 1, keys, 128, Causal: true)),
                ("TinyLlama, 8 sequences of 1/8..8/8 of", new(8, 32, 4, 1, keys, 64, Causal: true, Ragged: true)),
            ])
            {
                foreach (DType type in Matching($"{name} x {keys}", s_types, match))
                    Decode($"{name} x {keys}", shape, type);
            }
        }
    }

    private static IEnumerable<DType> Matching(string name, DType[] types, string? match) =>
        types.Where(type => match is null || $"{name} {type.Name()}".Contains(match, StringComparison.OrdinalIgnoreCase));

    private static void Prefill(string name, Shape shape, DType type)
    {
        using Case test = new(shape, type);
        double visible = shape.Causal ? shape.Keys - ((shape.Queries - 1) / 2.0) : shape.Keys;
        double operations = 4.0 * shape.Batch * shape.Heads * shape.HeadDim * shape.Queries * visible;
        (double[] attention, double[] peak) = Interleave(test.Run, MachinePeak.Multiply);
        double best = MachinePeak.Operations / peak[0] / 1e9;
        double median = operations / attention[Rounds / 2] / (MachinePeak.Operations / peak[Rounds / 2]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-44} {type.Name(),-9} {operations / attention[0] / 1e9,9:F1} {best,9:F1} {operations / attention[0] / 1e9 / best,7:P1} {median,7:P1}"));
    }

    /// <summary>As in a step of a model: each call reads the cache of another layer, all of them more than the processor's caches hold.</summary>
    private static void Decode(string name, Shape shape, DType type)
    {
        long layerFloats = type.BytesOf(2L * shape.Batch * shape.Keys * shape.KeyValueHeads * shape.HeadDim) / sizeof(float);
        int layers = (int)Math.Clamp(MinCacheBytes / sizeof(float) / layerFloats, 1, MaxLayers);
        using Case test = new(shape, type, layers);
        (double[] attention, double[] reading) = Interleave(test.RunLayers, () => MachinePeak.Read(test.Cache, layers * layerFloats));
        double bytes = layers * test.VisibleBytes, all = layers * layerFloats * sizeof(float);
        double rate = bytes / attention[0] / 1e9, best = all / reading[0] / 1e9;
        double median = bytes / attention[Rounds / 2] / (all / reading[Rounds / 2]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-44} {type.Name(),-9} {attention[0] / layers * 1e6,9:F1} {rate,9:F1} {best,9:F1} {rate / best,7:P1} {median,7:P1}"));
    }

    /// <summary>Sorted seconds of a call of both, run in turns after a warm-up; short ones are repeated within a sample.</summary>
    private static (double[] First, double[] Second) Interleave(Action first, Action second)
    {
        int firstRepeats = WarmUp(first), secondRepeats = WarmUp(second);
        double[] firstSeconds = new double[Rounds], secondSeconds = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            firstSeconds[round] = Time(first, firstRepeats);
            secondSeconds[round] = Time(second, secondRepeats);
        }

        Array.Sort(firstSeconds);
        Array.Sort(secondSeconds);
        return (firstSeconds, secondSeconds);
    }

    private static int WarmUp(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        for (; Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; count++)
            action();
        return Math.Max(1, (int)(count * SampleSeconds / WarmUpSeconds));
    }

    private static double Time(Action action, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    private sealed record Shape(
        int Batch, int Heads, int KeyValueHeads, int Queries, int Keys, int HeadDim, bool Causal = false, bool Ragged = false);

    /// <summary>Queries [batch, queries, heads, dim], as projections give them; keys and values the same way, or, in decoding and for
    /// a cache's types, [batch, heads, keys, dim].</summary>
    private sealed class Case : IDisposable
    {
        private readonly AttentionArguments[] _layers;
        private readonly float* _query, _output;
        private readonly byte* _key, _mask;

        public Case(Shape shape, DType type, int layers = 1)
        {
            long queries = (long)shape.Batch * shape.Queries * shape.Heads * shape.HeadDim;
            long keys = (long)shape.Batch * shape.Keys * shape.KeyValueHeads * shape.HeadDim;
            _query = (float*)Filled(queries, DType.Float32);
            _output = (float*)Filled(queries, DType.Float32);
            _key = Filled(2 * keys * layers, type);
            long layerBytes = type.BytesOf(keys);
            int width = shape.Heads * shape.HeadDim, keyWidth = shape.KeyValueHeads * shape.HeadDim;
            AttentionTensor Cached(byte* data) => shape.Queries == shape.Keys && type == DType.Float32
                ? new(data, (long)shape.Keys * keyWidth, shape.HeadDim, keyWidth)
                : new(data, (long)shape.Keys * keyWidth, (long)shape.Keys * shape.HeadDim, shape.HeadDim, type);
            long seen = (long)shape.Batch * shape.Keys;
            if (shape.Ragged)
            {
                _mask = (byte*)NativeMemory.AllocZeroed((nuint)seen);
                seen = 0;
                for (int row = 0; row < shape.Batch; row++)
                {
                    int length = shape.Keys * (row + 1) / shape.Batch;
                    new Span<byte>(_mask + ((long)(row + 1) * shape.Keys) - length, length).Fill(1);
                    seen += length;
                }
            }

            VisibleBytes = 2.0 * type.BytesOf(seen * keyWidth);
            _layers = new AttentionArguments[layers];
            for (int layer = 0; layer < layers; layer++)
            {
                _layers[layer] = new AttentionArguments
                {
                    Batch = shape.Batch,
                    Heads = shape.Heads,
                    KeyValueHeads = shape.KeyValueHeads,
                    Queries = shape.Queries,
                    Keys = shape.Keys,
                    HeadDim = shape.HeadDim,
                    ValueDim = shape.HeadDim,
                    Query = new(_query, (long)shape.Queries * width, shape.HeadDim, width),
                    Key = Cached(_key + (2 * layer * layerBytes)),
                    Value = Cached(_key + (((2 * layer) + 1) * layerBytes)),
                    Output = new(_output, (long)shape.Queries * width, shape.HeadDim, width),
                    Scale = 0.125f,
                    Causal = shape.Causal,
                    KeyPaddingMask = _mask,
                };
            }
        }

        /// <summary>Bytes of a layer's keys and values that some query sees.</summary>
        public double VisibleBytes { get; }

        /// <summary>Keys, then values.</summary>
        public float* Cache => (float*)_key;

        public void Run() => Attention.Forward(_layers[0]);

        public void RunLayers()
        {
            foreach (ref readonly AttentionArguments layer in _layers.AsSpan())
                Attention.Forward(layer);
        }

        public void Dispose()
        {
            NativeMemory.AlignedFree(_query);
            NativeMemory.AlignedFree(_output);
            NativeMemory.AlignedFree(_key);
            NativeMemory.Free(_mask);
        }

        private static byte* Filled(long count, DType type)
        {
            float* values = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)), 64);
            for (long i = 0; i < count; i++)
                values[i] = ((i * 7919) % 1013 / 1013f) - 0.5f;
            if (type == DType.Float32)
                return (byte*)values;
            byte* result = (byte*)NativeMemory.AlignedAlloc((nuint)type.BytesOf(count), 64);
            if (type == DType.Q8_0)
                BlockQuantization.Quantize(type, values, result, count);
            else
                Conversion.Run((byte*)values, DType.Float32, 1, result, type, 1, count);
            NativeMemory.AlignedFree(values);
            return result;
        }
    }
}
