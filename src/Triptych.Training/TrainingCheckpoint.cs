using System.Text.Json;
using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>What is needed besides the weights to go on with training: trainer_state.json of a checkpoint.</summary>
internal sealed record TrainerState
{
    public required int Step { get; init; }

    public required int TotalSteps { get; init; }

    /// <summary>The settings that the numbers depend on, by name; a resumed run must have the same.</summary>
    public required Dictionary<string, string> Settings { get; init; }

    public required ulong[] MaskGenerator { get; init; }

    public required ulong[] ModelGenerator { get; init; }

    public required double ElapsedSeconds { get; init; }

    public int? BestStep { get; init; }

    public EvaluationResult? Best { get; init; }

    /// <summary>Losses since the last report, whose mean the next one tells.</summary>
    public required double PendingLoss { get; init; }

    public required int PendingSteps { get; init; }
}

/// <summary>Folders <c>checkpoint-N</c>: a model folder that can be loaded as it is, with the optimizer's and the trainer's state.</summary>
internal static class TrainingCheckpoint
{
    private const string Prefix = "checkpoint-";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string StateFile = "trainer_state.json";
    private const string BestFile = "best.safetensors";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>The checkpoints of a folder, by step.</summary>
    public static IReadOnlyList<(int Step, string Folder)> List(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.GetDirectories(folder, Prefix + "*")
            .Select(path => (Step: int.TryParse(Path.GetFileName(path)[Prefix.Length..], out int step) ? step : -1, path))
            .Where(pair => pair.Step >= 0)
            .OrderBy(pair => pair.Step)];

    /// <summary>Writes a checkpoint beside its place and moves it there when it is complete, then removes old ones.</summary>
    public static string Save(
        string folder, TrainerState state, Action<string> saveModel, AdamW optimizer, IReadOnlyDictionary<string, Tensor>? best, int keep)
    {
        string target = Path.Combine(folder, $"{Prefix}{state.Step}"), temporary = Path.Combine(folder, $".{Prefix}{state.Step}.tmp");
        try
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
            Directory.CreateDirectory(temporary);
            saveModel(temporary);
            SafetensorsWriter.Write(Path.Combine(temporary, OptimizerFile), optimizer.State().Select(s => KeyValuePair.Create(s.Name, s.Tensor)));
            if (best is not null)
                SafetensorsWriter.Write(Path.Combine(temporary, BestFile), best);
            AtomicFile.WriteText(Path.Combine(temporary, StateFile), JsonSerializer.Serialize(state, Json) + "\n");
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(temporary, target);
            foreach (var (_, old) in List(folder).Where(c => c.Step < state.Step).SkipLast(keep - 1))
                Directory.Delete(old, recursive: true);
        }
        catch (Exception error) when (error is IOException and not CheckpointException or UnauthorizedAccessException)
        {
            throw new CheckpointException(target, null, "the checkpoint cannot be written: " + error.Message, error);
        }

        return target;
    }

    /// <summary>Reads a checkpoint into a model's parameters and an optimizer.</summary>
    /// <exception cref="CheckpointException">A file is missing or damaged, or does not fit the model.</exception>
    public static (TrainerState State, Dictionary<string, Tensor>? Best) Load(
        string folder, IReadOnlyDictionary<string, Tensor> parameters, AdamW optimizer)
    {
        string statePath = Path.Combine(folder, StateFile);
        var state = JsonFile.Read<TrainerState>(statePath, Json);
        if (state.MaskGenerator.Length != 4 || state.ModelGenerator.Length != 4)
            throw new CheckpointException(statePath, null, "the state of a generator is four numbers");
        using (var weights = Checkpoint.Open(folder))
        {
            foreach (var (name, parameter) in parameters)
                Copy(weights.Load(name), parameter, folder, name);
        }

        string optimizerPath = Path.Combine(folder, OptimizerFile);
        using (var moments = SafetensorsFile.Open(optimizerPath))
        {
            try
            {
                optimizer.Restore(state.Step, moments.Load);
            }
            catch (ArgumentException error)
            {
                throw new CheckpointException(optimizerPath, null, error.Message, error);
            }
        }

        string bestPath = Path.Combine(folder, BestFile);
        if (state.Best is null || !File.Exists(bestPath))
            return (state, null);
        using var file = SafetensorsFile.Open(bestPath);
        var best = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, parameter) in parameters)
        {
            best[name] = Tensor.Empty(parameter.Shape).Persist();
            Copy(file.Load(name), best[name], bestPath, name);
        }

        return (state, best);
    }

    private static void Copy(Tensor source, Tensor target, string path, string name)
    {
        if (source.Shape != target.Shape)
            throw new CheckpointException(path, name, $"is {source.Shape}, the model's is {target.Shape}");
        target.Detach().CopyFrom(source);
    }
}
