using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>A generator with a task's settings: <c>task_specific_params</c> of config.json, then generation_config.json, then the pipeline's own.</summary>
internal static class TaskGeneration
{
    public static TextGenerator Create(PretrainedModel model, Tokenizer tokenizer, string task, GenerationOptions pipelineDefaults)
    {
        var generator = new TextGenerator(model, tokenizer);
        var defaults = generator.Defaults;
        if (Parameters(model.Config, task) is { } parameters)
            defaults = GenerationOptions.From(Parse(parameters, task)).Or(defaults);
        defaults = defaults.Or(pipelineDefaults);
        return new TextGenerator(model, tokenizer) { Defaults = defaults with { PadTokenId = defaults.PadTokenId ?? tokenizer.PadTokenId } };
    }

    /// <summary>What a task's texts begin with, such as T5's <c>summarize: </c>.</summary>
    public static string Prefix(ModelConfig config, string task) =>
        (Parameters(config, task)?["prefix"] ?? config.Extra?["prefix"]) is JsonValue value && value.TryGetValue(out string? prefix) ? prefix : "";

    private static JsonObject? Parameters(ModelConfig config, string task) =>
        (config.Extra?["task_specific_params"] as JsonObject)?[task] as JsonObject;

    private static GenerationConfig Parse(JsonObject parameters, string task)
    {
        try
        {
            return parameters.Deserialize<GenerationConfig>(ConfigJson.Options) ?? new GenerationConfig();
        }
        catch (JsonException error)
        {
            throw new CheckpointException(ModelConfig.FileName, $"task_specific_params.{task}", error.Message, error);
        }
    }
}
