using System.Text;

namespace Triptych.Formats;

/// <summary>
/// The keys and values of a GGUF file: what config.json, tokenizer.json and generation_config.json are to a model folder. The typed
/// getters give null where a key is absent and an error that names file and key where it has another type.
/// </summary>
public sealed class GgufMetadata
{
    private readonly OrderedDictionary<string, GgufValue> values = new(StringComparer.Ordinal);

    /// <summary>Metadata without entries.</summary>
    /// <param name="path">What errors name as the file.</param>
    public GgufMetadata(string path = "metadata") => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The entries in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufValue> Entries => values;

    /// <summary>The value of a key.</summary>
    /// <exception cref="KeyNotFoundException">There is no such key.</exception>
    public GgufValue this[string key]
    {
        get => values[key];
        set => values[key] = value;
    }

    /// <summary>Adds a value; false where the key is there already.</summary>
    public bool TryAdd(string key, GgufValue value) => values.TryAdd(key, value);

    /// <summary>A string.</summary>
    /// <exception cref="CheckpointException">The value has another type, or is not UTF-8.</exception>
    public string? GetString(string key) => Get(key, "a string", value => value.AsString());

    /// <summary>A whole number.</summary>
    /// <exception cref="CheckpointException">The value has another type, or lies beyond 32 bits.</exception>
    public int? GetInt32(string key) => Get(key, "a whole number of 32 bits", value => value.AsInt64() is >= int.MinValue and <= int.MaxValue and long number ? (int?)number : null);

    /// <summary>A number.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public double? GetDouble(string key) => Get(key, "a number", value => value.AsDouble());

    /// <summary>True or false.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public bool? GetBoolean(string key) => Get(key, "true or false", value => value.AsBoolean());

    /// <summary>Strings.</summary>
    /// <exception cref="CheckpointException">The value has another type, or is not UTF-8.</exception>
    public string[]? GetStrings(string key) => Get(key, "an array of strings", value => value.AsStrings());

    /// <summary>Whole numbers.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public long[]? GetInt64s(string key) => Get(key, "an array of whole numbers", value => value.AsInt64s());

    /// <summary>Numbers in single precision.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public float[]? GetSingles(string key) => Get(key, "an array of float32", value => value.AsSingles());

    /// <summary>The token of a role, such as <c>bos</c> for <c>tokenizer.ggml.bos_token_id</c>. Files write -1 for none.</summary>
    /// <exception cref="CheckpointException">The value has another type.</exception>
    public int? GetTokenId(string role) => Get($"tokenizer.ggml.{role}_token_id", "a whole number", value => value.AsInt64()) is >= 0 and < int.MaxValue and long id ? (int)id : null;

    /// <summary>What a required key has.</summary>
    /// <exception cref="CheckpointException">The key is absent.</exception>
    public T Require<T>(string key, T? value) where T : struct => value ?? throw Missing(key);

    /// <inheritdoc cref="Require{T}(string, T?)"/>
    public T Require<T>(string key, T? value) where T : class => value ?? throw Missing(key);

    private CheckpointException Missing(string key) => new(Path, key, "is missing");

    private T? Get<T>(string key, string expected, Func<GgufValue, T?> read)
    {
        if (!values.TryGetValue(key, out GgufValue? value))
            return default;
        try
        {
            return read(value) is { } found ? found : throw new CheckpointException(Path, key, $"is not {expected}");
        }
        catch (DecoderFallbackException error)
        {
            throw new CheckpointException(Path, key, "is not valid UTF-8", error);
        }
    }
}
