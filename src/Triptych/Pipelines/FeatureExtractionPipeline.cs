using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>How the states of tokens become one vector.</summary>
public enum Pooling
{
    /// <summary>Not at all: a vector for each token.</summary>
    None,

    /// <summary>The first token's.</summary>
    Cls,

    /// <summary>The mean over all tokens.</summary>
    Mean,
}

/// <summary>Options of feature extraction.</summary>
public sealed record FeatureExtractionOptions : PipelineOptions
{
    /// <summary>Whether and how tokens become one vector.</summary>
    public Pooling Pooling { get; init; }

    /// <summary>Whether vectors are scaled to length 1, so that their products are cosines.</summary>
    public bool Normalize { get; init; }
}

/// <summary>Gives the last hidden states: <c>feature-extraction</c>. A text's result has a vector a token, <c>[tokens, hidden]</c>, or with
/// pooling a single one, <c>[1, hidden]</c>.</summary>
public sealed class FeatureExtractionPipeline : Pipeline<string, FeatureExtractionOptions, float[][]>
{
    private const string Name = "feature-extraction";

    /// <summary>A pipeline of a loaded base model; it is disposed with the pipeline.</summary>
    public FeatureExtractionPipeline(PretrainedModel model, Tokenizer tokenizer, FeatureExtractionOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<FeatureExtractionPipeline> CreateAsync(
        string? model = null, FeatureExtractionOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new FeatureExtractionPipeline(loaded, tokenizer, options);
    }

    private protected override float[][][] Process(IReadOnlyList<string> inputs, FeatureExtractionOptions options, CancellationToken cancellationToken)
    {
        var encodings = inputs.Select(input => Encode(input, null, options)).ToList();
        var results = new float[inputs.Count][][];
        Forward(
            encodings, options.BatchSize,
            (i, output, row) => results[i] = Features(output.LastHiddenState!.Select(0, row).Slice(0, 0, encodings[i].Length), options), cancellationToken);
        return results;
    }

    private static float[][] Features(Tensor states, FeatureExtractionOptions options)
    {
        var pooled = options.Pooling switch
        {
            Pooling.Cls => states.Slice(0, 0, 1),
            Pooling.Mean => Functional.Mean(states, 0, keepDim: true),
            _ => states,
        };
        float[][] vectors = [.. pooled.ToFloats().Chunk(pooled.Shape[1])];
        if (options.Normalize)
        {
            foreach (float[] vector in vectors)
            {
                float norm = MathF.Max(System.Numerics.Tensors.TensorPrimitives.Norm<float>(vector), 1e-12f);
                System.Numerics.Tensors.TensorPrimitives.Divide(vector, norm, vector);
            }
        }

        return vectors;
    }
}
