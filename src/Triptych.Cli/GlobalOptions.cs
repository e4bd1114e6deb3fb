using System.CommandLine;

namespace Triptych.Cli;

/// <summary>What every command understands.</summary>
internal sealed class GlobalOptions
{
    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show the stack trace of a failure.", Recursive = true };

    public Option<bool> Plain { get; } = new("--plain")
    {
        Description = "Plain text without colours, boxes and bars; so it is anyway when the output is not a terminal.",
        Recursive = true,
    };

    public Option<int?> Threads { get; } =
        NumberOption.Count("--threads", "Threads to compute with; TRIPTYCH_THREADS or one a processor without it.", least: 1);

    public void AddTo(Command root)
    {
        Threads.Recursive = true;
        root.Add(Verbose);
        root.Add(Plain);
        root.Add(Threads);
    }
}
