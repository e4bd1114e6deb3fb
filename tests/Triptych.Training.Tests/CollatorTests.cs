using Triptych.Tensors;

namespace Triptych.Training.Tests;

public sealed class CollatorTests
{
    private const int Pad = 0, Mask = 4, First = 5, Last = 99;

    [Fact]
    public void CausalTargetsAreTheNextTokens()
    {
        var batch = new CausalCollator(Pad).Collate([new Example([5, 6, 7]), new Example([8, 9])], new Generator(0));
        Assert.Equal([5, 6, 7, 8, 9, Pad], batch.Inputs.InputIds!.ToArray<long>());
        Assert.Equal([1, 1, 1, 1, 1, 0], batch.Inputs.AttentionMask!.ToArray<long>());
        Assert.Equal([6, 7, -100, 9, -100, -100], batch.Targets!.ToArray<long>());
        Assert.Equal((3, 5), (batch.LabelCount, batch.TokenCount));
    }

    [Fact]
    public void RowsOfOneLengthHaveNoMask()
    {
        var batch = new ClassificationCollator(Pad).Collate([new Example([5, 6]) { Label = 1 }, new Example([8, 9]) { Label = 0 }], new Generator(0));
        Assert.Null(batch.Inputs.AttentionMask);
        Assert.Equal([1, 0], batch.Targets!.ToArray<long>());
    }

    [Fact]
    public void MaskedTokensAreFifteenPercentOfWhichEightTenthsAreTheMask()
    {
        const int Count = 400, Length = 50;
        var source = new Generator(1);
        Example[] examples = [.. Enumerable.Range(0, Count).Select(_ => Framed(source, Length))];
        var batch = Masked(new MaskingOptions()).Collate(examples, new Generator(2));
        long[] ids = batch.Inputs.InputIds!.ToArray<long>(), targets = batch.Targets!.ToArray<long>();
        int chosen = 0, masked = 0, kept = 0, random = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            int original = examples[i / Length].InputIds[i % Length];
            if (targets[i] == TrainingBatch.Ignored)
            {
                Assert.Equal(original, ids[i]);
                continue;
            }

            Assert.False(examples[i / Length].SpecialTokens![i % Length], "a special token was chosen");
            Assert.Equal(original, targets[i]);
            chosen++;
            masked += ids[i] == Mask ? 1 : 0;
            kept += ids[i] == original ? 1 : 0;
            random += ids[i] != Mask && ids[i] != original ? 1 : 0;
            Assert.True(ids[i] is Mask or (>= First and <= Last));
        }

        double all = Count * (Length - 2);
        Assert.Equal(chosen, batch.LabelCount);
        Assert.InRange(chosen / all, 0.14, 0.16);
        Assert.InRange((double)masked / chosen, 0.77, 0.83);
        Assert.InRange((double)random / chosen, 0.08, 0.12);
        Assert.InRange((double)kept / chosen, 0.08, 0.12);
    }

    [Fact]
    public void MasksDifferEachTimeAndFollowTheGenerator()
    {
        Example[] examples = [Framed(new Generator(1), 60)];
        var collator = Masked(new MaskingOptions());
        var generator = new Generator(5);
        ulong[] state = [.. generator.State];
        long[] one = collator.Collate(examples, generator).Targets!.ToArray<long>();
        long[] two = collator.Collate(examples, generator).Targets!.ToArray<long>();
        generator.State = state;
        long[] again = collator.Collate(examples, generator).Targets!.ToArray<long>();
        Assert.NotEqual(one, two);
        Assert.Equal(one, again);
    }

    [Fact]
    public void WholeWordsAreMaskedTogether()
    {
        int[] words = [-1, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3, -1];
        var example = new Example([2, 10, 11, 12, 20, 30, 31, 40, 41, 42, 43, 3])
        {
            WordIds = words,
            SpecialTokens = [.. words.Select(w => w < 0)],
        };
        var collator = Masked(new MaskingOptions { WholeWords = true, Probability = 0.5f });
        var generator = new Generator(3);
        int partial = 0, any = 0;
        for (int run = 0; run < 50; run++)
        {
            long[] targets = collator.Collate([example], generator).Targets!.ToArray<long>();
            foreach (var word in Enumerable.Range(0, words.Length).Where(i => words[i] >= 0).GroupBy(i => words[i]))
            {
                int hidden = word.Count(i => targets[i] != TrainingBatch.Ignored);
                any += hidden > 0 ? 1 : 0;
                partial += hidden > 0 && hidden < word.Count() ? 1 : 0;
            }
        }

        Assert.True(any > 50);
        Assert.Equal(0, partial);
    }

    [Fact]
    public void TheDecoderSeesTheTargetShiftedRight()
    {
        Example[] examples = [new([0, 10, 2]) { TargetIds = [0, 20, 21, 2] }, new([0, 11, 12, 2]) { TargetIds = [0, 2] }];
        var batch = new SequenceToSequenceCollator(1, 2).Collate(examples, new Generator(0));
        Assert.Equal([0, 10, 2, 1, 0, 11, 12, 2], batch.Inputs.InputIds!.ToArray<long>());
        Assert.Equal([2, 0, 20, 21, 2, 0, 1, 1], batch.Inputs.DecoderInputIds!.ToArray<long>());
        Assert.Equal([0, 20, 21, 2, 0, 2, -100, -100], batch.Targets!.ToArray<long>());
        Assert.Equal(6, batch.LabelCount);
    }

    [Fact]
    public void DenoisingHidesAboutAThirdAndKeepsTheRestInOrder()
    {
        const int Length = 200;
        var example = Framed(new Generator(4), Length);
        var collator = new DenoisingCollator(Pad, 2, Mask, new InfillingOptions());
        var generator = new Generator(6);
        double hidden = 0;
        const int Runs = 40;
        for (int run = 0; run < Runs; run++)
        {
            var batch = collator.Collate([example], generator);
            Assert.Equal(example.InputIds.Select(x => (long)x), batch.Targets!.ToArray<long>());
            int[] kept = [.. batch.Inputs.InputIds!.ToArray<long>().Where(id => id != Mask).Select(id => (int)id)];
            Assert.Equal(example.InputIds[0], kept[0]);
            Assert.Equal(example.InputIds[^1], kept[^1]);
            Assert.True(IsSubsequence(kept, example.InputIds));
            hidden += Length - kept.Length;
        }

        Assert.InRange(hidden / Runs / Length, 0.2, 0.31);
    }

    [Fact]
    public void BlocksArePackedWithEndTokens()
    {
        int[][] documents = [[10, 11, 12], [20], [30, 31, 32, 33, 34]];
        var blocks = Example.Pack(documents, 4, 1).Select(e => e.InputIds).ToList();
        Assert.Equal([[10, 11, 12, 1], [20, 1, 30, 31], [32, 33, 34, 1]], blocks);
        Assert.Equal([[10, 11, 1]], Example.Pack([[10, 11]], 8, 1).Select(e => e.InputIds));
    }

    [Fact]
    public void EmptyBatchesAndMissingLabelsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new CausalCollator(0).Collate([], new Generator(0)));
        Assert.Throws<ArgumentException>(() => new CausalCollator(0).Collate([new Example([])], new Generator(0)));
        Assert.Throws<ArgumentException>(() => new ClassificationCollator(0).Collate([new Example([1])], new Generator(0)));
        Assert.Throws<ArgumentException>(() => new SequenceToSequenceCollator(0, 1).Collate([new Example([1])], new Generator(0)));
    }

    private static MaskedCollator Masked(MaskingOptions options) => new(Pad, Mask, [.. Enumerable.Range(First, Last - First + 1)], options);

    private static Example Framed(Generator generator, int length)
    {
        int[] ids = [2, .. Enumerable.Range(0, length - 2).Select(_ => First + generator.NextInt32(Last - First + 1)), 3];
        return new Example(ids) { SpecialTokens = [.. ids.Select((_, i) => i == 0 || i == length - 1)] };
    }

    private static bool IsSubsequence(int[] part, int[] whole)
    {
        int at = 0;
        foreach (int id in whole)
        {
            if (at < part.Length && part[at] == id)
                at++;
        }

        return at == part.Length;
    }
}
