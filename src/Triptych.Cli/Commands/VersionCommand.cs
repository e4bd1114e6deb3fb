using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Triptych.Cli.Commands;

/// <summary>Says which version runs, and on what.</summary>
internal sealed class VersionCommand() : CliCommand("version", Summary)
{
    public const string Summary = "Show the version and what it runs on.";

    public override IReadOnlyList<(string CommandLine, string Purpose)> Examples =>
        [("triptych version", "what to put in a bug report")];

    public override Task ExecuteAsync(ParseResult arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        string version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        string vectors = Vector512.IsHardwareAccelerated ? "512-bit vectors"
            : Vector256.IsHardwareAccelerated ? "256-bit vectors"
            : "128-bit vectors";
        terminal.Out.WriteLine($"triptych {version}");
        terminal.Out.WriteLine(
            $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}, {Environment.ProcessorCount} processors, {vectors}");
        return Task.CompletedTask;
    }
}
