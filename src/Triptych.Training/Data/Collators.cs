using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Training;

/// <summary>Next-token prediction: the target of each token is the one after it (Radford et al. 2019).</summary>
/// <param name="padTokenId">Fills up shorter rows; any id will do, since padding is masked.</param>
public sealed class CausalCollator(int padTokenId) : ICollator
{
    /// <inheritdoc/>
    public TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator)
    {
        var rows = Rows.Of(examples, padTokenId);
        var targets = rows.Filled(TrainingBatch.Ignored);
        long labels = 0;
        var span = targets.AsSpan<long>();
        for (int row = 0; row < examples.Count; row++)
        {
            int[] ids = examples[row].InputIds;
            for (int i = 1; i < ids.Length; i++)
                span[(row * rows.Width) + i - 1] = ids[i];
            labels += Math.Max(0, ids.Length - 1);
        }

        return new(rows.Inputs(), targets, labels, rows.Tokens);
    }
}

/// <summary>Settings of masked language modelling.</summary>
public sealed record MaskingOptions
{
    /// <summary>The share of tokens to predict.</summary>
    public float Probability { get; init; } = 0.15f;

    /// <summary>The share of those that become the mask token.</summary>
    public float MaskShare { get; init; } = 0.8f;

    /// <summary>The share of those that become a random token; the rest stays as it is.</summary>
    public float RandomShare { get; init; } = 0.1f;

    /// <summary>Whether all tokens of a word are masked together.</summary>
    public bool WholeWords { get; init; }
}

/// <summary>
/// Masked language modelling (Devlin et al. 2019): some tokens are to be predicted; of these most become the mask token, some a random
/// token, and some stay. Masks are drawn anew each time (Liu et al. 2019), never on special tokens.
/// </summary>
/// <param name="padTokenId">Fills up shorter rows.</param>
/// <param name="maskTokenId">The mask token.</param>
/// <param name="randomTokens">The ids that random tokens are drawn from.</param>
/// <param name="options">How much is masked.</param>
public sealed class MaskedCollator(int padTokenId, int maskTokenId, IReadOnlyList<int> randomTokens, MaskingOptions options) : ICollator
{
    /// <inheritdoc/>
    public TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var rows = Rows.Of(examples, padTokenId);
        var targets = rows.Filled(TrainingBatch.Ignored);
        var ids = rows.Ids.AsSpan<long>();
        var target = targets.AsSpan<long>();
        long labels = 0;
        for (int row = 0; row < examples.Count; row++)
        {
            var example = examples[row];
            bool chosen = false;
            int word = -1;
            for (int i = 0; i < example.InputIds.Length; i++)
            {
                if (example.SpecialTokens is { } special && special[i])
                {
                    word = -1;
                    continue;
                }

                bool continues = options.WholeWords && i > 0 && word >= 0 && example.WordIds![i] == word;
                if (!continues)
                    chosen = generator.NextSingle() < options.Probability;
                word = options.WholeWords && example.WordIds is { } words ? words[i] : -1;
                if (!chosen)
                    continue;
                int at = (row * rows.Width) + i;
                target[at] = ids[at];
                labels++;
                float kind = generator.NextSingle();
                if (kind < options.MaskShare)
                    ids[at] = maskTokenId;
                else if (kind < options.MaskShare + options.RandomShare)
                    ids[at] = randomTokens[generator.NextInt32(randomTokens.Count)];
            }
        }

        return new(rows.Inputs(), targets, labels, rows.Tokens);
    }
}

/// <summary>Classification of texts.</summary>
/// <param name="padTokenId">Fills up shorter rows.</param>
public sealed class ClassificationCollator(int padTokenId) : ICollator
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An example has no label.</exception>
    public TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator)
    {
        var rows = Rows.Of(examples, padTokenId);
        long[] labels = [.. examples.Select(e => (long)(e.Label ?? throw new ArgumentException("an example has no label", nameof(examples))))];
        return new(rows.Inputs(), Tensor.From(labels), labels.Length, rows.Tokens);
    }
}

/// <summary>Sequence to sequence with teacher forcing: the decoder sees the target shifted right behind its start token.</summary>
/// <param name="padTokenId">Fills up shorter rows.</param>
/// <param name="decoderStartTokenId">The decoder's first input.</param>
public sealed class SequenceToSequenceCollator(int padTokenId, int decoderStartTokenId) : ICollator
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An example has no target.</exception>
    public TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator)
    {
        var rows = Rows.Of(examples, padTokenId);
        int width = examples.Max(e => Target(e).Length);
        Tensor decoderIds = Tensor.Full([examples.Count, width], padTokenId, DType.Int64);
        Tensor targets = Tensor.Full([examples.Count, width], TrainingBatch.Ignored, DType.Int64);
        var ids = decoderIds.AsSpan<long>();
        var expected = targets.AsSpan<long>();
        long labels = 0;
        for (int row = 0; row < examples.Count; row++)
        {
            int[] target = Target(examples[row]);
            for (int i = 0; i < target.Length; i++)
            {
                ids[(row * width) + i] = i == 0 ? decoderStartTokenId : target[i - 1];
                expected[(row * width) + i] = target[i];
            }

            labels += target.Length;
        }

        // Padding is on the right and the decoder looks left only: it needs no mask.
        return new(rows.Inputs() with { DecoderInputIds = decoderIds }, targets, labels, rows.Tokens + labels);
    }

    private static int[] Target(Example example) => example.TargetIds is { Length: > 0 } target
        ? target
        : throw new ArgumentException("an example has no target");
}

/// <summary>Settings of text infilling.</summary>
public sealed record InfillingOptions
{
    /// <summary>The share of tokens that go.</summary>
    public float Probability { get; init; } = 0.3f;

    /// <summary>The mean length of a span (Poisson distributed).</summary>
    public float MeanSpan { get; init; } = 3;
}

/// <summary>
/// BART's denoising by text infilling (Lewis et al. 2020): spans of tokens, some of length 0, are each replaced by one mask token;
/// the target is the whole text.
/// </summary>
/// <param name="padTokenId">Fills up shorter rows.</param>
/// <param name="decoderStartTokenId">The decoder's first input.</param>
/// <param name="maskTokenId">The mask token.</param>
/// <param name="options">How much is masked.</param>
public sealed class DenoisingCollator(int padTokenId, int decoderStartTokenId, int maskTokenId, InfillingOptions options) : ICollator
{
    private readonly SequenceToSequenceCollator inner = new(padTokenId, decoderStartTokenId);

    /// <inheritdoc/>
    public TrainingBatch Collate(IReadOnlyList<Example> examples, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(generator);
        return inner.Collate([.. examples.Select(e => new Example(Corrupt(e, generator)) { TargetIds = e.InputIds })], generator);
    }

    private int[] Corrupt(Example example, Generator generator)
    {
        int[] ids = example.InputIds;
        int budget = (int)MathF.Round(ids.Length * options.Probability);
        float start = options.Probability / options.MeanSpan;
        var result = new List<int>(ids.Length);
        for (int i = 0; i < ids.Length;)
        {
            bool special = example.SpecialTokens is { } mask && mask[i];
            if (special || budget <= 0 || generator.NextSingle() >= start)
            {
                result.Add(ids[i++]);
                continue;
            }

            int span = Math.Min(Poisson(generator), budget);
            budget -= Math.Max(1, span);
            result.Add(maskTokenId);
            if (span == 0)
                result.Add(ids[i++]);
            for (; span > 0 && i < ids.Length && !(example.SpecialTokens is { } specials && specials[i]); span--)
                i++;
        }

        return [.. result];
    }

    // Knuth's method: the mean is small.
    private int Poisson(Generator generator)
    {
        double limit = Math.Exp(-options.MeanSpan), product = 1;
        int count = -1;
        do
        {
            count++;
            product *= generator.NextDouble();
        }
        while (product > limit);
        return count;
    }
}

/// <summary>Examples as padded rows.</summary>
internal sealed class Rows
{
    private readonly IReadOnlyList<Example> examples;
    private readonly bool ragged;

    private Rows(IReadOnlyList<Example> examples, int padTokenId)
    {
        this.examples = examples;
        Width = examples.Max(e => e.InputIds.Length);
        ragged = examples.Any(e => e.InputIds.Length != Width);
        Ids = Filled(padTokenId);
        var span = Ids.AsSpan<long>();
        for (int row = 0; row < examples.Count; row++)
        {
            int[] ids = examples[row].InputIds;
            for (int i = 0; i < ids.Length; i++)
                span[(row * Width) + i] = ids[i];
            Tokens += ids.Length;
        }
    }

    public int Width { get; }

    public Tensor Ids { get; }

    public long Tokens { get; }

    public static Rows Of(IReadOnlyList<Example> examples, int padTokenId)
    {
        ArgumentNullException.ThrowIfNull(examples);
        if (examples.Count == 0)
            throw new ArgumentException("a batch of no examples", nameof(examples));
        if (examples.Any(e => e.InputIds.Length == 0))
            throw new ArgumentException("an example has no tokens", nameof(examples));
        return new(examples, padTokenId);
    }

    public Tensor Filled(long value) => Tensor.Full([examples.Count, Width], value, DType.Int64);

    /// <summary>The arguments that all models take. No mask where there is no padding: attention is faster without.</summary>
    public ModelInputs Inputs()
    {
        Tensor? mask = null, types = null;
        if (ragged)
        {
            mask = Filled(0);
            for (int row = 0; row < examples.Count; row++)
                mask.AsSpan<long>().Slice(row * Width, examples[row].InputIds.Length).Fill(1);
        }

        if (examples.Any(e => e.TokenTypeIds is not null))
        {
            types = Filled(0);
            for (int row = 0; row < examples.Count; row++)
            {
                int[] source = examples[row].TokenTypeIds ?? [];
                for (int i = 0; i < source.Length; i++)
                    types.AsSpan<long>()[(row * Width) + i] = source[i];
            }
        }

        return new ModelInputs { InputIds = Ids, AttentionMask = mask, TokenTypeIds = types };
    }
}
