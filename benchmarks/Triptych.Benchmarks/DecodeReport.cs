using System.Diagnostics;
using System.Globalization;
using Triptych.Generation;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Benchmarks;

/// <summary>
/// Where the time of decoding goes: tokens of a LLaMA checkpoint, its products alone, and reading the same weights, by turns.
/// The memory of shared machines changes its speed from minute to minute, so only the ratios mean something.
/// </summary>
internal static unsafe class DecodeReport
{
    private const int Tokens = 16;

    public static int Run(string[] args)
    {
        if (args is not [var path, .. var rest] || rest is not ([] or ["--rounds", _]))
        {
            Console.Error.WriteLine("usage: decode MODEL [--rounds N]");
            return 2;
        }

        int rounds = rest.Length == 2 ? int.Parse(rest[1], CultureInfo.InvariantCulture) : 9;
        using var model = AutoModelForCausalLM.Load(path);
        var config = (LlamaConfig)model.Config;
        var generator = new TextGenerator(model);
        var ids = Tensor.From([1L], [1, 1]);
        var weights = model.Parameters;
        var head = weights.TryGetValue("lm_head.weight", out var untied) ? untied : weights["model.embed_tokens.weight"];
        var matrices = weights.Where(pair => pair.Value.Rank == 2 && pair.Key.Contains(".layers.", StringComparison.Ordinal)).Select(pair => pair.Value).Append(head).ToList();
        double bytes = matrices.Sum(matrix => (double)matrix.DType.BytesOf(matrix.Count));
        double[] decode = new double[rounds], products = new double[rounds], read = new double[rounds];
        for (int round = -1; round < rounds; round++)
        {
            double one = Seconds(() => Generate(1)), all = Seconds(() => Generate(1 + Tokens));
            double multiply = Seconds(() => Products(config, weights, head)), plain = Seconds(() => matrices.ForEach(Read));
            if (round < 0)
                continue;
            (decode[round], products[round], read[round]) = ((all - one) / Tokens, multiply, plain);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)}: {bytes / 1e6:F0} MB a token, medians of {rounds}"));
        foreach (var (name, seconds) in ((string, double[])[])[("reading", read), ("products", products), ("decoding", decode)])
        {
            double[] shares = [.. seconds.Select((value, i) => read[i] / value)];
            Array.Sort(shares);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {name,-10} {Median(seconds) * 1e3,7:F2} ms {bytes / Median(seconds) / 1e9,6:F1} GB/s {Median(shares),7:P1} of reading"));
        }

        return 0;

        void Generate(int count) => generator.Generate(
            ids, null, new GenerationOptions { MaxNewTokens = count, MinNewTokens = count, DoSample = false, NumBeams = 1 });
    }

    private static void Products(LlamaConfig config, IReadOnlyDictionary<string, Tensor> weights, Tensor head)
    {
        using var noGrad = Autograd.NoGrad();
        using var scope = new TensorScope();
        var narrow = Tensor.Ones([1, config.HiddenSize]);
        var wide = Tensor.Ones([1, config.IntermediateSize]);
        for (int i = 0; i < config.NumHiddenLayers; i++)
        {
            string layer = $"model.layers.{i}.";
            Functional.LinearGroup(narrow,
                [weights[layer + "self_attn.q_proj.weight"], weights[layer + "self_attn.k_proj.weight"], weights[layer + "self_attn.v_proj.weight"]]);
            Functional.Linear(narrow, weights[layer + "self_attn.o_proj.weight"]);
            Functional.GatedLinear(narrow, weights[layer + "mlp.gate_proj.weight"], weights[layer + "mlp.up_proj.weight"], Activation.Silu);
            Functional.Linear(wide, weights[layer + "mlp.down_proj.weight"]);
        }

        Functional.Linear(narrow, head);
    }

    private static void Read(Tensor matrix) => MachinePeak.Read((float*)matrix.Data, matrix.DType.BytesOf(matrix.Count) / sizeof(float));

    /// <summary>What a piece of work takes.</summary>
    internal static double Seconds(Action work)
    {
        long begin = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static double Median(double[] values) => Compare.Outcome.Median(values);
}
