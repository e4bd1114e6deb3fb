using System.Text.Json.Nodes;
using Triptych.Formats;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.TestSupport;

namespace Triptych.Generation.Tests;

/// <summary>The fixtures of transformers: checkpoints, cases, expected tensors.</summary>
internal static class Goldens
{
    private static readonly Dictionary<string, PretrainedModel> Models = [];

    public static PretrainedModel Model(string name)
    {
        lock (Models)
            return Models.TryGetValue(name, out var model) ? model : Models[name] = PretrainedModel.Load(Fixtures.Path($"generation/{name}"));
    }

    public static JsonObject Cases(string name) =>
        JsonNode.Parse(File.ReadAllText(Fixtures.Path($"generation/{name}/cases.json")))!.AsObject();

    public static SafetensorsFile Tensors(string file) => SafetensorsFile.Open(Fixtures.Path($"generation/{file}.safetensors"));

    /// <summary>The rows of a matrix of ids.</summary>
    public static int[][] Rows(Tensor matrix)
    {
        long[] values = matrix.To(DType.Int64).ToArray<long>();
        return [.. values.Chunk(matrix.Shape[1]).Select(row => row.Select(id => (int)id).ToArray())];
    }

    public static int[] Ids(JsonNode node) => node is JsonArray list ? [.. list.Select(id => (int)id!)] : [(int)node];

    /// <summary>generate()'s arguments as options.</summary>
    public static GenerationOptions Options(JsonObject arguments)
    {
        var options = new GenerationOptions();
        foreach (var (name, value) in arguments)
        {
            options = name switch
            {
                "prompt" => options,
                "eos_token_id" => options with { EosTokenIds = Ids(value!) },
                "do_sample" => options with { DoSample = (bool)value! },
                "num_beams" => options with { NumBeams = (int)value! },
                "max_new_tokens" => options with { MaxNewTokens = (int)value! },
                "min_new_tokens" => options with { MinNewTokens = (int)value! },
                "length_penalty" => options with { LengthPenalty = (double)value! },
                "early_stopping" => options with
                {
                    EarlyStopping = value!.GetValueKind() == System.Text.Json.JsonValueKind.String ? EarlyStopping.Never : EarlyStopping.FirstCandidates,
                },
                "no_repeat_ngram_size" => options with { NoRepeatNgramSize = (int)value! },
                "num_return_sequences" => options with { NumReturnSequences = (int)value! },
                "repetition_penalty" => options with { RepetitionPenalty = (double)value! },
                "forced_eos_token_id" => options with { ForcedEosTokenIds = Ids(value!) },
                "bad_words_ids" => options with { BadWordsIds = [.. value!.AsArray().Select(word => Ids(word!))] },
                _ => throw new InvalidOperationException($"unknown argument {name}"),
            };
        }

        return options;
    }
}
