using System.Numerics.Tensors;
using Triptych.Generation.Processors;
using Triptych.Tensors;
using Tensor = Triptych.Tensors.Tensor;

namespace Triptych.Generation;

/// <summary>Greedy search and sampling: each row continues by one token a step.</summary>
internal sealed class TokenSearch : ISearch
{
    private readonly IStepModel model;
    private readonly GenerationPlan plan;
    private readonly StoppingRules stopping;
    private readonly TokenBuffer tokens;
    private readonly Generator[] generators;
    private readonly bool[] ended;
    private readonly int[] newTokens;
    private readonly float[] scores;
    private readonly List<float[]>? logitsOfSteps;

    public TokenSearch(IStepModel model, GenerationPlan plan, StoppingRules stopping, int[][] prompts)
    {
        this.model = model;
        this.plan = plan;
        this.stopping = stopping;
        int rows = prompts.Length * plan.NumReturnSequences;
        tokens = new TokenBuffer(rows, plan.MaxLength) { Length = plan.PromptLength };
        for (int row = 0; row < rows; row++)
            prompts[row / plan.NumReturnSequences].CopyTo(tokens.Whole(row));
        // A row's draws depend on the seed and its number alone, not on the rows beside it.
        generators = plan.DoSample ? [.. Enumerable.Range(0, rows).Select(row => new Generator(unchecked(plan.Seed + ((ulong)row << 32))))] : [];
        ended = new bool[rows];
        newTokens = new int[rows];
        scores = new float[model.VocabSize];
        logitsOfSteps = plan.OutputLogits ? [] : null;
    }

    public int LastToken(int row) => tokens.Last(row);

    /// <summary>Adds one token to every row.</summary>
    /// <returns>Whether a row goes on.</returns>
    /// <exception cref="InvalidOperationException">The model's logits are not numbers.</exception>
    public bool Step()
    {
        using var scope = new TensorScope();
        using var inference = Autograd.NoGrad();
        bool first = tokens.Length == plan.PromptLength;
        var logits = first ? model.Prefill() : model.Decode(tokens);
        if (first && plan.NumReturnSequences > 1)
            model.Expand(plan.NumReturnSequences);
        int copies = first ? plan.NumReturnSequences : 1;
        var values = logits.AsSpan<float>();
        logitsOfSteps?.Add(values.ToArray());
        bool goesOn = false, outOfTime = stopping.OutOfTime;
        for (int row = 0; row < tokens.Rows; row++)
        {
            int next = plan.PadTokenId;
            if (!ended[row])
            {
                values.Slice(row / copies * scores.Length, scores.Length).CopyTo(scores);
                next = Choose(row);
                newTokens[row]++;
                ended[row] = outOfTime || stopping.Ends(tokens[row], next);
                goesOn |= !ended[row];
            }

            tokens.Whole(row)[tokens.Length] = next;
        }

        tokens.Length++;
        return goesOn;
    }

    public GenerationResult Result() => new()
    {
        Sequences = [.. Enumerable.Range(0, tokens.Rows).Select(row => tokens[row].ToArray())],
        PromptLength = plan.PromptLength,
        NewTokens = newTokens,
        NewLogits = logitsOfSteps is null ? null : Stacked(),
    };

    private int Choose(int row)
    {
        foreach (var processor in plan.Processors)
            processor.Apply(tokens[row], scores, row / plan.NumReturnSequences);
        int best = TensorPrimitives.IndexOfMax(scores);
        if (!float.IsFinite(scores[best]))
        {
            throw new InvalidOperationException(float.IsNegativeInfinity(scores[best])
                ? "the options exclude every token"
                : $"the model's logits for token {tokens.Length} are {scores[best]}; its weights may be damaged");
        }

        return plan.DoSample ? Draw(generators[row]) : best;
    }

    private int Draw(Generator generator)
    {
        Distribution.Softmax(scores);
        double target = generator.NextDouble() * TensorPrimitives.Sum(scores), sum = 0;
        int last = 0;
        for (int id = 0; id < scores.Length; id++)
        {
            if (scores[id] == 0)
                continue;
            last = id;
            if ((sum += scores[id]) > target)
                break;
        }

        return last;
    }

    private Tensor Stacked()
    {
        int rows = tokens.Rows, steps = logitsOfSteps!.Count, vocabSize = scores.Length;
        var result = Tensor.Empty([rows, steps, vocabSize]);
        var span = result.AsSpan<float>();
        for (int step = 0; step < steps; step++)
        {
            int copies = step == 0 ? plan.NumReturnSequences : 1;
            for (int row = 0; row < rows; row++)
                logitsOfSteps[step].AsSpan(row / copies * vocabSize, vocabSize).CopyTo(span[(((row * steps) + step) * vocabSize)..]);
        }

        return result;
    }
}
