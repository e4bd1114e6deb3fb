using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;

namespace Triptych.Training;

/// <summary>Where a recipe's data is and its model goes.</summary>
/// <param name="Output">The folder of the model that is made.</param>
public sealed record RecipeOptions(string Output)
{
    /// <summary>The folder that the paths of data are relative to; null for the environment variable TRIPTYCH_DATA. What is not there is
    /// looked for beside the recipe.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Whether an interrupted run is resumed.</summary>
    public bool Resume { get; init; }
}

/// <summary>What came of a recipe.</summary>
/// <param name="Output">The model's folder.</param>
/// <param name="Parameters">The number of parameters.</param>
/// <param name="Validation">The last stage's evaluation; null where it has no validation data.</param>
/// <param name="Test">The figures of the last stage's test data with the final weights; null where it has none.</param>
public sealed record RecipeResult(string Output, long Parameters, EvaluationResult? Validation, EvaluationResult? Test);

/// <summary>Makes a model as a <see cref="Recipe"/> says: trains the tokenizer and the stages and saves a folder that this library
/// and Hugging Face transformers load.</summary>
public sealed class RecipeRunner
{
    private const string WorkFolder = "training";
    private const string FinalFolder = "final";

    private readonly Recipe recipe;
    private readonly string recipePath;
    private readonly RecipeOptions options;
    private readonly IProgress<TrainingProgress>? progress;
    private readonly CancellationToken cancellationToken;

    private RecipeRunner(string recipePath, RecipeOptions options, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        this.recipePath = recipePath;
        this.options = options;
        this.progress = progress;
        this.cancellationToken = cancellationToken;
        recipe = Recipe.Load(recipePath);
    }

    /// <summary>Runs a recipe from beginning to end, or from the last checkpoint on.</summary>
    /// <param name="recipePath">The recipe.</param>
    /// <param name="options">Where things are.</param>
    /// <param name="progress">Told how far it is, from this thread.</param>
    /// <param name="cancellationToken">Stops it; a checkpoint is written, from which it can be resumed.</param>
    /// <exception cref="TrainingException">The recipe or its data is wrong, the output folder holds another run, or training diverged.</exception>
    /// <exception cref="CheckpointException">A model file is damaged or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RecipeResult Run(
        string recipePath,
        RecipeOptions options,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new RecipeRunner(recipePath, options, progress, cancellationToken).Run();
    }

    private string Work => Path.Combine(options.Output, WorkFolder);

    private RecipeResult Run()
    {
        if (!options.Resume && Directory.Exists(Work) && Directory.EnumerateFileSystemEntries(Work).Any())
            throw new TrainingException($"{Work}: holds an earlier run; resume it, remove it, or choose another output folder");
        var tokenizer = MakeTokenizer();
        RecipeResult? result = null;
        string? previous = recipe.From is null ? null : BesideRecipe(recipe.From);
        for (int i = 0; i < recipe.Stages.Count; i++)
        {
            string folder = Path.Combine(Work, recipe.Stages[i].Label(i)), final = Path.Combine(folder, FinalFolder);
            bool isLast = i == recipe.Stages.Count - 1;
            if (isLast || !File.Exists(Path.Combine(final, Checkpoint.SingleFileName)))
                result = RunStage(recipe.Stages[i], recipe.Stages[i].Label(i), tokenizer, previous, folder, isLast ? null : final);
            previous = final;
        }

        return result!;
    }

    private RecipeResult RunStage(StageRecipe stage, string name, Tokenizer tokenizer, string? previous, string folder, string? final)
    {
        Report(name, "reading the data");
        var (train, validation) = Examples(stage, tokenizer);
        using var model = MakeModel(stage, tokenizer, previous);
        var collator = Collator(stage, model.Config, tokenizer);
        var trainer = new Trainer(model, train, collator, stage.Training with { Seed = recipe.Seed })
        {
            Folder = folder,
            Stage = name,
            EvaluationExamples = validation,
            SaveBeside = path => SaveBeside(path, tokenizer),
        };
        Report(name, $"{train.Count} examples of {train.Average(e => e.Length):F0} tokens, {model.ParameterCount:N0} parameters");
        if (options.Resume && trainer.Resume())
            Report(name, $"resumed at step {trainer.Step}");
        var evaluation = trainer.Run(progress, cancellationToken);
        EvaluationResult? test = null;
        if (stage.Data.Test is { Count: > 0 } sources)
        {
            Report(name, "measuring on the test data");
            var examples = new ExampleEncoder(tokenizer, stage, recipe.Labels).Encode(sources.SelectMany(Read));
            test = Evaluator.Evaluate(model, examples, collator, stage.Training.EvaluationBatchSize ?? stage.Training.BatchSize, cancellationToken);
            progress?.Report(new TrainingProgress
            {
                Event = TrainingEvent.Evaluation,
                Stage = name,
                Step = trainer.Step,
                TotalSteps = trainer.TotalSteps,
                Evaluation = test,
                Message = "test",
            });
        }

        string output = final ?? options.Output;
        model.Save(output, final is null ? SavedType() : null, cancellationToken: CancellationToken.None);
        SaveBeside(output, tokenizer);
        return new RecipeResult(output, model.ParameterCount, evaluation, test);
    }

    private DType SavedType() => recipe.DType switch
    {
        "float16" => DType.Float16,
        "bfloat16" => DType.BFloat16,
        _ => DType.Float32,
    };

    private void SaveBeside(string folder, Tokenizer tokenizer)
    {
        tokenizer.Save(folder);
        if (recipe.Generation is { } generation)
            JsonFile.Write(Path.Combine(folder, "generation_config.json"), generation, sortKeys: true);
    }

    private Tokenizer MakeTokenizer()
    {
        if (recipe.Tokenizer is not { } wanted)
            return Tokenizer.Load(BesideRecipe(recipe.From!));
        if (wanted.From is not null)
            return Tokenizer.Load(BesideRecipe(wanted.From));
        Report(null, "training the tokenizer");
        var sources = wanted.Data ?? [.. recipe.Stages.SelectMany(s => s.Data.Train).DistinctBy(s => (s.Path, s.Entry, s.Text, s.Target))];
        var texts = sources.SelectMany(Read).SelectMany(r => new[] { r.Record.Text, r.Record.Pair, r.Record.Target }).OfType<string>();
        TokenizerTrainer trainer = wanted.Kind switch
        {
            TokenizerKind.Bert => new WordPieceTrainer
            {
                VocabSize = wanted.VocabSize,
                MinFrequency = wanted.MinFrequency,
                Lowercase = wanted.Lowercase,
                ModelMaxLength = wanted.MaxLength,
            },
            TokenizerKind.Gpt2 => new BpeTrainer
            {
                VocabSize = wanted.VocabSize,
                MinFrequency = wanted.MinFrequency,
                SpecialTokens = SpecialTokens.Gpt2,
                ModelMaxLength = wanted.MaxLength,
            },
            _ => new BpeTrainer
            {
                VocabSize = wanted.VocabSize,
                MinFrequency = wanted.MinFrequency,
                SpecialTokens = SpecialTokens.Roberta,
                SpecialTokenList = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                RobertaTemplate = true,
                ModelMaxLength = wanted.MaxLength,
            },
        };
        return trainer.Train(texts, cancellationToken: cancellationToken);
    }

    private PretrainedModel MakeModel(StageRecipe stage, Tokenizer tokenizer, string? previous)
    {
        try
        {
            var config = MakeConfig(stage, tokenizer, previous);
            string task = stage.Objective switch
            {
                Objective.Clm => "text-generation",
                Objective.Mlm => "fill-mask",
                Objective.Classification => "text-classification",
                _ => "summarization",
            };
            string className = ModelRegistry.Find(config).ForTask(task)?.Name
                ?? throw new TrainingException($"{recipePath}: a {config.ModelType} model cannot be trained for {stage.Objective}: it has no head for {task}");
            return previous is null
                ? ModelRegistry.Create(config, className, recipe.Seed)
                : ModelRegistry.Load(previous, config, className, new LoadOptions { Trainable = true, InitializeMissing = true, IgnoreUnexpected = true, Seed = recipe.Seed });
        }
        catch (ArgumentException error)
        {
            throw new TrainingException($"{recipePath}: model: {error.Message}", error);
        }
    }

    private ModelConfig MakeConfig(StageRecipe stage, Tokenizer tokenizer, string? previous)
    {
        var json = previous is null ? [] : JsonFile.ReadObject(Path.Combine(previous, ModelConfig.FileName));
        foreach (var (key, value) in recipe.Model ?? [])
            json[key] = value?.DeepClone();
        void Default(string key, int? value)
        {
            if (value is not null && !json.ContainsKey(key))
                json[key] = value;
        }

        Default("vocab_size", tokenizer.VocabSize);
        Default("pad_token_id", tokenizer.PadTokenId);
        Default("bos_token_id", tokenizer.BosTokenId);
        Default("eos_token_id", tokenizer.EosTokenId);
        if (stage.Objective is Objective.SequenceToSequence or Objective.Denoising)
            Default("decoder_start_token_id", tokenizer.EosTokenId);
        var config = ModelConfig.Parse(json, recipePath);
        if (tokenizer.VocabSize > config.VocabSize)
            throw new TrainingException($"{recipePath}: model.vocab_size: is {config.VocabSize}, the tokenizer has {tokenizer.VocabSize} tokens");
        return stage.Objective == Objective.Classification ? config.WithLabels(recipe.Labels!) : config;
    }

    private ICollator Collator(StageRecipe stage, ModelConfig config, Tokenizer tokenizer)
    {
        int pad = tokenizer.PadTokenId ?? config.PadTokenId ?? tokenizer.EosTokenId ?? 0;
        int Mask() => tokenizer.MaskTokenId ?? throw new TrainingException($"{recipePath}: the tokenizer has no mask token, which {stage.Objective} needs");
        int Start() => StartToken(config) ?? throw new TrainingException($"{recipePath}: model.decoder_start_token_id: is missing");
        switch (stage.Objective)
        {
            case Objective.Clm:
                return new CausalCollator(pad);
            case Objective.Mlm:
                var special = tokenizer.AddedTokens.Where(t => t.Special).Select(t => t.Id).ToHashSet();
                return new MaskedCollator(pad, Mask(), [.. Enumerable.Range(0, tokenizer.VocabSize).Where(id => !special.Contains(id))], stage.Masking);
            case Objective.Classification:
                return new ClassificationCollator(pad);
            case Objective.SequenceToSequence:
                return new SequenceToSequenceCollator(pad, Start());
            default:
                return new DenoisingCollator(pad, Start(), Mask(), stage.Infilling);
        }
    }

    private static int? StartToken(ModelConfig config) =>
        config.ToJson()["decoder_start_token_id"] is JsonValue value && value.TryGetValue(out int id) ? id : null;

    private (List<Example> Train, List<Example>? Validation) Examples(StageRecipe stage, Tokenizer tokenizer)
    {
        var encoder = new ExampleEncoder(tokenizer, stage, recipe.Labels);
        var train = new List<(TextRecord, string)>();
        var held = new List<(TextRecord, string)>();
        foreach (var source in stage.Data.Train)
        {
            double share = 0;
            var kept = new List<(TextRecord, string)>();
            foreach (var record in Read(source))
            {
                cancellationToken.ThrowIfCancellationRequested();
                share += stage.Data.Validation is null ? stage.Data.ValidationShare : 0;
                if (share >= 1)
                    held.Add(record);
                else
                    kept.Add(record);
                share -= share >= 1 ? 1 : 0;
            }

            for (int i = 0; i < source.Repeat; i++)
                train.AddRange(kept);
        }

        if (stage.Data.Validation is { } sources)
            held.AddRange(sources.SelectMany(Read));
        var examples = encoder.Encode(train).ToList();
        if (examples.Count == 0)
            throw new TrainingException($"{recipePath}: the data has no examples to train on");
        return (examples, held.Count == 0 ? null : [.. encoder.Encode(held)]);
    }

    private IEnumerable<(TextRecord Record, string File)> Read(DataSource source) => source.Read(Locate).Select(record => (record, source.Path));

    private string Locate(string path)
    {
        string? folder = options.DataFolder ?? Environment.GetEnvironmentVariable("TRIPTYCH_DATA");
        string beside = BesideRecipe(path);
        string[] places = string.IsNullOrEmpty(folder) ? [beside] : [Path.Combine(folder, path), beside];
        return places.FirstOrDefault(File.Exists)
            ?? throw new TrainingException($"{recipePath}: the data file {path} is neither {string.Join(" nor ", places)}; name the data folder with --data or TRIPTYCH_DATA");
    }

    private string BesideRecipe(string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(recipePath))!, path);

    private void Report(string? stage, string message)
    {
        cancellationToken.ThrowIfCancellationRequested();
        progress?.Report(new TrainingProgress { Event = TrainingEvent.Preparing, Stage = stage, Message = message });
    }
}
