using Triptych.Tokenizers.Pipeline;

namespace Triptych.Tokenizers.Loading;

/// <summary>The post-processors of a tokenizer.json.</summary>
internal static partial class TokenizerReader
{
    private static PostProcessor ReadPostProcessor(JsonValue json, int depth) => TypeOf(json, depth) switch
    {
        "TemplateProcessing" => ReadTemplate(json),
        "BertProcessing" => ReadBertProcessing(json),
        "RobertaProcessing" => ReadRobertaProcessing(json),
        "ByteLevel" => json.Bool("trim_offsets", true)
            ? new TrimOffsetsProcessor(json.Bool("add_prefix_space", true)) : new SequencePostProcessor([]),
        "Sequence" => ReadPostProcessors(json, depth),
        string type => throw json.Fail($"unknown post-processor type \"{type}\""),
    };

    private static SequencePostProcessor ReadPostProcessors(JsonValue json, int depth)
    {
        var sequence = new SequencePostProcessor([.. json.Required("processors").Items().Select(part => ReadPostProcessor(part, depth + 1))]);
        return sequence.Flatten().OfType<TemplateProcessor>().Count() <= 1 ? sequence
            : throw json.Fail("more than one of the processors inserts special tokens");
    }

    public static TemplateProcessor ReadTemplate(JsonValue json)
    {
        var special = new Dictionary<string, (int[] Ids, string[] Tokens)>(StringComparer.Ordinal);
        foreach ((string name, JsonValue value) in json.Required("special_tokens").Members())
        {
            int[] ids = [.. value.Required("ids").Items().Select(id => id.AsId())];
            string[] tokens = [.. value.Required("tokens").Items().Select(token => token.AsString())];
            special[name] = ids.Length == tokens.Length ? (ids, tokens) : throw value.Fail("\"ids\" and \"tokens\" differ in length");
        }

        TemplatePiece ReadPiece(JsonValue piece, bool pair)
        {
            if (piece.Member("Sequence") is JsonValue sequence)
            {
                int index = sequence.Required("id").AsString() switch
                {
                    "A" => 0,
                    "B" when pair => 1,
                    string id => throw sequence.Fail($"unknown sequence \"{id}\""),
                };
                return new TemplatePiece(index, [], [], sequence.Int("type_id", 0));
            }

            JsonValue token = piece.Required("SpecialToken");
            string name = token.Required("id").AsString();
            return special.TryGetValue(name, out var found)
                ? new TemplatePiece(-1, found.Ids, found.Tokens, token.Int("type_id", 0))
                : throw token.Fail($"special token \"{name}\" is not described");
        }

        return new TemplateProcessor(
            [.. json.Required("single").Items().Select(piece => ReadPiece(piece, pair: false))],
            [.. json.Required("pair").Items().Select(piece => ReadPiece(piece, pair: true))]);
    }

    private static TemplateProcessor ReadBertProcessing(JsonValue json)
    {
        TemplatePiece cls = ReadTokenPair(json.Required("cls"));
        TemplatePiece sep = ReadTokenPair(json.Required("sep"));
        return new TemplateProcessor(
            [cls, Sequence(0, 0), sep], [cls, Sequence(0, 0), sep, Sequence(1, 1), sep with { TypeId = 1 }]);
    }

    private static PostProcessor ReadRobertaProcessing(JsonValue json)
    {
        TemplatePiece cls = ReadTokenPair(json.Required("cls"));
        TemplatePiece sep = ReadTokenPair(json.Required("sep"));
        var template = new TemplateProcessor(
            [cls, Sequence(0, 0), sep], [cls, Sequence(0, 0), sep, sep, Sequence(1, 0), sep]);
        return json.Bool("trim_offsets", true)
            ? new SequencePostProcessor([new TrimOffsetsProcessor(json.Bool("add_prefix_space", true)), template]) : template;
    }

    private static TemplatePiece Sequence(int index, int typeId) => new(index, [], [], typeId);

    private static TemplatePiece ReadTokenPair(JsonValue json)
    {
        JsonValue[] pair = [.. json.Items()];
        return pair.Length == 2 ? new TemplatePiece(-1, [pair[1].AsId()], [pair[0].AsString()], 0)
            : throw json.Fail("expected a token and its id");
    }
}
