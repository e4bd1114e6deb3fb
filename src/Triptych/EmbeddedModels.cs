using Triptych.Formats;
using Triptych.Models;

namespace Triptych;

/// <summary>The models that come along: folders in <c>models/</c> beside the program or above it, or where TRIPTYCH_MODELS says.</summary>
public static class EmbeddedModels
{
    /// <summary>The environment variable that names another folder of models.</summary>
    public const string EnvironmentVariable = "TRIPTYCH_MODELS";

    private const string FolderName = "models";

    private static readonly Dictionary<string, string> Defaults = new()
    {
        ["text-classification"] = "distilbert-sentiment",
        ["feature-extraction"] = "distilbert-sentiment",
        ["text-generation"] = "gpt2-stories",
        ["summarization"] = "bart-summary",
    };

    /// <summary>The names of the models that are there.</summary>
    public static IReadOnlyList<string> Names =>
        [.. Roots().SelectMany(Directory.EnumerateDirectories).Where(IsModel).Select(folder => Path.GetFileName(folder)!).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The name of the model that does a task when none is asked for; null where there is none.</summary>
    public static string? DefaultFor(string task) => Defaults.GetValueOrDefault(task);

    /// <summary>The folder of an embedded model; null where there is none of that name.</summary>
    public static string? Find(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        // A name is one plain part of a path: it cannot lead out of the folder of models.
        if (name[0] == '.' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            return null;
        return Roots().Select(root => Path.Combine(root, name)).FirstOrDefault(IsModel);
    }

    /// <summary>What a model's name or path means: an existing folder or GGUF file, else the folder of an embedded model.</summary>
    /// <exception cref="CheckpointException">It is neither.</exception>
    public static string Resolve(string model)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (Directory.Exists(model) || GgufFile.IsGguf(model))
            return model;
        if (Find(model) is { } folder)
            return folder;
        if (File.Exists(model))
            throw new CheckpointException(model, null, "is a file; a model is a folder with config.json and model.safetensors, or a GGUF file");
        string known = Names is { Count: > 0 } names ? string.Join(", ", names) : "none";
        throw new CheckpointException(model, null, $"there is no such model folder; embedded models: {known}");
    }

    /// <summary>The folder of a model that a caller names, or of the task's default.</summary>
    internal static string Resolve(string? model, string task)
    {
        if (model is not null)
            return Resolve(model);
        string name = DefaultFor(task) ?? throw new ArgumentException($"no embedded model does {task}; give the folder of one", nameof(model));
        return Resolve(name);
    }

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } configured)
        {
            if (Directory.Exists(configured))
                yield return configured;
            yield break;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, FolderName);
            if (Directory.Exists(candidate))
                yield return candidate;
        }
    }

    private static bool IsModel(string folder) => File.Exists(Path.Combine(folder, ModelConfig.FileName));
}
