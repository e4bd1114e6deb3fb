using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Models.Tests;

/// <summary>Caches of every type.</summary>
public sealed class CacheTests
{
    private static readonly Gpt2Config Gpt2 = new() { VocabSize = 30, NEmbd = 64, NHead = 2, NLayer = 2, NPositions = 400, EosTokenId = 2, BosTokenId = 1 };

    public static TheoryData<DType> Types => [.. ModelCache.Types];

    [Theory]
    [MemberData(nameof(Types))]
    public void TokensComeBackAsTheyWereStored(DType type)
    {
        using var cache = new ModelCache(1, type: type, capacity: 3);
        var layer = cache.Self(0);
        Assert.Throws<InvalidOperationException>(() => layer.Current);
        var random = new Generator(3);
        Tensor keys = Tensor.Normal([2, 3, 75, 32], random), values = Tensor.Normal([2, 3, 75, 32], random);
        int at = 0;
        foreach (int added in (int[])[2, 1, 1, 40, 1, 30])
        {
            var (allKeys, allValues) = layer.Update(keys.Slice(2, at, added), values.Slice(2, at, added));
            at += added;
            AssertHeld(keys.Slice(2, 0, at), allKeys);
            AssertHeld(values.Slice(2, 0, at), allValues);
        }

        Assert.Equal(75, cache.Length);
        Assert.InRange(cache.Bytes, 2 * type.BytesOf(2 * 3 * 75 * 32), 2 * type.BytesOf(2 * 3 * 116 * 32));

        cache.Reorder([1, 1, 0]);
        AssertHeld(Functional.Concat([keys.Slice(0, 1, 1), keys.Slice(0, 1, 1), keys.Slice(0, 0, 1)], 0), layer.Current.Keys);
        AssertHeld(Functional.Concat([values.Slice(0, 1, 1), values.Slice(0, 1, 1), values.Slice(0, 0, 1)], 0), layer.Current.Values);
        cache.Truncate(5);
        AssertHeld(values.Slice(0, 1, 1).Slice(2, 0, 5), layer.Current.Values.Slice(0, 0, 1));

        void AssertHeld(Tensor expected, Tensor actual)
        {
            Assert.Equal(type, actual.DType);
            Assert.Equal(expected.Shape, actual.Shape);
            Assert.Equal(expected.Contiguous().To(type).To(DType.Float32).ToFloats(), actual.To(DType.Float32).ToFloats());
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void RoomMadeAtTheStartIsAllThatIsTaken(DType type)
    {
        using var model = ModelRegistry.Create(Gpt2, "GPT2LMHeadModel");
        using var cache = model.CreateCache(type, capacity: 100);
        Assert.Equal(0, cache.Bytes);
        model.Forward(new ModelInputs { InputIds = Tensor.Ones([3, 99], DType.Int64), Cache = cache });
        model.Forward(new ModelInputs { InputIds = Tensor.Ones([3, 1], DType.Int64), Cache = cache });
        Assert.Equal(2 * 2 * type.BytesOf(3 * 100 * 64), cache.Bytes);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void DecodingStaysCloseToTheForwardPassWithoutACache(DType type)
    {
        using var model = ModelRegistry.Create(Gpt2, "GPT2LMHeadModel", seed: 4);
        long[] ids = [.. Enumerable.Range(0, 300).Select(i => (long)(3 + (i * i % 27)))];
        float[] whole = model.Forward(new ModelInputs { InputIds = Tensor.From(ids, [1, 300]), LastLogitsOnly = true }).Logits!.ToFloats();
        using var cache = model.CreateCache(type);
        Tensor? logits = null;
        for (int at = 0; at < 300; at += at == 0 ? 280 : 1)
        {
            int count = at == 0 ? 280 : 1;
            logits = model.Forward(new ModelInputs { InputIds = Tensor.From(ids[at..(at + count)], [1, count]), Cache = cache, LastLogitsOnly = true }).Logits;
        }

        double bound = type switch { DType.Float32 => 1e-5, DType.Float16 => 1e-4, DType.BFloat16 => 1e-3, _ => 1e-3 };
        float[] cached = logits!.ToFloats();
        float scale = whole.Max(MathF.Abs);
        for (int i = 0; i < whole.Length; i++)
            Assert.InRange(Math.Abs(whole[i] - cached[i]), 0, bound * scale);
    }

    /// <summary>Rows padded on the left, positions given: a prompt in pieces is the prompt.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(46)]
    [InlineData(1)]
    public void LongPromptsAreReadInPieces(int pieceTokens)
    {
        using var model = ModelRegistry.Create(Gpt2, "GPT2LMHeadModel", seed: 4);
        const int Rows = 2, Tokens = 31, Padding = 20;
        var ids = Tensor.From([.. Enumerable.Range(0, Rows * Tokens).Select(i => (long)(3 + (i * i % 27)))], [Rows, Tokens]);
        var mask = Tensor.Ones([Rows, Tokens], DType.Int64);
        mask.Select(0, 0).Slice(0, 0, Padding).Fill(0);
        var positions = Tensor.From([.. Enumerable.Range(0, Rows * Tokens).Select(i => (long)Math.Max(0, (i % Tokens) - (i < Tokens ? Padding : 0)))], [Rows, Tokens]);
        float[] Read()
        {
            using var cache = model.CreateCache();
            var output = model.Forward(new ModelInputs { InputIds = ids, AttentionMask = mask, PositionIds = positions, Cache = cache, LastLogitsOnly = true });
            Assert.Equal(Tokens, cache.Length);
            Assert.Equal([Rows, 1, Gpt2.VocabSize], output.Logits!.Shape);
            return output.Logits.ToFloats();
        }

        float[] whole = Read();
        model.PieceTokens = pieceTokens;
        float[] pieces = Read();
        for (int i = 0; i < whole.Length; i++)
            Assert.InRange(Math.Abs(whole[i] - pieces[i]), 0, 1e-5);
    }

    [Fact]
    public void APromptThatDoesNotFitLeavesTheCacheAsItWas()
    {
        using var model = ModelRegistry.Create(Gpt2 with { NPositions = 40 }, "GPT2LMHeadModel");
        model.PieceTokens = 16;
        using var cache = model.CreateCache();
        ModelInputs Prompt(int tokens) => new() { InputIds = Tensor.Ones([1, tokens], DType.Int64), Cache = cache, LastLogitsOnly = true };
        model.Forward(Prompt(3));
        Assert.Throws<ArgumentException>(() => model.Forward(Prompt(38)));
        Assert.Equal(3, cache.Length);
    }

    [Fact]
    public void TheDefaultFollowsTheWeights()
    {
        using var model = ModelRegistry.Create(Gpt2, "GPT2LMHeadModel");
        using var cache = model.CreateCache();
        Assert.Equal(DType.Float32, cache.Type);
        using var folder = new TemporaryFolder();
        model.Save(folder.Path, DType.BFloat16);
        using var narrow = ModelRegistry.Load(folder.Path);
        using var narrowCache = narrow.CreateCache();
        Assert.Equal(DType.Float16, narrowCache.Type);
    }

    [Fact]
    public void WhatDoesNotFitIsAnErrorThatSaysWhy()
    {
        using var model = ModelRegistry.Create(Gpt2 with { NEmbd = 16 }, "GPT2LMHeadModel");
        Assert.Contains("q8_0 cache needs heads of a multiple of 32 values; those of GPT2LMHeadModel have 8", Error(() => model.CreateCache(DType.Q8_0).Dispose()));
        Assert.Contains("a cache holds float32, float16, bfloat16, q8_0, not q4_0", Error(() => new ModelCache(1, type: DType.Q4_0).Dispose()));
        Assert.Contains("not int64", Error(() => model.CreateCache(DType.Int64).Dispose()));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateCache(capacity: -1).Dispose());

        static string Error(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }
}
