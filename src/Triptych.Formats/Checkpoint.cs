using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>The weights of a model folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c> lists.</summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The file name of a checkpoint in one piece.</summary>
    public const string SingleFileName = "model.safetensors";

    /// <summary>The file name of a sharded checkpoint's index.</summary>
    public const string IndexFileName = "model.safetensors.index.json";

    private const string PickleFileName = "pytorch_model.bin";

    private readonly Dictionary<string, SafetensorsFile> homes;
    private readonly SafetensorsFile[] files;

    private Checkpoint(string folder, Dictionary<string, SafetensorsFile> homes, SafetensorsFile[] files)
    {
        Folder = folder;
        this.homes = homes;
        this.files = files;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The files that hold the weights.</summary>
    public IReadOnlyList<SafetensorsFile> Files => files;

    /// <summary>The names of the tensors.</summary>
    public IReadOnlyCollection<string> Names => homes.Keys;

    /// <summary>The bytes of all tensors.</summary>
    public long TotalBytes => homes.Sum(pair => pair.Value.Entries[pair.Key].Length);

    /// <summary>Opens the weights of a folder; no tensor data is read yet.</summary>
    /// <exception cref="CheckpointException">The folder has no checkpoint in safetensors format, or a damaged one.</exception>
    public static Checkpoint Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new CheckpointException(folder, null, File.Exists(folder) ? "is a file, not a model folder" : "the model folder does not exist");

        string single = Path.Combine(folder, SingleFileName);
        string index = Path.Combine(folder, IndexFileName);
        if (File.Exists(single))
        {
            SafetensorsFile file = SafetensorsFile.Open(single);
            return new Checkpoint(folder, file.Entries.Keys.ToDictionary(name => name, _ => file, StringComparer.Ordinal), [file]);
        }

        if (File.Exists(index))
            return OpenShards(folder, index);

        string reason = $"no checkpoint found: looked for {SingleFileName} and {IndexFileName}";
        if (File.Exists(Path.Combine(folder, PickleFileName)) || File.Exists(Path.Combine(folder, PickleFileName + ".index.json")))
            reason += $"; {PickleFileName} is a Python pickle, which can run code and is not read. "
                + "Convert it in Python: AutoModel.from_pretrained(folder).save_pretrained(folder, safe_serialization=True)";
        throw new CheckpointException(folder, null, reason);
    }

    /// <summary>Whether the checkpoint has the tensor.</summary>
    public bool Contains(string name) => homes.ContainsKey(name);

    /// <summary>The tensor's dtype, shape and place.</summary>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public SafetensorsEntry Entry(string name) => Home(name).Entries[name];

    /// <summary>A tensor, as <see cref="SafetensorsFile.Load"/> gives it.</summary>
    /// <exception cref="CheckpointException">There is no such tensor, or it cannot be loaded.</exception>
    public Tensor Load(string name) => Home(name).Load(name);

    /// <summary>Closes the files. Tensors that were loaded stay valid.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in files)
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
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        var homes = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach ((string name, string shard) in shards)
            {
                if (!files.TryGetValue(shard, out SafetensorsFile? file))
                {
                    if (!File.Exists(Path.Combine(folder, shard)))
                        throw new CheckpointException(index, name, $"the shard {shard} is not in the folder");
                    files.Add(shard, file = SafetensorsFile.Open(Path.Combine(folder, shard)));
                }

                if (!file.Contains(name))
                    throw new CheckpointException(index, name, $"the shard {shard} has no such tensor");
                homes.Add(name, file);
            }
        }
        catch
        {
            foreach (SafetensorsFile file in files.Values)
                file.Dispose();
            throw;
        }

        return new Checkpoint(folder, homes, [.. files.Values]);
    }

    private static bool IsPlainFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;

    private SafetensorsFile Home(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return homes.TryGetValue(name, out SafetensorsFile? file)
            ? file
            : throw new CheckpointException(Folder, name, "the checkpoint has no such tensor");
    }
}
