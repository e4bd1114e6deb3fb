using System.Text.Json;
using System.Text.Json.Serialization;

namespace Triptych.Formats;

/// <summary>
/// generation_config.json: how a model likes to generate. Names and meanings are those of transformers' GenerationConfig;
/// null means absent from the file, so that defaults stay with the generator. Unknown fields are kept and written back.
/// </summary>
public sealed record GenerationConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>The most tokens of prompt and answer together.</summary>
    public int? MaxLength { get; init; }

    /// <summary>The most tokens of the answer.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The fewest tokens of prompt and answer together.</summary>
    public int? MinLength { get; init; }

    /// <summary>The fewest tokens of the answer.</summary>
    public int? MinNewTokens { get; init; }

    /// <summary>Whether to sample; otherwise the likeliest token, or beam, is taken.</summary>
    public bool? DoSample { get; init; }

    /// <summary>Logits are divided by this before sampling.</summary>
    public double? Temperature { get; init; }

    /// <summary>Only this many likeliest tokens are sampled from; 0 for all.</summary>
    public int? TopK { get; init; }

    /// <summary>Only the likeliest tokens whose probabilities reach this sum are sampled from.</summary>
    public double? TopP { get; init; }

    /// <summary>Only tokens of at least this share of the likeliest one's probability are sampled from.</summary>
    public double? MinP { get; init; }

    /// <summary>Locally typical sampling keeps this mass.</summary>
    public double? TypicalP { get; init; }

    /// <summary>Eta sampling's floor.</summary>
    public double? EtaCutoff { get; init; }

    /// <summary>Epsilon sampling's floor.</summary>
    public double? EpsilonCutoff { get; init; }

    /// <summary>Scores of tokens that have occurred are divided (multiplied where negative) by this.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>The same for tokens that are absent from the encoder's input.</summary>
    public double? EncoderRepetitionPenalty { get; init; }

    /// <summary>No n-gram of this length occurs twice; 0 for no limit.</summary>
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>No n-gram of this length of the encoder's input occurs in the answer; 0 for no limit.</summary>
    public int? EncoderNoRepeatNgramSize { get; init; }

    /// <summary>Beams of the search; 1 for none.</summary>
    public int? NumBeams { get; init; }

    /// <summary>Groups that the beams are divided into for diversity.</summary>
    public int? NumBeamGroups { get; init; }

    /// <summary>What a group pays for another group's token.</summary>
    public double? DiversityPenalty { get; init; }

    /// <summary>A beam's score is divided by its length to this power.</summary>
    public double? LengthPenalty { get; init; }

    /// <summary>When a beam search stops.</summary>
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>Answers to each prompt.</summary>
    public int? NumReturnSequences { get; init; }

    /// <summary>The longest time, in seconds.</summary>
    public double? MaxTime { get; init; }

    /// <summary>The token that begins a text; a list only in a few files.</summary>
    public TokenIds? BosTokenId { get; init; }

    /// <summary>The tokens that end a text.</summary>
    public TokenIds? EosTokenId { get; init; }

    /// <summary>The token that fills up shorter rows.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>The token that the decoder of an encoder-decoder begins with.</summary>
    public TokenIds? DecoderStartTokenId { get; init; }

    /// <summary>The first token that must be generated.</summary>
    public int? ForcedBosTokenId { get; init; }

    /// <summary>The last token when the maximal length is reached.</summary>
    public TokenIds? ForcedEosTokenId { get; init; }

    /// <summary>Sequences that must not be generated.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? BadWordsIds { get; init; }

    /// <summary>Tokens that are never generated.</summary>
    public IReadOnlyList<int>? SuppressTokens { get; init; }

    /// <summary>Tokens that are not generated at the beginning.</summary>
    public IReadOnlyList<int>? BeginSuppressTokens { get; init; }

    /// <summary>Scale of classifier-free guidance.</summary>
    public double? GuidanceScale { get; init; }

    /// <summary>Contrastive search's penalty.</summary>
    public double? PenaltyAlpha { get; init; }

    /// <summary>Whether probabilities are normalized again after the filters.</summary>
    public bool? RenormalizeLogits { get; init; }

    /// <summary>Whether keys and values of earlier tokens are kept.</summary>
    public bool? UseCache { get; init; }

    /// <summary>The version that wrote the file.</summary>
    public string? TransformersVersion { get; init; }

    /// <summary>All other fields.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Extra { get; set; }

    /// <summary>Reads <c>generation_config.json</c> of a folder, or what a GGUF file says in its place; null where there is none.</summary>
    /// <exception cref="CheckpointException">The file is invalid.</exception>
    public static GenerationConfig? Load(string folder)
    {
        if (GgufFile.IsGguf(folder))
        {
            using GgufFile file = GgufFile.Open(folder);
            return FromGguf(file.Metadata);
        }

        string path = Path.Combine(folder, FileName);
        return File.Exists(path) ? JsonFile.Read<GenerationConfig>(path, SerializerOptions) : null;
    }

    /// <summary>The tokens that begin, end and fill texts by the metadata of a GGUF file: turns and messages end a text too.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type.</exception>
    public static GenerationConfig FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        int[] ends = [.. new[] { "eos", "eot", "eom" }.Select(role => metadata.GetTokenId(role)).OfType<int>().Distinct()];
        return new GenerationConfig
        {
            BosTokenId = metadata.GetTokenId("bos") is { } bos ? bos : null,
            EosTokenId = ends switch { [] => null, [var end] => end, _ => ends },
            PadTokenId = metadata.GetTokenId("padding"),
        };
    }

    /// <summary>Writes <c>generation_config.json</c> into a folder.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string folder) => JsonFile.Write(Path.Combine(folder, FileName), this, SerializerOptions);

    private static JsonSerializerOptions SerializerOptions { get; } = new(ConfigJson.Options)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };
}

/// <summary>When a beam search stops: <c>false</c>, <c>true</c> or <c>"never"</c> in the file.</summary>
[JsonConverter(typeof(EarlyStoppingConverter))]
public enum EarlyStopping
{
    /// <summary>When the heuristic says that no better candidate is likely.</summary>
    Heuristic,

    /// <summary>As soon as there are as many finished candidates as beams.</summary>
    FirstCandidates,

    /// <summary>When no better candidate is possible.</summary>
    Never,
}

/// <summary>One token id or several: a number or a list in the file, written back as it came.</summary>
/// <param name="Ids">The ids.</param>
/// <param name="IsList">Whether the file has a list.</param>
[JsonConverter(typeof(TokenIdsConverter))]
public sealed record TokenIds(IReadOnlyList<int> Ids, bool IsList)
{
    /// <summary>The first id.</summary>
    public int First => Ids[0];

    /// <summary>A single id.</summary>
    public static implicit operator TokenIds(int id) => new([id], IsList: false);

    /// <summary>Several ids.</summary>
    public static implicit operator TokenIds(int[] ids) => new(ids, IsList: true);

    /// <inheritdoc/>
    public bool Equals(TokenIds? other) => other is not null && IsList == other.IsList && Ids.SequenceEqual(other.Ids);

    /// <inheritdoc/>
    public override int GetHashCode() => Ids.Aggregate(Ids.Count, HashCode.Combine);
}

internal sealed class EarlyStoppingConverter : JsonConverter<EarlyStopping>
{
    public override EarlyStopping Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.False => EarlyStopping.Heuristic,
        JsonTokenType.True => EarlyStopping.FirstCandidates,
        JsonTokenType.String when reader.ValueTextEquals("never"u8) => EarlyStopping.Never,
        _ => throw new JsonException("early_stopping is neither true, false nor \"never\""),
    };

    public override void Write(Utf8JsonWriter writer, EarlyStopping value, JsonSerializerOptions options)
    {
        if (value == EarlyStopping.Never)
            writer.WriteStringValue("never");
        else
            writer.WriteBooleanValue(value == EarlyStopping.FirstCandidates);
    }
}

internal sealed class TokenIdsConverter : JsonConverter<TokenIds>
{
    public override TokenIds Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            return JsonSerializer.Deserialize<int>(ref reader, options);
        int[] ids = JsonSerializer.Deserialize<int[]>(ref reader, options)!;
        return ids.Length > 0 ? ids : throw new JsonException("a list of token ids is empty");
    }

    public override void Write(Utf8JsonWriter writer, TokenIds value, JsonSerializerOptions options)
    {
        if (!value.IsList)
        {
            writer.WriteNumberValue(value.First);
            return;
        }

        writer.WriteStartArray();
        foreach (int id in value.Ids)
            writer.WriteNumberValue(id);
        writer.WriteEndArray();
    }
}
