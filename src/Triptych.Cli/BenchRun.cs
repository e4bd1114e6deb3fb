using System.Diagnostics;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Cli;

/// <summary>How long the two phases of a run took; decoding counts the tokens after the first.</summary>
internal readonly record struct BenchTimes(double PrefillSeconds, double DecodeSeconds);

/// <summary>One run of a benchmark: reads random tokens, then writes the likeliest ones with a cache, never ending early.</summary>
internal sealed class BenchRun(PretrainedModel model, int rows, int prefill, int decode, DType? cacheType = null)
{
    private const ulong Seed = 1;
    private readonly bool hasEncoder = model.Architecture.Family is ModelFamily.EncoderDecoder;

    /// <summary>Whether a model writes tokens.</summary>
    public static bool Generates(PretrainedModel model) => TextGenerator.CanGenerate(model);

    public BenchTimes Measure(CancellationToken cancellationToken)
    {
        using var scope = new TensorScope();
        using var cache = Generates(model) ? model.CreateCache(cacheType, (hasEncoder ? 1 : prefill) + decode) : null;
        var prompt = RandomIds();
        var start = hasEncoder ? Tensor.Full([rows, 1], StartToken(), DType.Int64) : null;

        var watch = Stopwatch.StartNew();
        var output = model.Forward(new ModelInputs { InputIds = prompt, DecoderInputIds = start, Cache = cache, LastLogitsOnly = cache is not null });
        if (cache is null)
            return new(watch.Elapsed.TotalSeconds, 0);
        var next = Likeliest(output);
        var encoded = hasEncoder ? new ModelOutput { LastHiddenState = output.EncoderLastHiddenState } : null;
        double prefillSeconds = watch.Elapsed.TotalSeconds;

        watch.Restart();
        for (int i = 0; i < decode; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = new TensorScope();
            var inputs = new ModelInputs { EncoderOutput = encoded, Cache = cache, LastLogitsOnly = true };
            inputs = hasEncoder ? inputs with { DecoderInputIds = next } : inputs with { InputIds = next };
            next = step.Keep(Likeliest(model.Forward(inputs)));
        }

        return new(prefillSeconds, watch.Elapsed.TotalSeconds);
    }

    private static Tensor Likeliest(ModelOutput output) => Functional.ArgMax(output.Logits!, -1);

    private int StartToken() =>
        new TextGenerator(model).Defaults.DecoderStartTokenId ?? model.Config.BosTokenId ?? 0;

    private Tensor RandomIds()
    {
        var generator = new Generator(Seed);
        long[] ids = new long[rows * prefill];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = (long)(generator.NextUInt64() % (ulong)model.Config.VocabSize);
        return Tensor.From(ids, [rows, prefill]);
    }
}
