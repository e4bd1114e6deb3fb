using Triptych.Formats;
using Triptych.Generation.Processors;
using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>
/// Beam search as transformers 5 does it: candidates are ranked by the sum of their log-probabilities; those that end become
/// results if they rank among the first beams, the best of the others go on.
/// </summary>
internal sealed class BeamSearch : ISearch
{
    /// <summary>What transformers takes for impossible: added to single-precision scores, so that their order can vanish.</summary>
    private const float Impossible = -1e9f;

    private readonly IStepModel model;
    private readonly GenerationPlan plan;
    private readonly StoppingRules stopping;
    private readonly int prompts;
    private readonly int beams;
    private readonly Generator? generator;
    private readonly float[] scores;
    private readonly Candidates candidates;
    private readonly bool[] ends;
    private readonly bool[] improvable;
    private readonly int[] cacheRows;
    private Hypotheses running, nextRunning, finished, nextFinished;

    public BeamSearch(IStepModel model, GenerationPlan plan, StoppingRules stopping, int[][] promptTokens)
    {
        this.model = model;
        this.plan = plan;
        this.stopping = stopping;
        prompts = promptTokens.Length;
        beams = plan.NumBeams;
        generator = plan.DoSample ? new Generator(plan.Seed) : null;
        scores = new float[model.VocabSize];
        candidates = new Candidates(Math.Max(2, 1 + plan.EosTokenIds.Length) * beams);
        ends = new bool[candidates.Count];
        improvable = new bool[prompts];
        Array.Fill(improvable, true);
        cacheRows = new int[prompts * beams];
        Hypotheses New() => new(prompts * beams, plan);
        (running, nextRunning, finished, nextFinished) = (New(), New(), New(), New());
        for (int row = 0; row < prompts * beams; row++)
        {
            promptTokens[row / beams].CopyTo(running.Tokens.Whole(row));
            promptTokens[row / beams].CopyTo(finished.Tokens.Whole(row));
            // Only the first beam of a prompt counts at first, or all would begin alike.
            running.Scores[row] = row % beams == 0 ? 0 : Impossible;
            finished.Scores[row] = Impossible;
        }

        running.Tokens.Length = plan.PromptLength;
    }

    private int Length => running.Tokens.Length;

    /// <summary>Adds one token to every running beam.</summary>
    /// <returns>Whether the search goes on.</returns>
    public bool Step()
    {
        using var scope = new TensorScope();
        using var inference = Autograd.NoGrad();
        bool first = Length == plan.PromptLength;
        var logits = first ? model.Prefill() : model.Decode(running.Tokens);
        if (first)
            model.Expand(beams);
        var values = logits.AsSpan<float>();
        bool outOfTime = stopping.OutOfTime, allEnd = true;
        for (int prompt = 0; prompt < prompts; prompt++)
        {
            Rank(values, prompt, first);
            for (int i = 0; i < candidates.Count; i++)
            {
                ends[i] = outOfTime || stopping.Ends(running.Tokens[(prompt * beams) + candidates.Beam(i)], candidates.Token(i));
                allEnd &= ends[i];
            }

            Continue(prompt);
            Finish(prompt);
        }

        int length = Length + 1;
        (running, nextRunning, finished, nextFinished) = (nextRunning, running, nextFinished, finished);
        running.Tokens.Length = length;
        if (!GoesOn(allEnd))
            return false;
        model.Reorder(cacheRows);
        return true;
    }

    public GenerationResult Result()
    {
        int[] rows = [.. from prompt in Enumerable.Range(0, prompts)
                         from i in Enumerable.Range(0, plan.NumReturnSequences)
                         select (prompt * beams) + i];
        int[] lengths = [.. rows.Select(row => finished.BeamIndices(row).IndexOf(-1) is >= 0 and var end ? end : plan.MaxLength - plan.PromptLength)];
        int longest = lengths.Max();
        return new GenerationResult
        {
            Sequences = [.. rows.Select(row => finished.Tokens.Whole(row)[..(plan.PromptLength + longest)].ToArray())],
            PromptLength = plan.PromptLength,
            NewTokens = lengths,
            SequencesScores = [.. rows.Select(row => finished.Scores[row])],
            BeamIndices = [.. rows.Select(row => finished.BeamIndices(row)[..longest].ToArray())],
        };
    }

    /// <summary>Ranks all continuations of a prompt's beams.</summary>
    private void Rank(ReadOnlySpan<float> logits, int prompt, bool first)
    {
        candidates.Clear();
        for (int beam = 0; beam < beams; beam++)
        {
            int row = (prompt * beams) + beam;
            logits.Slice((first ? prompt : row) * scores.Length, scores.Length).CopyTo(scores);
            Distribution.LogSoftmax(scores);
            if (float.IsNaN(scores[0]))
                throw new InvalidOperationException($"the model's logits for token {Length} are not numbers; its weights may be damaged");
            foreach (var processor in plan.Processors)
                processor.Apply(running.Tokens[row], scores, prompt);
            for (int token = 0; token < scores.Length; token++)
            {
                float score = scores[token] + running.Scores[row];
                // Gumbel noise makes ranking the same as drawing without replacement (Kool et al. 2019).
                float key = generator is null ? score : score - (float)Math.Log(-Math.Log(1 - generator.NextDouble()));
                candidates.Offer(key, score, beam, token);
            }
        }
    }

    /// <summary>The best candidates that do not end are the next step's beams.</summary>
    private void Continue(int prompt)
    {
        Span<float> ranks = stackalloc float[candidates.Count];
        for (int i = 0; i < ranks.Length; i++)
            ranks[i] = candidates.Score(i) + (ends[i] ? Impossible : 0);
        for (int beam = 0; beam < beams; beam++)
        {
            int best = TakeBest(ranks, out float score);
            int row = (prompt * beams) + beam, source = (prompt * beams) + candidates.Beam(best);
            nextRunning.CopyFrom(running, source, row, Length);
            Append(nextRunning, row, best, source);
            nextRunning.Scores[row] = score;
            cacheRows[row] = source;
        }
    }

    /// <summary>Candidates that end and rank high enough replace worse results.</summary>
    private void Finish(int prompt)
    {
        int offset = prompt * beams;
        float norm = (float)Math.Pow(Length + 1 - plan.PromptLength, plan.LengthPenalty);
        bool full = plan.EarlyStopping == EarlyStopping.FirstCandidates && finished.Ended.AsSpan(offset, beams).IndexOf(false) < 0;
        Span<float> merged = stackalloc float[beams + candidates.Count];
        finished.Scores.AsSpan(offset, beams).CopyTo(merged);
        for (int i = 0; i < candidates.Count; i++)
        {
            float score = candidates.Score(i) / norm;
            score += full ? Impossible : 0;
            score += improvable[prompt] ? 0 : Impossible;
            score += ends[i] && i < beams ? 0 : Impossible;
            merged[beams + i] = score;
        }

        for (int beam = 0; beam < beams; beam++)
        {
            int best = TakeBest(merged, out float score), row = offset + beam;
            if (best < beams)
            {
                nextFinished.CopyFrom(finished, offset + best, row, plan.MaxLength);
            }
            else
            {
                int candidate = best - beams, source = offset + candidates.Beam(candidate);
                nextFinished.CopyFrom(running, source, row, plan.MaxLength);
                Append(nextFinished, row, candidate, source);
                nextFinished.Ended[row] = ends[candidate] && candidate < beams;
            }

            nextFinished.Scores[row] = score;
        }
    }

    private void Append(Hypotheses hypotheses, int row, int candidate, int source)
    {
        hypotheses.Tokens.Whole(row)[Length] = candidates.Token(candidate);
        hypotheses.BeamIndices(row)[Length - plan.PromptLength] = source;
    }

    /// <summary>Whether a running beam can still beat a result, a result is missing, and something can go on.</summary>
    private bool GoesOn(bool allEnd)
    {
        bool improvement = false, allFinished = true;
        for (int prompt = 0; prompt < prompts; prompt++)
        {
            var results = finished.Scores.AsSpan(prompt * beams, beams);
            var done = finished.Ended.AsSpan(prompt * beams, beams);
            bool neverShort = plan.EarlyStopping == EarlyStopping.Never && plan.LengthPenalty > 0;
            int bestLength = (neverShort ? plan.MaxLength : Length) - plan.PromptLength;
            float possible = running.Scores[prompt * beams] / (float)Math.Pow(bestLength, plan.LengthPenalty);
            float worst = done.Contains(false) ? Impossible : System.Numerics.Tensors.TensorPrimitives.Min<float>(results);
            improvable[prompt] &= possible > worst;
            improvement |= improvable[prompt];
            allFinished &= !done.Contains(false);
        }

        return improvement && !(allFinished && plan.EarlyStopping == EarlyStopping.FirstCandidates) && !allEnd;
    }

    /// <summary>The greatest score, the first of equals; it is not taken again.</summary>
    private static int TakeBest(Span<float> ranks, out float score)
    {
        int best = -1;
        for (int i = 0; i < ranks.Length; i++)
        {
            if (!float.IsNaN(ranks[i]) && (best < 0 || ranks[i] > ranks[best]))
                best = i;
        }

        score = ranks[best];
        ranks[best] = float.NaN;
        return best;
    }

    /// <summary>Token sequences with their scores and the rows that each token's beam came from.</summary>
    private sealed class Hypotheses
    {
        private readonly int[] beamIndices;
        private readonly int maxNewTokens;

        public Hypotheses(int rows, GenerationPlan plan)
        {
            // transformers fills up with the first end-of-sequence token where the padding token is number 0.
            int fill = plan.EosTokenIds.Length == 0 ? -1 : plan.PadTokenId != 0 ? plan.PadTokenId : plan.EosTokenIds[0];
            Tokens = new TokenBuffer(rows, plan.MaxLength, fill);
            Scores = new float[rows];
            Ended = new bool[rows];
            maxNewTokens = plan.MaxLength - plan.PromptLength;
            beamIndices = new int[rows * maxNewTokens];
            Array.Fill(beamIndices, -1);
        }

        public TokenBuffer Tokens { get; }

        public float[] Scores { get; }

        public bool[] Ended { get; }

        public Span<int> BeamIndices(int row) => beamIndices.AsSpan(row * maxNewTokens, maxNewTokens);

        public void CopyFrom(Hypotheses other, int source, int target, int length)
        {
            other.Tokens.Whole(source)[..length].CopyTo(Tokens.Whole(target));
            int added = Math.Max(0, length - (Tokens.Capacity - maxNewTokens));
            other.BeamIndices(source)[..added].CopyTo(BeamIndices(target));
            Ended[target] = other.Ended[source];
        }
    }

    /// <summary>The best continuations so far, the best first, the first of equals first.</summary>
    private sealed class Candidates(int count)
    {
        private readonly (float Key, float Score, int Beam, int Token)[] items = new (float, float, int, int)[count];
        private int filled;

        public int Count => count;

        public float Score(int i) => items[i].Score;

        public int Beam(int i) => items[i].Beam;

        public int Token(int i) => items[i].Token;

        public void Clear() => filled = 0;

        public void Offer(float key, float score, int beam, int token)
        {
            if (filled == count && !(key > items[^1].Key))
                return;
            int place = filled < count ? filled++ : count - 1;
            for (; place > 0 && key > items[place - 1].Key; place--)
                items[place] = items[place - 1];
            items[place] = (key, score, beam, token);
        }
    }
}
