using Triptych.Formats;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>Reads a model's config.json as the record of its <c>model_type</c>.</summary>
public static class AutoConfig
{
    /// <summary>Reads the configuration.</summary>
    /// <param name="model">A model folder, a GGUF file, or the name of an embedded model.</param>
    /// <exception cref="CheckpointException">There is no such model, or its config.json cannot be used.</exception>
    public static ModelConfig Load(string model) => ModelConfig.Load(EmbeddedModels.Resolve(model));
}

/// <summary>Reads a model's tokenizer.</summary>
public static class AutoTokenizer
{
    /// <summary>Reads the tokenizer.</summary>
    /// <param name="model">A model folder, a GGUF file, or the name of an embedded model.</param>
    /// <exception cref="CheckpointException">There is no such model.</exception>
    /// <exception cref="TokenizerException">A tokenizer file is missing or cannot be used.</exception>
    public static Tokenizer Load(string model)
    {
        string path = EmbeddedModels.Resolve(model);
        return GgufFile.IsGguf(path) ? GgufTokenizer.Load(path) : Tokenizer.Load(path);
    }

    /// <summary>Reads the tokenizer in the background.</summary>
    /// <inheritdoc cref="Load"/>
    public static Task<Tokenizer> LoadAsync(string model, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model), cancellationToken);
}
