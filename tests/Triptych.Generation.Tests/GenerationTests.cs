using Triptych.Models;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Generation.Tests;

/// <summary>Lengths, sampling, streaming, cancellation and errors.</summary>
public sealed class GenerationTests
{
    private static readonly int[] Prompt = [5, 17, 33, 9];

    private static TextGenerator Generator => new(Goldens.Model("gpt2"));

    private static GenerationOptions Endless => new() { EosTokenIds = [] };

    [Fact]
    public void DefaultIsTwentyNewTokens()
    {
        var result = Generate(Endless);
        Assert.Equal(20, result.NewTokens[0]);
        Assert.Equal(24, result.Sequences[0].Length);
    }

    [Fact]
    public void MaxLengthCountsThePromptAndMaxNewTokensWins()
    {
        Assert.Equal(10, Generate(Endless with { MaxLength = 10 }).Sequences[0].Length);
        Assert.Equal(7, Generate(Endless with { MaxLength = 10, MaxNewTokens = 3 }).Sequences[0].Length);
    }

    [Fact]
    public void ExplicitLengthHidesTheDefaultOfTheOtherSpelling()
    {
        var generator = new TextGenerator(Goldens.Model("gpt2")) { Defaults = new GenerationOptions { MaxNewTokens = 5 } };
        Assert.Equal(9, generator.Generate([Prompt], cancellationToken: TestContext.Current.CancellationToken).Sequences[0].Length);
        Assert.Equal(12, generator.Generate([Prompt], new GenerationOptions { MaxLength = 12 }, TestContext.Current.CancellationToken).Sequences[0].Length);
    }

    [Fact]
    public void EndlessDefaultsStopAtThePositionLimitAndExplicitOnesAreAnError()
    {
        var model = Goldens.Model("gpt2");
        int limit = model.Config.Dimensions.ContextLength;
        var generator = new TextGenerator(model) { Defaults = new GenerationOptions { MaxNewTokens = 10_000 } };
        Assert.Equal(limit, generator.Generate([Prompt], Endless, TestContext.Current.CancellationToken).Sequences[0].Length);
        var error = Assert.Throws<ArgumentException>(() => Generate(Endless with { MaxNewTokens = 10_000 }));
        Assert.Contains($"{limit} positions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PromptOverTheLimitIsAnError()
    {
        int limit = Goldens.Model("gpt2").Config.Dimensions.ContextLength;
        var error = Assert.Throws<ArgumentException>(() => Generator.Generate([new int[limit + 1]], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains($"{limit + 1} tokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SeedRepeatsTheDrawsAndOtherSeedsDiffer()
    {
        var options = Endless with { DoSample = true, Temperature = 1.5, TopK = 0, MaxNewTokens = 16, Seed = 7 };
        Assert.Equal(Generate(options).Sequences, Generate(options).Sequences);
        Assert.NotEqual(Generate(options).Sequences, Generate(options with { Seed = 8 }).Sequences);
    }

    /// <summary>Beams reorder the cache, rows of different length share it: both repeat exactly in every type, and what is close to
    /// float32 takes the same tokens.</summary>
    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Q8_0)]
    public void EveryCacheTypeGeneratesRepeatably(DType type)
    {
        var config = new Gpt2Config { VocabSize = 60, NEmbd = 64, NHead = 2, NLayer = 2, NPositions = 64, InitializerRange = 0.4 };
        using var model = ModelRegistry.Create(config, "GPT2LMHeadModel", seed: 5);
        var generator = new TextGenerator(model);
        int[][] prompts = [Prompt, [7, 3, 3, 8, 12, 44, 9]];
        foreach (int beams in (int[])[1, 3])
        {
            var options = Endless with { NumBeams = beams, MaxNewTokens = 24, PadTokenId = 0, CacheType = type };
            int[][] Sequences(GenerationOptions with) => [.. generator.Generate(prompts, with, TestContext.Current.CancellationToken).Sequences];
            int[][] first = Sequences(options);
            Assert.Equal(first, Sequences(options));
            if (type is DType.Float32 or DType.Float16)
                Assert.Equal(Sequences(options with { UseCache = false }), first);
        }
    }

    [Fact]
    public void ACacheTypeThatDoesNotFitTheHeadsIsAnError()
    {
        var error = Assert.Throws<ArgumentException>(() => Generate(Endless with { CacheType = DType.Q8_0 }));
        Assert.Contains("multiple of 32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SequencesOfOnePromptDiffer()
    {
        var result = Generate(Endless with { DoSample = true, Temperature = 2, TopK = 0, NumReturnSequences = 4, Seed = 1 });
        Assert.Equal(4, result.Sequences.Select(row => string.Join(",", row)).Distinct().Count());
        Assert.All(result.Sequences, row => Assert.Equal(Prompt, row[..4]));
    }

    [Fact]
    public void SampledTokensFollowTheProbabilities()
    {
        var logits = Generate(Endless with { MaxNewTokens = 1, OutputLogits = true }).NewLogits!.ToFloats();
        double[] p = [.. logits.Select(x => Math.Exp(x))];
        double sum = p.Sum();
        const int Draws = 4000;
        var result = Generate(Endless with { MaxNewTokens = 1, DoSample = true, TopK = 0, NumReturnSequences = Draws, Seed = 3 });
        int[] counts = new int[p.Length];
        foreach (int[] row in result.Sequences)
            counts[row[^1]]++;
        // Pearson's statistic over cells of at least 5 expected draws; 137 degrees of freedom give 200 in 1 of 3000 runs.
        double statistic = Enumerable.Range(0, p.Length).Where(i => p[i] / sum * Draws >= 5)
            .Sum(i => Math.Pow(counts[i] - (p[i] / sum * Draws), 2) / (p[i] / sum * Draws));
        Assert.InRange(statistic, 50, 200);
    }

    [Fact]
    public void TopKOneIsGreedy()
    {
        var greedy = Generate(Endless);
        var sampled = Generate(Endless with { DoSample = true, TopK = 1, Seed = 5 });
        Assert.Equal(greedy.Sequences, sampled.Sequences);
    }

    [Fact]
    public void BeamSamplingRepeatsWithItsSeed()
    {
        var options = Endless with { DoSample = true, NumBeams = 3, NumReturnSequences = 2, MaxNewTokens = 8, Seed = 11 };
        Assert.Equal(Generate(options).Sequences, Generate(options).Sequences);
        Assert.NotEqual(Generate(options).Sequences, Generate(options with { Seed = 12 }).Sequences);
    }

    [Fact]
    public void RowsThatEndAreFilledWithPadding()
    {
        var free = Generate(Endless with { MaxNewTokens = 12 });
        int eos = free.Generated(0)[3];
        int end = free.Generated(0).IndexOf(eos) + 1;
        var result = Generator.Generate([Prompt, [60, 7, 19, 25]],
            new GenerationOptions { EosTokenIds = [eos], PadTokenId = 0, MaxNewTokens = 12 }, TestContext.Current.CancellationToken);
        Assert.Equal(end, result.NewTokens[0]);
        Assert.Equal(eos, result.Generated(0)[^1]);
        Assert.All(result.Sequences[0][(4 + end)..], id => Assert.Equal(0, id));
    }

    [Fact]
    public async Task StreamYieldsTheTokensOfGenerate()
    {
        var expected = Generate(Endless with { MaxNewTokens = 15 });
        List<int> streamed = [];
        await foreach (int id in Generator.StreamAsync(Prompt, Endless with { MaxNewTokens = 15 }, TestContext.Current.CancellationToken))
            streamed.Add(id);
        Assert.Equal(expected.Generated(0).ToArray(), streamed);
    }

    [Fact]
    public async Task StreamStopsWhenCancelled()
    {
        using var source = new CancellationTokenSource();
        int count = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int id in Generator.StreamAsync(Prompt, Endless with { MaxNewTokens = 40 }, source.Token))
            {
                if (++count == 3)
                    await source.CancelAsync();
            }
        });
        Assert.Equal(3, count);
    }

    [Fact]
    public void CancelledGenerationThrows()
    {
        Assert.Throws<OperationCanceledException>(() => Generator.Generate([Prompt], cancellationToken: new CancellationToken(true)));
    }

    [Fact]
    public async Task BeamsDoNotStream()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () =>
        {
            await foreach (int id in Generator.StreamAsync(Prompt, new GenerationOptions { NumBeams = 2 }, TestContext.Current.CancellationToken))
                Assert.Fail("a token came");
        });
    }

    [Fact]
    public void MaxTimeEndsAllRows()
    {
        var result = Generate(Endless with { MaxNewTokens = 50, MaxTime = TimeSpan.Zero });
        Assert.Equal(1, result.NewTokens[0]);
    }

    [Fact]
    public void OwnProcessorsApply()
    {
        var result = Generate(Endless with { LogitsProcessors = [new Only(42)], MaxNewTokens = 3 });
        Assert.Equal([42, 42, 42], result.Generated(0).ToArray());
    }

    [Fact]
    public void ExcludingEveryTokenIsAnError()
    {
        Assert.Throws<InvalidOperationException>(() => Generate(Endless with { SuppressTokens = [.. Enumerable.Range(0, 137)] }));
    }

    [Fact]
    public void EmptyPromptBeginsWithTheBosToken()
    {
        var result = Generator.Generate([[]], Endless, TestContext.Current.CancellationToken);
        Assert.Equal(Goldens.Model("gpt2").GenerationConfig!.BosTokenId!.First, result.Sequences[0][0]);
    }

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void OptionsThatCannotBeMetAreNamed(string name, GenerationOptions options)
    {
        var error = Assert.Throws<ArgumentException>(() => Generate(options));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, GenerationOptions> BadOptions => new()
    {
        { "Temperature", new() { DoSample = true, Temperature = 0 } },
        { "Temperature", new() { DoSample = true, Temperature = double.NaN } },
        { "TopP", new() { DoSample = true, TopP = 1.5 } },
        { "TopK", new() { DoSample = true, TopK = -1 } },
        { "NumBeams", new() { NumBeams = 0 } },
        { "NumReturnSequences", new() { NumReturnSequences = 2 } },
        { "NumReturnSequences", new() { NumReturnSequences = 3, NumBeams = 2 } },
        { "MaxNewTokens", new() { MaxNewTokens = 0 } },
        { "MaxLength", new() { MaxLength = 4 } },
        { "RepetitionPenalty", new() { RepetitionPenalty = 0 } },
        { "least length", new() { MinNewTokens = 9, MaxNewTokens = 8 } },
        { "EosTokenIds", new() { EosTokenIds = [5000] } },
        { "tokenizer", new() { StopStrings = ["."] } },
    };

    [Fact]
    public void TokenIdsOutsideOfTheVocabularyAreNamed()
    {
        var error = Assert.Throws<ArgumentException>(() => Generator.Generate([[5, 99999]], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("99999", error.Message, StringComparison.Ordinal);
    }

    private static GenerationResult Generate(GenerationOptions options) => Generator.Generate([Prompt], options, TestContext.Current.CancellationToken);

    private sealed class Only(int id) : LogitsProcessor
    {
        public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
        {
            scores.Fill(float.NegativeInfinity);
            scores[id] = 0;
        }
    }
}
