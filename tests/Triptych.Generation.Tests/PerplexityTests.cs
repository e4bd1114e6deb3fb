using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Generation.Tests;

/// <summary>Perplexity and divergences against the formulas, term by term.</summary>
public sealed class PerplexityTests
{
    private static readonly int[] Text = [.. Enumerable.Range(0, 50).Select(i => 5 + (i * i * 7 % 40))];

    [Theory]
    [InlineData(12, null, null)]
    [InlineData(11, null, 1)]
    [InlineData(12, 5, null)]
    public void IsTheMeanOverThePredictedTokens(int context, int? stride, int? bos)
    {
        using var model = PretrainedModel.Load(Fixtures.Path("goldens/llama2"));
        var result = Perplexity.Measure(
            model, Text, new PerplexityOptions { Context = context, Stride = stride, BosTokenId = bos }, cancellationToken: TestContext.Current.CancellationToken);
        var losses = new List<double>();
        for (int start = 0; start + context <= Text.Length; start += stride ?? context)
        {
            long[] ids = [.. Text[start..(start + context)]];
            ids[0] = bos ?? ids[0];
            var logits = model.Forward(new ModelInputs { InputIds = Tensor.From(ids, [1, context]) }).Logits!.Select(0, 0);
            for (int i = stride is null ? context / 2 : context - stride.Value - 1; i < context - 1; i++)
                losses.Add(-Math.Log(Probabilities(logits.Select(0, i).ToFloats())[Text[start + i + 1]]));
        }

        double mean = losses.Average(), deviation = Math.Sqrt(losses.Sum(x => (x - mean) * (x - mean)) / losses.Count / (losses.Count - 1));
        Assert.Equal(losses.Count, result.Tokens);
        Assert.Equal(1 + ((Text.Length - context) / (stride ?? context)), result.Chunks);
        Assert.Equal(Math.Exp(mean), result.Perplexity, 1e-4 * result.Perplexity);
        Assert.Equal(Math.Exp(mean) * deviation, result.StandardError, 1e-3 * result.StandardError);
        Assert.Null(result.Difference);
    }

    [Fact]
    public void SeesWhatACacheCosts()
    {
        var config = new Gpt2Config { VocabSize = 60, NEmbd = 64, NHead = 2, NLayer = 2, NPositions = 64, InitializerRange = 0.3 };
        using var model = ModelRegistry.Create(config, "GPT2LMHeadModel", seed: 5);
        double Divergence(DType type) => Perplexity.Measure(model, Text, new PerplexityOptions { Context = 24, CacheType = type }, model,
            cancellationToken: TestContext.Current.CancellationToken).Difference!.MeanDivergence;
        Assert.Equal(0, Divergence(DType.Float32));
        Assert.InRange(Divergence(DType.Float16), 1e-12, 1e-6);
        Assert.InRange(Divergence(DType.BFloat16), 1e-9, 2e-3);
        Assert.InRange(Divergence(DType.Q8_0), 1e-9, 2e-3);
    }

    [Fact]
    public void ComparesWithAnotherModel()
    {
        using var model = PretrainedModel.Load(Fixtures.Path("goldens/llama2"));
        using var half = ModelRegistry.Load(Fixtures.Path("goldens/llama2"), options: new LoadOptions { DType = DType.BFloat16 });
        var options = new PerplexityOptions { Context = 16, MaxChunks = 2 };
        var reports = new List<PerplexityProgress>();
        var same = Perplexity.Measure(model, Text, options, model, new Collector(reports), TestContext.Current.CancellationToken).Difference!;
        Assert.Equal((0, 0, 0, 1), (same.MeanDivergence, same.MaxDivergence, same.MaxLogitDifference, same.SameTop));
        Assert.Equal([1, 2], reports.Select(report => report.Chunk));
        var result = Perplexity.Measure(half, Text, options, model, cancellationToken: TestContext.Current.CancellationToken);
        var near = result.Difference!;
        Assert.Equal(reports[^1].Perplexity, near.ReferencePerplexity, 1e-9);
        Assert.InRange(near.MeanDivergence, 1e-9, 1e-2);
        Assert.InRange(near.MaxLogitDifference, 1e-6, 1);
        Assert.InRange(near.MaxDivergence, near.MeanDivergence, 1);
    }

    [Theory]
    [InlineData(1e-6)]
    [InlineData(1e-2)]
    [InlineData(3)]
    public void DivergenceIsExactFromNearlyEqualToFarApart(double distance)
    {
        var generator = new Generator(1);
        float[] p = Tensor.Normal([500], generator, std: 3).ToFloats(), noise = Tensor.Normal([500], generator).ToFloats();
        float[] q = [.. p.Zip(noise, (x, n) => (float)(x + 5 + (n * distance)))];
        decimal expected = 0;
        double[] a = Probabilities(p), b = Probabilities(q);
        for (int i = 0; i < p.Length; i++)
            expected += (decimal)(a[i] * Math.Log(a[i] / b[i]));
        var (divergence, largest) = Perplexity.Divergence(p, q);
        Assert.Equal((double)expected, divergence, Math.Max(1e-6 * (double)expected, 1e-14));
        Assert.Equal(p.Zip(q, (x, y) => Math.Abs((double)x - y)).Max(), largest);
    }

    [Fact]
    public void WhatCannotBeMeasuredIsAnErrorThatSaysWhy()
    {
        using var model = PretrainedModel.Load(Fixtures.Path("goldens/llama2"));
        using var encoder = PretrainedModel.Load(Fixtures.Path("goldens/bert-mlm"));
        using var other = PretrainedModel.Load(Fixtures.Path("goldens/llama3"));
        Assert.Contains("fewer than a context of 60", Error(model, new PerplexityOptions { Context = 60 }));
        Assert.Contains("at least 2", Error(model, new PerplexityOptions { Context = 1 }));
        Assert.Contains("stride of 12", Error(model, new PerplexityOptions { Context = 12, Stride = 12 }));
        Assert.Contains("does not predict the next token", Error(encoder, new PerplexityOptions()));
        Assert.Contains("cannot be compared", Error(model, new PerplexityOptions { Context = 12 }, other));

        static string Error(PretrainedModel model, PerplexityOptions options, PretrainedModel? reference = null) =>
            Assert.Throws<ArgumentException>(() => Perplexity.Measure(model, Text, options, reference)).Message;
    }

    private static double[] Probabilities(float[] logits)
    {
        double max = logits.Max(), sum = logits.Sum(x => Math.Exp(x - max));
        return [.. logits.Select(x => Math.Exp(x - max) / sum)];
    }

    private sealed class Collector(List<PerplexityProgress> into) : IProgress<PerplexityProgress>
    {
        public void Report(PerplexityProgress value) => into.Add(value);
    }
}
