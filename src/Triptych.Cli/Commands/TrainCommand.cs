using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;
using Triptych.Training;

namespace Triptych.Cli.Commands;

/// <summary>Trains a model by a recipe, showing how far it is.</summary>
internal sealed class TrainCommand : CliCommand
{
    public const string Summary = "Train a model by a recipe.";

    private readonly Argument<string> recipe = new("RECIPE") { Description = "The recipe, a JSON file." };
    private readonly Option<string?> data = new("--data") { Description = "The folder of the data that the recipe names; TRIPTYCH_DATA without it.", HelpName = "DIR" };
    private readonly Option<string> output = new("--output", "-o") { Description = "The folder to save the model in.", HelpName = "DIR", Required = true };
    private readonly Option<bool> resume = new("--resume") { Description = "Go on from the last checkpoint of an interrupted run." };
    private readonly Option<bool> json = new("--json") { Description = "Print the result as a JSON object." };

    public TrainCommand()
        : base("train", Summary)
    {
        Add(recipe);
        Add(data);
        Add(output);
        Add(resume);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych train models/gpt2-stories/recipe.json --data ./data --output ./out", "train an embedded model anew"),
        ("triptych train models/gpt2-stories/recipe.json --data ./data --output ./out --resume", "go on after an interruption"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var options = new RecipeOptions(arguments.GetRequiredValue(output))
        {
            DataFolder = arguments.GetValue(data),
            Resume = arguments.GetValue(resume),
        };
        using var display = new TrainingDisplay(terminal);
        var result = RecipeRunner.Run(arguments.GetRequiredValue(recipe), options, display, cancellationToken);
        display.Dispose();
        if (arguments.GetValue(json))
        {
            JsonLine.Write(terminal.Out, writer => WriteResult(writer, result));
            return Task.CompletedTask;
        }

        var table = new Table(("data", Align.Left), ("loss", Align.Right), ("perplexity", Align.Right), ("accuracy", Align.Right), ("labels", Align.Right));
        foreach (var (name, figures) in new[] { ("validation", result.Validation), ("test", result.Test) })
        {
            if (figures is not null)
                table.Add(name, $"{figures.Loss:F4}", $"{figures.Perplexity:F2}", $"{figures.Accuracy:P1}", $"{figures.Labels:N0}");
        }

        if (table.RowCount > 0)
            table.Write(terminal);
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Output}: {result.Parameters:N0} parameters"));
        return Task.CompletedTask;
    }

    private static void WriteResult(Utf8JsonWriter json, RecipeResult result)
    {
        json.WriteStartObject();
        json.WriteString("output", result.Output);
        json.WriteNumber("parameters", result.Parameters);
        WriteFigures(json, "validation", result.Validation);
        WriteFigures(json, "test", result.Test);
        json.WriteEndObject();
    }

    private static void WriteFigures(Utf8JsonWriter json, string name, EvaluationResult? figures)
    {
        if (figures is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("loss", figures.Loss);
        json.WriteNumber("accuracy", figures.Accuracy);
        json.WriteNumber("labels", figures.Labels);
        json.WriteEndObject();
    }
}
