using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Triptych.Tensors;

namespace Triptych.Formats;

/// <summary>Saves the weights of a model folder under the names that Hugging Face uses, in one file or in shards with an index.</summary>
public static partial class CheckpointWriter
{
    /// <summary>The most bytes of tensor data in a shard unless told otherwise: 5 GB, as save_pretrained had it for years.</summary>
    public const long DefaultMaxShardBytes = 5_000_000_000;

    /// <summary>
    /// Saves the tensors. Each file is replaced atomically, the index after the shards that it names; files of an earlier save
    /// that are no longer named are removed last.
    /// </summary>
    /// <param name="folder">The model folder; created if needed.</param>
    /// <param name="tensors">Names and tensors; no name twice. Shards are filled in this order.</param>
    /// <param name="maxShardBytes">The most bytes of tensor data in a file; one larger tensor gets a file of its own.</param>
    /// <param name="metadata">The strings under <c>__metadata__</c>; by default format = pt.</param>
    /// <param name="progress">Told the bytes of tensor data written so far.</param>
    /// <param name="cancellationToken">Stops the saving between pieces of data.</param>
    /// <exception cref="CheckpointException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Save(
        string folder,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        long maxShardBytes = DefaultMaxShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Save(folder, tensors.Select(pair => TensorSource.Of(pair.Key, pair.Value)), maxShardBytes, metadata, progress, cancellationToken);
    }

    /// <summary>Saves tensors that are loaded one at a time.</summary>
    /// <inheritdoc cref="Save(string, IEnumerable{KeyValuePair{string, Tensor}}, long, IReadOnlyDictionary{string, string}, IProgress{long}, CancellationToken)"/>
    public static void Save(
        string folder,
        IEnumerable<TensorSource> tensors,
        long maxShardBytes = DefaultMaxShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        List<List<TensorSource>> shards = Divide(tensors, maxShardBytes);
        CreateFolder(folder);

        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, Checkpoint.SingleFileName), shards[0], metadata, progress, cancellationToken);
            RemoveStale(folder, [Checkpoint.SingleFileName]);
            return;
        }

        var weightMap = new JsonObject();
        var current = new HashSet<string>(StringComparer.Ordinal) { Checkpoint.IndexFileName };
        long total = 0;
        for (int i = 0; i < shards.Count; i++)
        {
            string file = $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            current.Add(file);
            foreach (TensorSource tensor in shards[i])
                weightMap.Add(tensor.Name, file);

            IProgress<long>? shardProgress = progress is null ? null : new Offset(progress, total);
            SafetensorsWriter.Write(Path.Combine(folder, file), shards[i], metadata, shardProgress, cancellationToken);
            total += shards[i].Sum(tensor => tensor.Bytes);
        }

        JsonFile.Write(
            Path.Combine(folder, Checkpoint.IndexFileName),
            new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = weightMap });
        RemoveStale(folder, current);
    }

    private static List<List<TensorSource>> Divide(IEnumerable<TensorSource> tensors, long maxShardBytes)
    {
        var shards = new List<List<TensorSource>> { new() };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        long filled = 0;
        foreach (TensorSource tensor in tensors)
        {
            if (!seen.Add(tensor.Name))
                throw new ArgumentException($"the tensor name '{tensor.Name}' appears twice", nameof(tensors));
            if (shards[^1].Count > 0 && tensor.Bytes > maxShardBytes - filled)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(tensor);
            filled += tensor.Bytes;
        }

        return shards;
    }

    private static void CreateFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(folder, null, "the folder cannot be created: " + error.Message, error);
        }
    }

    /// <summary>Readers prefer model.safetensors to an index, so a stale one would hide the new shards; other files are left alone.</summary>
    private static void RemoveStale(string folder, HashSet<string> current)
    {
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            string name = Path.GetFileName(path);
            bool ours = name is Checkpoint.SingleFileName or Checkpoint.IndexFileName || ShardName().IsMatch(name);
            if (!ours || current.Contains(name))
                continue;
            try
            {
                File.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new CheckpointException(path, null, "is left from an earlier save and cannot be removed: " + error.Message, error);
            }
        }
    }

    [GeneratedRegex(@"^model-\d{5}-of-\d{5}\.safetensors$")]
    private static partial Regex ShardName();

    private sealed class Offset(IProgress<long> progress, long start) : IProgress<long>
    {
        public void Report(long value) => progress.Report(start + value);
    }
}
