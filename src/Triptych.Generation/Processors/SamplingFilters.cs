using System.Numerics.Tensors;

namespace Triptych.Generation.Processors;

/// <summary>Divides the scores (<c>TemperatureLogitsWarper</c>).</summary>
internal sealed class Temperature(double temperature) : LogitsProcessor
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt) =>
        TensorPrimitives.Divide(scores, (float)temperature, scores);
}

/// <summary>Base of the filters that look at the tokens by rank, the likeliest first.</summary>
internal abstract class RankedFilter : LogitsProcessor
{
    private float[] keys = [];
    private int[] order = [];
    private float[] probabilities = [];

    /// <summary>Probabilities of all tokens, <c>[vocabulary]</c>, in scratch memory.</summary>
    protected Span<float> Probabilities(ReadOnlySpan<float> scores)
    {
        if (probabilities.Length < scores.Length)
            probabilities = new float[scores.Length];
        var result = probabilities.AsSpan(0, scores.Length);
        scores.CopyTo(result);
        Distribution.Softmax(result);
        return result;
    }

    /// <summary>The tokens that are not excluded yet, by falling score, in scratch memory.</summary>
    protected ReadOnlySpan<int> Ranked(ReadOnlySpan<float> scores)
    {
        if (keys.Length < scores.Length)
            (keys, order) = (new float[scores.Length], new int[scores.Length]);
        int count = 0;
        for (int id = 0; id < scores.Length; id++)
        {
            if (!float.IsNegativeInfinity(scores[id]))
                (keys[count], order[count++]) = (-scores[id], id);
        }

        keys.AsSpan(0, count).Sort(order.AsSpan(0, count));
        return order.AsSpan(0, count);
    }
}

/// <summary>Keeps the k likeliest tokens and their equals (<c>TopKLogitsWarper</c>).</summary>
internal sealed class TopK(int k, int minTokensToKeep = 1) : LogitsProcessor
{
    private float[] best = [];

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        int count = Math.Min(Math.Max(k, minTokensToKeep), scores.Length);
        if (count == scores.Length)
            return;
        float least = KthLargest(scores, count);
        foreach (ref float score in scores)
        {
            if (score < least)
                score = float.NegativeInfinity;
        }
    }

    /// <summary>A heap of the best so far, its least on top: most scores cost one comparison.</summary>
    private float KthLargest(ReadOnlySpan<float> scores, int count)
    {
        if (best.Length < count)
            best = new float[count];
        var heap = best.AsSpan(0, count);
        scores[..count].CopyTo(heap);
        heap.Sort();
        foreach (float score in scores[count..])
        {
            if (!(score > heap[0]))
                continue;
            int hole = 0;
            for (int child = 1; child < count; child = (2 * hole) + 1)
            {
                if (child + 1 < count && heap[child + 1] < heap[child])
                    child++;
                if (heap[child] >= score)
                    break;
                heap[hole] = heap[child];
                hole = child;
            }

            heap[hole] = score;
        }

        return heap[0];
    }
}

/// <summary>Keeps the likeliest tokens whose probabilities reach a sum (<c>TopPLogitsWarper</c>; Holtzman et al. 2020).</summary>
internal sealed class TopP(double p, int minTokensToKeep = 1) : RankedFilter
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var probabilities = Probabilities(scores);
        var ranked = Ranked(scores);
        double tail = 0;
        for (int i = ranked.Length - 1; i >= minTokensToKeep; i--)
        {
            tail += probabilities[ranked[i]];
            if (tail > 1 - p)
                break;
            scores[ranked[i]] = float.NegativeInfinity;
        }
    }
}

/// <summary>Keeps tokens of a share of the likeliest one's probability (<c>MinPLogitsWarper</c>).</summary>
internal sealed class MinP(double p, int minTokensToKeep = 1) : RankedFilter
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var probabilities = Probabilities(scores);
        var ranked = Ranked(scores);
        float least = (float)p * probabilities[ranked[0]];
        for (int i = ranked.Length - 1; i >= minTokensToKeep && probabilities[ranked[i]] < least; i--)
            scores[ranked[i]] = float.NegativeInfinity;
    }
}

/// <summary>Keeps tokens whose information is nearest to the entropy (<c>TypicalLogitsWarper</c>; Meister et al. 2023).</summary>
internal sealed class Typical(double mass, int minTokensToKeep = 1) : RankedFilter
{
    private float[] surprise = [];
    private int[] byDistance = [];

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var probabilities = Probabilities(scores);
        var ranked = Ranked(scores);
        double entropy = Entropy(probabilities);
        if (surprise.Length < ranked.Length)
            (surprise, byDistance) = (new float[scores.Length], new int[scores.Length]);
        var distance = surprise.AsSpan(0, ranked.Length);
        var order = byDistance.AsSpan(0, ranked.Length);
        ranked.CopyTo(order);
        for (int i = 0; i < order.Length; i++)
            distance[i] = (float)Math.Abs(-Math.Log(probabilities[order[i]]) - entropy);
        distance.Sort(order);
        double sum = 0;
        int last = 0;
        while (last < order.Length && (sum += probabilities[order[last]]) < mass)
            last++;
        float limit = distance[Math.Min(last, order.Length - 1)];
        for (int i = minTokensToKeep; i < order.Length; i++)
        {
            if (distance[i] > limit)
                scores[order[i]] = float.NegativeInfinity;
        }
    }

    internal static double Entropy(ReadOnlySpan<float> probabilities)
    {
        double entropy = 0;
        foreach (float p in probabilities)
        {
            if (p > 0)
                entropy -= p * Math.Log(p);
        }

        return entropy;
    }
}

/// <summary>Keeps tokens above a probability (<c>EpsilonLogitsWarper</c>; Hewitt et al. 2022).</summary>
internal sealed class Epsilon(double epsilon, int minTokensToKeep = 1) : RankedFilter
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var probabilities = Probabilities(scores);
        var ranked = Ranked(scores);
        for (int i = ranked.Length - 1; i >= minTokensToKeep && probabilities[ranked[i]] < (float)epsilon; i--)
            scores[ranked[i]] = float.NegativeInfinity;
    }
}

/// <summary>Keeps tokens above a probability that falls with the entropy (<c>EtaLogitsWarper</c>; Hewitt et al. 2022).</summary>
internal sealed class Eta(double epsilon, int minTokensToKeep = 1) : RankedFilter
{
    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var probabilities = Probabilities(scores);
        var ranked = Ranked(scores);
        float least = (float)Math.Min(epsilon, Math.Sqrt(epsilon) * Math.Exp(-Typical.Entropy(probabilities)));
        for (int i = ranked.Length - 1; i >= minTokensToKeep && probabilities[ranked[i]] < least; i--)
            scores[ranked[i]] = float.NegativeInfinity;
    }
}

/// <summary>Keeps the likeliest tokens up to a share of the entropy of the first hundred (<c>TopHLogitsWarper</c>).</summary>
internal sealed class TopH(double share) : RankedFilter
{
    private const int Considered = 100;

    public override void Apply(ReadOnlySpan<int> tokens, Span<float> scores, int prompt)
    {
        var ranked = Ranked(scores);
        int count = Math.Min(Considered, ranked.Length);
        Span<float> probabilities = stackalloc float[count];
        for (int i = 0; i < count; i++)
            probabilities[i] = scores[ranked[i]];
        Distribution.Softmax(probabilities);
        double limit = Typical.Entropy(probabilities) * share, sum = 0;
        int kept = 0;
        for (; kept < count; kept++)
        {
            float p = probabilities[kept];
            sum -= p > 0 ? p * Math.Log(p) : 0;
            if (sum > limit && kept > 0)
                break;
        }

        for (int i = kept; i < ranked.Length; i++)
            scores[ranked[i]] = float.NegativeInfinity;
    }
}
