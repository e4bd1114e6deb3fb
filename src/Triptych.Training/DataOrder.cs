using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>Which examples each batch of a pass over the data has. It follows from the seed and the number of the pass alone, so that
/// a resumed run goes on where it was.</summary>
internal sealed class DataOrder(IReadOnlyList<Example> examples, int batchSize, bool groupByLength, ulong seed)
{
    // As in transformers: examples are sorted within groups of this many batches, so that the order stays random by and large.
    private const int BatchesPerGroup = 50;

    private int epoch = -1;
    private int[][] batches = [];

    /// <summary>Batches in a pass; the last may be smaller.</summary>
    public int BatchesPerEpoch => (examples.Count + batchSize - 1) / batchSize;

    /// <summary>The examples of a batch of a pass.</summary>
    public IReadOnlyList<Example> Batch(int epoch, int index)
    {
        if (this.epoch != epoch)
        {
            batches = Order(epoch);
            this.epoch = epoch;
        }

        return Array.ConvertAll(batches[index], i => examples[i]);
    }

    private int[][] Order(int epoch)
    {
        ulong mixed = seed;
        for (int i = 0; i <= epoch; i++)
            Generator.Mix(ref mixed);
        var generator = new Generator(mixed);
        int[] order = [.. Enumerable.Range(0, examples.Count)];
        generator.Shuffle(order.AsSpan());
        if (groupByLength)
        {
            int group = batchSize * BatchesPerGroup;
            for (int start = 0; start < order.Length; start += group)
                order.AsSpan(start, Math.Min(group, order.Length - start)).Sort(LongestFirst);
        }

        int[][] result = [.. order.Chunk(batchSize)];
        if (groupByLength)
            generator.Shuffle(result.AsSpan());
        return result;
    }

    private int LongestFirst(int a, int b)
    {
        int byLength = examples[b].Length.CompareTo(examples[a].Length);
        return byLength != 0 ? byLength : a.CompareTo(b);
    }
}
