using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;
using Triptych.Tokenizers.Gguf;

namespace Triptych;

/// <summary>
/// Converts models between folders of safetensors, as transformers has them, and GGUF files, as llama.cpp has them, tokenizer and
/// configuration included. Weights that keep their type keep their bits, there and back.
/// </summary>
public static class ModelConverter
{
    private const string ChatTemplateFile = "chat_template.jinja";

    /// <summary>The formats that <see cref="Convert"/> writes weights in.</summary>
    public static IReadOnlyList<DType> Targets { get; } = [DType.Float32, DType.Float16, DType.BFloat16, DType.Q8_0];

    /// <summary>
    /// Converts a folder to a GGUF file, or a GGUF file to a folder. Weights are read, converted and written one at a time.
    /// Norms and biases stay float32 in GGUF files, as llama.cpp has them.
    /// </summary>
    /// <param name="model">The model folder, GGUF file, or name of an embedded model.</param>
    /// <param name="output">A file to write if its name ends in .gguf, else a folder.</param>
    /// <param name="dtype">The type of the weights, one of <see cref="Targets"/>; by default theirs, and float32 in folders for quantized ones.</param>
    /// <param name="progress">Told the bytes of weights written so far.</param>
    /// <param name="cancellationToken">Stops the work; an old file then stays as it was.</param>
    /// <exception cref="ArgumentException">The output is the model, or of the same kind.</exception>
    /// <exception cref="NotSupportedException">One of the formats has no place for the architecture, the tokenizer or the type.</exception>
    /// <exception cref="CheckpointException">The model cannot be read, or the output not be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Convert(
        string model, string output, DType? dtype = null, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        if (dtype is { } wanted && !Targets.Contains(wanted))
            throw new NotSupportedException($"models are not converted to {wanted.Name()}, but to {string.Join(", ", Targets.Select(target => target.Name()))}");
        string source = EmbeddedModels.Resolve(model);
        bool toGguf = output.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase);
        if (GgufFile.IsGguf(source) == toGguf)
            throw new ArgumentException(toGguf ? $"{source} is a GGUF file already; quantize changes its type" : $"{source} is a folder; give a file name that ends in .gguf", nameof(output));

        using var checkpoint = Checkpoint.Open(source);
        ModelConfig config = ModelConfig.Load(source);
        if (toGguf)
        {
            var (metadata, tensors) = ToGguf(source, checkpoint, config, dtype);
            GgufWriter.Write(output, metadata, tensors, progress, cancellationToken);
        }
        else
        {
            ToFolder(source, checkpoint, config, output, dtype, progress, cancellationToken);
        }
    }

    /// <summary>A folder's model as a GGUF file has it.</summary>
    internal static (GgufMetadata Metadata, IReadOnlyList<TensorSource> Tensors) ToGguf(
        string folder, Checkpoint checkpoint, ModelConfig config, DType? dtype)
    {
        Architecture architecture = ModelRegistry.Find(config);
        if (architecture.Gguf is not { } gguf)
            throw new NotSupportedException($"GGUF files of {config.ModelType} are not known here; those of {string.Join(", ", ModelRegistry.Architectures.Where(a => a.Gguf is not null).Select(a => a.ModelType))} are");
        string? saved = config.Architectures is [var first, ..] ? first : null;
        if (saved is not null && architecture.Find(saved)?.Task != "text-generation")
            throw new NotSupportedException($"GGUF has no place for the head of {saved}");

        var tensors = new List<TensorSource>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string stored in checkpoint.Names.OrderBy(name => architecture.NameOf(name, config, checkpoint) != name))
        {
            if (architecture.NameOf(stored, config, checkpoint) is not { } name || !seen.Add(name))
                continue;
            string written = gguf.ToGguf(name) ?? throw new CheckpointException(checkpoint.Path, stored, $"has no name in GGUF files of {gguf.Name}");
            tensors.Add(Source(checkpoint, stored, written, entry => GgufType(entry, dtype), tensor => gguf.RotaryHeads(name, config) is { } heads ? GgufArchitecture.Interleave(tensor, heads) : tensor));
        }

        tensors.AddRange(gguf.ExtraTensors(config).Select(extra => TensorSource.Of(extra.Name, extra.Tensor)));
        tensors.Sort((a, b) => Order(a.Name).CompareTo(Order(b.Name)));
        return (Metadata(folder, config, gguf, tensors), tensors);
    }

    private static GgufMetadata Metadata(string folder, ModelConfig config, GgufArchitecture gguf, List<TensorSource> tensors)
    {
        var metadata = new GgufMetadata(folder);
        gguf.WriteMetadata(config, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), metadata);
        WriteTokenizer(folder, config, metadata);
        DType most = tensors.Where(tensor => tensor.Shape.Rank > 1).GroupBy(tensor => tensor.DType).MaxBy(group => group.Sum(tensor => tensor.Bytes))?.Key ?? DType.Float32;
        // Under llama.cpp's numbers of files that are mostly of one type.
        metadata["general.file_type"] = most switch
        {
            DType.Float16 => 1u,
            DType.Q8_0 => 7u,
            DType.BFloat16 => 32u,
            _ => 0u,
        };
        if (most == DType.Q8_0)
            metadata["general.quantization_version"] = 2u;
        return metadata;
    }

    private static void WriteTokenizer(string folder, ModelConfig config, GgufMetadata metadata)
    {
        int[] ends = [.. (GenerationConfig.Load(folder)?.EosTokenId ?? config.EosTokenId)?.Ids ?? []];
        if (HasTokenizer(folder))
        {
            GgufVocabulary vocabulary = GgufVocabulary.Of(Tokenizer.Load(folder), config.VocabSize);
            string template = Path.Combine(folder, ChatTemplateFile);
            GgufTokenizer.Write(
                vocabulary with
                {
                    BosTokenId = vocabulary.BosTokenId ?? config.BosTokenId,
                    EosTokenId = vocabulary.EosTokenId ?? (ends is [var end, ..] ? end : null),
                    PaddingTokenId = vocabulary.PaddingTokenId ?? config.PadTokenId,
                    ChatTemplate = vocabulary.ChatTemplate ?? (File.Exists(template) ? File.ReadAllText(template) : null),
                },
                metadata);
        }
        else
        {
            GgufTokenizer.WriteNone(config, ends, metadata);
        }

        // More tokens that end an answer: of a turn, of a message.
        int[] others = [.. ends.Where(id => id != metadata.GetTokenId("eos"))];
        if (others.Length > 0)
            metadata["tokenizer.ggml.eot_token_id"] = (uint)others[0];
        if (others.Length > 1)
            metadata["tokenizer.ggml.eom_token_id"] = (uint)others[1];
    }

    private static bool HasTokenizer(string folder) =>
        File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "vocab.json"));

    /// <summary>Vectors are float32 in GGUF files, and so is what does not divide into blocks float16.</summary>
    private static DType GgufType(TensorEntry entry, DType? wanted)
    {
        if (entry.Shape.Count < 2)
            return DType.Float32;
        DType dtype = wanted ?? (entry.ElementType is (DType.Float16 or DType.BFloat16) and { } same ? same : DType.Float32);
        return entry.Shape[^1] % dtype.BlockSize() == 0 ? dtype : DType.Float16;
    }

    /// <summary>The embedding, the layers in their order, the rest.</summary>
    private static (int Group, int Layer, string Name) Order(string name)
    {
        string[] parts = name.Split('.');
        return parts is ["blk", var layer, ..] && int.TryParse(layer, out int number) ? (1, number, name) : (name.StartsWith("token_embd", StringComparison.Ordinal) ? 0 : 2, 0, name);
    }

    private static void ToFolder(
        string file, Checkpoint checkpoint, ModelConfig config, string folder, DType? wanted, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        Architecture architecture = ModelRegistry.Find(config);
        GgufArchitecture gguf = architecture.Gguf!;
        DType dtype = wanted ?? CommonType(checkpoint) ?? DType.Float32;
        if (dtype.IsQuantized())
            throw new NotSupportedException($"safetensors has no {dtype.Name()}; convert to float32, float16 or bfloat16");

        var tensors = new List<TensorSource>();
        foreach (string stored in checkpoint.Names)
        {
            if (architecture.NameOf(stored, config, checkpoint) is { } name)
                tensors.Add(Source(checkpoint, stored, name, entry => FolderType(checkpoint, entry, dtype), tensor => gguf.RotaryHeads(name, config) is { } heads ? GgufArchitecture.Deinterleave(tensor, heads) : tensor));
        }

        CheckpointWriter.Save(folder, tensors, progress: progress, cancellationToken: cancellationToken);
        GgufArchitecture.WithoutInterleaving(config).WithDType(dtype.Name()).Save(folder);
        GenerationConfig.FromGguf(checkpoint.Gguf!).Save(folder);
        if (GgufTokenizer.IsIn(checkpoint.Gguf!))
            GgufTokenizer.Read(checkpoint.Gguf!).ToTokenizer(file).Save(folder);
    }

    /// <summary>The one plain type that all matrices have; null where they differ or are quantized.</summary>
    private static DType? CommonType(Checkpoint checkpoint)
    {
        DType?[] types = [.. checkpoint.Names.Select(checkpoint.Entry).Where(entry => entry.Shape.Count > 1).Select(entry => entry.ElementType).Distinct()];
        return types is [{ } only] && only.IsFloatingPoint() ? only : null;
    }

    /// <summary>Vectors take the type of the matrices where that loses nothing.</summary>
    private static DType FolderType(Checkpoint checkpoint, TensorEntry entry, DType dtype)
    {
        if (entry.Shape.Count > 1 || dtype == DType.Float32)
            return dtype;
        using var scope = new TensorScope();
        float[] values = checkpoint.Load(entry.Name).To(DType.Float32).ToFloats();
        return Tensor.From(values).To(dtype).ToFloats().AsSpan().SequenceEqual(values) ? dtype : DType.Float32;
    }

    private static TensorSource Source(Checkpoint checkpoint, string stored, string name, Func<TensorEntry, DType> type, Func<Tensor, Tensor> arrange)
    {
        TensorEntry entry = checkpoint.Entry(stored);
        DType dtype = type(entry);
        return new TensorSource(name, dtype, [.. entry.Shape.Select(size => checked((int)size))], () =>
        {
            Tensor tensor = checkpoint.Load(stored);
            return arrange(tensor.DType.IsQuantized() ? tensor.To(DType.Float32) : tensor) is var arranged && arranged.DType == dtype ? arranged
                : arranged.To(DType.Float32).To(dtype);
        });
    }
}
