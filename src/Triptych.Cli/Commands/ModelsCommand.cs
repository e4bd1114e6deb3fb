using System.CommandLine;
using Triptych.Cli.Rendering;
using Triptych.Models;

namespace Triptych.Cli.Commands;

/// <summary>Lists the architectures that can be loaded and what each can do.</summary>
internal sealed class ModelsCommand : CliCommand
{
    public const string Summary = "List the supported architectures and tasks.";

    private readonly Option<bool> markdown = new("--markdown") { Description = "Print the table as Markdown." };
    private readonly Option<bool> json = new("--json") { Description = "Print a JSON array." };

    public ModelsCommand()
        : base("models", Summary)
    {
        Add(markdown);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych models", "see which model_type values load, and the tasks of each"),
        ("triptych models --markdown", "make the table of the README"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(json))
        {
            WriteJson(terminal.Out);
            return Task.CompletedTask;
        }

        var table = new Table(
            ("model_type", Align.Left), ("family", Align.Left), ("positions", Align.Left), ("norm", Align.Left), ("tasks", Align.Left));
        foreach (var architecture in ModelRegistry.Architectures)
            table.Add(architecture.ModelType, Names.Of(architecture.Family), architecture.Positions, architecture.Norm, string.Join(", ", TasksOf(architecture)));
        if (arguments.GetValue(markdown))
            table.WriteMarkdown(terminal.Out);
        else
            table.Write(terminal);
        return Task.CompletedTask;
    }

    private static IEnumerable<string> TasksOf(Architecture architecture) =>
        architecture.Tasks().Where(task => task.IsSupported).Select(task => task.Task);

    private static void WriteJson(TextWriter output) => JsonLine.Write(output, json =>
    {
        json.WriteStartArray();
        foreach (var architecture in ModelRegistry.Architectures)
        {
            json.WriteStartObject();
            json.WriteString("model_type", architecture.ModelType);
            json.WriteString("family", Names.Of(architecture.Family));
            json.WriteStartArray("tasks");
            foreach (string task in TasksOf(architecture))
                json.WriteStringValue(task);
            json.WriteEndArray();
            json.WriteStartArray("classes");
            foreach (var modelClass in architecture.Classes)
                json.WriteStringValue(modelClass.Name);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
