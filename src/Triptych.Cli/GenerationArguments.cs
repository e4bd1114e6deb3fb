using System.CommandLine;
using Triptych.Generation;
using Triptych.Tensors;
using static Triptych.Cli.NumberOption;

namespace Triptych.Cli;

/// <summary>The options of generation, spelt as Hugging Face spells its arguments.</summary>
internal sealed class GenerationArguments
{
    private readonly Option<int?> maxNewTokens = Count("--max-new-tokens", "The most tokens to generate.", 1);
    private readonly Option<int?> maxLength = Count("--max-length", "The most tokens of the result, the prompt included.", 1);
    private readonly Option<int?> minNewTokens = Count("--min-new-tokens", "The fewest tokens to generate.", 0);
    private readonly Option<int?> minLength = Count("--min-length", "The fewest tokens of the result, the prompt included.", 0);
    private readonly Option<bool> doSample = new("--do-sample") { Description = "Draw tokens by their probability." };
    private readonly Option<bool> greedy = new("--greedy") { Description = "Take the likeliest token each time." };
    private readonly Option<double?> temperature = Number("--temperature", "Below 1 bolder, above 1 more random; implies --do-sample.", 0);
    private readonly Option<int?> topK = Count("--top-k", "Draw from the K likeliest tokens; implies --do-sample.", 0);
    private readonly Option<double?> topP = Number("--top-p", "Draw from the likeliest tokens whose probabilities reach P; implies --do-sample.", 0);
    private readonly Option<double?> repetitionPenalty = Number("--repetition-penalty", "Above 1: make tokens that occurred less likely.", 0);
    private readonly Option<int?> noRepeatNgramSize = Count("--no-repeat-ngram-size", "Let no N tokens in a row occur twice.", 0);
    private readonly Option<int?> numBeams = Count("--num-beams", "Beams of beam search; 1 for none.", 1);
    private readonly Option<double?> lengthPenalty = new("--length-penalty") { Description = "Beam search: above 0 favours long results.", HelpName = "X" };
    private readonly Option<int?> numReturnSequences = Count("--num-return-sequences", "Results for each input.", 1);
    private readonly Option<ulong?> seed = new("--seed") { Description = "Makes the draws repeatable.", HelpName = "N" };
    private readonly Option<DType?> cacheType = CacheTypeOption.Create();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])
            [
                maxNewTokens, maxLength, minNewTokens, minLength, doSample, greedy, temperature, topK, topP, repetitionPenalty,
                noRepeatNgramSize, numBeams, lengthPenalty, numReturnSequences, seed, cacheType,
            ])
        {
            command.Add(option);
        }
    }

    /// <summary>What the command line says; null where it says nothing.</summary>
    /// <exception cref="UsageException">Two options contradict each other.</exception>
    public GenerationOptions Read(ParseResult arguments)
    {
        double? heat = arguments.GetValue(temperature);
        bool draws = arguments.GetValue(doSample) || heat > 0 || arguments.GetValue(topK) is not null || arguments.GetValue(topP) is not null;
        bool takesLikeliest = arguments.GetValue(greedy) || heat == 0;
        if (draws && takesLikeliest)
            throw new UsageException("--greedy and --temperature 0 contradict --do-sample, --temperature, --top-k and --top-p");
        return new GenerationOptions
        {
            MaxNewTokens = arguments.GetValue(maxNewTokens),
            MaxLength = arguments.GetValue(maxLength),
            MinNewTokens = arguments.GetValue(minNewTokens),
            MinLength = arguments.GetValue(minLength),
            DoSample = draws ? true : takesLikeliest ? false : null,
            Temperature = heat == 0 ? null : heat,
            TopK = arguments.GetValue(topK),
            TopP = arguments.GetValue(topP),
            RepetitionPenalty = arguments.GetValue(repetitionPenalty),
            NoRepeatNgramSize = arguments.GetValue(noRepeatNgramSize),
            NumBeams = arguments.GetValue(numBeams),
            LengthPenalty = arguments.GetValue(lengthPenalty),
            NumReturnSequences = arguments.GetValue(numReturnSequences),
            Seed = arguments.GetValue(seed),
            CacheType = arguments.GetValue(cacheType),
        };
    }
}
