using Triptych.Models;
using Triptych.Tokenizers;

namespace Triptych;

/// <summary>Options of filling masks.</summary>
public sealed record FillMaskOptions : PipelineOptions
{
    /// <summary>How many tokens to return for each place.</summary>
    public int TopK { get; init; } = 5;

    /// <summary>The only words to choose from: tokens of the vocabulary, or texts whose first token counts.</summary>
    public IReadOnlyList<string>? Targets { get; init; }
}

/// <summary>Finds tokens for the masked places of a text: <c>fill-mask</c>.</summary>
public sealed class FillMaskPipeline : Pipeline<string, FillMaskOptions, FillMaskResult>
{
    private const string Name = "fill-mask";

    private readonly int maskTokenId;

    /// <summary>A pipeline of a loaded model with a masked-language-model head; it is disposed with the pipeline.</summary>
    /// <exception cref="ArgumentException">The tokenizer has no mask token.</exception>
    public FillMaskPipeline(PretrainedModel model, Tokenizer tokenizer, FillMaskOptions? options = null)
        : base(Name, model, tokenizer, options) =>
        maskTokenId = tokenizer.MaskTokenId ?? throw new ArgumentException("the tokenizer has no mask token", nameof(tokenizer));

    /// <summary>The token that marks a place to fill, such as <c>[MASK]</c>.</summary>
    public string MaskToken => Tokenizer.SpecialTokens.Mask!;

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<FillMaskPipeline> CreateAsync(
        string? model = null, FillMaskOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new FillMaskPipeline(loaded, tokenizer, options);
    }

    private protected override FillMaskResult[] Process(IReadOnlyList<string> inputs, FillMaskOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TopK, 1);
        int[]? targets = options.Targets is null ? null : TargetIds(options);
        var encodings = new List<Encoding>();
        foreach (string input in inputs)
        {
            var encoding = Encode(input, null, options);
            if (!encoding.Ids.Contains(maskTokenId))
                throw new ArgumentException($"the text has no {MaskToken} to fill{(input.Contains(MaskToken, StringComparison.Ordinal) ? " within the model's limit" : "")}", nameof(inputs));
            encodings.Add(encoding);
        }

        var results = new FillMaskResult[inputs.Count];
        Forward(
            encodings, options.BatchSize,
            (i, output, row) => results[i] = Fill(encodings[i].Ids, output.Logits!.Select(0, row), targets, options.TopK), cancellationToken);
        return results;
    }

    private FillMaskResult Fill(int[] ids, Tensors.Tensor logits, int[]? targets, int topK)
    {
        int[] places = [.. Enumerable.Range(0, ids.Length).Where(i => ids[i] == maskTokenId)];
        var masks = new List<FilledMask[]>();
        foreach (int place in places)
        {
            float[] probabilities = logits.Select(0, place).ToFloats();
            Scores.Softmax(probabilities);
            var candidates = targets ?? Enumerable.Range(0, probabilities.Length);
            masks.Add([.. candidates.OrderByDescending(id => probabilities[id]).Take(topK).Select(id =>
            {
                int[] filled = [.. ids];
                filled[place] = id;
                // Other masks stay visible, while a single one leaves none.
                string sequence = Decode(filled.Where(t => t != Tokenizer.PadTokenId), skipSpecialTokens: places.Length == 1);
                return new FilledMask(probabilities[id], id, Decode([id], skipSpecialTokens: false), sequence);
            })]);
        }

        return new FillMaskResult(masks);
    }

    // Cleaning up spaces is for word pieces; it would damage byte-level text.
    private string Decode(IEnumerable<int> ids, bool skipSpecialTokens) =>
        Tokenizer.Decode(ids, skipSpecialTokens, string.IsNullOrEmpty(Tokenizer.ContinuingSubwordPrefix) ? false : null);

    private int[] TargetIds(FillMaskOptions options)
    {
        var ids = new SortedSet<int>();
        foreach (string target in options.Targets!)
        {
            if (Tokenizer.TokenToId(target) is { } id)
            {
                ids.Add(id);
                continue;
            }

            int[] parts = Tokenizer.Encode(target, addSpecialTokens: false).Ids;
            options.OnWarning?.Invoke(parts.Length == 0
                ? $"the target '{target}' is not in the vocabulary and is left out"
                : $"the target '{target}' is not in the vocabulary; '{Tokenizer.IdToToken(parts[0])}' stands for it");
            if (parts.Length > 0)
                ids.Add(parts[0]);
        }

        return ids.Count > 0 ? [.. ids] : throw new ArgumentException("no target is in the vocabulary", nameof(options));
    }
}
