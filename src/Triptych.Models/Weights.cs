using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>How a parameter starts when no checkpoint gives it.</summary>
public readonly record struct Init
{
    private readonly float mean, std;
    private readonly int? zeroRow;

    private Init(float mean, float std, int? zeroRow)
    {
        this.mean = mean;
        this.std = std;
        this.zeroRow = zeroRow;
    }

    /// <summary>All zeros.</summary>
    public static Init Zeros => new(0, 0, null);

    /// <summary>All ones.</summary>
    public static Init Ones => new(1, 0, null);

    /// <summary>Normally distributed around zero.</summary>
    /// <param name="std">The standard deviation.</param>
    /// <param name="zeroRow">A row that stays zero: the embedding of the padding token.</param>
    public static Init Normal(float std, int? zeroRow = null) => new(0, std, zeroRow);

    internal Tensor Create(Shape shape, Generator generator)
    {
        var tensor = std == 0 ? Tensor.Full(shape, mean) : Tensor.Normal(shape, generator, mean, std);
        if (zeroRow is { } row)
            tensor.Select(0, row).Fill(0);
        return tensor.Persist();
    }
}

/// <summary>How a checkpoint is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Converts the weights; null keeps them as they are in the file, memory-mapped and shared.</summary>
    public DType? DType { get; init; }

    /// <summary>Copies the weights to float32 memory of their own and makes them require gradients.</summary>
    public bool Trainable { get; init; }

    /// <summary>Starts weights that the checkpoint lacks at random, such as a new head; otherwise they are an error.</summary>
    public bool InitializeMissing { get; init; }

    /// <summary>Accepts tensors of the checkpoint that the model has no place for; otherwise they are an error.</summary>
    public bool IgnoreUnexpected { get; init; }

    /// <summary>Searches the weights for NaN. Null: where they have less than 1 GB together. The search reads every weight once, which
    /// takes 0.1 s a GB in memory, yet would read a large file from disk that otherwise is mapped and read as needed.</summary>
    public bool? VerifyWeights { get; init; }

    /// <summary>The seed of weights that start at random, and of dropout.</summary>
    public ulong Seed { get; init; }
}

/// <summary>Where a model's parameters come from, addressed by path as in the checkpoint:
/// <c>weights.Sub("encoder.layer").Sub(3).Get("output.dense.weight", ...)</c>. Every parameter is recorded by name in the order of the calls.</summary>
public sealed class Weights
{
    private readonly WeightSource source;
    private readonly string prefix;

    internal Weights(WeightSource source, string prefix = "")
    {
        this.source = source;
        this.prefix = prefix;
    }

    internal WeightSource Source => source;

    /// <summary>The weights of a part of the model.</summary>
    public Weights Sub(string name) => new(source, prefix + name + ".");

    /// <summary>The weights of a layer.</summary>
    public Weights Sub(int index) => Sub(index.ToString());

    /// <summary>A parameter: from the checkpoint, or started at random.</summary>
    /// <param name="name">The last part of its name.</param>
    /// <param name="shape">The shape that it must have.</param>
    /// <param name="init">How it starts where no checkpoint gives it.</param>
    public Tensor Get(string name, Shape shape, Init init) => source.Get(prefix + name, shape, init, isBuffer: false);

    /// <summary>Whether there is a parameter to get: the checkpoint has it, or what it lacks is started at random.
    /// For parts that a model does without, such as the pooler of an encoder that was saved without one.</summary>
    public bool Has(string name) => source.Has(prefix + name);

    /// <summary>A tensor that is saved with the model but not trained. A checkpoint may lack it.</summary>
    /// <inheritdoc cref="Get"/>
    public Tensor GetBuffer(string name, Shape shape, Init init) => source.Get(prefix + name, shape, init, isBuffer: true);
}

/// <summary>The state that all layers of a model share.</summary>
internal sealed class TrainingMode(ulong seed)
{
    public bool IsTraining { get; set; }

    public Generator Generator { get; set; } = new(seed);
}

/// <summary>Finds the parameters of one model in a checkpoint, or makes them, and keeps account of both.</summary>
internal sealed class WeightSource
{
    // A config that claims a billion layers must not fill the memory with names of what is missing.
    private const int MaxMissing = 10_000;
    private const int NamesShown = 5;
    private const long MaxVerifiedBytes = 1L << 30;

    private static readonly Tensor Placeholder = Tensor.Zeros([]).Persist();

    private readonly Checkpoint? checkpoint;
    private readonly LoadOptions options;
    private readonly Generator generator;
    private readonly string basePrefix;
    private readonly ModelClass modelClass;
    private readonly Architecture architecture;
    private readonly bool verify;
    private readonly Dictionary<string, (string Stored, bool IsAlias)> keys = new(StringComparer.Ordinal);
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly List<string> missing = [];
    private readonly List<string> misshaped = [];

    public WeightSource(Architecture architecture, ModelClass modelClass, ModelConfig config, Checkpoint? checkpoint, LoadOptions options)
    {
        this.architecture = architecture;
        this.modelClass = modelClass;
        this.checkpoint = checkpoint;
        this.options = options;
        string usualPrefix = architecture.BaseModelPrefix + ".";
        basePrefix = modelClass.BasePrefix is { } own ? own + "." : usualPrefix;
        generator = new Generator(options.Seed);
        Mode = new TrainingMode(options.Seed);
        if (checkpoint is null)
            return;
        verify = options.VerifyWeights ?? (checkpoint.TotalBytes < MaxVerifiedBytes);
        foreach (string stored in checkpoint.Names)
        {
            if (architecture.NameOf(stored, config, checkpoint) is not { } name)
                continue;
            if (basePrefix != usualPrefix && name.StartsWith(usualPrefix, StringComparison.Ordinal))
                name = basePrefix + name[usualPrefix.Length..];
            if (!keys.TryGetValue(name, out var earlier) || earlier.IsAlias)
                keys[name] = (stored, name != stored);
            else
                used.Add(stored);
        }
    }

    public OrderedDictionary<string, Tensor> Parameters { get; } = new(StringComparer.Ordinal);

    public OrderedDictionary<string, Tensor> Buffers { get; } = new(StringComparer.Ordinal);

    public TrainingMode Mode { get; }

    public string ClassName => modelClass.Name;

    public Tensor Get(string name, Shape shape, Init init, bool isBuffer)
    {
        var tensor = Find(name) is { } stored ? Load(stored, shape) : Create(name, shape, init, isOptional: isBuffer);
        (isBuffer ? Buffers : Parameters).Add(name, tensor);
        return tensor;
    }

    public bool Has(string name) => checkpoint is null || options.InitializeMissing || keys.ContainsKey(name) || keys.ContainsKey(Other(name));

    /// <summary>Reports what did not fit.</summary>
    /// <exception cref="CheckpointException">Weights are missing, unexpected or of another shape.</exception>
    public void Finish()
    {
        if (checkpoint is null)
            return;
        if (misshaped.Count > 0)
            throw new CheckpointException(checkpoint.Path, null, "does not fit its config.json: " + List(misshaped));
        if (missing.Count > 0)
            ThrowMissing();
        var unexpected = keys.Where(pair => !used.Contains(pair.Value.Stored) && !IsForeignHead(pair.Key)).Select(pair => pair.Value.Stored).ToList();
        if (unexpected.Count > 0 && !options.IgnoreUnexpected)
        {
            throw new CheckpointException(
                checkpoint.Path, null, $"the checkpoint has tensors that {ClassName} has no place for: {List(unexpected)} (IgnoreUnexpected accepts them)");
        }
    }

    private static string List(List<string> names) =>
        string.Join(", ", names.Take(NamesShown)) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");

    private void ThrowMissing() => throw new CheckpointException(
        checkpoint!.Path, null, $"the checkpoint lacks weights of {ClassName}: {List(missing)} (InitializeMissing starts them at random)");

    // A base model is stored with its prefix in the checkpoint of a head, and without it in its own.
    private string Other(string name) => modelClass.IsBase ? basePrefix + name
        : name.StartsWith(basePrefix, StringComparison.Ordinal) ? name[basePrefix.Length..] : name;

    private string? Find(string name)
    {
        string other = Other(name);
        bool found = keys.TryGetValue(name, out var here);
        if (found)
            used.Add(here.Stored);
        if (other != name && keys.TryGetValue(other, out var there))
        {
            used.Add(there.Stored);
            if (!found || (here.IsAlias && !there.IsAlias))
                (here, found) = (there, true);
        }

        return found ? here.Stored : null;
    }

    private bool IsForeignHead(string name)
    {
        string local = name.StartsWith(basePrefix, StringComparison.Ordinal) ? name[basePrefix.Length..] : name;
        return (modelClass.IsBase && local == name && keys.Keys.Any(key => key.StartsWith(basePrefix, StringComparison.Ordinal)))
            || architecture.HeadPrefixes.Any(head => local == head || local.StartsWith(head + ".", StringComparison.Ordinal));
    }

    private Tensor Load(string stored, Shape shape)
    {
        var entry = checkpoint!.Entry(stored);
        if (!entry.Shape.SequenceEqual(shape.Select(size => (long)size)))
        {
            misshaped.Add($"{stored} is [{string.Join(", ", entry.Shape)}], not {shape}");
            return Placeholder;
        }

        var tensor = checkpoint.Load(stored);
        if (!tensor.DType.IsFloatingPoint() && !tensor.DType.IsQuantized())
        {
            misshaped.Add($"{stored} is {tensor.DType.Name()}, not a floating-point type");
            return Placeholder;
        }

        if (verify && tensor.HasNaN())
            throw new CheckpointException(checkpoint.Path, stored, "holds NaN: the checkpoint is damaged, or its training diverged");
        if (options.Trainable)
            return (tensor.DType == DType.Float32 ? tensor.Clone() : tensor.To(DType.Float32)).Persist();
        var dtype = options.DType ?? (tensor.DType == DType.Float64 ? DType.Float32 : tensor.DType);
        return tensor.DType == dtype ? tensor : tensor.To(dtype).Persist();
    }

    private Tensor Create(string name, Shape shape, Init init, bool isOptional)
    {
        if (isOptional || checkpoint is null || options.InitializeMissing)
        {
            var tensor = init.Create(shape, generator);
            return options.DType is { } dtype && !options.Trainable ? tensor.To(dtype).Persist() : tensor;
        }

        missing.Add(name);
        if (missing.Count >= MaxMissing)
            ThrowMissing();
        return Placeholder;
    }
}
