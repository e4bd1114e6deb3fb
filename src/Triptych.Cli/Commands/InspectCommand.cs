using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Triptych.Cli.Rendering;

namespace Triptych.Cli.Commands;

/// <summary>The architecture check: what checkpoints are, and what they can and cannot do.</summary>
internal sealed class InspectCommand : CliCommand
{
    public const string Summary = "Show what a checkpoint is, and what it can and cannot do.";

    private readonly Argument<string[]> models = new("MODEL") { Description = "Model folders or embedded models.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> json = new("--json") { Description = "Print a JSON object for each model, one a line." };

    public InspectCommand()
        : base("inspect", Summary)
    {
        Add(models);
        Add(json);
    }

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
    [
        ("triptych inspect ./bert-base-uncased", "see the family, the sizes and the tasks of a checkpoint"),
        ("triptych inspect distilbert-sentiment gpt2-stories bart-summary", "compare the embedded models"),
    ];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string[] names = arguments.GetRequiredValue(models);
        var reports = names.Select(name => (Name: NameOf(name), Report: ArchitectureReport.Of(name))).ToList();
        if (arguments.GetValue(json))
        {
            foreach (var (_, report) in reports)
                JsonLine.Write(terminal.Out, writer => JsonSerializer.Serialize(writer, report, PipelineJson.Default.ArchitectureReport));
            return Task.CompletedTask;
        }

        if (terminal.IsDecorated)
            WriteFacts(terminal, reports);
        foreach (var (name, report) in reports)
        {
            if (!terminal.IsDecorated)
                WriteFacts(terminal, [(name, report)]);
            WriteTasks(terminal, name, report);
            if (!terminal.IsDecorated && report != reports[^1].Report)
                terminal.Out.WriteLine();
        }

        return Task.CompletedTask;
    }

    private static string NameOf(string model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));

    /// <summary>A row a fact, a column a model.</summary>
    private static void WriteFacts(Terminal terminal, IReadOnlyList<(string Name, ArchitectureReport Report)> reports)
    {
        var table = new Table([("", Align.Left), .. reports.Select(report => (report.Name, Align.Left))]);
        foreach (var (fact, of) in Facts)
            table.Add([fact, .. reports.Select(report => of(report.Report))]);
        table.Write(terminal);
    }

    private static void WriteTasks(Terminal terminal, string name, ArchitectureReport report)
    {
        var table = new Table(("task", Align.Left), ("can", Align.Left), ("why", Align.Left));
        foreach (var task in report.Tasks)
            table.Add(task.Task, task.IsSupported ? "yes" : "no", task.Reason);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"{name}: tasks");
        table.Write(terminal);
    }

    private static readonly (string Fact, Func<ArchitectureReport, string> Of)[] Facts =
    [
        ("model type", report => report.ModelType),
        ("architectures", report => string.Join(", ", report.Architectures)),
        ("family", report => report.Family),
        ("parameters", report => Count(report.Parameters)),
        ("active parameters", report => Count(report.ActiveParameters)),
        ("attention", report => report.Attention),
        ("objective", report => report.Objective),
        ("context length", report => Count(report.ContextLength)),
        ("layers", report => Count(report.Layers)),
        ("hidden size", report => Count(report.HiddenSize)),
        ("heads", report => $"{Count(report.Heads)} of {report.HeadDim}"),
        ("KV heads", report => Count(report.KeyValueHeads)),
        ("vocabulary", report => Count(report.VocabSize)),
        ("norm", report => report.Norm),
        ("positions", report => report.Positions),
        ("weights", report => $"{Bytes(report.WeightBytes)} ({string.Join(", ", report.WeightBytesByDType.Keys)})"),
        ("KV cache per token", report => report.CacheBytesPerToken == 0 ? "none" : Bytes(report.CacheBytesPerToken) +
            (report.CrossCacheBytesPerInputToken > 0 ? $", and {Bytes(report.CrossCacheBytesPerInputToken)} per input token" : "")),
        ("paper", report => report.Paper),
    ];

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(long value) => value < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{value / 1024.0:0.#} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{value / (double)(1 << 20):0.#} MiB");
}
