using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Triptych.Cli.Rendering;
using Triptych.Generation;

namespace Triptych.Cli;

/// <summary>One run of a task over its inputs: makes the pipeline, runs it, shows what came of it.</summary>
internal sealed record TaskRun
{
    private const int ShownCharacters = 60;
    private const int BarWidth = 20;
    private const int ShownNumbers = 6;

    public required Terminal Terminal { get; init; }
    public required IReadOnlyList<string> Inputs { get; init; }
    public required GenerationOptions Generation { get; init; }
    public string? Model { get; init; }
    public bool IsJson { get; init; }
    public bool Truncation { get; init; }
    public string? Question { get; init; }
    public IReadOnlyList<string>? Candidates { get; init; }
    public AggregationStrategy Aggregation { get; init; }
    public Pooling Pooling { get; init; }
    public bool Normalize { get; init; }

    /// <summary>The tasks by their names.</summary>
    public static IReadOnlyDictionary<string, Func<TaskRun, CancellationToken, Task>> Tasks { get; } =
        new Dictionary<string, Func<TaskRun, CancellationToken, Task>>
        {
            ["text-classification"] = (run, cancellationToken) => run.ClassifyAsync(cancellationToken),
            ["text-generation"] = (run, cancellationToken) => run.GenerateAsync(cancellationToken),
            ["summarization"] = (run, cancellationToken) => run.SummarizeAsync(cancellationToken),
            ["fill-mask"] = (run, cancellationToken) => run.FillMaskAsync(cancellationToken),
            ["question-answering"] = (run, cancellationToken) => run.AnswerAsync(cancellationToken),
            ["token-classification"] = (run, cancellationToken) => run.LabelTokensAsync(cancellationToken),
            ["feature-extraction"] = (run, cancellationToken) => run.ExtractFeaturesAsync(cancellationToken),
        };

    private async Task ClassifyAsync(CancellationToken cancellationToken)
    {
        int labels = Generation.TopK ?? 1;
        using var pipeline = await LoadAsync((model, progress) =>
            TextClassificationPipeline.CreateAsync(model, new() { TopK = labels, Truncation = Truncation, OnWarning = Warn }, progress, cancellationToken)).ConfigureAwait(false);
        var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (IsJson && Inputs.Count > 1 && labels > 1)
            WriteJson(results, PipelineJson.Default.IReadOnlyListIReadOnlyListClassificationResult);
        else if (IsJson)
            WriteJson([.. results.SelectMany(result => result)], PipelineJson.Default.IReadOnlyListClassificationResult);
        else
            WriteLabels(results);
    }

    private void WriteLabels(IReadOnlyList<IReadOnlyList<ClassificationResult>> results)
    {
        var table = new Table(Terminal.IsDecorated
            ? [("text", Align.Left), ("label", Align.Left), ("score", Align.Right), ("", Align.Left)]
            : [("label", Align.Left), ("score", Align.Right), ("text", Align.Left)]);
        foreach (var (input, result) in Inputs.Zip(results))
        {
            foreach (var (label, score) in result)
            {
                string number = Number(score), text = Shortened(input);
                table.Add(Terminal.IsDecorated ? [text, label, number, Bar(score)] : [label, number, text]);
            }
        }

        table.Write(Terminal);
    }

    private async Task GenerateAsync(CancellationToken cancellationToken)
    {
        var options = new TextGenerationOptions { Generation = Generation, Truncation = Truncation, OnWarning = Warn };
        using var pipeline = await LoadAsync((model, progress) =>
            TextGenerationPipeline.CreateAsync(model, options, progress, cancellationToken)).ConfigureAwait(false);
        if (IsJson)
        {
            var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (results.Count == 1)
                WriteJson(results[0], PipelineJson.Default.IReadOnlyListTextGenerationResult);
            else
                WriteJson(results, PipelineJson.Default.IReadOnlyListIReadOnlyListTextGenerationResult);
        }
        else if (Generation.NumBeams > 1 || Generation.NumReturnSequences > 1)
        {
            foreach (var result in await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false))
                result.ToList().ForEach(text => Terminal.Out.WriteLine(text.GeneratedText));
        }
        else
        {
            foreach (string input in Inputs)
                await StreamAsync(pipeline, input, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Shows the prompt, once the model takes it, and each piece of text as soon as it is there.</summary>
    private async Task StreamAsync(TextGenerationPipeline pipeline, string input, CancellationToken cancellationToken)
    {
        bool isPromptShown = false;
        await foreach (string piece in pipeline.StreamAsync(input, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (!isPromptShown)
                Terminal.WriteEmphasized(input);
            isPromptShown = true;
            await Terminal.Out.WriteAsync(piece).ConfigureAwait(false);
            await Terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!isPromptShown)
            Terminal.WriteEmphasized(input);
        await Terminal.Out.WriteLineAsync().ConfigureAwait(false);
    }

    private async Task SummarizeAsync(CancellationToken cancellationToken)
    {
        using var pipeline = await LoadAsync((model, progress) => SummarizationPipeline.CreateAsync(
            model, new() { Generation = Generation, Truncation = Truncation, OnWarning = Warn }, progress, cancellationToken)).ConfigureAwait(false);
        using var status = new StatusLine(Terminal);
        status.Show("summarizing …");
        var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        status.Dispose();
        if (IsJson)
        {
            WriteJson([.. results.SelectMany(result => result)], PipelineJson.Default.IReadOnlyListSummarizationResult);
            return;
        }

        foreach (var (input, result) in Inputs.Zip(results))
            TextBlock.WritePair(Terminal, ("Article", input), ("Summary", string.Join('\n', result.Select(summary => summary.SummaryText))));
    }

    private async Task FillMaskAsync(CancellationToken cancellationToken)
    {
        var options = new FillMaskOptions { Targets = Candidates, Truncation = Truncation, OnWarning = Warn };
        using var pipeline = await LoadAsync((model, progress) => FillMaskPipeline.CreateAsync(
            model, Generation.TopK is { } count ? options with { TopK = count } : options, progress, cancellationToken)).ConfigureAwait(false);
        var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (IsJson && results.Count == 1)
        {
            WriteJson(results[0], PipelineJson.Default.FillMaskResult);
        }
        else if (IsJson)
        {
            WriteJson(results, PipelineJson.Default.IReadOnlyListFillMaskResult);
        }
        else
        {
            var table = new Table(("token", Align.Left), ("score", Align.Right), ("text", Align.Left));
            foreach (var filled in results.SelectMany(result => result.Masks).SelectMany(mask => mask))
                table.Add(filled.TokenStr, Number(filled.Score), filled.Sequence);
            table.Write(Terminal);
        }
    }

    private async Task AnswerAsync(CancellationToken cancellationToken)
    {
        string question = Question ?? throw new UsageException("question-answering needs --question TEXT");
        using var pipeline = await LoadAsync((model, progress) => QuestionAnsweringPipeline.CreateAsync(
            model, new() { TopK = Generation.TopK ?? 1, OnWarning = Warn }, progress, cancellationToken)).ConfigureAwait(false);
        QuestionInput[] inputs = [.. Inputs.Select(context => new QuestionInput(question, context))];
        var results = await pipeline.RunAsync(inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (IsJson && results is [[var only]])
        {
            WriteJson(only, PipelineJson.Default.Answer);
        }
        else if (IsJson)
        {
            WriteJson([.. results.SelectMany(result => result)], PipelineJson.Default.IReadOnlyListAnswer);
        }
        else
        {
            var table = new Table(("answer", Align.Left), ("score", Align.Right), ("start", Align.Right), ("end", Align.Right));
            foreach (var answer in results.SelectMany(result => result))
                table.Add(answer.Text, Number(answer.Score), $"{answer.Start}", $"{answer.End}");
            table.Write(Terminal);
        }
    }

    private async Task LabelTokensAsync(CancellationToken cancellationToken)
    {
        using var pipeline = await LoadAsync((model, progress) => TokenClassificationPipeline.CreateAsync(
            model, new() { AggregationStrategy = Aggregation, Truncation = Truncation, OnWarning = Warn }, progress, cancellationToken)).ConfigureAwait(false);
        var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (IsJson && results.Count == 1)
        {
            WriteJson(results[0], PipelineJson.Default.IReadOnlyListEntity);
        }
        else if (IsJson)
        {
            WriteJson(results, PipelineJson.Default.IReadOnlyListIReadOnlyListEntity);
        }
        else
        {
            var table = new Table(("word", Align.Left), ("label", Align.Left), ("score", Align.Right), ("start", Align.Right), ("end", Align.Right));
            foreach (var entity in results.SelectMany(result => result))
                table.Add(entity.Word, entity.EntityGroup ?? entity.Label ?? "", Number(entity.Score), $"{entity.Start}", $"{entity.End}");
            table.Write(Terminal);
        }
    }

    private async Task ExtractFeaturesAsync(CancellationToken cancellationToken)
    {
        using var pipeline = await LoadAsync((model, progress) => FeatureExtractionPipeline.CreateAsync(
            model, new() { Pooling = Pooling, Normalize = Normalize, Truncation = Truncation, OnWarning = Warn }, progress, cancellationToken)).ConfigureAwait(false);
        var results = await pipeline.RunAsync(Inputs, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (IsJson)
        {
            WriteJson(results, PipelineJson.Default.IReadOnlyListSingleArrayArray);
            return;
        }

        foreach (var (input, vectors) in Inputs.Zip(results))
        {
            Terminal.Out.WriteLine($"{Shortened(input)}: {vectors.Length} x {vectors[0].Length}");
            foreach (float[] vector in vectors)
            {
                string numbers = string.Join(' ', vector.Take(ShownNumbers).Select(value => value.ToString("F4", CultureInfo.InvariantCulture).PadLeft(8)));
                Terminal.Out.WriteLine($"  [{numbers}{(vector.Length > ShownNumbers ? " …" : "")}]");
            }
        }
    }

    /// <summary>Makes a pipeline, showing at a terminal that it loads.</summary>
    private async Task<T> LoadAsync<T>(Func<string?, IProgress<LoadingProgress>, Task<T>> create)
        where T : Pipeline
    {
        using var display = new LoadingDisplay(Terminal, Model);
        return await create(Model, display).ConfigureAwait(false);
    }

    private void Warn(string message) => Terminal.Error.WriteLine($"triptych: warning: {message}");

    private void WriteJson<T>(T value, JsonTypeInfo<T> type) => JsonLine.Write(Terminal.Out, writer => JsonSerializer.Serialize(writer, value, type));

    private static string Number(float value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private static string Shortened(string text) => text.Length <= ShownCharacters ? text : text[..(ShownCharacters - 1)] + "…";

    private static string Bar(float score)
    {
        int filled = (int)Math.Round(Math.Clamp(score, 0, 1) * BarWidth);
        return new string('█', filled) + new string('░', BarWidth - filled);
    }
}
