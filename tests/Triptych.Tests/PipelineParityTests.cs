using System.Text.Json;
using System.Text.Json.Nodes;
using Triptych.Generation;
using Triptych.TestSupport;

namespace Triptych.Tests;

/// <summary>Every task against transformers' pipelines, field by field.</summary>
public sealed class PipelineParityTests
{
    private const double Tolerance = 1e-4;

    private static readonly JsonArray Cases = JsonNode.Parse(File.ReadAllText(Fixtures.Path("pipelines/cases.json")))!.AsArray();

    public static TheoryData<int, string> Numbers
    {
        get
        {
            var data = new TheoryData<int, string>();
            for (int i = 0; i < Cases.Count; i++)
                data.Add(i, $"{Cases[i]!["task"]} {Cases[i]!["model"]} {Cases[i]!["options"]!.ToJsonString()}");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task MatchesTransformers(int number, string name)
    {
        var expected = Cases[number]!;
        var options = expected["options"]!.AsObject();
        string actual = await Run((string)expected["task"]!, Fixtures.Path($"pipelines/{expected["model"]}"), expected["input"]!, options);
        AssertSame(expected["result"]!, JsonNode.Parse(actual)!, name);
    }

    private static async Task<string> Run(string task, string model, JsonNode input, JsonObject options)
    {
        var token = TestContext.Current.CancellationToken;
        switch (task)
        {
            case "text-classification":
            {
                using var pipeline = await TextClassificationPipeline.CreateAsync(model, cancellationToken: token);
                var text = input is JsonObject pair ? new TextInput((string)pair["text"]!, (string)pair["text_pair"]!) : new TextInput((string)input!);
                var result = await pipeline.RunAsync(text, new TextClassificationOptions
                {
                    TopK = (int?)options["top_k"] ?? 1,
                    ScoreFunction = Enum.Parse<ScoreFunction>((string?)options["function_to_apply"] ?? "auto", ignoreCase: true),
                }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.IReadOnlyListClassificationResult);
            }

            case "feature-extraction":
            {
                using var pipeline = await FeatureExtractionPipeline.CreateAsync(model, cancellationToken: token);
                return JsonSerializer.Serialize(await pipeline.RunAsync((string)input!, cancellationToken: token), PipelineJson.Default.SingleArrayArray);
            }

            case "fill-mask":
            {
                using var pipeline = await FillMaskPipeline.CreateAsync(model, cancellationToken: token);
                var result = await pipeline.RunAsync((string)input!, new FillMaskOptions
                {
                    TopK = (int?)options["top_k"] ?? 5, Targets = options["targets"]?.AsArray().Select(t => (string)t!).ToList(),
                }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.FillMaskResult);
            }

            case "token-classification":
            {
                using var pipeline = await TokenClassificationPipeline.CreateAsync(model, cancellationToken: token);
                var result = await pipeline.RunAsync((string)input!, new TokenClassificationOptions
                {
                    AggregationStrategy = Enum.Parse<AggregationStrategy>((string)options["aggregation_strategy"]!, ignoreCase: true),
                }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.IReadOnlyListEntity);
            }

            case "question-answering":
            {
                using var pipeline = await QuestionAnsweringPipeline.CreateAsync(model, cancellationToken: token);
                var result = await pipeline.RunAsync((string)input["question"]!, (string)input["context"]!, new QuestionAnsweringOptions
                {
                    TopK = (int?)options["top_k"] ?? 1,
                    HandleImpossibleAnswer = (bool?)options["handle_impossible_answer"] ?? false,
                    MaxAnswerLength = (int?)options["max_answer_len"] ?? 15,
                    DocStride = (int?)options["doc_stride"] ?? 128,
                    MaxSequenceLength = (int?)options["max_seq_len"] ?? 384,
                }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.IReadOnlyListAnswer);
            }

            case "text-generation":
            {
                using var pipeline = await TextGenerationPipeline.CreateAsync(model, cancellationToken: token);
                var result = await pipeline.RunAsync((string)input!, new TextGenerationOptions
                {
                    Generation = GenerationOf(options), ReturnFullText = (bool?)options["return_full_text"] ?? true,
                }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.IReadOnlyListTextGenerationResult);
            }

            default:
            {
                using var pipeline = await SummarizationPipeline.CreateAsync(model, cancellationToken: token);
                var result = await pipeline.RunAsync((string)input!, new SummarizationOptions { Generation = GenerationOf(options) }, token);
                return JsonSerializer.Serialize(result, PipelineJson.Default.IReadOnlyListSummarizationResult);
            }
        }
    }

    private static GenerationOptions GenerationOf(JsonObject options) => new()
    {
        MaxNewTokens = (int?)options["max_new_tokens"],
        MaxLength = (int?)options["max_length"],
        MinLength = (int?)options["min_length"],
        DoSample = (bool?)options["do_sample"],
        NumBeams = (int?)options["num_beams"],
        NumReturnSequences = (int?)options["num_return_sequences"],
        RepetitionPenalty = (double?)options["repetition_penalty"],
    };

    private static void AssertSame(JsonNode expected, JsonNode actual, string where)
    {
        switch (expected)
        {
            case JsonArray list:
                Assert.True(list.Count == actual.AsArray().Count, $"{where}: {list.Count} expected, {actual.ToJsonString()}");
                for (int i = 0; i < list.Count; i++)
                    AssertSame(list[i]!, actual[i]!, $"{where}[{i}]");
                break;
            case JsonObject fields:
                Assert.Equal(fields.Select(f => f.Key).Order(), actual.AsObject().Select(f => f.Key).Order());
                foreach (var (key, value) in fields)
                    AssertSame(value!, actual[key]!, $"{where}.{key}");
                break;
            default:
                if (expected.GetValueKind() == JsonValueKind.Number)
                    Assert.True(Math.Abs((double)expected - (double)actual) <= Tolerance * Math.Max(1, Math.Abs((double)expected)), $"{where}: {expected} expected, {actual}");
                else
                    Assert.True((string)expected! == (string)actual!, $"{where}: '{expected}' expected, '{actual}'");
                break;
        }
    }
}
