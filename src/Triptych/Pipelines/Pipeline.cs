using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>What every pipeline can be told.</summary>
public abstract record PipelineOptions
{
    /// <summary>The texts that go through the model together.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Whether a text over the model's limit is cut, with a warning; otherwise it is an error.</summary>
    public bool Truncation { get; init; } = true;

    /// <summary>Told what the caller may want to know, such as a text that was cut.</summary>
    public Action<string>? OnWarning { get; init; }
}

/// <summary>
/// A model with its tokenizer, ready for a task, as Hugging Face's <c>pipeline()</c>. Safe to use from many threads.
/// </summary>
/// <example><code>
/// using var classifier = await TextClassificationPipeline.CreateAsync();
/// var result = await classifier.RunAsync("This movie was absolutely fantastic!");
/// Console.WriteLine($"{result[0].Label} {result[0].Score:P0}");
/// </code></example>
public abstract class Pipeline : IDisposable
{
    private protected Pipeline(string task, PretrainedModel model, Tokenizer tokenizer)
    {
        Task = task;
        Model = model;
        Tokenizer = tokenizer;
    }

    /// <summary>The task's Hugging Face name, such as <c>fill-mask</c>.</summary>
    public string Task { get; }

    /// <summary>The model.</summary>
    public PretrainedModel Model { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The longest input in tokens: what both the model and the tokenizer allow.</summary>
    public int MaxLength => Math.Min(Tokenizer.ModelMaxLength ?? int.MaxValue, Model.Config.Dimensions.ContextLength);

    /// <summary>Loads the pipeline of a task.</summary>
    /// <param name="task">The task's name: <c>text-classification</c> (<c>sentiment-analysis</c>), <c>fill-mask</c>,
    /// <c>token-classification</c> (<c>ner</c>), <c>question-answering</c>, <c>feature-extraction</c>, <c>text-generation</c>, <c>summarization</c>.</param>
    /// <param name="model">A model folder or the name of an embedded model; null for the task's embedded model.</param>
    /// <param name="progress">Told how far loading has come.</param>
    /// <param name="cancellationToken">Stops the loading.</param>
    /// <exception cref="ArgumentException">The task is unknown, or has no embedded model.</exception>
    /// <exception cref="NotSupportedException">The model's architecture cannot do the task.</exception>
    /// <exception cref="CheckpointException">There is no such model, or its files cannot be used.</exception>
    public static async Task<Pipeline> CreateAsync(
        string task, string? model = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default) => task switch
        {
            "text-classification" or "sentiment-analysis" => await TextClassificationPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "fill-mask" => await FillMaskPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "token-classification" or "ner" => await TokenClassificationPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "question-answering" => await QuestionAnsweringPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "feature-extraction" => await FeatureExtractionPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "text-generation" => await TextGenerationPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            "summarization" => await SummarizationPipeline.CreateAsync(model, progress: progress, cancellationToken: cancellationToken).ConfigureAwait(false),
            _ => throw new ArgumentException($"'{task}' is not a task; the tasks are {string.Join(", ", ModelRegistry.Tasks)}", nameof(task)),
        };

    /// <summary>Gives the model's memory back.</summary>
    public void Dispose()
    {
        Model.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Loads a task's model and its tokenizer side by side.</summary>
    private protected static async Task<(PretrainedModel Model, Tokenizer Tokenizer)> LoadAsync(
        string task, string? model, IProgress<LoadingProgress>? progress, CancellationToken cancellationToken)
    {
        const int Steps = 2;
        string folder = EmbeddedModels.Resolve(model, task);
        int done = 0;
        Task<T> Step<T>(string name, Func<T> load) => System.Threading.Tasks.Task.Run(
            () =>
            {
                T result = load();
                progress?.Report(new LoadingProgress(name, (double)Interlocked.Increment(ref done) / Steps));
                return result;
            },
            cancellationToken);

        var tokenizer = Step("tokenizer", () => AutoTokenizer.Load(folder));
        var weights = Step("weights", () => LoadModel(task, folder));
        try
        {
            await System.Threading.Tasks.Task.WhenAll(weights, tokenizer).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
        catch
        {
            if (weights.IsCompletedSuccessfully)
                (await weights.ConfigureAwait(false)).Dispose();
            throw;
        }

        progress?.Report(new LoadingProgress("ready", 1));
        return (await weights.ConfigureAwait(false), await tokenizer.ConfigureAwait(false));
    }

    /// <summary>Encodes a text within the model's limit.</summary>
    /// <exception cref="ArgumentException">The text is too long and not to be cut, or has no tokens.</exception>
    private protected Encoding Encode(string text, string? pair, PipelineOptions options)
    {
        var encoding = Tokenizer.Encode(text, pair, new EncodeOptions { Truncation = new Truncation(MaxLength) });
        if (encoding.Length == 0)
            throw new ArgumentException("the text is empty: it has no tokens", nameof(text));
        if (encoding.Overflowing.Count == 0)
            return encoding;
        if (!options.Truncation)
            throw new ArgumentException($"the text has more tokens than the {MaxLength} that the model reads; turn truncation on to cut it", nameof(text));
        options.OnWarning?.Invoke($"the text was cut to its first {MaxLength} tokens, the model's limit");
        return encoding;
    }

    /// <summary>Runs the model over encodings in batches of similar length.</summary>
    /// <param name="encodings">The inputs.</param>
    /// <param name="batchSize">How many go together.</param>
    /// <param name="use">Gets an input's number, the batch's output, and the input's row in it; tensors live until it returns.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    private protected void Forward(
        IReadOnlyList<Encoding> encodings, int batchSize, Action<int, ModelOutput, int> use, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        int[] byLength = [.. Enumerable.Range(0, encodings.Count).OrderBy(i => encodings[i].Length)];
        foreach (int[] batch in byLength.Chunk(batchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = new TensorScope();
            using var inference = Autograd.NoGrad();
            var output = Model.Forward(Inputs([.. batch.Select(i => encodings[i])]));
            for (int row = 0; row < batch.Length; row++)
                use(batch[row], output, row);
        }
    }

    /// <summary>One row of a batch's output.</summary>
    private protected static float[] Row(Tensor? tensor, int row) => tensor!.Select(0, row).ToFloats();

    private static PretrainedModel LoadModel(string task, string folder)
    {
        var config = ModelConfig.Load(folder);
        var architecture = ModelRegistry.Find(config);
        if (architecture.ForTask(task) is not { } modelClass)
        {
            string reason = architecture.Tasks().FirstOrDefault(support => support.Task == task)?.Reason ?? "it has no head for it";
            throw new NotSupportedException($"{folder}: {config.ModelType} cannot do {task}: {reason}");
        }

        return ModelRegistry.Load(folder, config, modelClass.Name);
    }

    private ModelInputs Inputs(Encoding[] encodings)
    {
        int rows = encodings.Length, length = encodings.Max(e => e.Length), pad = Tokenizer.PadTokenId ?? Model.Config.PadTokenId ?? 0;
        long[] ids = new long[rows * length], mask = new long[rows * length], types = new long[rows * length];
        Array.Fill(ids, pad);
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < encodings[row].Length; i++)
            {
                int place = (row * length) + i;
                (ids[place], mask[place], types[place]) = (encodings[row].Ids[i], encodings[row].AttentionMask[i], encodings[row].TypeIds[i]);
            }
        }

        Shape shape = [rows, length];
        return new ModelInputs
        {
            InputIds = Tensor.From(ids, shape),
            AttentionMask = mask.Contains(0) ? Tensor.From(mask, shape) : null,
            TokenTypeIds = types.Any(type => type != 0) ? Tensor.From(types, shape) : null,
        };
    }
}

/// <summary>A pipeline from one kind of input to one kind of result.</summary>
/// <typeparam name="TInput">The input.</typeparam>
/// <typeparam name="TOptions">The options.</typeparam>
/// <typeparam name="TResult">What one input gives.</typeparam>
public abstract class Pipeline<TInput, TOptions, TResult> : Pipeline
    where TInput : class
    where TOptions : PipelineOptions, new()
{
    private protected Pipeline(string task, PretrainedModel model, Tokenizer tokenizer, TOptions? options)
        : base(task, model, tokenizer) => Options = options ?? new TOptions();

    /// <summary>The options of calls that have none of their own.</summary>
    public TOptions Options { get; }

    /// <summary>Runs one input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="options">Options of this call; null for <see cref="Options"/>.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ArgumentException">The input cannot be used.</exception>
    public TResult Run(TInput input, TOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Run([input], options, cancellationToken)[0];
    }

    /// <summary>Runs many inputs in batches.</summary>
    /// <param name="inputs">The inputs.</param>
    /// <param name="options">Options of this call; null for <see cref="Options"/>.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>A result for each input, in their order.</returns>
    /// <exception cref="ArgumentException">An input cannot be used.</exception>
    public IReadOnlyList<TResult> Run(IReadOnlyList<TInput> inputs, TOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        for (int i = 0; i < inputs.Count; i++)
        {
            if (inputs[i] is null)
                throw new ArgumentException($"input {i} is null", nameof(inputs));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return inputs.Count == 0 ? [] : Process(inputs, options ?? Options, cancellationToken);
    }

    /// <summary>Runs one input in the background.</summary>
    /// <inheritdoc cref="Run(TInput, TOptions, CancellationToken)"/>
    public Task<TResult> RunAsync(TInput input, TOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        return System.Threading.Tasks.Task.Run(() => Run(input, options, cancellationToken), cancellationToken);
    }

    /// <summary>Runs many inputs in the background.</summary>
    /// <inheritdoc cref="Run(IReadOnlyList{TInput}, TOptions, CancellationToken)"/>
    public Task<IReadOnlyList<TResult>> RunAsync(IReadOnlyList<TInput> inputs, TOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return System.Threading.Tasks.Task.Run(() => Run(inputs, options, cancellationToken), cancellationToken);
    }

    private protected abstract TResult[] Process(IReadOnlyList<TInput> inputs, TOptions options, CancellationToken cancellationToken);
}
