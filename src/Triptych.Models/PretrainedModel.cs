using Triptych.Formats;
using Triptych.Tensors;

namespace Triptych.Models;

/// <summary>A Transformer with its weights: runs forward, trains and saves under transformers' names.
/// Models are made by <see cref="ModelRegistry"/>. Forward passes of one model may run on several threads at once, training may not.</summary>
public abstract class PretrainedModel : IDisposable
{
    private readonly WeightSource source;
    private bool requiresGrad;

    /// <summary>Takes over what the weights recorded.</summary>
    protected PretrainedModel(ModelConfig config, Weights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        Config = config;
        source = weights.Source;
    }

    /// <summary>The configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>transformers' name of the class, such as <c>BertForMaskedLM</c>.</summary>
    public string ClassName => source.ClassName;

    /// <summary>The architecture.</summary>
    public Architecture Architecture => ModelRegistry.Find(Config);

    /// <summary>The folder's generation_config.json, saved along; null where there is none.</summary>
    public GenerationConfig? GenerationConfig { get; set; }

    /// <summary>What is trained, by the names of the checkpoint, in the order of the network. Tied parameters appear once.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => source.Parameters;

    /// <summary>What is saved but not trained.</summary>
    public IReadOnlyDictionary<string, Tensor> Buffers => source.Buffers;

    /// <summary>The number of parameters.</summary>
    public long ParameterCount => source.Parameters.Values.Sum(p => p.Count);

    /// <summary>Whether dropout is on. Off at first.</summary>
    public bool Training
    {
        get => source.Mode.IsTraining;
        set => source.Mode.IsTraining = value;
    }

    /// <summary>Draws dropout masks.</summary>
    public Generator Generator
    {
        get => source.Mode.Generator;
        set => source.Mode.Generator = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>Whether forward passes are recorded, so that the loss can be differentiated by all parameters.</summary>
    /// <exception cref="InvalidOperationException">Set on weights that are not float32: load with <see cref="LoadOptions.Trainable"/>.</exception>
    public bool RequiresGrad
    {
        get => requiresGrad;
        set
        {
            foreach (var (name, parameter) in source.Parameters)
            {
                if (value && parameter.DType != DType.Float32)
                    throw new InvalidOperationException($"{name} is {parameter.DType.Name()}; load the model with LoadOptions.Trainable to train it");
                parameter.RequiresGrad = value;
            }

            requiresGrad = value;
        }
    }

    /// <summary>Loads a model as the class that it was saved from.</summary>
    /// <inheritdoc cref="ModelRegistry.Load(string, string, LoadOptions)"/>
    public static PretrainedModel Load(string folder, LoadOptions? options = null) => ModelRegistry.Load(folder, null, options);

    /// <summary>Runs the model. What it returns belongs to the enclosing <see cref="TensorScope"/>, if any.</summary>
    /// <exception cref="ArgumentException">An input is missing, empty, of a wrong shape or type, out of the vocabulary, or too long.</exception>
    public ModelOutput Forward(ModelInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        InputChecks.Check(inputs, Config);
        using var scope = new TensorScope();
        inputs = WithoutIdleMasks(inputs);
        return (IsLongPrompt(inputs) ? RunInPieces(inputs) : Run(inputs)).KeepIn(scope);
    }

    /// <summary>Runs the encoder of an encoder-decoder alone; what it gives is <see cref="ModelInputs.EncoderOutput"/> of later calls.</summary>
    /// <exception cref="NotSupportedException">The model has no encoder beside a decoder.</exception>
    /// <exception cref="ArgumentException">As for <see cref="Forward"/>.</exception>
    public ModelOutput Encode(ModelInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        InputChecks.Check(inputs, Config);
        using var scope = new TensorScope();
        return RunEncoder(WithoutIdleMasks(inputs)).KeepIn(scope);
    }

    /// <summary>An empty cache for generation.</summary>
    /// <param name="type">The type of keys and values, one of <see cref="ModelCache.Types"/>; by default float32 for a model of float32
    /// weights, float16 for others.</param>
    /// <param name="capacity">Tokens to make room for at the start.</param>
    /// <exception cref="NotSupportedException">The model does not generate.</exception>
    /// <exception cref="ArgumentException">A cache does not hold the type, or not heads of this model's width.</exception>
    public ModelCache CreateCache(DType? type = null, int capacity = 0)
    {
        var size = Config.Dimensions;
        if (size.CachedLayers == 0)
            throw new NotSupportedException($"{ClassName} does not generate text and has no cache");
        var held = type ?? (Parameters.Values.All(parameter => parameter.DType == DType.Float32) ? DType.Float32 : DType.Float16);
        if (size.HeadDim % held.BlockSize() != 0)
        {
            throw new ArgumentException(
                $"a {held.Name()} cache needs heads of a multiple of {held.BlockSize()} values; those of {ClassName} have {size.HeadDim}", nameof(type));
        }

        return new ModelCache(size.CachedLayers, Architecture.Family == ModelFamily.EncoderDecoder, held, capacity);
    }

    /// <summary>Saves config.json, the weights and generation_config.json so that transformers loads the folder too. Every file is replaced atomically.</summary>
    /// <param name="folder">The folder; made if needed.</param>
    /// <param name="dtype">The dtype of the weights in the file; null keeps theirs.</param>
    /// <param name="progress">Told the bytes of weights written so far.</param>
    /// <param name="cancellationToken">Stops the saving.</param>
    /// <exception cref="CheckpointException">A file cannot be written.</exception>
    public void Save(string folder, DType? dtype = null, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        if (dtype is { } wanted && !wanted.IsFloatingPoint())
            throw new ArgumentException($"weights are not saved as {wanted.Name()}", nameof(dtype));
        using var scope = new TensorScope();
        var tensors = source.Parameters.Concat(source.Buffers)
            .Select(pair => KeyValuePair.Create(pair.Key, Saved(pair.Key, pair.Value.Detach(), dtype))).ToList();
        CheckpointWriter.Save(folder, tensors, progress: progress, cancellationToken: cancellationToken);
        var config = GgufArchitecture.WithoutInterleaving(Config) with { Architectures = [ClassName] };
        config.WithDType(tensors[0].Value.DType.Name()).Save(folder);
        GenerationConfig?.Save(folder);
    }

    // transformers knows no blocks, and no rows in GGUF's order.
    private Tensor Saved(string name, Tensor tensor, DType? dtype)
    {
        if (tensor.DType.IsQuantized())
            tensor = tensor.To(DType.Float32);
        if (GgufArchitecture.IsInterleaved(Config) && Architecture.Gguf?.RotaryHeads(name, Config) is { } heads)
            tensor = GgufArchitecture.Deinterleave(tensor, heads);
        return tensor.To(dtype ?? tensor.DType);
    }

    /// <summary>Gives the weights' memory back. The model can't be used any more.</summary>
    public void Dispose()
    {
        foreach (var (_, tensor) in source.Parameters.Concat(source.Buffers))
            tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Tokens of all rows that a long prompt is read by: enough for matrix products at full speed, few enough for their
    /// activations to be small beside weights and cache.</summary>
    internal int PieceTokens { get; set; } = 1024;

    /// <summary>Of a prompt that goes into a cache only the last logits are wanted: what comes before can be forgotten on the way.</summary>
    private bool IsLongPrompt(ModelInputs inputs) => inputs is { Cache: not null, LastLogitsOnly: true, OutputHiddenStates: false, Labels: null }
        && Architecture.Family == ModelFamily.DecoderOnly && inputs.InputIds!.Count > PieceTokens && inputs.InputIds.Shape[1] > 1;

    private ModelOutput RunInPieces(ModelInputs inputs)
    {
        int before = inputs.Cache!.Length, tokens = inputs.InputIds!.Shape[1], piece = Math.Max(1, PieceTokens / inputs.InputIds.Shape[0]);
        try
        {
            int at = 0;
            for (; at + piece < tokens; at += piece)
            {
                using var scope = new TensorScope();
                Run(Piece(at, piece));
            }

            return Run(Piece(at, tokens - at));
        }
        catch
        {
            inputs.Cache.Truncate(before);
            throw;
        }

        ModelInputs Piece(int start, int count)
        {
            Tensor? Cut(Tensor? x) => x?.Slice(1, start, count).Contiguous();
            return inputs with
            {
                InputIds = Cut(inputs.InputIds),
                TokenTypeIds = Cut(inputs.TokenTypeIds),
                PositionIds = Cut(inputs.PositionIds),
                AttentionMask = inputs.AttentionMask?.Slice(1, 0, before + start + count),
            };
        }
    }

    /// <summary>Masks as the layers read them, converted once for all; none where nothing is hidden.</summary>
    private static ModelInputs WithoutIdleMasks(ModelInputs inputs) => inputs.AttentionMask is null && inputs.DecoderAttentionMask is null
        ? inputs
        : inputs with { AttentionMask = Hiding(inputs.AttentionMask), DecoderAttentionMask = Hiding(inputs.DecoderAttentionMask) };

    private static Tensor? Hiding(Tensor? mask)
    {
        var seen = mask?.To(DType.Bool).Contiguous();
        return seen?.AsSpan<bool>().Contains(false) == true ? seen : null;
    }

    /// <summary>The forward pass. Inputs were checked.</summary>
    protected internal abstract ModelOutput Run(ModelInputs inputs);

    /// <summary>The encoder's part of the forward pass. Inputs were checked.</summary>
    protected internal virtual ModelOutput RunEncoder(ModelInputs inputs) =>
        throw new NotSupportedException($"{ClassName} has no encoder beside a decoder");
}
