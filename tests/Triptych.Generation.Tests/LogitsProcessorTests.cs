using System.Text.Json.Nodes;
using Triptych.Generation.Processors;

namespace Triptych.Generation.Tests;

/// <summary>Every processor against transformers' scores.</summary>
public sealed class LogitsProcessorTests
{
    public static TheoryData<string> Names => [.. Goldens.Cases("processors").Select(pair => pair.Key)];

    [Theory]
    [MemberData(nameof(Names))]
    public void MatchesTransformers(string name)
    {
        using var file = Goldens.Tensors("processors/golden");
        int[][] tokens = Goldens.Rows(file.Load($"{name}.in.input_ids"));
        var scores = file.Load($"{name}.in.scores").Clone();
        int[][] encoder = file.Entries.ContainsKey($"{name}.in.encoder_input_ids") ? Goldens.Rows(file.Load($"{name}.in.encoder_input_ids")) : [];
        float[] expected = file.Load($"{name}.out.scores").ToFloats();
        int vocabSize = scores.Shape[1];

        foreach (var arguments in Goldens.Cases("processors")[name]!.AsArray())
        {
            var processor = Create(arguments!.AsObject(), encoder, vocabSize);
            for (int row = 0; row < tokens.Length; row++)
                processor.Apply(tokens[row], scores.AsSpan<float>().Slice(row * vocabSize, vocabSize), row);
        }

        float[] actual = scores.ToFloats();
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsFinite(expected[i]) && MathF.Abs(expected[i]) < 1e30f)
                Assert.Equal(expected[i], actual[i], 1e-5f * MathF.Max(1, MathF.Abs(expected[i])));
            else
                Assert.Equal(expected[i], actual[i]);
        }
    }

    [Fact]
    public void BadWordOutsideOfTheVocabularyIsNamed()
    {
        var error = Assert.Throws<ArgumentException>(() => SequenceBias.Forbid([[3, 99]], [], 60));
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
    }

    private static LogitsProcessor Create(JsonObject a, int[][] encoder, int vocabSize)
    {
        int[] eos = a["eos_token_id"] is { } id ? Goldens.Ids(id) : [];
        int keep = (int?)a["min_tokens_to_keep"] ?? 1;
        return (string?)a["processor"] switch
        {
            "TemperatureLogitsWarper" => new Temperature((double)a["temperature"]!),
            "TopKLogitsWarper" => new TopK((int)a["top_k"]!, keep),
            "TopPLogitsWarper" => new TopP((double)a["top_p"]!, keep),
            "TopHLogitsWarper" => new TopH((double)a["top_h"]!),
            "MinPLogitsWarper" => new MinP((double)a["min_p"]!, keep),
            "TypicalLogitsWarper" => new Typical((double)a["mass"]!, keep),
            "EpsilonLogitsWarper" => new Epsilon((double)a["epsilon"]!, keep),
            "EtaLogitsWarper" => new Eta((double)a["epsilon"]!, keep),
            "RepetitionPenaltyLogitsProcessor" => new RepetitionPenalty((double)a["penalty"]!, (int?)a["prompt_ignore_length"] ?? 0),
            "EncoderRepetitionPenaltyLogitsProcessor" => new EncoderRepetitionPenalty((double)a["penalty"]!, encoder),
            "NoRepeatNGramLogitsProcessor" => new NoRepeatNgram((int)a["ngram_size"]!),
            "EncoderNoRepeatNGramLogitsProcessor" => new EncoderNoRepeatNgram((int)a["encoder_ngram_size"]!, encoder),
            "NoBadWordsLogitsProcessor" => SequenceBias.Forbid(a["bad_words_ids"]!.AsArray().Select(word => Goldens.Ids(word!)), eos, vocabSize),
            "SequenceBiasLogitsProcessor" => new SequenceBias(
                a["sequence_bias"]!.AsArray().Select(b => ((IReadOnlyList<int>)Goldens.Ids(b![0]!), (float)b[1]!)), vocabSize, "SequenceBias"),
            "MinLengthLogitsProcessor" => new MinLength((int)a["min_length"]!, eos),
            "MinNewTokensLengthLogitsProcessor" => new MinLength((int)a["prompt_length_to_skip"]! + (int)a["min_new_tokens"]!, eos),
            "ForcedBOSTokenLogitsProcessor" => new ForcedBosToken((int)a["bos_token_id"]!),
            "ForcedEOSTokenLogitsProcessor" => new ForcedEosToken((int)a["max_length"]!, eos),
            "ExponentialDecayLengthPenalty" => new ExponentialDecayLengthPenalty(
                (int)a["exponential_decay_length_penalty"]![0]! + (int)a["input_ids_seq_length"]!, (double)a["exponential_decay_length_penalty"]![1]!, eos),
            "SuppressTokensLogitsProcessor" => new SuppressTokens(Goldens.Ids(a["suppress_tokens"]!)),
            "SuppressTokensAtBeginLogitsProcessor" => new SuppressTokens(Goldens.Ids(a["begin_suppress_tokens"]!), (int)a["begin_index"]!),
            "InfNanRemoveLogitsProcessor" => new InfNanRemove(),
            "LogitNormalization" => new LogitNormalization(),
            var other => throw new InvalidOperationException($"unknown processor {other}"),
        };
    }
}
