using Triptych.Formats;
using Triptych.Models;
using Triptych.TestSupport;

namespace Triptych.Generation.Tests;

/// <summary>Greedy and beam search of whole models against transformers.</summary>
public sealed class SearchTests
{
    private const float Tolerance = 1e-4f;

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string model in (string[])["gpt2", "bart"])
            {
                foreach (var (name, _) in Goldens.Cases(model))
                    data.Add(model, name);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void MatchesTransformers(string model, string name)
    {
        using var golden = Goldens.Tensors($"{model}/search");
        var arguments = Goldens.Cases(model)[name]!.AsObject();
        string prompt = (string)arguments["prompt"]!;
        var result = new TextGenerator(Goldens.Model(model)).Generate(
            golden.Load($"{prompt}.in.input_ids"), golden.Load($"{prompt}.in.attention_mask"), Goldens.Options(arguments), TestContext.Current.CancellationToken);

        Assert.Equal(Goldens.Rows(golden.Load($"{name}.out.sequences")), result.Sequences);
        if (arguments["num_beams"] is null)
            return;
        float[] scores = golden.Load($"{name}.out.sequences_scores").ToFloats();
        Assert.Equal(scores.Length, result.SequencesScores!.Count);
        for (int i = 0; i < scores.Length; i++)
            Assert.Equal(scores[i], result.SequencesScores[i], Tolerance * MathF.Abs(scores[i]));
        Assert.Equal(Goldens.Rows(golden.Load($"{name}.out.beam_indices")), result.BeamIndices!);
    }

    [Theory]
    [InlineData("gpt2", "generate", true)]
    [InlineData("gpt2", "generate_batch", true)]
    [InlineData("gpt2", "generate_batch", false)]
    [InlineData("bart", "generate", true)]
    [InlineData("bart", "generate_batch", true)]
    [InlineData("bart", "generate_batch", false)]
    public void GreedyTokensAndLogitsMatchTransformersWithAndWithoutCache(string model, string prefix, bool useCache)
    {
        using var golden = Goldens.Tensors($"{model}/greedy");
        var result = new TextGenerator(Goldens.Model(model)).Generate(
            golden.Load($"{prefix}.in.input_ids"), golden.Load($"{prefix}.in.attention_mask"),
            new GenerationOptions { MaxNewTokens = 16, OutputLogits = true, UseCache = useCache }, TestContext.Current.CancellationToken);

        Assert.Equal(Goldens.Rows(golden.Load($"{prefix}.out.sequences")), result.Sequences);
        var expected = golden.Load($"{prefix}.out.new_logits");
        Assert.Equal(expected.Shape, result.NewLogits!.Shape);
        AssertClose(expected.ToFloats(), result.NewLogits.ToFloats());
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bart")]
    public void ForwardRunnerDecodesGreedily(string model)
    {
        string output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            ForwardRunner.Run(Fixtures.Path($"generation/{model}"), Fixtures.Path($"generation/{model}/greedy.safetensors"), output, (network, given) => GreedyDecoder.Decode(network, given));
            using var golden = Goldens.Tensors($"{model}/greedy");
            using var file = SafetensorsFile.Open(output);
            foreach (string prefix in (string[])["generate", "generate_batch"])
            {
                Assert.Equal(Goldens.Rows(golden.Load($"{prefix}.out.sequences")), Goldens.Rows(file.Load($"{prefix}.out.sequences")));
                AssertClose(golden.Load($"{prefix}.out.new_logits").ToFloats(), file.Load($"{prefix}.out.new_logits").ToFloats());
            }
        }
        finally
        {
            File.Delete(output);
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bart")]
    public void BeamSearchIsTheSameWithoutCache(string model)
    {
        using var golden = Goldens.Tensors($"{model}/search");
        var generator = new TextGenerator(Goldens.Model(model));
        var options = new GenerationOptions { NumBeams = 3, MaxNewTokens = 12, NumReturnSequences = 2 };
        var ids = golden.Load("batch.in.input_ids");
        var mask = golden.Load("batch.in.attention_mask");
        var with = generator.Generate(ids, mask, options, TestContext.Current.CancellationToken);
        var without = generator.Generate(ids, mask, options with { UseCache = false }, TestContext.Current.CancellationToken);
        Assert.Equal(with.Sequences, without.Sequences);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("bart")]
    public void RowsOfARaggedBatchAreWhatTheyAreAlone(string model)
    {
        var generator = new TextGenerator(Goldens.Model(model));
        int[][] prompts = [[5, 17, 33, 9, 40, 21, 8], [12, 44], [60, 7, 19, 25]];
        var options = new GenerationOptions { MaxNewTokens = 12, EosTokenIds = [] };
        var together = generator.Generate(prompts, options, TestContext.Current.CancellationToken);
        for (int row = 0; row < prompts.Length; row++)
        {
            var alone = generator.Generate([prompts[row]], options, TestContext.Current.CancellationToken);
            Assert.Equal(alone.Generated(0).ToArray(), together.Generated(row).ToArray());
        }
    }

    [Fact]
    public void MaskIsInferredFromThePaddingToken()
    {
        using var golden = Goldens.Tensors("gpt2/search");
        var generator = new TextGenerator(Goldens.Model("gpt2"));
        var ids = golden.Load("batch.in.input_ids");
        var given = generator.Generate(ids, golden.Load("batch.in.attention_mask"), cancellationToken: TestContext.Current.CancellationToken);
        var inferred = generator.Generate(ids, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(given.Sequences, inferred.Sequences);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        float scale = expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance * scale);
    }
}
