using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Triptych.Cli;

/// <summary>The usual help text with the command's examples under it.</summary>
internal sealed class HelpText(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    /// <summary>Puts it in place of the help of a root command.</summary>
    public static void AddTo(Command root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        usual.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        IReadOnlyList<(string CommandLine, string Purpose)> examples =
            parseResult.CommandResult.Command is CliCommand command ? command.Examples : Overview;
        output.WriteLine("Examples:");
        foreach (var (commandLine, purpose) in examples)
        {
            output.WriteLine($"  # {purpose}");
            output.WriteLine($"  {commandLine}");
        }

        output.WriteLine();
        return ExitCodes.Done;
    }

    private static IReadOnlyList<(string CommandLine, string Purpose)> Overview =>
    [
        ("triptych demo", "see it at work, offline"),
        ("triptych run text-classification \"This movie was absolutely fantastic!\"", "classify a text with the embedded model"),
        ("triptych run text-generation \"Once upon a time\" --model ./gpt2", "continue a text with a checkpoint of yours"),
        ("triptych inspect ./bert-base-uncased", "see what a checkpoint is and what it can do"),
    ];
}
