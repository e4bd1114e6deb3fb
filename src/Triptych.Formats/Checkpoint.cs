using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>
/// The weights of a model: <c>model.safetensors</c> of a folder, the shards that its <c>model.safetensors.index.json</c> lists, or a
/// GGUF file, alone or the first of its shards (<c>x-00001-of-00003.gguf</c>).
/// </summary>
public sealed partial class Checkpoint : IDisposable
{
    /// <summary>The file name of a checkpoint in one piece.</summary>
    public const string SingleFileName = "model.safetensors";

    /// <summary>The file name of a sharded checkpoint's index.</summary>
    public const string IndexFileName = "model.safetensors.index.json";

    private const string PickleFileName = "pytorch_model.bin";

    /// <summary>The largest published models have a few hundred.</summary>
    private const int MaxShards = 10_000;

    private readonly Dictionary<string, TensorFile> homes;
    private readonly TensorFile[] files;

    private Checkpoint(string path, Dictionary<string, TensorFile> homes, TensorFile[] files)
    {
        Path = path;
        this.homes = homes;
        this.files = files;
    }

    /// <summary>The folder, or the GGUF file.</summary>
    public string Path { get; }

    /// <summary>The files that hold the weights.</summary>
    public IReadOnlyList<TensorFile> Files => files;

    /// <summary>The metadata of a GGUF file; null for folders.</summary>
    public GgufMetadata? Gguf => (files[0] as GgufFile)?.Metadata;

    /// <summary>The names of the tensors as the files have them.</summary>
    public IReadOnlyCollection<string> Names => homes.Keys;

    /// <summary>The bytes of all tensors.</summary>
    public long TotalBytes => homes.Sum(pair => pair.Value.Entry(pair.Key).Length);

    /// <summary>Opens the weights of a folder or a GGUF file; no tensor data is read yet.</summary>
    /// <exception cref="CheckpointException">There is no checkpoint in safetensors or GGUF format, or a damaged one.</exception>
    public static Checkpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (GgufFile.IsGguf(path))
            return OpenGguf(path);
        if (!Directory.Exists(path))
            throw new CheckpointException(path, null, File.Exists(path) ? "is a file, but no GGUF file, and not a model folder" : "the model folder does not exist");

        string single = System.IO.Path.Combine(path, SingleFileName);
        string index = System.IO.Path.Combine(path, IndexFileName);
        if (File.Exists(single))
        {
            SafetensorsFile file = SafetensorsFile.Open(single);
            return new Checkpoint(path, file.Names.ToDictionary(name => name, TensorFile (_) => file, StringComparer.Ordinal), [file]);
        }

        if (File.Exists(index))
            return OpenShards(path, index);

        string reason = $"no checkpoint found: looked for {SingleFileName} and {IndexFileName}";
        if (File.Exists(System.IO.Path.Combine(path, PickleFileName)) || File.Exists(System.IO.Path.Combine(path, PickleFileName + ".index.json")))
            reason += $"; {PickleFileName} is a Python pickle, which can run code and is not read. "
                + "Convert it in Python: AutoModel.from_pretrained(folder).save_pretrained(folder, safe_serialization=True)";
        throw new CheckpointException(path, null, reason);
    }

    /// <summary>Whether the checkpoint has the tensor.</summary>
    public bool Contains(string name) => homes.ContainsKey(name);

    /// <summary>The tensor's type, shape and place.</summary>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public TensorEntry Entry(string name) => Home(name).Entry(name);

    /// <summary>A tensor, as <see cref="TensorFile.Load"/> gives it.</summary>
    /// <exception cref="CheckpointException">There is no such tensor, or it cannot be loaded.</exception>
    public Tensor Load(string name) => Home(name).Load(name);

    /// <summary>Closes the files. Tensors that were loaded stay valid.</summary>
    public void Dispose()
    {
        foreach (TensorFile file in files)
            file.Dispose();
    }

    /// <summary>The shard of each tensor as an index file lists them, validated to be plain names.</summary>
    internal static Dictionary<string, string> ReadIndex(string index)
    {
        JsonObject root = JsonFile.ReadObject(index);
        if (root["weight_map"] is not JsonObject map)
            throw new CheckpointException(index, "weight_map", "is missing or not an object");

        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, JsonNode? value) in map)
        {
            if (value?.GetValueKind() != JsonValueKind.String)
                throw new CheckpointException(index, name, "does not name a file");
            string shard = value.GetValue<string>();
            if (!IsPlainFileName(shard))
                throw new CheckpointException(index, name, $"'{CheckpointException.Printable(shard)}' is not the plain name of a .safetensors file in the folder");
            shards.Add(name, shard);
        }

        return shards;
    }

    private static Checkpoint OpenShards(string folder, string index)
    {
        Dictionary<string, string> shards = ReadIndex(index);
        var files = new Dictionary<string, TensorFile>(StringComparer.Ordinal);
        var homes = new Dictionary<string, TensorFile>(StringComparer.Ordinal);
        try
        {
            foreach ((string name, string shard) in shards)
            {
                if (!files.TryGetValue(shard, out TensorFile? file))
                {
                    if (!File.Exists(System.IO.Path.Combine(folder, shard)))
                        throw new CheckpointException(index, name, $"the shard {shard} is not in the folder");
                    files.Add(shard, file = SafetensorsFile.Open(System.IO.Path.Combine(folder, shard)));
                }

                if (!file.Contains(name))
                    throw new CheckpointException(index, name, $"the shard {shard} has no such tensor");
                homes.Add(name, file);
            }
        }
        catch
        {
            foreach (TensorFile file in files.Values)
                file.Dispose();
            throw;
        }

        return new Checkpoint(folder, homes, [.. files.Values]);
    }

    private static Checkpoint OpenGguf(string path)
    {
        var files = new List<TensorFile>();
        var homes = new Dictionary<string, TensorFile>(StringComparer.Ordinal);
        try
        {
            GgufFile first = GgufFile.Open(path);
            files.Add(first);
            int shards = first.Metadata.GetInt32("split.count") ?? 1;
            for (int shard = 1; shard < shards; shard++)
                files.Add(OpenShard(first, shard, shards));
            foreach (TensorFile file in files)
            {
                foreach (string name in file.Names)
                {
                    if (!homes.TryAdd(name, file))
                        throw new CheckpointException(file.Path, name, "is in an earlier shard too");
                }
            }
        }
        catch
        {
            foreach (TensorFile file in files)
                file.Dispose();
            throw;
        }

        return new Checkpoint(path, homes, [.. files]);
    }

    private static GgufFile OpenShard(GgufFile first, int shard, int shards)
    {
        if (shards > MaxShards)
            throw new CheckpointException(first.Path, "split.count", $"is {shards}, over the limit of {MaxShards}");
        Match name = ShardName().Match(first.Path);
        if (!name.Success || first.Metadata.GetInt32("split.no") is not (null or 0))
            throw new CheckpointException(first.Path, "split.no", $"is not the first of {shards} shards; open x-00001-of-{shards:00000}.gguf");
        string path = $"{name.Groups[1].Value}-{shard + 1:00000}-of-{shards:00000}.gguf";
        GgufFile file = GgufFile.Open(path);
        int? number = file.Metadata.GetInt32("split.no");
        if (number == shard)
            return file;
        file.Dispose();
        throw new CheckpointException(path, "split.no", $"is {number}, not {shard}");
    }

    private static bool IsPlainFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;

    [GeneratedRegex(@"^(.*)-00001-of-\d{5}\.gguf$", RegexOptions.Singleline)]
    private static partial Regex ShardName();

    private TensorFile Home(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return homes.TryGetValue(name, out TensorFile? file)
            ? file
            : throw new CheckpointException(Path, name, "the checkpoint has no such tensor");
    }
}
