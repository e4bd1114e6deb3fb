using static Triptych.Tensors.Functional;

namespace Triptych.Tensors.Tests;

/// <summary>Difference quotients of scaled dot-product attention by query, key, value and bias, one option at a time and all together.</summary>
public sealed class AttentionGradientTests
{
    public static TheoryData<string> Options =>
        ["none", "causal", "mask", "bias", "biasOfHeads", "biasOfKeys", "window", "cap", "scale", "causal mask", "causal bias window cap mask scale"];

    [Theory]
    [MemberData(nameof(Options))]
    public void MatchesDifferenceQuotients(string options)
    {
        Check(options, batch: 2, heads: 2, keyHeads: 2, queries: 5, keys: 5, width: 4, valueWidth: 4, strided: false);
        Check(options, batch: 1, heads: 4, keyHeads: 2, queries: 3, keys: 7, width: 5, valueWidth: 3, strided: true);
        Check(options, batch: 2, heads: 3, keyHeads: 1, queries: 1, keys: 6, width: 3, valueWidth: 3, strided: false);
    }

    [Fact]
    public void CrossesBlocks() => Check("causal", batch: 1, heads: 1, keyHeads: 1, queries: 37, keys: 41, width: 3, valueWidth: 2, strided: true);

    [Fact]
    public void RowsThatSeeNoKeyGiveZerosAndNoGradient()
    {
        using var scope = new TensorScope();
        var q = GradientTests.Uniform([2, 1, 3, 4], 1);
        var k = GradientTests.Uniform([2, 1, 5, 4], 2);
        var v = GradientTests.Uniform([2, 1, 5, 4], 3);
        q.RequiresGrad = k.RequiresGrad = v.RequiresGrad = true;
        var mask = Tensor.From([0L, 0, 0, 0, 0, 1, 1, 0, 1, 1], [2, 5]);
        var y = ScaledDotProductAttention(q, k, v, new AttentionOptions { KeyPaddingMask = mask });
        Assert.All(y.Select(0, 0).ToFloats(), x => Assert.Equal(0, x));
        Assert.All(y.Select(0, 1).ToFloats(), x => Assert.NotEqual(0, x));
        Sum(Square(y)).Backward();
        foreach (var leaf in new[] { q, k, v })
        {
            Assert.All(leaf.Grad!.Select(0, 0).ToFloats(), x => Assert.Equal(0, x));
            Assert.All(leaf.Grad!.ToFloats(), x => Assert.True(float.IsFinite(x)));
        }
    }

    [Fact]
    public void BoolAndIntegerMasksAgree()
    {
        using var scope = new TensorScope();
        Tensor q = GradientTests.Uniform([1, 2, 3, 4], 1), k = GradientTests.Uniform([1, 2, 5, 4], 2), v = GradientTests.Uniform([1, 2, 5, 4], 3);
        var integers = Tensor.From([1L, 0, 1, 1, 0], [1, 5]);
        var y = ScaledDotProductAttention(q, k, v, new AttentionOptions { KeyPaddingMask = integers }).ToFloats();
        Assert.Equal(y, ScaledDotProductAttention(q, k, v, new AttentionOptions { KeyPaddingMask = integers.To(DType.Bool) }).ToFloats());
    }

    private static void Check(string options, int batch, int heads, int keyHeads, int queries, int keys, int width, int valueWidth, bool strided)
    {
        Tensor Make(int h, int t, int d, ulong seed) => strided
            ? GradientTests.Uniform([batch, t, h, d], seed).Transpose(1, 2)
            : GradientTests.Uniform([batch, h, t, d], seed);

        var words = options.Split(' ');
        var mask = Tensor.Ones([batch, keys], DType.Int64);
        mask.Slice(1, 0, 1).Fill(0);
        Shape? biasShape = words.Contains("bias") ? [batch, heads, queries, keys]
            : words.Contains("biasOfHeads") ? [heads, queries, keys]
            : words.Contains("biasOfKeys") ? [batch, 1, 1, keys]
            : null;
        List<Tensor> inputs = [Make(heads, queries, width, 1), Make(keyHeads, keys, width, 2), Make(keyHeads, keys, valueWidth, 3)];
        if (biasShape is { } shape)
            inputs.Add(GradientTests.Uniform(shape, 4));
        bool window = words.Contains("window");
        GradientCheck.Run(
            t => ScaledDotProductAttention(t[0], t[1], t[2], new AttentionOptions
            {
                Causal = words.Contains("causal") || window,
                KeyPaddingMask = words.Contains("mask") ? mask : null,
                Bias = t.Length > 3 ? t[3] : null,
                SlidingWindow = window ? 3 : null,
                SoftCap = words.Contains("cap") ? 1.5f : null,
                Scale = words.Contains("scale") ? 0.9f : null,
            }),
            [.. inputs]);
    }
}
