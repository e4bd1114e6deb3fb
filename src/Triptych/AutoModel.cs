using Triptych.Formats;
using Triptych.Models;

namespace Triptych;

/// <summary>Loads the model as the base model, without a head, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModel
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options);

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as the heads of pre-training, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForPreTraining
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForPreTraining");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a masked-language-model head, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForMaskedLM
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForMaskedLM");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a next-sentence head, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForNextSentencePrediction
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForNextSentencePrediction");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a head that classifies texts, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForSequenceClassification
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForSequenceClassification");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a head that classifies tokens, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForTokenClassification
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForTokenClassification");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a multiple-choice head, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForMultipleChoice
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForMultipleChoice");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a head that finds answers in a text, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForQuestionAnswering
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForQuestionAnswering");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as a head that predicts the next token, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForCausalLM
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "LMHeadModel", "ForCausalLM");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

/// <summary>Loads a model as an encoder-decoder's language-model head, in the class that <c>model_type</c> calls for.</summary>
public static class AutoModelForSeq2SeqLM
{
    /// <summary>Loads the model.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static PretrainedModel Load(string model, LoadOptions? options = null) => AutoClass.Load(model, options, "ForConditionalGeneration");

    /// <summary>Loads the model in the background.</summary>
    /// <inheritdoc cref="AutoClass.Load"/>
    public static Task<PretrainedModel> LoadAsync(string model, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(model, options), cancellationToken);
}

internal static class AutoClass
{
    /// <param name="model">A model folder, or the name of an embedded model.</param>
    /// <param name="options">How to load.</param>
    /// <param name="suffixes">How the class's name ends; none for the base model.</param>
    /// <exception cref="CheckpointException">There is no such model, a file is damaged, or the weights lack the head.</exception>
    /// <exception cref="NotSupportedException">The architecture has no such class.</exception>
    public static PretrainedModel Load(string model, LoadOptions? options, params ReadOnlySpan<string> suffixes)
    {
        string folder = EmbeddedModels.Resolve(model);
        var config = ModelConfig.Load(folder);
        return ModelRegistry.Load(folder, config, ClassName(ModelRegistry.Find(config), suffixes), options);
    }

    private static string ClassName(Architecture architecture, ReadOnlySpan<string> suffixes)
    {
        foreach (var candidate in architecture.Classes)
        {
            if (suffixes.IsEmpty && candidate.IsBase)
                return candidate.Name;
            foreach (string suffix in suffixes)
            {
                if (candidate.Name.EndsWith(suffix, StringComparison.Ordinal))
                    return candidate.Name;
            }
        }

        throw new NotSupportedException($"{architecture.ModelType} has no class {string.Join(" or ", suffixes.ToArray().Select(s => "..." + s))}; " +
            $"it has {string.Join(", ", architecture.Classes.Select(c => c.Name))}");
    }
}
