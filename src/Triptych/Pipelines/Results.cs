using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Triptych;

/// <summary>A label of a text with its score.</summary>
public sealed record ClassificationResult(
    [property: JsonPropertyName("label")] string Label,
    [property: JsonPropertyName("score")] float Score);

/// <summary>A token for a masked place.</summary>
/// <param name="Score">Its probability.</param>
/// <param name="Token">Its id.</param>
/// <param name="TokenStr">Its text.</param>
/// <param name="Sequence">The whole text with the token in place.</param>
public sealed record FilledMask(
    [property: JsonPropertyName("score")] float Score,
    [property: JsonPropertyName("token")] int Token,
    [property: JsonPropertyName("token_str")] string TokenStr,
    [property: JsonPropertyName("sequence")] string Sequence);

/// <summary>The tokens for the masked places of a text. The list is that of the first place; <see cref="Masks"/> has all.
/// As JSON a list, or a list of lists where there are several places, as Hugging Face gives them.</summary>
[JsonConverter(typeof(FillMaskResultConverter))]
public sealed class FillMaskResult(IReadOnlyList<IReadOnlyList<FilledMask>> masks) : IReadOnlyList<FilledMask>
{
    /// <summary>For each masked place its tokens, the likeliest first.</summary>
    public IReadOnlyList<IReadOnlyList<FilledMask>> Masks => masks;

    /// <inheritdoc/>
    public int Count => masks[0].Count;

    /// <inheritdoc/>
    public FilledMask this[int index] => masks[0][index];

    /// <inheritdoc/>
    public IEnumerator<FilledMask> GetEnumerator() => masks[0].GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A token, or with aggregation a group of tokens, that has a label.</summary>
public sealed record Entity
{
    /// <summary>The label of a token, without aggregation.</summary>
    [JsonPropertyName("entity")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Label { get; init; }

    /// <summary>The label of a group without its B- or I-, with aggregation.</summary>
    [JsonPropertyName("entity_group")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EntityGroup { get; init; }

    /// <summary>The probability of the label.</summary>
    [JsonPropertyName("score")]
    public float Score { get; init; }

    /// <summary>The token's number in the text, without aggregation.</summary>
    [JsonPropertyName("index")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Index { get; init; }

    /// <summary>The token, or the group's text.</summary>
    [JsonPropertyName("word")]
    public string Word { get; init; } = "";

    /// <summary>Where it starts in the text, in UTF-16 units.</summary>
    [JsonPropertyName("start")]
    public int Start { get; init; }

    /// <summary>One past its end in the text, in UTF-16 units.</summary>
    [JsonPropertyName("end")]
    public int End { get; init; }
}

/// <summary>A part of the context that answers a question.</summary>
/// <param name="Score">Its probability.</param>
/// <param name="Start">Where it starts in the context, in UTF-16 units.</param>
/// <param name="End">One past its end in the context.</param>
/// <param name="Text">The answer; empty for "no answer".</param>
public sealed record Answer(
    [property: JsonPropertyName("score")] float Score,
    [property: JsonPropertyName("start")] int Start,
    [property: JsonPropertyName("end")] int End,
    [property: JsonPropertyName("answer")] string Text);

/// <summary>A text that goes on where the prompt ends.</summary>
/// <param name="GeneratedText">The text, with the prompt if <see cref="TextGenerationOptions.ReturnFullText"/> says so.</param>
public sealed record TextGenerationResult([property: JsonPropertyName("generated_text")] string GeneratedText);

/// <summary>A summary.</summary>
/// <param name="SummaryText">The text.</param>
public sealed record SummarizationResult([property: JsonPropertyName("summary_text")] string SummaryText);

internal sealed class FillMaskResultConverter : JsonConverter<FillMaskResult>
{
    public override FillMaskResult Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        bool several = document.RootElement.EnumerateArray().FirstOrDefault().ValueKind == JsonValueKind.Array;
        return new FillMaskResult(several
            ? document.Deserialize(PipelineJson.Default.FilledMaskArrayArray)!
            : [document.Deserialize(PipelineJson.Default.FilledMaskArray)!]);
    }

    public override void Write(Utf8JsonWriter writer, FillMaskResult value, JsonSerializerOptions options)
    {
        FilledMask[][] masks = [.. value.Masks.Select(mask => mask.ToArray())];
        if (masks.Length == 1)
            JsonSerializer.Serialize(writer, masks[0], PipelineJson.Default.FilledMaskArray);
        else
            JsonSerializer.Serialize(writer, masks, PipelineJson.Default.FilledMaskArrayArray);
    }
}

/// <summary>Source-generated serialization of every pipeline's results: Hugging Face's field names, no reflection at start-up.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<ClassificationResult>))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<ClassificationResult>>))]
[JsonSerializable(typeof(FillMaskResult))]
[JsonSerializable(typeof(IReadOnlyList<FillMaskResult>))]
[JsonSerializable(typeof(FilledMask[]))]
[JsonSerializable(typeof(FilledMask[][]))]
[JsonSerializable(typeof(IReadOnlyList<Entity>))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<Entity>>))]
[JsonSerializable(typeof(IReadOnlyList<Answer>))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<Answer>>))]
[JsonSerializable(typeof(IReadOnlyList<TextGenerationResult>))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<TextGenerationResult>>))]
[JsonSerializable(typeof(IReadOnlyList<SummarizationResult>))]
[JsonSerializable(typeof(IReadOnlyList<IReadOnlyList<SummarizationResult>>))]
[JsonSerializable(typeof(float[][]))]
[JsonSerializable(typeof(IReadOnlyList<float[][]>))]
[JsonSerializable(typeof(ArchitectureReport))]
public sealed partial class PipelineJson : JsonSerializerContext;
