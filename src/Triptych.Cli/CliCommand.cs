using System.CommandLine;

namespace Triptych.Cli;

/// <summary>A command of the tool: its arguments, its examples, what it does.</summary>
internal abstract class CliCommand(string name, string description) : Command(name, description)
{
    /// <summary>Command lines for the help text, each with what it does.</summary>
    public abstract IReadOnlyList<(string CommandLine, string Purpose)> Examples { get; }

    /// <summary>Does the work; results to <see cref="Terminal.Out"/>, errors as exceptions whose message says what and why.</summary>
    public abstract Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken);
}
