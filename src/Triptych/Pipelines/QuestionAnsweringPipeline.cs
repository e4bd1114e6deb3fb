using System.Text.Json.Serialization;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>A question and the text that holds the answer.</summary>
/// <param name="Question">The question.</param>
/// <param name="Context">The text.</param>
public sealed record QuestionInput(
    [property: JsonPropertyName("question")] string Question,
    [property: JsonPropertyName("context")] string Context);

/// <summary>Options of question answering.</summary>
public sealed record QuestionAnsweringOptions : PipelineOptions
{
    /// <summary>How many answers to return at most, the best first.</summary>
    public int TopK { get; init; } = 1;

    /// <summary>The longest answer, in tokens.</summary>
    public int MaxAnswerLength { get; init; } = 15;

    /// <summary>The longest part of a context that is read at once, question included, in tokens.</summary>
    public int MaxSequenceLength { get; init; } = 384;

    /// <summary>How many tokens neighbouring parts of a long context share.</summary>
    public int DocStride { get; init; } = 128;

    /// <summary>Whether "no answer" is an answer.</summary>
    public bool HandleImpossibleAnswer { get; init; }

    /// <summary>Whether answers begin and end with whole words.</summary>
    public bool AlignToWords { get; init; } = true;
}

/// <summary>Finds the part of a text that answers a question: <c>question-answering</c>. Long texts are read in overlapping parts.</summary>
public sealed class QuestionAnsweringPipeline : Pipeline<QuestionInput, QuestionAnsweringOptions, IReadOnlyList<Answer>>
{
    private const string Name = "question-answering";

    /// <summary>What stands for a token that cannot belong to an answer, as in transformers.</summary>
    private const float Excluded = -10000;

    /// <summary>A pipeline of a loaded model with a question-answering head; it is disposed with the pipeline.</summary>
    public QuestionAnsweringPipeline(PretrainedModel model, Tokenizer tokenizer, QuestionAnsweringOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<QuestionAnsweringPipeline> CreateAsync(
        string? model = null, QuestionAnsweringOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new QuestionAnsweringPipeline(loaded, tokenizer, options);
    }

    /// <summary>Answers one question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="context">The text that holds the answer.</param>
    /// <param name="options">Options of this call; null for the pipeline's.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The answers, the best first.</returns>
    /// <exception cref="ArgumentException">The question or the context is empty, or the question leaves no room for the context.</exception>
    public Task<IReadOnlyList<Answer>> RunAsync(
        string question, string context, QuestionAnsweringOptions? options = null, CancellationToken cancellationToken = default) =>
        RunAsync(new QuestionInput(question, context), options, cancellationToken);

    private protected override IReadOnlyList<Answer>[] Process(
        IReadOnlyList<QuestionInput> inputs, QuestionAnsweringOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TopK, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAnswerLength, 1);
        var windows = new List<Encoding>();
        var owners = new List<int>();
        for (int i = 0; i < inputs.Count; i++)
        {
            foreach (var window in Windows(inputs[i], options))
            {
                windows.Add(window);
                owners.Add(i);
            }
        }

        var logits = new (float[] Start, float[] End)[windows.Count];
        Forward(
            windows, options.BatchSize,
            (i, output, row) => logits[i] = (Row(output.StartLogits, row)[..windows[i].Length], Row(output.EndLogits, row)[..windows[i].Length]),
            cancellationToken);
        var results = new IReadOnlyList<Answer>[inputs.Count];
        for (int i = 0; i < inputs.Count; i++)
        {
            var mine = Enumerable.Range(0, windows.Count).Where(w => owners[w] == i).Select(w => (windows[w], logits[w].Start, logits[w].End));
            results[i] = Answers(inputs[i].Context, mine, options);
        }

        return results;
    }

    /// <summary>The question with each part of the context.</summary>
    private IEnumerable<Encoding> Windows(QuestionInput input, QuestionAnsweringOptions options)
    {
        if (string.IsNullOrEmpty(input.Question))
            throw new ArgumentException("the question is empty", nameof(input));
        if (string.IsNullOrEmpty(input.Context))
            throw new ArgumentException("the context is empty", nameof(input));
        int length = Math.Min(MaxLength, options.MaxSequenceLength);
        int stride = Math.Min(length / 2, options.DocStride);
        int fixedTokens = Tokenizer.Encode(input.Question, "").Length;
        if (fixedTokens + stride >= length)
        {
            // The stride has to leave room for new tokens in each part.
            stride = Math.Max(0, (length - fixedTokens) / 2);
            if (fixedTokens >= length)
                throw new ArgumentException($"the question takes {fixedTokens} tokens with the special ones and leaves no room for the context: the limit is {length}", nameof(input));
        }

        var first = Tokenizer.Encode(input.Question, input.Context, new EncodeOptions
        {
            Truncation = new Truncation(length) { Strategy = TruncationStrategy.OnlySecond, Stride = stride },
        });
        return first.Overflowing.Prepend(first);
    }

    private List<Answer> Answers(
        string context, IEnumerable<(Encoding Window, float[] Start, float[] End)> windows, QuestionAnsweringOptions options)
    {
        float noAnswer = 1_000_000;
        var answers = new List<Answer>();
        foreach (var (window, start, end) in windows)
        {
            int cls = Tokenizer.ClsTokenId is { } id ? Array.IndexOf(window.Ids, id) : -1;
            bool[] allowed = [.. window.SequenceIds.Select((sequence, i) => sequence == 1 || i == cls)];
            Normalize(start, allowed);
            Normalize(end, allowed);
            if (options.HandleImpossibleAnswer)
                noAnswer = Math.Min(noAnswer, start[0] * end[0]);
            start[0] = end[0] = 0;
            foreach (var (first, last, score) in BestSpans(start, end, allowed, options))
            {
                var (from, to) = Place(window, first, last, options.AlignToWords);
                string text = context[from..to];
                int same = answers.FindIndex(answer => string.Equals(answer.Text, text, StringComparison.OrdinalIgnoreCase));
                if (same >= 0)
                    answers[same] = answers[same] with { Score = answers[same].Score + score };
                else
                    answers.Add(new Answer(score, from, to, text));
            }
        }

        if (options.HandleImpossibleAnswer)
            answers.Add(new Answer(noAnswer, 0, 0, ""));
        return [.. answers.OrderByDescending(answer => answer.Score).Take(options.TopK)];
    }

    private static void Normalize(float[] logits, bool[] allowed)
    {
        for (int i = 0; i < logits.Length; i++)
            logits[i] = allowed[i] ? logits[i] : Excluded;
        Scores.Softmax(logits);
    }

    /// <summary>The likeliest pairs of a start and an end within the longest answer.</summary>
    private static IEnumerable<(int First, int Last, float Score)> BestSpans(
        float[] start, float[] end, bool[] allowed, QuestionAnsweringOptions options)
    {
        var best = new PriorityQueue<(int First, int Last), float>();
        for (int first = 0; first < start.Length; first++)
        {
            for (int last = first; last < Math.Min(end.Length, first + options.MaxAnswerLength); last++)
            {
                float score = start[first] * end[last];
                if (best.Count < options.TopK)
                    best.Enqueue((first, last), score);
                else if (best.TryPeek(out _, out float least) && score > least)
                    best.DequeueEnqueue((first, last), score);
            }
        }

        return best.UnorderedItems
            .Where(item => allowed[item.Element.First] && allowed[item.Element.Last])
            .OrderByDescending(item => item.Priority)
            .Select(item => (item.Element.First, item.Element.Last, item.Priority));
    }

    private static (int From, int To) Place(Encoding window, int first, int last, bool alignToWords)
    {
        if (alignToWords && window.WordIds[first] is { } firstWord && window.WordIds[last] is { } lastWord)
        {
            first = Enumerable.Range(0, window.Length).First(i => window.WordIds[i] == firstWord && window.SequenceIds[i] == 1);
            last = Enumerable.Range(0, window.Length).Last(i => window.WordIds[i] == lastWord && window.SequenceIds[i] == 1);
        }

        return (window.Offsets[first].Start, window.Offsets[last].End);
    }
}
