using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models.Decoders;
using Triptych.Tensors;

namespace Triptych.Models.Tests;

/// <summary>What is LLaMA's own: rotary positions in both layouts and all scalings, configurations that are impossible, heads.</summary>
public sealed class LlamaTests
{
    private static readonly LlamaConfig Small = new()
    {
        VocabSize = 30, HiddenSize = 24, NumAttentionHeads = 3, NumKeyValueHeads = 1, NumHiddenLayers = 2, IntermediateSize = 20, MaxPositionEmbeddings = 8, PadTokenId = 0,
    };

    [Theory]
    [InlineData("""{"rope_parameters": {"rope_type": "warp"}}""", "rope_type", "'warp' is not known")]
    [InlineData("""{"rope_parameters": 3}""", "rope_parameters", "not an object")]
    [InlineData("""{"rope_scaling": {"type": "linear"}}""", "rope_parameters.factor", "missing")]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 0}}""", "rope_parameters.factor", "not a positive")]
    [InlineData("""{"rope_parameters": {"rope_type": "llama3", "factor": 8}}""", "rope_parameters", "low_freq_factor")]
    [InlineData("""{"rope_parameters": {"rope_type": "longrope", "short_factor": [1], "long_factor": [1]}}""", "rope_parameters.short_factor", "1 numbers for 4")]
    [InlineData("""{"rope_theta": 0}""", "rope_theta", "not a positive")]
    [InlineData("""{"partial_rotary_factor": 0.4}""", "partial_rotary_factor", "3 of 8")]
    [InlineData("""{"num_key_value_heads": 2}""", "num_key_value_heads", "3 attention heads")]
    [InlineData("""{"num_key_value_heads": 0}""", "num_key_value_heads", "not a positive")]
    [InlineData("""{"hidden_act": "sine"}""", "hidden_act", "no known activation")]
    [InlineData("""{"head_dim": -8}""", "head_dim", "not a positive")]
    public void ImpossibleConfigurationsAreErrorsThatNameTheKey(string fields, string key, string reason)
    {
        var json = Small.ToJson();
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
            json[name] = value?.DeepClone();
        var error = Assert.Throws<CheckpointException>(() => ModelConfig.Parse(json));
        Assert.Equal(key, error.Key);
        Assert.Contains(reason, error.Reason);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    public void NeighbouringPairsEqualHalvesWithReorderedRows(double rotated)
    {
        var config = Small with { Rope = new RopeParameters { RopeTheta = 100, PartialRotaryFactor = rotated } };
        using var folder = new TemporaryFolder();
        var ids = Ids(2, 7);
        float[] expected;
        using (var model = ModelRegistry.Create(config, "LlamaForCausalLM", seed: 3))
        {
            expected = model.Forward(new ModelInputs { InputIds = ids }).Logits!.ToFloats();
            CheckpointWriter.Save(folder.Path, [.. model.Parameters.Select(pair => KeyValuePair.Create(pair.Key,
                pair.Key.Contains("q_proj") || pair.Key.Contains("k_proj") ? Interleaved(pair.Value.Detach(), (int)(config.Dimensions.HeadDim * rotated)) : pair.Value.Detach()))]);
        }

        var json = config.ToJson();
        json["rope_interleaved"] = true;
        using var reordered = ModelRegistry.Load(folder.Path, ModelConfig.Parse(json), "LlamaForCausalLM");
        AssertClose(expected, reordered.Forward(new ModelInputs { InputIds = ids }).Logits!.ToFloats());

        // Rows i and i + pairs of each head become rows 2 i and 2 i + 1.
        static Tensor Interleaved(Tensor weight, int dim)
        {
            const int Head = 8;
            long[] rows = [.. Enumerable.Range(0, weight.Shape[0]).Select(row =>
            {
                int i = row % Head;
                return i >= dim ? row : (long)(row - i + (i % 2 == 0 ? i / 2 : (i / 2) + (dim / 2)));
            })];
            return Functional.IndexSelect(weight, 0, Tensor.From(rows));
        }
    }

    [Theory]
    [InlineData("dynamic")]
    [InlineData("longrope")]
    public void LongSequencesLeaveShortOnesAlone(string type)
    {
        double[] factors = [1, 2, 3, 4];
        var config = Small with
        {
            Rope = new RopeParameters { RopeType = type, Factor = 2, OriginalMaxPositionEmbeddings = type == "longrope" ? 4 : null, ShortFactor = [1, 1, 1, 1], LongFactor = factors },
        };
        using var model = ModelRegistry.Create(config, "LlamaForCausalLM");
        float[] Logits(int length) => model.Forward(new ModelInputs { InputIds = Ids(1, length) }).Logits!.ToFloats();
        float[] before = Logits(4), longer = Logits(20);
        Assert.Equal(before, Logits(4));
        Assert.NotEqual(before, longer[..before.Length]);
    }

    [Fact]
    public void CacheAndLastLogitsGiveTheSame()
    {
        using var model = ModelRegistry.Create(Small, "LlamaForCausalLM", seed: 4);
        using var noGrad = Autograd.NoGrad();
        var ids = Ids(2, 9);
        var whole = model.Forward(new ModelInputs { InputIds = ids }).Logits!;
        using var cache = model.CreateCache();
        var first = model.Forward(new ModelInputs { InputIds = ids.Slice(1, 0, 5).Contiguous(), Cache = cache }).Logits!;
        var last = model.Forward(new ModelInputs { InputIds = ids.Slice(1, 5, 4).Contiguous(), Cache = cache, LastLogitsOnly = true }).Logits!;
        Assert.Equal([2, 1, 30], last.Shape);
        AssertClose(whole.Slice(1, 0, 5).ToFloats(), first.ToFloats());
        AssertClose(whole.Slice(1, 8, 1).ToFloats(), last.ToFloats());
    }

    [Fact]
    public void LongPromptsInBlocksGiveTheSame()
    {
        using var model = ModelRegistry.Create(Small with { MaxPositionEmbeddings = 2048 }, "LlamaModel", seed: 4);
        var inputs = new ModelInputs { InputIds = Ids(2, 1100) };
        float[] whole = model.Forward(inputs).LastHiddenState!.ToFloats();
        using var noGrad = Autograd.NoGrad();
        AssertClose(whole, model.Forward(inputs).LastHiddenState!.ToFloats());
    }

    [Fact]
    public void LeftPaddedRowEqualsTheRowAlone()
    {
        using var model = ModelRegistry.Create(Small, "LlamaForCausalLM", seed: 4);
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
    public void BaseModelMovesBetweenHeadsWhateverItsPrefix()
    {
        using var folder = new TemporaryFolder();
        var options = new LoadOptions { InitializeMissing = true };
        using var language = ModelRegistry.Create(Small, "LlamaForCausalLM");
        language.Save(folder.Path);
        using var answers = ModelRegistry.Load(folder.Path, "LlamaForQuestionAnswering", options);
        Assert.Contains("transformer.layers.0.self_attn.q_proj.weight", answers.Parameters.Keys);
        AssertSame("model.", language, "transformer.", answers);
        answers.Save(folder.Path);
        using var again = ModelRegistry.Load(folder.Path);
        Assert.Equal("LlamaForQuestionAnswering", again.ClassName);
        AssertSame("transformer.", answers, "transformer.", again);
        using var bare = ModelRegistry.Load(folder.Path, "LlamaModel");
        AssertSame("transformer.", answers, "", bare);
        bare.Save(folder.Path);
        using var labels = ModelRegistry.Load(folder.Path, "LlamaForTokenClassification", options);
        AssertSame("", bare, "model.", labels);

        static void AssertSame(string prefix, PretrainedModel from, string other, PretrainedModel to)
        {
            const string Name = "layers.1.mlp.down_proj.weight";
            Assert.Equal(from.Parameters[prefix + Name].ToFloats(), to.Parameters[other + Name].ToFloats());
        }
    }

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
