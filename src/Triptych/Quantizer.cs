using Triptych.Formats;
using Triptych.Models;

namespace Triptych;

/// <summary>What <see cref="Quantizer.Quantize"/> may be told beside the type.</summary>
public sealed record QuantizerOptions
{
    /// <summary>All tensors in one format, without the mix that gives the sensitive ones more bits.</summary>
    public bool Pure { get; init; }

    /// <summary>Told the tensor that is encoded and the part of the work that is done.</summary>
    public IProgress<QuantizationProgress>? Progress { get; init; }
}

/// <summary>Makes small models of large ones: GGUF files with their weights in block formats, the same bytes that llama.cpp writes.</summary>
public static class Quantizer
{
    /// <summary>
    /// Quantizes a model to a GGUF file, which is written atomically: models load from it as from any other, and so does llama.cpp.
    /// One tensor is in memory at a time.
    /// </summary>
    /// <param name="model">A model folder, GGUF file in float32, float16 or bfloat16, or name of an embedded model.</param>
    /// <param name="output">The file to create or replace.</param>
    /// <param name="type">The formats of the weights.</param>
    /// <param name="options">Options.</param>
    /// <param name="cancellationToken">Stops the work; an old file then stays as it was.</param>
    /// <returns>The tensors of the file, in its order.</returns>
    /// <exception cref="ArgumentException">The output is the model.</exception>
    /// <exception cref="NotSupportedException">GGUF has no place for the folder's architecture or tokenizer.</exception>
    /// <exception cref="CheckpointException">The model cannot be read or encoded, or the file not be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static IReadOnlyList<QuantizedTensor> Quantize(
        string model, string output, QuantizationType type, QuantizerOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        options ??= new();
        string source = EmbeddedModels.Resolve(model);
        if (Path.GetFullPath(source) == Path.GetFullPath(output))
            throw new ArgumentException($"{output} is the model itself; give the quantized file another name", nameof(output));
        using var checkpoint = Checkpoint.Open(source);
        var (metadata, tensors) = checkpoint.Gguf is { } gguf
            ? (gguf, [.. checkpoint.Names.Select(name => TensorSource.Of(name, checkpoint.Load(name)))])
            : ModelConverter.ToGguf(source, checkpoint, ModelConfig.Load(source), dtype: null);
        return GgufQuantizer.Write(output, metadata, tensors, type, options.Pure, options.Progress, cancellationToken);
    }
}
