using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tensors;
using Triptych.Tokenizers;

namespace Triptych.Cli.Commands;

/// <summary>Continues token ids or a text, and says which ids came of it.</summary>
internal sealed class GenerateCommand : CliCommand
{
    public const string Summary = "Generate tokens from a prompt or from token ids.";

    private readonly Argument<string> model = new("MODEL") { Description = "A model folder or an embedded model." };
    private readonly Option<string?> prompt = new("--prompt") { Description = "The text to continue, or to answer to.", HelpName = "TEXT" };

    private readonly Option<int[]?> ids = new("--ids")
    {
        Description = "The token ids to continue; needs no tokenizer.",
        HelpName = "1,2,3",
        CustomParser = ParseIds,
    };

    private readonly Option<bool> json = new("--json") { Description = "Print a JSON object a line: prompt_ids, ids, new_ids, text." };
    private readonly GenerationArguments generation = new();

    public GenerateCommand()
        : base("generate", Summary)
    {
        Add(model);
        Add(prompt);
        Add(ids);
        Add(json);
        generation.AddTo(this);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych generate gpt2-stories --prompt \"Once upon a time\" --max-new-tokens 40", "continue a text greedily"),
        ("triptych generate ./gpt2 --ids 464,3290 --max-new-tokens 5 --json", "continue token ids"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string? text = arguments.GetValue(prompt);
        int[]? given = arguments.GetResult(ids) is null ? null : arguments.GetValue(ids);
        if ((text is null) == (given is null))
            throw new UsageException("give either --prompt TEXT or --ids 1,2,3");
        var options = generation.Read(arguments);

        string folder = EmbeddedModels.Resolve(arguments.GetRequiredValue(model));
        using var scope = new TensorScope();
        using var network = PretrainedModel.Load(folder);
        var tokenizer = text is null ? TryLoadTokenizer(folder) : AutoTokenizer.Load(folder);
        int[] promptIds = given ?? tokenizer!.Encode(text!).Ids;
        var result = new TextGenerator(network, tokenizer).Generate([promptIds], options, cancellationToken);
        for (int row = 0; row < result.Sequences.Count; row++)
        {
            int[] newIds = [.. result.Generated(row)];
            string? written = tokenizer?.Decode(newIds);
            if (arguments.GetValue(json))
                JsonLine.Write(terminal.Out, writer => WriteResult(writer, promptIds, [.. result.Sequences[row].Take(result.PromptLength + newIds.Length)], newIds, written));
            else
                terminal.Out.WriteLine(written ?? string.Join(',', newIds));
        }

        return Task.CompletedTask;
    }

    private static void WriteResult(Utf8JsonWriter json, int[] promptIds, int[] allIds, int[] newIds, string? text)
    {
        json.WriteStartObject();
        WriteIds(json, "prompt_ids", promptIds);
        WriteIds(json, "ids", allIds);
        WriteIds(json, "new_ids", newIds);
        json.WriteString("text", text);
        json.WriteEndObject();
    }

    private static void WriteIds(Utf8JsonWriter json, string name, int[] ids)
    {
        json.WriteStartArray(name);
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private static Tokenizer? TryLoadTokenizer(string folder)
    {
        try
        {
            return AutoTokenizer.Load(folder);
        }
        catch (TokenizerException)
        {
            return null;
        }
    }

    private static int[]? ParseIds(ArgumentResult result)
    {
        var parsed = new List<int>();
        foreach (string part in result.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!int.TryParse(part, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int id))
            {
                result.AddError($"--ids: '{part}' is not a token id.");
                return null;
            }

            parsed.Add(id);
        }

        return [.. parsed];
    }
}
