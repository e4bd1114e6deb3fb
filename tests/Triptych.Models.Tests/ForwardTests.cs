using Triptych.Models.Decoders;
using Triptych.Models.EncoderDecoders;
using Triptych.Models.Encoders;
using Triptych.Tensors;

namespace Triptych.Models.Tests;

/// <summary>Inputs that do not fit, caches, dropout.</summary>
public sealed class ForwardTests
{
    private static readonly Gpt2Config SmallGpt2 = new() { VocabSize = 30, NEmbd = 16, NHead = 2, NLayer = 2, NPositions = 12, EosTokenId = 2, BosTokenId = 1 };

    private static readonly BartConfig SmallBart = new()
    {
        VocabSize = 30, DModel = 16, EncoderLayers = 1, DecoderLayers = 2, EncoderAttentionHeads = 2, DecoderAttentionHeads = 4,
        EncoderFfnDim = 24, DecoderFfnDim = 20, MaxPositionEmbeddings = 12,
    };

    private static readonly RobertaConfig SmallRoberta = new()
    {
        VocabSize = 30, HiddenSize = 16, NumAttentionHeads = 2, NumHiddenLayers = 1, IntermediateSize = 24, MaxPositionEmbeddings = 12,
    };

    [Fact]
    public void SequencesOverTheLimitAreErrorsThatNameIt()
    {
        using var gpt2 = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel");
        Assert.Contains("limit of 12 (n_positions)", Error(gpt2, Ids(1, 13)).Message);
        using var bart = ModelRegistry.Create(SmallBart, "BartForConditionalGeneration");
        Assert.Contains("limit of 12", Error(bart, Ids(1, 13)).Message);
        using var roberta = ModelRegistry.Create(SmallRoberta, "RobertaModel");
        roberta.Forward(new ModelInputs { InputIds = Ids(1, 10) });
        Assert.Contains("limit of 10", Error(roberta, Ids(1, 11)).Message);
    }

    [Fact]
    public void CacheCountsTowardsTheLimit()
    {
        using var model = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel");
        using var cache = model.CreateCache();
        model.Forward(new ModelInputs { InputIds = Ids(1, 10), Cache = cache });
        Assert.Throws<ArgumentException>(() => model.Forward(new ModelInputs { InputIds = Ids(1, 3), Cache = cache }));
    }

    [Fact]
    public void WrongInputsAreErrorsThatNameThem()
    {
        using var model = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel");
        Assert.Contains("input_ids are missing", Assert.Throws<ArgumentException>(() => model.Forward(new ModelInputs())).Message);
        Assert.Contains("empty", Error(model, Tensor.Empty([0, 4], DType.Int64)).Message);
        Assert.Contains("empty", Error(model, Tensor.Empty([2, 0], DType.Int64)).Message);
        Assert.Contains("vocabulary of 30", Error(model, Tensor.From(new long[] { 3, 30 }, [1, 2])).Message);
        Assert.Contains("-1 at token 0 of row 1", Error(model, Tensor.From(new long[] { 3, -1 }, [2, 1])).Message);
        Assert.Contains("float32", Error(model, Tensor.Ones([1, 2])).Message);
        Assert.Contains("attention_mask", Assert.Throws<ArgumentException>(
            () => model.Forward(new ModelInputs { InputIds = Ids(2, 4), AttentionMask = Tensor.Ones([2, 3], DType.Int64) })).Message);
        Assert.Contains("labels", Assert.Throws<ArgumentException>(
            () => model.Forward(new ModelInputs { InputIds = Ids(2, 4), Labels = Ids(2, 3) })).Message);
    }

    [Fact]
    public void DecoderWithCacheEqualsDecoderWithout()
    {
        using var model = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel", seed: 4);
        var ids = Ids(2, 9);
        float[] whole = Run(new ModelInputs { InputIds = ids }).ToFloats();
        using var cache = model.CreateCache();
        var parts = new List<Tensor>();
        int at = 0;
        foreach (int length in new[] { 4, 1, 1, 3 })
        {
            parts.Add(Run(new ModelInputs { InputIds = ids.Slice(1, at, length).Contiguous(), Cache = cache }));
            at += length;
        }

        Assert.Equal(9, cache.Length);
        AssertClose(whole, Functional.Concat(parts, 1).ToFloats());

        Tensor Run(ModelInputs inputs)
        {
            using var noGrad = Autograd.NoGrad();
            return model.Forward(inputs).Logits!;
        }
    }

    [Fact]
    public void LeftPaddedRowEqualsTheRowAlone()
    {
        using var model = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel", seed: 4);
        var alone = model.Forward(new ModelInputs { InputIds = Tensor.From(new long[] { 5, 6, 7 }, [1, 3]) }).Logits!;
        var padded = model.Forward(new ModelInputs
        {
            InputIds = Tensor.From(new long[] { 0, 0, 5, 6, 7, 9, 8, 7, 6, 5 }, [2, 5]),
            AttentionMask = Tensor.From(new long[] { 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 }, [2, 5]),
            PositionIds = Tensor.From(new long[] { 0, 0, 0, 1, 2, 0, 1, 2, 3, 4 }, [2, 5]),
        }).Logits!;
        AssertClose(alone.ToFloats(), padded.Select(0, 0).Slice(0, 2, 3).ToFloats());
    }

    [Fact]
    public void EncoderDecoderWithCachesEqualsWithoutAndFollowsReordering()
    {
        using var model = ModelRegistry.Create(SmallBart, "BartForConditionalGeneration", seed: 2);
        using var noGrad = Autograd.NoGrad();
        var source = Ids(2, 7);
        var target = Ids(2, 5);
        float[] whole = model.Forward(new ModelInputs { InputIds = source, DecoderInputIds = target }).Logits!.ToFloats();
        var encoded = model.Encode(new ModelInputs { InputIds = source });
        using var cache = model.CreateCache();
        var first = model.Forward(new ModelInputs { EncoderOutput = encoded, DecoderInputIds = target.Slice(1, 0, 4).Contiguous(), Cache = cache }).Logits!;
        var last = model.Forward(new ModelInputs { EncoderOutput = encoded, DecoderInputIds = target.Slice(1, 4, 1).Contiguous(), Cache = cache, LastLogitsOnly = true }).Logits!;
        AssertClose(whole, Functional.Concat([first, last], 1).ToFloats());

        cache.Truncate(4);
        cache.Reorder([1, 1, 0]);
        var swapped = Functional.IndexSelect(encoded.LastHiddenState!, 0, Tensor.From(new long[] { 1, 1, 0 }));
        var step = Functional.IndexSelect(target.Slice(1, 4, 1).To(DType.Float32), 0, Tensor.From(new long[] { 1, 1, 0 })).To(DType.Int64);
        var reordered = model.Forward(new ModelInputs { EncoderOutput = new ModelOutput { LastHiddenState = swapped }, DecoderInputIds = step, Cache = cache }).Logits!;
        AssertClose([.. last.Select(0, 1).ToFloats(), .. last.Select(0, 1).ToFloats(), .. last.Select(0, 0).ToFloats()], reordered.ToFloats());
    }

    [Fact]
    public void DropoutIsOnInTrainingOnlyAndSeeded()
    {
        using var model = ModelRegistry.Create(SmallGpt2, "GPT2LMHeadModel");
        float[] Logits() => model.Forward(new ModelInputs { InputIds = Ids(1, 6) }).Logits!.ToFloats();
        Assert.Equal(Logits(), Logits());
        model.Training = true;
        model.Generator = new Generator(1);
        float[] first = Logits(), second = Logits();
        Assert.NotEqual(first, second);
        model.Generator = new Generator(1);
        Assert.Equal(first, Logits());
    }

    [Fact]
    public void OutputsOutliveTheForwardPass()
    {
        using var model = ModelRegistry.Create(SmallBart, "BartForConditionalGeneration");
        model.RequiresGrad = false;
        var output = model.Forward(new ModelInputs { InputIds = Ids(2, 6), OutputHiddenStates = true });
        Assert.All(output.Fields(), field => Assert.All(field.Tensor.ToFloats(), x => Assert.True(float.IsFinite(x))));
        Assert.Equal(2, output.EncoderHiddenStates!.Count);
        Assert.Equal(3, output.DecoderHiddenStates!.Count);
    }

    private static ArgumentException Error(PretrainedModel model, Tensor ids) =>
        Assert.Throws<ArgumentException>(() => model.Forward(new ModelInputs { InputIds = ids }));

    private static Tensor Ids(int batch, int length) =>
        Tensor.From(Enumerable.Range(0, batch * length).Select(i => (long)(3 + (i * 7 % 26))).ToArray(), [batch, length]);

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float scale = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - (1e-5f * scale), expected[i] + (1e-5f * scale));
    }
}
