using System.Text;
using Triptych.Models;
using Triptych.Tokenizers;
using Encoding = Triptych.Tokenizers.Encoding;

namespace Triptych;

/// <summary>How tokens of one entity are joined.</summary>
public enum AggregationStrategy
{
    /// <summary>Not at all: every token by itself.</summary>
    None,

    /// <summary>Neighbouring tokens of one label.</summary>
    Simple,

    /// <summary>A word has the label of its first token; then neighbouring words of one label.</summary>
    First,

    /// <summary>A word has the label that is best on average; then neighbouring words of one label.</summary>
    Average,

    /// <summary>A word has the label of its surest token; then neighbouring words of one label.</summary>
    Max,
}

/// <summary>Options of token classification.</summary>
public sealed record TokenClassificationOptions : PipelineOptions
{
    /// <summary>How tokens are joined.</summary>
    public AggregationStrategy AggregationStrategy { get; init; }

    /// <summary>Labels that are left out.</summary>
    public IReadOnlyList<string> IgnoreLabels { get; init; } = ["O"];
}

/// <summary>Labels tokens, such as the names in a text: <c>token-classification</c>.</summary>
public sealed class TokenClassificationPipeline : Pipeline<string, TokenClassificationOptions, IReadOnlyList<Entity>>
{
    private const string Name = "token-classification";

    /// <summary>A pipeline of a loaded model with a token-classification head; it is disposed with the pipeline.</summary>
    public TokenClassificationPipeline(PretrainedModel model, Tokenizer tokenizer, TokenClassificationOptions? options = null)
        : base(Name, model, tokenizer, options)
    {
    }

    /// <summary>Loads the pipeline.</summary>
    /// <inheritdoc cref="Pipeline.CreateAsync"/>
    public static async Task<TokenClassificationPipeline> CreateAsync(
        string? model = null, TokenClassificationOptions? options = null, IProgress<LoadingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var (loaded, tokenizer) = await LoadAsync(Name, model, progress, cancellationToken).ConfigureAwait(false);
        return new TokenClassificationPipeline(loaded, tokenizer, options);
    }

    private protected override IReadOnlyList<Entity>[] Process(
        IReadOnlyList<string> inputs, TokenClassificationOptions options, CancellationToken cancellationToken)
    {
        var encodings = inputs.Select(input => Encode(input, null, options)).ToList();
        var results = new IReadOnlyList<Entity>[inputs.Count];
        Forward(
            encodings, options.BatchSize,
            (i, output, row) => results[i] = Entities(inputs[i], encodings[i], Row(output.Logits, row), options), cancellationToken);
        return results;
    }

    private List<Entity> Entities(string text, Encoding encoding, float[] logits, TokenClassificationOptions options)
    {
        int labels = Model.Config.NumLabels;
        var tokens = new List<Part>();
        for (int i = 0; i < encoding.Length; i++)
        {
            if (encoding.SpecialTokensMask[i] != 0)
                continue;
            float[] scores = logits[(i * labels)..((i + 1) * labels)];
            Scores.Softmax(scores);
            tokens.Add(PartOf(text, encoding, i, scores));
        }

        if (options.AggregationStrategy == AggregationStrategy.None)
        {
            return [.. tokens.Where(token => !options.IgnoreLabels.Contains(token.Label)).Select(token => new Entity
            {
                Label = token.Label, Score = token.Score, Index = token.Index, Word = token.Word, Start = token.Start, End = token.End,
            })];
        }

        var parts = options.AggregationStrategy == AggregationStrategy.Simple ? tokens : Words(tokens, options.AggregationStrategy);
        return [.. Groups(parts).Where(group => !options.IgnoreLabels.Contains(group.EntityGroup!))];
    }

    private Part PartOf(string text, Encoding encoding, int i, float[] scores)
    {
        var (start, end) = encoding.Offsets[i];
        bool isUnknown = encoding.Ids[i] == Tokenizer.UnkTokenId;
        string token = encoding.Tokens[i], covered = text[start..end];
        // A continuing token is longer than what it covers by its prefix. Tokenizers without one tell words by spaces.
        bool isSubword = !string.IsNullOrEmpty(Tokenizer.ContinuingSubwordPrefix)
            ? token.Length != covered.Length
            : start > 0 && !text.AsSpan(start - 1, Math.Min(2, text.Length - start + 1)).Contains(' ');
        int best = Best(scores);
        return new Part
        {
            Tokens = [(encoding.Ids[i], isUnknown ? covered : null)], Word = isUnknown ? covered : token, IsSubword = isSubword && !isUnknown,
            Index = i, Start = start, End = end, Scores = scores, Label = LabelOf(best), Score = scores[best],
        };
    }

    /// <summary>Joins tokens to words.</summary>
    private List<Part> Words(List<Part> tokens, AggregationStrategy strategy)
    {
        var words = new List<Part>();
        for (int i = 0, end; i < tokens.Count; i = end)
        {
            end = i + 1;
            while (end < tokens.Count && tokens[end].IsSubword)
                end++;
            var parts = tokens[i..end];
            float[] scores = strategy switch
            {
                AggregationStrategy.First => parts[0].Scores,
                AggregationStrategy.Max => parts.MaxBy(part => part.Score)!.Scores,
                _ => [.. Enumerable.Range(0, parts[0].Scores.Length).Select(label => parts.Average(part => part.Scores[label]))],
            };
            int best = Best(scores);
            words.Add(Joined(parts) with { Scores = scores, Label = LabelOf(best), Score = scores[best] });
        }

        return words;
    }

    /// <summary>Joins neighbours of one label; B- begins a new group.</summary>
    private IEnumerable<Entity> Groups(List<Part> parts)
    {
        for (int i = 0, end; i < parts.Count; i = end)
        {
            end = i + 1;
            while (end < parts.Count && !parts[end].Label.StartsWith("B-", StringComparison.Ordinal) && Tag(parts[end].Label) == Tag(parts[end - 1].Label))
                end++;
            var group = parts[i..end];
            var joined = Joined(group);
            string label = parts[i].Label;
            yield return new Entity
            {
                EntityGroup = label[(label.IndexOf('-', StringComparison.Ordinal) + 1)..],
                Score = group.Average(part => part.Score),
                Word = Text(joined),
                Start = joined.Start,
                End = joined.End,
            };
        }
    }

    private static string Tag(string label) =>
        label.StartsWith("B-", StringComparison.Ordinal) || label.StartsWith("I-", StringComparison.Ordinal) ? label[2..] : label;

    private static Part Joined(List<Part> parts) => parts[0] with { Tokens = [.. parts.SelectMany(part => part.Tokens)], End = parts[^1].End };

    /// <summary>What tokens read as; unknown ones read as the text that they cover.</summary>
    private string Text(Part part)
    {
        var tokens = part.Tokens.AsSpan();
        var text = new StringBuilder();
        while (!tokens.IsEmpty)
        {
            int known = 0;
            while (known < tokens.Length && tokens[known].UnknownText is null)
                known++;
            int taken = Math.Max(known, 1);
            string piece = tokens[0].UnknownText
                ?? Tokenizer.Decode(part.Tokens[^tokens.Length..^(tokens.Length - known)].Select(token => token.Id), skipSpecialTokens: false, cleanUpTokenizationSpaces: false);
            // As in the decoder, punctuation follows without a space.
            text.Append(text.Length > 0 && piece is not ['.' or ',' or '?' or '!', ..] ? " " : "").Append(piece);
            tokens = tokens[taken..];
        }

        return text.ToString();
    }

    private static int Best(float[] scores) => System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(scores);

    private string LabelOf(int index) => Scores.LabelOf(Model.Config, index);

    /// <summary>A token or a word.</summary>
    private sealed record Part
    {
        public required (int Id, string? UnknownText)[] Tokens { get; init; }

        public required string Word { get; init; }

        public bool IsSubword { get; init; }

        public int Index { get; init; }

        public int Start { get; init; }

        public int End { get; init; }

        public required float[] Scores { get; init; }

        public required string Label { get; init; }

        public float Score { get; init; }
    }
}
