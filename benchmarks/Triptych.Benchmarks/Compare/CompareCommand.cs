using System.Globalization;
using System.Text.Json;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Benchmarks.Compare;

/// <summary>The table of ratios, row by row.</summary>
internal static class CompareCommand
{
    private const string Usage = """
        usage: benchmarks/compare [--work DIR] [--rounds N] [--only TEXT,..] [--peers "PREFIX"] [--dotllm DLL]
          --work DIR        where checkpoints are made, and found again (several GB)
          --rounds N        runs of each side, by turns (default 5)
          --only TEXT,..    rows whose work or peer contains one of the texts
          --dotllm DLL      DotLlmWorker.dll, built from benchmarks/peers/dotllm; without it dotLLM has no rows
          --peers "PREFIX"  comes before the commands of the peers: python3, llama-bench, llama-batched-bench
        """;

    // Multiply-adds of a forward pass: the weights of all layers, and twice queries times keys.
    private const double BertLayers = 12 * 12 * 768.0 * 768;
    private const double Gpt2Head = 50257 * 768.0;

    public static int Run(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string root = ".", work = Path.Combine(Path.GetTempPath(), "triptych-compare"), prefix = "";
        string? dotLlm = null;
        string[] only = [];
        int rounds = 5;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
                return Fail();
            string value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--root": root = value; break;
                case "--work": work = Path.GetFullPath(value); break;
                case "--peers": prefix = value; break;
                case "--dotllm": dotLlm = Path.GetFullPath(value); break;
                case "--only": only = value.Split(','); break;
                case "--rounds" when int.TryParse(value, out rounds) && rounds > 0: break;
                default: return Fail();
            }
        }

        Directory.CreateDirectory(work);
        int threads = WorkerPool.ThreadCount;
        string tool = Path.Combine(root, "src", "Triptych.Cli", "bin", "Release", "net10.0", OperatingSystem.IsWindows() ? "triptych.exe" : "triptych");
        var peers = new PeerTools(prefix.Split(' ', StringSplitOptions.RemoveEmptyEntries), Path.Combine(root, "benchmarks", "peers"), threads, dotLlm);
        var rows = Rows(new Checkpoints(work, tool), peers, root, threads)
            .Where(row => only.Length == 0 || only.Any(text => row.Work.Contains(text, StringComparison.Ordinal) || row.Peer.Contains(text, StringComparison.Ordinal)));

        Console.WriteLine($"{DateTime.UtcNow:yyyy-MM-dd}, {threads} threads, {rounds} rounds; limits: FMA {Ceilings.Multiply(threads) / 1e9:F0} GFLOP/s, "
            + $"bf16 {Ceilings.BFloat16(threads) / 1e9:F0}, int8 {Ceilings.Int8(threads) / 1e9:F0} GOP/s, memory now {Ceilings.Read() / 1e9:F1} GB/s\n");
        Console.WriteLine("| work | peer | ours | peer's | ratio | rounds | asked | of the limit |\n|---|---|---|---|---|---|---|---|");
        int failures = 0;
        foreach (var row in rows)
        {
            try
            {
                var outcome = Outcome.Of(row, rounds);
                double speed = row.Amount / Outcome.Median(outcome.Ours), theirs = row.Amount / Outcome.Median(outcome.Theirs), limit = Outcome.Median(outcome.Limits);
                Console.WriteLine($"| {row.Work} | {row.Peer} | {Speed(speed)} {row.Unit} | {Speed(theirs)} | **{outcome.Ratio:F2}** | "
                    + $"{outcome.Spread.Low:F2} to {outcome.Spread.High:F2} | {row.Asked} | {(limit > 0 ? $"{speed / limit:P0}" : "")} |");
            }
#pragma warning disable CA1031 // A row that fails, often for a peer that is not there, is reported; the others still count.
            catch (Exception error)
#pragma warning restore CA1031
            {
                failures++;
                Console.WriteLine($"| {row.Work} | {row.Peer} | {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")} | | | | {row.Asked} | |");
            }
        }

        return failures == 0 ? 0 : 1;

        static int Fail()
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
    }

    private static IEnumerable<Row> Rows(Checkpoints made, PeerTools peers, string root, int threads)
    {
        foreach (int size in (int[])[1024, 2048])
        {
            foreach (int count in ((int[])[1, threads]).Distinct())
                yield return Product(size, DType.Float32, "OpenBLAS", count, 0.97, Ceilings.Multiply);
        }

        yield return Product(2048, DType.BFloat16, "oneDNN", threads, 0.9, Ceilings.BFloat16);

        foreach (int batch in (int[])[8, 1])
        {
            yield return new(
                $"bert-base f32, {batch}x128", "ONNX Runtime", batch * 128, "tok/s", 1.10, () => Ceilings.Multiply(threads) / Encoder(BertLayers, 12, 128, causal: false),
                () => OurWork.Encode(made.BertBase(), batch, 128), () => peers.Python("onnx", ("folder", made.BertBase()), ("batch", batch), ("tokens", 128)));
        }

        yield return new(
            "distilbert f32, 8x128", "torch", 8 * 128, "tok/s", 1.25, () => Ceilings.Multiply(threads) / Encoder(BertLayers / 2, 6, 128, causal: false),
            () => OurWork.Encode(made.DistilBertBase(), 8, 128), () => peers.Python("encode", ("folder", made.DistilBertBase()), ("batch", 8), ("tokens", 128)));
        yield return new(
            "gpt2 f32, prefill 512", "torch", 512, "tok/s", 1.4, () => Ceilings.Multiply(threads) / Encoder(BertLayers, 12, 512, causal: true),
            () => OurWork.Prefill(made.Gpt2(), 512), () => peers.Python("prefill", ("folder", made.Gpt2()), ("tokens", 512)));
        yield return new(
            "gpt2 f32, decode 64", "torch", 64, "tok/s", 3.5, () => Ceilings.Read() / (4 * (BertLayers + Gpt2Head)),
            () => OurWork.Decode(made.Gpt2(), 1, 16, 64), () => peers.Python("decode", ("folder", made.Gpt2()), ("prompt", 16), ("tokens", 64)));
        yield return new(
            "bart-base f32, greedy summary, 512 in, 64 out", "torch", 64, "tok/s", 2.5, () => 0,
            () => OurWork.Summarize(made.BartBase(), 512, 64), () => peers.Python("summarize", ("folder", made.BartBase()), ("prompt", 512), ("tokens", 64)));

        foreach (var row in Llama("TinyLlama-1.1B", "tinyllama", Checkpoints.TinyLlama, made, peers, threads,
            [("bf16", 1.8, 1.2), ("q8_0", 2.2, 1.4), ("q4_0", 1.8, 1.25), ("q4_k_m", 1.7, 1.2)]))
        {
            yield return row;
        }

        foreach (var row in Llama("135M Llama", "llama-135m", Checkpoints.SmallLlama, made, peers, threads, [("q8_0", 1.5, 1.1)]))
            yield return row;

        string quantized = "q4_0";
        yield return new(
            "TinyLlama-1.1B Q4_0, 8 sequences at once, decode 64", "llama.cpp, 8 at once", 8 * 64, "tok/s", 1.5, () => 0,
            () => OurWork.Decode(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 8, 16, 64),
            () => peers.LlamaCpp(
                line => line.GetProperty("t_tg").GetDouble(),
                "llama-batched-bench", "-m", made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), "-c", "1024", "-npp", "16", "-ntg", "64", "-npl", "8",
                "-t", $"{threads}", "-tb", $"{threads}", "--output-format", "jsonl"));
        yield return new(
            "TinyLlama-1.1B Q4_0, 8 sequences at once, decode 64", "ours, 1 sequence, 8 times", 8 * 64, "tok/s", 3.5, () => 0,
            () => OurWork.Decode(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 8, 16, 64),
            () => new Scaled(OurWork.Decode(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 1, 16, 64), 8));
        yield return new(
            "TinyLlama-1.1B Q4_0, decode 16 behind 8,192 tokens", "llama.cpp, f16 cache", 16, "tok/s", 1.2,
            () => Ceilings.Read() / (Bytes(Checkpoints.TinyLlama, quantized) + Checkpoints.CacheBytes(Checkpoints.TinyLlama, 8192)),
            () => OurWork.Decode(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 1, 8192, 16),
            () => peers.LlamaCpp(Seconds, LlamaBench(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 0, 16, threads, "-d", "8192", "-fa", "1")),
            () => peers.LlamaCpp(Seconds, LlamaBench(made.Gguf("tinyllama", Checkpoints.TinyLlama, quantized), 0, 16, threads, "-d", "8192", "-fa", "0")));

        yield return new(
            "train step, GPT-2 4 layers x 256, vocabulary 8192, 8x256", "torch", 8 * 256, "tok/s", 1.6,
            () => Ceilings.Multiply(threads) / (3 * 2 * ((4 * 12 * 256.0 * 256) + (8192 * 256) + (4 * 2 * 256 * 256 / 2))),
            () => OurWork.TrainStep(8192), () => peers.Python("train", ("vocab", 8192)));

        string tool = made.Tool;
        yield return new(
            "cold start to the first classification", "transformers", 1, "runs/s", 5, () => 0,
            () => OurWork.Command(tool, "run", "text-classification", "A warm and funny film."),
            () => peers.Pipeline("text-classification", Path.Combine(root, "models", "distilbert-sentiment"), "A warm and funny film."));
        yield return new(
            "cold start to the first token", "transformers", 1, "runs/s", 5, () => 0,
            () => OurWork.Command(tool, "run", "text-generation", "Once upon a time", "--max-new-tokens", "1"),
            () => peers.Pipeline("text-generation", Path.Combine(root, "models", "gpt2-stories"), "Once upon a time"));

        Row Product(int size, DType type, string library, int count, double asked, Func<int, double> limit) => new(
            $"GEMM {(type == DType.Float32 ? "f32" : "bf16")} {size}^3, {count} thread{(count > 1 ? "s" : "")}", $"torch ({library})", 2.0 * size * size * size / 1e9,
            "GFLOP/s", asked, () => limit(count) / 1e9,
            () => new Threaded(OurWork.Gemm(size, type), count),
            () => (peers with { Threads = count }).Python("gemm", ("n", size), ("dtype", type.Name())));
    }

    private static IEnumerable<Row> Llama(
        string title, string name, LlamaConfig config, Checkpoints made, PeerTools peers, int threads, (string Format, double Prefill, double Decode)[] formats)
    {
        foreach (var (format, prefill, decode) in formats)
        {
            yield return new(
                $"{title} {format}, prefill 512", "llama.cpp", 512, "tok/s", prefill,
                () => (format == "bf16" ? Ceilings.BFloat16(threads) : Ceilings.Int8(threads)) / (2 * Checkpoints.LayerWeights(config)),
                () => OurWork.Prefill(made.Gguf(name, config, format), 512),
                () => peers.LlamaCpp(Seconds, LlamaBench(made.Gguf(name, config, format), 512, 0, threads)));
            yield return new(
                $"{title} {format}, decode 64", "llama.cpp", 64, "tok/s", decode, () => Ceilings.Read() / Bytes(config, format),
                () => OurWork.Decode(made.Gguf(name, config, format), 1, 1, 64),
                () => peers.LlamaCpp(Seconds, LlamaBench(made.Gguf(name, config, format), 0, 64, threads)));
            if (peers.DotLlm is null)
                continue;
            yield return new(
                $"{title} {format}, prefill 512", "dotLLM", 512, "tok/s", 5, () => 0,
                () => OurWork.Prefill(made.Gguf(name, config, format), 512), () => peers.DotLlmWorker(made.Gguf(name, config, format), 512, 0));
            yield return new(
                $"{title} {format}, decode 64", "dotLLM", 64, "tok/s", 2, () => 0,
                () => OurWork.Decode(made.Gguf(name, config, format), 1, 1, 64), () => peers.DotLlmWorker(made.Gguf(name, config, format), 1, 64));
        }
    }

    private static string[] LlamaBench(string path, int prompt, int tokens, int threads, params string[] more) =>
        ["llama-bench", "-m", path, "-p", $"{prompt}", "-n", $"{tokens}", "-t", $"{threads}", "-r", "1", "-o", "jsonl", .. more];

    private static double Seconds(JsonElement line) => line.GetProperty("avg_ns").GetDouble() / 1e9;

    // Operations a token: weights, and scores with their products.
    private static double Encoder(double weights, int layers, int tokens, bool causal) => 2 * (weights + (layers * 2 * 768.0 * tokens / (causal ? 2 : 1)));

    // Bytes that a decoded token reads: all weights but the embedding's table.
    private static double Bytes(LlamaConfig config, string format)
    {
        double bits = format switch { "bf16" => 16, "q8_0" => 8.5, "q4_0" => 4.5, _ => 4.85 };
        double head = (double)config.VocabSize * config.HiddenSize, headBits = format switch { "q4_0" or "q4_k_m" => 6.5625, _ => bits };
        return ((Checkpoints.LayerWeights(config) * bits) + (head * headBits)) / 8;
    }

    private static string Speed(double value) => value.ToString(value < 10 ? "F2" : value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);

    /// <summary>A contestant with a number of threads of its own.</summary>
    private sealed class Threaded(IContestant contestant, int threads) : IContestant
    {
        public double Run() => Ceilings.WithThreads(threads, contestant.Run);

        public void Dispose() => contestant.Dispose();
    }

    /// <summary>A contestant that has to run several times.</summary>
    private sealed class Scaled(IContestant contestant, int times) : IContestant
    {
        public double Run() => times * contestant.Run();

        public void Dispose() => contestant.Dispose();
    }
}
