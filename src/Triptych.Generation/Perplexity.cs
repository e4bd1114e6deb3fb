using System.Diagnostics;
using System.Numerics.Tensors;
using Triptych.Models;
using Triptych.Tensors;
using Tensor = Triptych.Tensors.Tensor;

namespace Triptych.Generation;

/// <summary>How a text is cut into pieces that a model predicts.</summary>
public sealed record PerplexityOptions
{
    /// <summary>The tokens of a piece; 512, or the model's context where that is shorter.</summary>
    public int? Context { get; init; }

    /// <summary>The tokens from the start of one piece to the next, the last of which are predicted. Null: pieces lie side by side, and the
    /// second half of each is predicted, so that every prediction sees at least half a context.</summary>
    public int? Stride { get; init; }

    /// <summary>The most pieces to measure; null for the whole text.</summary>
    public int? MaxChunks { get; init; }

    /// <summary>Takes the place of each piece's first token, for models that were trained with it; null for none.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Reads keys and values from a cache of this type, one of <see cref="ModelCache.Types"/>, to see what it costs; null for none.
    /// The model that it is compared with has none.</summary>
    public DType? CacheType { get; init; }
}

/// <summary>How far a measurement has come.</summary>
/// <param name="Chunk">Pieces done.</param>
/// <param name="Chunks">Pieces in all.</param>
/// <param name="Perplexity">The perplexity so far.</param>
/// <param name="Elapsed">The time so far.</param>
public sealed record PerplexityProgress(int Chunk, int Chunks, double Perplexity, TimeSpan Elapsed);

/// <summary>How well a model predicts a text.</summary>
public sealed record PerplexityResult
{
    /// <summary>exp of the mean of -log p(token | tokens before it).</summary>
    public required double Perplexity { get; init; }

    /// <summary>The standard error of <see cref="Perplexity"/>.</summary>
    public required double StandardError { get; init; }

    /// <summary>The tokens that were predicted.</summary>
    public required int Tokens { get; init; }

    /// <summary>The pieces of text.</summary>
    public required int Chunks { get; init; }

    /// <summary>The tokens of a piece.</summary>
    public required int Context { get; init; }

    /// <summary>The time it took, the other model's left out.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Tokens read a second.</summary>
    public double TokensPerSecond => (double)Chunks * Context / Elapsed.TotalSeconds;

    /// <summary>How far the predictions are from another model's; null where none was given.</summary>
    public PredictionDifference? Difference { get; init; }
}

/// <summary>How far a model's predictions are from those of a reference, such as the same weights unquantized.</summary>
public sealed record PredictionDifference
{
    /// <summary>The reference's perplexity on the same tokens.</summary>
    public required double ReferencePerplexity { get; init; }

    /// <summary>The mean of the Kullback-Leibler divergences sum(p log(p / q)), p the reference's distribution and q the model's.</summary>
    public required double MeanDivergence { get; init; }

    /// <summary>The standard error of <see cref="MeanDivergence"/>.</summary>
    public required double DivergenceError { get; init; }

    /// <summary>The largest divergence of a token.</summary>
    public required double MaxDivergence { get; init; }

    /// <summary>The largest difference of two logits.</summary>
    public required double MaxLogitDifference { get; init; }

    /// <summary>The share of tokens where both find the same one most likely.</summary>
    public required double SameTop { get; init; }
}

/// <summary>
/// The perplexity of a language model on a text, by the convention of llama.cpp's llama-perplexity, so that figures can be compared: pieces of
/// a context's length, each read from the start, of which the second half is predicted.
/// </summary>
public static class Perplexity
{
    private const int DefaultContext = 512;

    /// <summary>Measures how well a model predicts a text.</summary>
    /// <param name="model">A decoder with a language-model head.</param>
    /// <param name="tokens">The text, as the model's tokenizer gives it.</param>
    /// <param name="options">How the text is cut.</param>
    /// <param name="reference">Another model of the same vocabulary to compare the predictions with, or null.</param>
    /// <param name="progress">Told after each piece.</param>
    /// <param name="cancellationToken">Stops it between pieces.</param>
    /// <exception cref="ArgumentException">The model predicts no text, the text is too short, or the options or vocabularies do not fit.</exception>
    public static PerplexityResult Measure(
        PretrainedModel model,
        IReadOnlyList<int> tokens,
        PerplexityOptions? options = null,
        PretrainedModel? reference = null,
        IProgress<PerplexityProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokens);
        options ??= new PerplexityOptions();
        var (context, stride, predicted) = Plan(model, options);
        CheckReference(model, reference, context);
        if (tokens.Count < context)
            throw new ArgumentException($"the text has {tokens.Count} tokens, fewer than a context of {context}", nameof(tokens));
        int chunks = Math.Min(1 + ((tokens.Count - context) / stride), options.MaxChunks ?? int.MaxValue);

        using var noGrad = Autograd.NoGrad();
        Mean loss = new(), referenceLoss = new(), divergence = new();
        double largestLogit = 0;
        int sameTop = 0;
        var own = new Stopwatch();
        var total = Stopwatch.StartNew();
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = new TensorScope();
            long[] ids = [.. tokens.Skip(chunk * stride).Take(context).Select(id => (long)id)];
            long[] targets = ids[^predicted..];
            ids[0] = options.BosTokenId ?? ids[0];
            own.Start();
            var logits = Predict(model, ids, predicted, options.CacheType);
            Add(ref loss, logits, targets);
            own.Stop();
            if (reference is not null)
            {
                var expected = Predict(reference, ids, predicted, cacheType: null);
                Add(ref referenceLoss, expected, targets);
                for (int row = 0; row < predicted; row++)
                {
                    ReadOnlySpan<float> p = expected.Select(0, row).AsSpan<float>(), q = logits.Select(0, row).AsSpan<float>();
                    var (nats, furthest) = Divergence(p, q);
                    divergence.Add(nats);
                    largestLogit = Math.Max(largestLogit, furthest);
                    sameTop += TensorPrimitives.IndexOfMax(p) == TensorPrimitives.IndexOfMax(q) ? 1 : 0;
                }
            }

            progress?.Report(new PerplexityProgress(chunk + 1, chunks, Math.Exp(loss.Value), total.Elapsed));
        }

        return new PerplexityResult
        {
            Perplexity = Math.Exp(loss.Value),
            StandardError = Math.Exp(loss.Value) * loss.StandardError,
            Tokens = loss.Count,
            Chunks = chunks,
            Context = context,
            Elapsed = own.Elapsed,
            Difference = reference is null ? null : new PredictionDifference
            {
                ReferencePerplexity = Math.Exp(referenceLoss.Value),
                MeanDivergence = divergence.Value,
                DivergenceError = divergence.StandardError,
                MaxDivergence = divergence.Largest,
                MaxLogitDifference = largestLogit,
                SameTop = (double)sameTop / loss.Count,
            },
        };
    }

    private static (int Context, int Stride, int Predicted) Plan(PretrainedModel model, PerplexityOptions options)
    {
        if (model.Architecture.Family != ModelFamily.DecoderOnly || model.Architecture.ForTask("text-generation")?.Name != model.ClassName)
            throw new ArgumentException($"{model.ClassName} does not predict the next token of a text", nameof(model));
        var size = model.Config.Dimensions;
        int context = options.Context ?? Math.Min(DefaultContext, size.ContextLength);
        if (context < 2 || (size.HasPositionTable && context > size.ContextLength))
            throw new ArgumentException($"a context of {context} tokens: it has at least 2, and the model reads {size.ContextLength}", nameof(options));
        if (options.Stride is { } wanted && (wanted < 1 || wanted >= context))
            throw new ArgumentException($"a stride of {wanted} tokens is not within a context of {context}", nameof(options));
        if (options.MaxChunks is < 1)
            throw new ArgumentException($"{options.MaxChunks} pieces of text are none", nameof(options));

        // The token in the middle predicts the first one that counts.
        return (context, options.Stride ?? context, options.Stride ?? (context - (context / 2) - 1));
    }

    private static void CheckReference(PretrainedModel model, PretrainedModel? reference, int context)
    {
        if (reference is null)
            return;
        Plan(reference, new PerplexityOptions { Context = context });
        if (reference.Config.VocabSize != model.Config.VocabSize)
            throw new ArgumentException($"vocabularies of {model.Config.VocabSize} and {reference.Config.VocabSize} tokens cannot be compared", nameof(reference));
    }

    /// <summary>The logits of the last tokens of a piece, [predicted, vocabulary].</summary>
    private static Tensor Predict(PretrainedModel model, long[] ids, int predicted, DType? cacheType)
    {
        using var cache = cacheType is null ? null : model.CreateCache(cacheType, ids.Length);
        var logits = model.Forward(new ModelInputs { InputIds = Tensor.From(ids, [1, ids.Length]), Cache = cache }).Logits!;
        return logits.Select(0, 0).Slice(0, ids.Length - 1 - predicted, predicted);
    }

    private static void Add(ref Mean loss, Tensor logits, long[] targets)
    {
        var logProbabilities = Functional.LogSoftmax(logits);
        for (int row = 0; row < targets.Length; row++)
            loss.Add(-logProbabilities.Select(0, row).AsSpan<float>()[(int)targets[row]]);
    }

    /// <summary>sum(p log(p / q)) of two distributions by their logits, and the largest difference of the logits. With d the difference of the
    /// logits less its mean under p, it is log(sum(p e^d)) = log(1 + sum(p (e^d - 1 - d))): a sum of positive terms, which keeps its
    /// precision where the distributions are nearly the same.</summary>
    internal static (double Divergence, double MaxDifference) Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var probabilities = new double[p.Length];
        var differences = new double[p.Length];
        double max = TensorPrimitives.Max(p), largest = 0;
        for (int i = 0; i < p.Length; i++)
        {
            probabilities[i] = p[i] - max;
            differences[i] = (double)q[i] - p[i];
            largest = Math.Max(largest, Math.Abs(differences[i]));
        }

        TensorPrimitives.Exp(probabilities, probabilities);
        TensorPrimitives.Divide(probabilities, TensorPrimitives.Sum<double>(probabilities), probabilities);
        TensorPrimitives.Subtract(differences, TensorPrimitives.Dot<double>(probabilities, differences), differences);
        double excess = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double d = differences[i];
            excess += probabilities[i] * (Math.Abs(d) < 1e-3 ? d * d * (0.5 + (d / 6)) : Math.Exp(d) - 1 - d);
        }

        return (Math.Log(1 + excess), largest);
    }

    /// <summary>A running mean with its standard error.</summary>
    private struct Mean
    {
        private double sum, squares;

        public int Count { get; private set; }

        public double Largest { get; private set; }

        public readonly double Value => sum / Count;

        public readonly double StandardError => Count < 2 ? 0 : Math.Sqrt(Math.Max(0, (squares / Count) - (Value * Value)) / (Count - 1));

        public void Add(double value)
        {
            sum += value;
            squares += value * value;
            Largest = Math.Max(Largest, value);
            Count++;
        }
    }
}
