using Triptych.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Triptych.Formats;

/// <summary>A tensor of a quantized file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="From">The format that it had.</param>
/// <param name="To">The format that it has.</param>
public sealed record QuantizedTensor(string Name, Shape Shape, DType From, DType To)
{
    /// <summary>The bytes that it took.</summary>
    public long BytesBefore => From.BytesOf(Shape.Count);

    /// <summary>The bytes that it takes.</summary>
    public long Bytes => To.BytesOf(Shape.Count);
}

/// <summary>How far a quantization is.</summary>
/// <param name="Tensor">The tensor that is encoded.</param>
/// <param name="Fraction">The part of all numbers that is done, 0 to 1.</param>
public readonly record struct QuantizationProgress(QuantizedTensor Tensor, double Fraction);

/// <summary>Writes GGUF files with their weights in block formats, the same files as llama.cpp's.</summary>
public sealed class GgufQuantizer
{
    private const uint FormatVersion = 2;

    /// <summary>Numbers that are widened to float32 at a time.</summary>
    private const int PieceLength = 1 << 22;

    /// <summary>Below this every format's scale is a finite float16.</summary>
    private const float SafeMagnitude = 65504;

    private readonly string path;
    private readonly IProgress<QuantizationProgress>? progress;
    private readonly CancellationToken cancellationToken;
    private long total, done;

    private GgufQuantizer(string path, IProgress<QuantizationProgress>? progress, CancellationToken cancellationToken)
    {
        this.path = path;
        this.progress = progress;
        this.cancellationToken = cancellationToken;
    }

    /// <summary>Writes a file atomically.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="metadata">The metadata of the model; the file's type in it is replaced.</param>
    /// <param name="tensors">The tensors under GGUF's names.</param>
    /// <param name="type">The formats.</param>
    /// <param name="pure">All tensors in one format, without the mix of the type.</param>
    /// <param name="progress">Told the tensor and the part of the work that is done.</param>
    /// <param name="cancellationToken">Stops the work; an old file then stays as it was.</param>
    /// <exception cref="CheckpointException">A tensor cannot be encoded, or the file not be written.</exception>
    /// <returns>The tensors in the order of the file.</returns>
    public static IReadOnlyList<QuantizedTensor> Write(
        string path,
        GgufMetadata metadata,
        IReadOnlyCollection<TensorSource> tensors,
        QuantizationType type,
        bool pure = false,
        IProgress<QuantizationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tensors);
        var plan = QuantizationPlan.Make(metadata, tensors, type, pure);
        foreach (var (tensor, target) in plan)
        {
            if (tensor.DType != target && tensor.DType.IsQuantized() && target.IsQuantized())
            {
                throw new CheckpointException(metadata.Path, tensor.Name,
                    $"is {tensor.DType.Name()} already; quantize to {target.Name()} from the float16, bfloat16 or float32 file");
            }
        }

        var quantizer = new GgufQuantizer(metadata.Path, progress, cancellationToken) { total = plan.Sum(entry => entry.Tensor.Shape.Count) };
        TensorSource[] encoded = [.. plan.Select(entry => quantizer.Encoded(entry.Tensor, entry.Target))];
        GgufWriter.Write(path, Metadata(metadata, type), encoded, cancellationToken: cancellationToken);
        return [.. plan.Select(entry => Describe(entry.Tensor, entry.Target))];
    }

    // What describes the file stands last, and the quantized file is one file.
    private static GgufMetadata Metadata(GgufMetadata metadata, QuantizationType type)
    {
        var result = new GgufMetadata(metadata.Path);
        foreach (var (key, value) in metadata.Entries)
        {
            if (key is not ("general.quantization_version" or "general.file_type" or "split.no" or "split.count" or "split.tensors.count"))
                result.TryAdd(key, value);
        }

        result["general.quantization_version"] = FormatVersion;
        result["general.file_type"] = (uint)type;
        return result;
    }

    private static QuantizedTensor Describe(TensorSource tensor, DType target) => new(tensor.Name, tensor.Shape, tensor.DType, target);

    private TensorSource Encoded(TensorSource tensor, DType target) => new(tensor.Name, target, tensor.Shape, () => Encode(tensor, target));

    private Tensor Encode(TensorSource tensor, DType target)
    {
        QuantizedTensor description = Describe(tensor, target);
        progress?.Report(new(description, Fraction(0)));
        Tensor source = tensor.Load();
        Tensor result = source;
        if (source.DType != target)
        {
            result = Tensor.Empty(source.Shape, target);
            int columns = source.Shape[-1], rows = (int)(source.Count / columns), step = Math.Max(1, PieceLength / columns);
            Tensor from = source.Reshape([rows, columns]), to = result.Reshape([rows, columns]);
            for (int row = 0; row < rows; row += step)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int count = Math.Min(step, rows - row);
                EncodeRows(tensor.Name, from.Slice(0, row, count), to.Slice(0, row, count));
                progress?.Report(new(description, Fraction((long)(row + count) * columns)));
            }
        }

        done += source.Count;
        return result;
    }

    private void EncodeRows(string name, Tensor source, Tensor target)
    {
        using var scope = new TensorScope();
        Tensor numbers = source.To(DType.Float32);
        float largest = MathF.Abs(LargestMagnitude(numbers));
        if (!float.IsFinite(largest))
            throw new CheckpointException(path, name, "has numbers that are infinite or not a number");
        target.CopyFrom(numbers);
        if (largest <= SafeMagnitude)
            return;

        // Scales may have become infinite, or sums have and a block was left zero.
        float kept = MathF.Abs(LargestMagnitude(target.To(DType.Float32)));
        if (!float.IsFinite(kept) || kept < largest / 2)
            throw new CheckpointException(path, name, $"has numbers up to {largest:G4}, beyond the range of {target.DType.Name()}");
    }

    private static float LargestMagnitude(Tensor numbers) =>
        numbers.Count == 0 ? 0 : TensorPrimitives.MaxMagnitude<float>(numbers.AsSpan<float>());

    private double Fraction(long doneOfTensor) => total == 0 ? 1 : (double)(done + doneOfTensor) / total;
}
