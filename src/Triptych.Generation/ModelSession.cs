using Triptych.Models;
using Triptych.Tensors;

namespace Triptych.Generation;

/// <summary>Runs a decoder, alone or behind its encoder, step after step. The encoder runs once; its keys and values, like those
/// of earlier tokens, stay in the cache. Positions of left-padded rows count from their first token.</summary>
internal sealed class ModelSession : IStepModel
{
    private readonly PretrainedModel model;
    private readonly int[][] prompts;
    private readonly bool isEncoderDecoder;
    private readonly ModelCache? cache;
    private readonly List<Tensor> owned = [];
    private Tensor inputIds;
    private Tensor? mask;
    private ModelOutput? encoded;
    private int copies = 1;

    /// <param name="model">A model with a language-model head.</param>
    /// <param name="prompts">What each row begins with: the prompt, or the decoder's start.</param>
    /// <param name="inputs">Token ids and mask of the prompts, or of the encoder's inputs; the mask is null without padding.</param>
    /// <param name="cache">Holds keys and values, until the session ends; null to compute them anew each step.</param>
    public ModelSession(PretrainedModel model, int[][] prompts, InputBatch inputs, ModelCache? cache)
    {
        this.model = model;
        this.prompts = prompts;
        isEncoderDecoder = model.Architecture.Family == ModelFamily.EncoderDecoder;
        this.cache = cache;
        inputIds = Own(inputs.Ids);
        mask = inputs.Mask is null ? null : Own(inputs.Mask);
    }

    public int VocabSize => model.Config.VocabSize;

    public Tensor Prefill()
    {
        if (isEncoderDecoder)
        {
            var output = model.Forward(new ModelInputs
            {
                InputIds = inputIds, AttentionMask = mask, DecoderInputIds = Ids(prompts), Cache = cache, LastLogitsOnly = true,
            });
            encoded = new ModelOutput { LastHiddenState = Own(output.EncoderLastHiddenState!) };
            return LastLogits(output);
        }

        return LastLogits(model.Forward(new ModelInputs
        {
            InputIds = inputIds, AttentionMask = mask, PositionIds = Positions(0, inputIds.Shape[1]), Cache = cache, LastLogitsOnly = true,
        }));
    }

    public Tensor Decode(TokenBuffer tokens)
    {
        var ids = Tensor.Empty([tokens.Rows, cache is null ? tokens.Length : 1], DType.Int64);
        var values = ids.AsSpan<long>();
        for (int row = 0, i = 0; row < tokens.Rows; row++)
        {
            foreach (int id in tokens[row][^ids.Shape[1]..])
                values[i++] = id;
        }

        if (isEncoderDecoder)
        {
            return LastLogits(model.Forward(new ModelInputs
            {
                EncoderOutput = encoded, AttentionMask = mask, DecoderInputIds = ids, Cache = cache, LastLogitsOnly = true,
            }));
        }

        return LastLogits(model.Forward(new ModelInputs
        {
            InputIds = ids, AttentionMask = GrownMask(tokens.Length), PositionIds = Positions(tokens.Length - ids.Shape[1], ids.Shape[1]),
            Cache = cache, LastLogitsOnly = true,
        }));
    }

    public void Expand(int copies)
    {
        if (copies == 1)
            return;
        this.copies = copies;
        int rows = inputIds.Shape[0] * copies;
        cache?.Reorder([.. Enumerable.Range(0, rows).Select(row => row / copies)]);
        inputIds = Own(Repeat(inputIds));
        mask = mask is null ? null : Own(Repeat(mask));
        // With a cache nobody reads the encoder's states again.
        if (encoded is not null && cache is null)
            encoded = new ModelOutput { LastHiddenState = Own(Repeat(encoded.LastHiddenState!)) };
    }

    public void Reorder(ReadOnlySpan<int> rows) => cache?.ReorderSelf(rows);

    public void Dispose()
    {
        cache?.Dispose();
        foreach (var tensor in owned)
            tensor.Dispose();
    }

    private static Tensor Ids(int[][] rows) =>
        Tensor.From([.. rows.SelectMany(row => row.Select(id => (long)id))], [rows.Length, rows[0].Length]);

    private Tensor LastLogits(ModelOutput output)
    {
        var logits = output.Logits ?? throw new InvalidOperationException($"{model.ClassName} returned no logits");
        return logits.Slice(1, logits.Shape[1] - 1, 1).Squeeze(1).To(DType.Float32).Contiguous();
    }

    /// <summary>Keeps a tensor until the session ends.</summary>
    private Tensor Own(Tensor tensor)
    {
        owned.Add(tensor);
        return tensor.Persist();
    }

    private Tensor Repeat(Tensor x)
    {
        Shape repeated = x.Rank == 2 ? [x.Shape[0], copies, x.Shape[1]] : [x.Shape[0], copies, x.Shape[1], x.Shape[2]];
        Shape flat = x.Rank == 2 ? [x.Shape[0] * copies, x.Shape[1]] : [x.Shape[0] * copies, x.Shape[1], x.Shape[2]];
        return x.Unsqueeze(1).Expand(repeated).Contiguous().Reshape(flat);
    }

    /// <summary>The prompts' mask followed by ones.</summary>
    private Tensor? GrownMask(int length)
    {
        if (mask is null)
            return null;
        var grown = Tensor.Ones([mask.Shape[0], length], DType.Int64);
        grown.Slice(1, 0, mask.Shape[1]).CopyFrom(mask);
        return grown;
    }

    /// <summary>The positions of tokens of padded rows, <c>[rows, count]</c>: the number of real tokens before each.</summary>
    private Tensor? Positions(int start, int count)
    {
        if (mask is null)
            return null;
        int rows = mask.Shape[0], promptLength = mask.Shape[1];
        var result = Tensor.Empty([rows, count], DType.Int64);
        var values = result.AsSpan<long>();
        var real = mask.AsSpan<long>();
        for (int row = 0; row < rows; row++)
        {
            long position = 0;
            for (int i = 0; i < start + count; i++)
            {
                bool isToken = i >= promptLength || real[(row * promptLength) + i] != 0;
                if (i >= start)
                    values[(row * count) + i - start] = isToken ? position : 0;
                position += isToken ? 1 : 0;
            }
        }

        return result;
    }
}
