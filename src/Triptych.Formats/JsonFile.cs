using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace Triptych.Formats;

/// <summary>Reads and writes the JSON files of a checkpoint strictly, with errors that name the file and the JSON path.</summary>
public static class JsonFile
{
    /// <summary>The largest file that is read: indexes and tokenizers of published models stay well below.</summary>
    public const long MaxBytes = 512L << 20;

    private const int MaxDepth = 64;

    private static readonly JsonWriterOptions WriterOptions =
        new() { Indented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a file whose top level is an object. Duplicate keys are an error.</summary>
    /// <exception cref="CheckpointException">The file is missing, too large, or not a JSON object in UTF-8.</exception>
    public static JsonObject ReadObject(string path)
    {
        byte[] content = ReadBytes(path);
        try
        {
            JsonNode? node = JsonNode.Parse(
                Body(content), null, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            RequireStrings(node);
            return node as JsonObject ?? throw new CheckpointException(path, null, "is not a JSON object");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Invalid(path, error);
        }
    }

    /// <summary>Reads a file into a typed object.</summary>
    /// <exception cref="CheckpointException">The file is missing, too large, not JSON in UTF-8, or does not fit the type.</exception>
    public static T Read<T>(string path, JsonSerializerOptions? options = null)
    {
        byte[] content = ReadBytes(path);
        try
        {
            return JsonSerializer.Deserialize<T>(Body(content), options ?? ConfigJson.Options)
                ?? throw new CheckpointException(path, null, "is null");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw Invalid(path, error);
        }
    }

    /// <summary>Writes atomically as transformers does: indented by 2, non-ASCII as it is, by default with sorted keys.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void Write(string path, JsonNode content, bool sortKeys = true)
    {
        ArgumentNullException.ThrowIfNull(content);
        JsonNode ordered = sortKeys ? Sorted(content)! : content;
        AtomicFile.Write(path, stream =>
        {
            using (var writer = new Utf8JsonWriter(stream, WriterOptions))
                ordered.WriteTo(writer);
            stream.Write("\n"u8);
        });
    }

    /// <summary>Writes a typed object as <see cref="Write(string, JsonNode, bool)"/> does.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void Write<T>(string path, T content, JsonSerializerOptions? options = null, bool sortKeys = true) =>
        Write(path, JsonSerializer.SerializeToNode(content, options ?? ConfigJson.Options)!, sortKeys);

    internal static byte[] ReadBytes(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] content;
        try
        {
            if (Directory.Exists(path))
                throw new CheckpointException(path, null, "is a folder, not a file");
            long length = new FileInfo(path).Length;
            if (length > MaxBytes)
                throw new CheckpointException(path, null, $"has {length} bytes, over the limit of {MaxBytes}");
            content = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(path, null, "does not exist", error);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or (IOException and not CheckpointException))
        {
            throw new CheckpointException(path, null, "cannot be read: " + error.Message, error);
        }

        if (content.Length == 0)
            throw new CheckpointException(path, null, "is empty");
        if (!Utf8.IsValid(content))
            throw new CheckpointException(path, null, "is not valid UTF-8");
        return content;
    }

    private static ReadOnlySpan<byte> Body(byte[] content)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        return content.AsSpan().StartsWith(byteOrderMark) ? content.AsSpan(byteOrderMark.Length) : content;
    }

    private static CheckpointException Invalid(string path, Exception error) =>
        new(path, (error as JsonException)?.Path, "is not valid: " + error.Message, error);

    /// <summary>Strings are decoded when they are first read; an escaped lone surrogate should fail here, not somewhere later.</summary>
    private static void RequireStrings(JsonNode? node)
    {
        if (node is JsonObject map)
        {
            foreach ((_, JsonNode? value) in map)
                RequireStrings(value);
        }
        else if (node is JsonArray list)
        {
            foreach (JsonNode? value in list)
                RequireStrings(value);
        }
        else if (node?.GetValueKind() == JsonValueKind.String)
        {
            _ = node.GetValue<string>();
        }
    }

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(
            map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, Sorted(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        null => null,
        _ => node.DeepClone(),
    };
}
