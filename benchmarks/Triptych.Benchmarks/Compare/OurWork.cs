using System.Diagnostics;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Tensors;
using Triptych.Training;

namespace Triptych.Benchmarks.Compare;

/// <summary>Our side of each row, through the library that users call.</summary>
internal static class OurWork
{
    public static IContestant Gemm(int n, DType type)
    {
        var a = Tensor.Normal([n, n], new Generator(1));
        var b = Tensor.Normal([n, n], new Generator(2)).To(type);
        return Timed(() => Functional.MatMul(a, b), a, b);
    }

    public static IContestant Encode(string folder, int batch, int tokens)
    {
        var model = AutoModel.Load(folder);
        var ids = Ids(batch, tokens);
        var mask = Tensor.Ones([batch, tokens], DType.Int64);
        return Timed(() => model.Forward(new ModelInputs { InputIds = ids, AttentionMask = mask }), model);
    }

    /// <summary>The prompt into the cache, and the logits of its last token.</summary>
    public static IContestant Prefill(string path, int tokens)
    {
        var model = AutoModelForCausalLM.Load(path);
        var ids = Ids(1, tokens);
        return Timed(
            () =>
            {
                using var cache = model.CreateCache();
                model.Forward(new ModelInputs { InputIds = ids, Cache = cache, LastLogitsOnly = true });
            },
            model);
    }

    /// <summary>Seconds of the tokens after the first, for all rows at once.</summary>
    public static IContestant Decode(string path, int batch, int prompt, int tokens)
    {
        var model = AutoModelForCausalLM.Load(path);
        var generator = new TextGenerator(model);
        var ids = Ids(batch, prompt);
        return new Ours(
            () =>
            {
                long begin = Stopwatch.GetTimestamp();
                Generate(generator, ids, 1);
                long middle = Stopwatch.GetTimestamp();
                Generate(generator, ids, 1 + tokens);
                return (Stopwatch.GetElapsedTime(middle) - Stopwatch.GetElapsedTime(begin, middle)).TotalSeconds;
            },
            model);
    }

    public static IContestant Summarize(string folder, int prompt, int tokens)
    {
        var model = AutoModelForSeq2SeqLM.Load(folder);
        var generator = new TextGenerator(model);
        var ids = Ids(1, prompt);
        return Timed(() => Generate(generator, ids, tokens), model);
    }

    public static IContestant TrainStep(int vocabulary)
    {
        var config = new Gpt2Config
        {
            VocabSize = vocabulary, NEmbd = 256, NLayer = 4, NHead = 4, NPositions = 256, ResidPdrop = 0, EmbdPdrop = 0, AttnPdrop = 0,
        };
        var model = ModelRegistry.Create(config, "GPT2LMHeadModel");
        var options = new TrainingOptions { LearningRate = 3e-4 };
        var step = new TrainingStep(model, new LearningRateSchedule(ScheduleKind.Constant, 3e-4, 0, int.MaxValue), options);
        var ids = Ids(8, 256, vocabulary);
        var batch = new TrainingBatch(new ModelInputs { InputIds = ids, Labels = ids }, null, 8 * 255, 8 * 256);
        return new Ours(
            () =>
            {
                long begin = Stopwatch.GetTimestamp();
                step.Take(batch);
                return Stopwatch.GetElapsedTime(begin).TotalSeconds;
            },
            model);
    }

    /// <summary>A process of the command-line tool, from its start to its end.</summary>
    public static IContestant Command(string tool, params string[] arguments) => new Ours(() =>
    {
        long begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? Stopwatch.GetElapsedTime(begin).TotalSeconds
            : throw new InvalidOperationException($"{tool} {string.Join(' ', arguments)}: {process.StandardError.ReadToEnd()}");
    });

    private static void Generate(TextGenerator generator, Tensor ids, int tokens) => generator.Generate(
        ids, null, new GenerationOptions { MaxNewTokens = tokens, MinNewTokens = tokens, DoSample = false, NumBeams = 1 });

    private static Tensor Ids(int batch, int tokens, int vocabulary = 30000)
    {
        var random = new Random(0);
        long[] ids = [.. Enumerable.Range(0, batch * tokens).Select(_ => (long)random.Next(3, vocabulary))];
        return Tensor.From(ids, [batch, tokens]);
    }

    private static Ours Timed(Action work, params IDisposable?[] owned) => new(
        () =>
        {
            using var scope = new TensorScope();
            using var noGrad = Autograd.NoGrad();
            long begin = Stopwatch.GetTimestamp();
            work();
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        },
        owned);
}
